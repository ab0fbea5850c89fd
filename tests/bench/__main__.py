"""`make bench`: the budgets, measured, each beside its reference. Prints; never judges.

Every stream's bytes are checked by the driver, and a wrong one ends the run.
"""

import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil

from tests.bench import processes
from tests.bench.conversion import conversion_milliseconds
from tests.bench.processes import cpu_seconds, drive

RUNS = 3
BURST_EVENTS = 50_000
PACED_STREAMS, PACED_EVENTS, PACED_GAP = 200, 400, 20
MEMORY_STREAMS = 400


class Bench:
    """A gateway, its upstream and the two references."""

    def __init__(self, key: str, gateway: str, upstream: str, reference: str) -> None:
        self.key, self.gateway, self.upstream, self.reference = key, gateway, upstream, reference

    def job(self, where: str, *, streams: int, requests: int, events: int, gap: int) -> Any:
        want = f"bench(events={events},gap={gap})"
        sse = where == self.gateway
        message = (
            '{"model":"claude-sonnet-4.5","max_tokens":4096000,"stream":true,'
            f'"messages":[{{"role":"user","content":"{want}"}}]}}'
        )
        return {
            "url": where,
            "path": "/v1/messages" if sse else "/",
            "headers": {"x-api-key": self.key, "content-type": "application/json"},
            "body": message,
            "kind": "sse" if sse else "frames",
            "streams": streams,
            "requests": requests,
            "events": events,
        }

    def cpu_per_event(self, of: psutil.Process, where: str, **shape: int) -> float:
        """Microseconds of CPU that a process spends on each event."""
        before = cpu_seconds(of)
        drive(self.job(where, **shape))
        events = shape["streams"] * shape["requests"] * shape["events"]
        return (cpu_seconds(of) - before) / events * 1e6

    def first_tokens(self, where: str) -> list[float]:
        """Milliseconds to the first token of requests made one after the other."""
        result = drive(self.job(where, streams=1, requests=300, events=2, gap=0))
        return [seconds * 1000 for seconds in result["first_tokens"]][20:]


def line(name: str, figure: str, budget: str, reference: str = "") -> None:
    print(f"{name:<46} {figure:>16}   {budget:>16}   {reference}", flush=True)  # noqa: T201


def times(measure: Callable[[], float]) -> float:
    return median(measure() for _ in range(RUNS))


def percentiles(values: list[float]) -> tuple[float, float]:
    cuts = quantiles(values, n=100)
    return cuts[49], cuts[98]


def throughput(bench: Bench, gateway: psutil.Process, reference: psutil.Process) -> None:
    burst = {"streams": 1, "requests": 1, "events": BURST_EVENTS, "gap": 0}
    ours = times(lambda: bench.cpu_per_event(gateway, bench.gateway, **burst))
    theirs = times(lambda: bench.cpu_per_event(reference, bench.reference, **burst))
    line(
        "CPU per event, one stream at full speed",
        f"{ours:.2f} µs",
        "≤ 5 µs",
        f"raw pass-through {theirs:.2f} µs",
    )
    paced = {
        "streams": PACED_STREAMS,
        "requests": 1,
        "events": PACED_EVENTS,
        "gap": PACED_GAP,
    }
    ours = times(lambda: bench.cpu_per_event(gateway, bench.gateway, **paced))
    theirs = times(lambda: bench.cpu_per_event(reference, bench.reference, **paced))
    line(
        "CPU per event, 200 streams, one per 20 ms",
        f"{ours:.1f} µs",
        "≤ 60 µs",
        f"raw pass-through {theirs:.1f} µs, ratio {ours / theirs:.2f}",
    )


def latency(bench: Bench, name: str, budget: str) -> None:
    pairs = [
        (bench.first_tokens(bench.gateway), bench.first_tokens(bench.upstream)) for _ in range(RUNS)
    ]
    p50s, p99s, direct = [], [], []
    for ours, theirs in pairs:
        our50, our99 = percentiles(ours)
        their50, _ = percentiles(theirs)
        p50s.append(our50 - their50)
        p99s.append(our99 - their50)
        direct.append(their50)
    line(
        name,
        f"{median(p50s):.2f} / {median(p99s):.2f} ms",
        budget,
        f"direct {median(direct):.2f} ms",
    )


def memory(bench: Bench, gateway: psutil.Process) -> None:
    before = gateway.memory_info().rss
    job = bench.job(bench.gateway, streams=MEMORY_STREAMS, requests=1, events=1000, gap=100)
    with processes.held_streams(job):
        time.sleep(1)
        grown = gateway.memory_info().rss - before
    line(
        f"memory per open stream ({MEMORY_STREAMS} open)",
        f"{grown / MEMORY_STREAMS / 1024:.1f} KB",
        "≤ 48 KB",
    )


def main() -> None:
    print(  # noqa: T201
        f"{psutil.cpu_count()} cores, Python {platform.python_version()}, median of {RUNS} runs\n"
    )
    line("figure", "measured", "budget", "reference in the same run")
    with tempfile.TemporaryDirectory() as folder, processes.fake_upstream() as upstream:
        port = processes.free_port()
        environment = processes.gateway_environment(Path(folder), upstream, port)
        key = processes.seed(environment)
        starts = []
        for _ in range(RUNS):
            with processes.gateway(environment, port) as (_, seconds):
                starts.append(seconds)
        line("exec to first answer of /health (from source)", f"{median(starts):.2f} s", "≤ 1.0 s")
        with (
            processes.gateway(environment, port) as (gateway, _),
            processes.passthrough(upstream) as (reference, reference_url),
        ):
            bench = Bench(key, f"http://127.0.0.1:{port}", upstream, reference_url)
            drive(bench.job(bench.gateway, streams=1, requests=3, events=2, gap=0))
            idle = gateway.memory_info().rss / 2**20
            line("resident memory, idle", f"{idle:.0f} MB", "≤ 80 MB")
            memory(bench, gateway)
            latency(bench, "added first token, idle (p50 / p99)", "≤ 1.0 / 3 ms")
            busy = bench.job(bench.gateway, streams=100, requests=1, events=20_000, gap=20)
            with processes.held_streams(busy):
                latency(bench, "added first token, 100 streams (p50 / p99)", "≤ 2 / 6 ms")
            throughput(bench, gateway, reference)
    line("conversion of a 330 KB body", f"{times(conversion_milliseconds):.2f} ms", "≤ 3 ms")


if __name__ == "__main__":
    main()
