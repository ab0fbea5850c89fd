import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")


@contextmanager
def demo(temporary: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A running demo, and the lines it greeted with."""
    command = [sys.executable, "-m", "gateway", "demo", "--port", str(port)]
    environ = os.environ | {"TMPDIR": str(temporary)}
    with (
        (temporary / "log").open("w") as log,
        subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        lines: list[str] = []
        try:
            for line in process.stdout:
                lines.append(line.strip())
                if lines[-1] == "claude":
                    break
            else:
                pytest.fail((temporary / "log").read_text())
            yield process, lines
        finally:
            process.kill()


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def paste(lines: list[str]) -> bytes:
    """Do what the curl line in the greeting does."""
    (line,) = (line for line in lines if line.startswith("curl "))
    words = shlex.split(line)
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    (url,) = (word for word in words if word.startswith("http"))
    body = words[words.index("-d") + 1].encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as reply:
        return bytes(reply.read())


def shown(lines: list[str], label: str) -> str:
    return next(line.removeprefix(label).strip() for line in lines if line.startswith(label))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda sig: sig.name)
def test_the_demo_prints_lines_that_work_and_leaves_nothing_behind(
    ending: signal.Signals, tmp_path: Path, free_port: int
) -> None:
    with demo(tmp_path, free_port) as (process, lines):
        gateway, key = shown(lines, "Gateway"), shown(lines, "API key")
        simulator = shown(lines, "Simulator")
        assert gateway == f"http://127.0.0.1:{free_port}"
        assert f"export ANTHROPIC_BASE_URL={gateway}" in lines
        assert f"export ANTHROPIC_AUTH_TOKEN={key}" in lines
        assert len(list(tmp_path.glob("kiro-gateway-demo-*"))) == 1
        reply = paste(lines)
        assert reply.startswith(b"event: message_start\n")
        assert reply.endswith(b'data: {"type":"message_stop"}\n\n')
        process.send_signal(ending)
        assert process.wait(timeout=30) == 0
    assert not list(tmp_path.glob("kiro-gateway-demo-*"))
    assert not list((tmp_path / "home").iterdir())
    for url in (gateway, simulator):
        host, _, port = url.removeprefix("http://").partition(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port))).close()
    log = (tmp_path / "log").read_text()
    assert "route=/v1/messages" in log
    assert key not in log


def test_the_demo_takes_the_next_port_when_its_own_is_taken_and_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        with demo(tmp_path, port) as (process, lines):
            chosen = int(shown(lines, "Gateway").rpartition(":")[2])
            assert port < chosen < port + 50
            assert lines[0] == f"Port {port} is taken; using {chosen}."
            health = urllib.request.urlopen(f"http://127.0.0.1:{chosen}/health", timeout=30)
            with health:
                assert json.load(health)["status"] == "ok"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
