"""The processes of a benchmark: fake upstream, gateway, pass-through, load driver."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

COMMAND = [str(Path(sys.executable).with_name("kiro-gateway"))]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def process(*command: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(env or {})},
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(20)


def wait_for(url: str) -> float:
    """Seconds until `url` answers 200."""
    begun = time.perf_counter()
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return time.perf_counter() - begun
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.005)


@contextmanager
def fake_upstream() -> Iterator[str]:
    with process(sys.executable, "-m", "tests.bench.fake_upstream") as started:
        assert started.stdout is not None
        yield f"http://127.0.0.1:{int(started.stdout.readline())}"


def gateway_environment(folder: Path, upstream: str, port: int) -> dict[str, str]:
    return {
        "KIRO_GATEWAY_TENANT_DB_PATH": str(folder / "gateway.db"),
        "KIRO_GATEWAY_SERVER_HOST": "127.0.0.1",
        "KIRO_GATEWAY_SERVER_PORT": str(port),
        "KIRO_GATEWAY_SERVER_LOG_LEVEL": "warning",
        "KIRO_GATEWAY_CONFIG": str(folder / "config.yaml"),
        "HOME": str(folder),
        **{
            f"KIRO_GATEWAY_UPSTREAM_{name}_URL": upstream
            for name in ("RUNTIME", "MANAGEMENT", "OIDC", "AUTH", "PORTAL")
        },
    }


def seed(environment: dict[str, str]) -> str:
    """One account, one key; returns the key's secret."""
    Path(environment["KIRO_GATEWAY_CONFIG"]).write_text("{}\n", encoding="utf-8")
    full = {**os.environ, **environment}
    add = [*COMMAND, "accounts", "add", "bench", "--api-key-stdin"]
    subprocess.run(add, input="ksk_bench", text=True, check=True, env=full, capture_output=True)
    create = [*COMMAND, "keys", "create", "bench", "--account", "bench", "--json"]
    made = subprocess.run(create, text=True, check=True, env=full, capture_output=True)
    return str(json.loads(made.stdout)["key"])


@contextmanager
def gateway(environment: dict[str, str], port: int) -> Iterator[tuple[psutil.Process, float]]:
    """A running gateway and the seconds it took from exec to its first answer."""
    with process(*COMMAND, "serve", env=environment) as started:
        ready = wait_for(f"http://127.0.0.1:{port}/health")
        yield psutil.Process(started.pid), ready


@contextmanager
def passthrough(upstream: str) -> Iterator[tuple[psutil.Process, str]]:
    port = free_port()
    script = (sys.executable, "-m", "tests.bench.passthrough", upstream, str(port))
    with process(*script) as started:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except ConnectionError:
                time.sleep(0.01)
        yield psutil.Process(started.pid), f"http://127.0.0.1:{port}"


@contextmanager
def held_streams(job: dict[str, Any]) -> Iterator[None]:
    """Streams that stay open while the block runs."""
    with process(sys.executable, "-m", "tests.bench.driver") as started:
        assert started.stdin is not None
        assert started.stdout is not None
        started.stdin.write(json.dumps({**job, "hold": True}) + "\n")
        started.stdin.flush()
        if started.stdout.readline().strip() != "open":
            raise RuntimeError("the streams did not open")
        yield
        started.stdin.write("\n")
        started.stdin.flush()


def drive(job: dict[str, Any]) -> dict[str, Any]:
    """Run one job to its end in a driver of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.driver"],
        input=json.dumps(job) + "\n",
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-3000:])
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def cpu_seconds(of: psutil.Process) -> float:
    times = of.cpu_times()
    return float(times.user + times.system)
