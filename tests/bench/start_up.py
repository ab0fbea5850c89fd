"""How fast a kiro-gateway starts: `python -m tests.bench.start_up dist/kiro-gateway`.

Prints the median of several runs beside its budget, and the processor's time, which is what is left
on a machine that others use as well. Needs nothing but Python.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

RUNS = 9
VERSION_BUDGET = 0.3  # seconds
HEALTH_BUDGET = 1.0


class Cost(NamedTuple):
    """Seconds on the clock, and of the processor in all processes."""

    wall: float
    cpu: float


def to_the_end(*command: str | Path) -> Cost:
    """What a command takes."""
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return _since(before, os.times().elapsed)


def to_health(program: Path, home: Path) -> Cost:
    """What it takes until /health answers 200, and the processor's time of the end as well."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    environ = {**os.environ, "HOME": str(home), "USERPROFILE": str(home)}
    command = [str(program), "serve", "--host", "127.0.0.1", "--port", str(port)]
    before = os.times()
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(command, env=environ, cwd=home, stderr=log) as process,
    ):
        while not _is_healthy(port):
            if process.poll() is not None:
                raise SystemExit((home / "log").read_text())
        answered = os.times().elapsed
        process.terminate()
    return _since(before, answered)


def _since(before: os.times_result, until: float) -> Cost:
    now = os.times()
    user, system = now.children_user, now.children_system
    cpu = user + system - before.children_user - before.children_system
    return Cost(until - before.elapsed, cpu)


def _is_healthy(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            return connection.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        time.sleep(0.005)
        return False


def report(what: str, budget: float | None, run: Callable[[], Cost]) -> None:
    costs = [run() for _ in range(RUNS)]
    wall = statistics.median(cost.wall for cost in costs)
    cpu = statistics.median(cost.cpu for cost in costs)
    allowed = f"budget {budget:.1f} s" if budget else ""
    print(f"{what:32}{wall:6.2f} s   {allowed:14}   processor {cpu:.2f} s")  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("program", type=Path)
    program = parser.parse_args().program.resolve()
    report("Python itself", None, lambda: to_the_end(sys.executable, "-c", ""))
    report("--version", VERSION_BUDGET, lambda: to_the_end(program, "--version"))
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        to_health(program, home)
        report("exec to /health", HEALTH_BUDGET, lambda: to_health(program, home))

    def with_new_database() -> Cost:
        with tempfile.TemporaryDirectory() as name:
            return to_health(program, Path(name))

    report("exec to /health, new database", HEALTH_BUDGET, with_new_database)


if __name__ == "__main__":
    main()
