"""The binary is two processes and a folder; it must look like one process and none."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from gateway.cli.scratch import FILLING, IN_USE, MARKER
from gateway.simulator.server import RunningSimulator
from tests.binary.conftest import PATIENCE, Run, children, environment, serving, unpacked
from tests.gateway_process import GatewayProcess, Installation

if sys.platform == "win32":
    pytest.skip("signals and terminals are POSIX", allow_module_level=True)

import pty

pytestmark = pytest.mark.anyio

BODY = {
    "model": "claude-sonnet-4.5",
    "max_tokens": 100,
    "stream": True,
    "messages": [{"role": "user", "content": "Hi"}],
}
END = b'data: {"type":"message_stop"}\n\n'


def press_ctrl_c(gateway: GatewayProcess, terminal: int) -> None:
    os.write(terminal, b"\x03")


def stop_unit(gateway: GatewayProcess, _: int) -> None:
    """As systemd does: each process of the unit is sent the signal."""
    for child in children(gateway.process):
        child.terminate()
    gateway.terminate()


def hang_up(gateway: GatewayProcess, _: int) -> None:
    os.killpg(gateway.process.pid, signal.SIGHUP)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (press_ctrl_c, 130),
        (stop_unit, -signal.SIGTERM),
        (hang_up, -signal.SIGHUP),
    ],
    ids=["Ctrl-C in a terminal", "SIGTERM to both processes", "SIGHUP to both processes"],
)
async def test_a_signal_that_reaches_both_processes_lets_streams_finish(
    end: Callable[[GatewayProcess, int], None],
    code: int,
    binary: Path,
    installation: Installation,
    simulator: RunningSimulator,
    temporary: Path,
) -> None:
    secret = installation.create_key()
    master, terminal = pty.openpty()

    def own_terminal() -> None:
        os.setsid()
        import fcntl
        import termios

        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    with serving(
        binary, installation, temporary, stdin=terminal, preexec_fn=own_terminal
    ) as gateway:
        async with aiohttp.ClientSession() as http:
            await http.put(simulator.url + "/_sim/gate", json={"point": "closing"})
            headers = {"x-api-key": secret}
            url = gateway.url + "/v1/messages"
            async with http.post(url, json=BODY, headers=headers) as answer:
                begun = await answer.content.readany()
                end(gateway, master)
                await draining(gateway)
                await http.post(simulator.url + "/_sim/release", json={})
                whole = begun + await answer.content.read()
        assert await anyio.to_thread.run_sync(gateway.process.wait, PATIENCE) == code
    assert whole.endswith(END)
    assert b"at once" not in gateway.log.read_bytes()
    assert not unpacked(temporary)
    os.close(master)
    os.close(terminal)


async def draining(gateway: GatewayProcess) -> None:
    """Until the gateway has heard the signal."""
    log = anyio.Path(gateway.log)
    while b"stopping" not in await log.read_bytes():
        await anyio.lowlevel.checkpoint()


async def test_the_gateway_ends_with_a_boot_loader_that_is_killed(
    binary: Path, installation: Installation, temporary: Path, run: Run
) -> None:
    with serving(binary, installation, temporary) as gateway:
        (child,) = children(gateway.process)
        gateway.kill()
        child.wait(PATIENCE)
        assert b"stopped" in gateway.log.read_bytes()
        port = int(gateway.url.rpartition(":")[2])
        with socket.create_server(("127.0.0.1", port)):
            pass
    assert len(unpacked(temporary)) == 1
    assert run("--version").returncode == 0
    assert not unpacked(temporary), "the next start clears away what was left"


def test_the_boot_loader_ends_with_a_gateway_that_is_killed(
    binary: Path, installation: Installation, temporary: Path
) -> None:
    with serving(binary, installation, temporary) as gateway:
        (child,) = children(gateway.process)
        child.kill()
        assert gateway.process.wait(PATIENCE) == -signal.SIGKILL
    assert not unpacked(temporary)


def test_what_killed_processes_left_is_cleared_away_and_nothing_else(
    binary: Path, installation: Installation, temporary: Path, run: Run
) -> None:
    foreign = temporary / "_MEIforeign"
    foreign.mkdir()
    (foreign / "library.so").touch()
    unfinished, begun = temporary / "_MEIunfinished", temporary / "_MEIbegun"
    for folder in (unfinished, begun):
        folder.mkdir()
        (folder / MARKER).touch()
    old = (begun / MARKER).stat().st_mtime - FILLING - 1
    os.utime(unfinished / MARKER, (old, old))
    with serving(binary, installation, temporary) as killed:
        (dead,) = set(unpacked(temporary)) - {foreign, begun}
        killed.process.send_signal(signal.SIGSTOP)  # or it would clean up after its child
        for child in children(killed.process):
            child.kill()
        killed.kill()
    with serving(binary, installation, temporary) as gateway:
        (living,) = set(unpacked(temporary)) - {foreign, begun}
        assert living != dead
        assert (living / IN_USE).exists()
        assert run("--version").returncode == 0
        assert living in unpacked(temporary)
        gateway.terminate()
        gateway.process.wait(PATIENCE)
    assert unpacked(temporary) == [begun, foreign]


def garble(program: Path) -> None:
    """Move everything in it, as it is in another version."""
    program.write_bytes(os.urandom(1000) + program.read_bytes())


async def test_an_update_that_replaces_the_file_leaves_the_running_gateway_whole(
    binary: Path, installation: Installation, temporary: Path, tmp_path: Path
) -> None:
    secret = installation.create_key()
    program = Path(shutil.copy(binary, tmp_path / "kiro-gateway"))
    with serving(program, installation, temporary) as gateway:
        newer = Path(shutil.copy(binary, tmp_path / "newer"))
        garble(newer)
        os.replace(newer, program)  # noqa: PTH105  # ruff takes the method for a wait
        # Each of these imports modules that nothing has needed so far.
        async with aiohttp.ClientSession(headers={"x-api-key": secret}) as http:
            for method, path in (
                ("GET", "/openapi.json"),
                ("GET", "/v1/models"),
                ("GET", "/v1/usage"),
            ):
                async with http.request(method, gateway.url + path) as answer:
                    assert answer.status == 200, await answer.text()
            async with http.post(gateway.url + "/v1/messages", json=BODY) as answer:
                assert (await answer.read()).endswith(END)
        assert b"Traceback" not in gateway.log.read_bytes()


def test_a_temporary_folder_that_cannot_be_written_is_passed_over(run: Run) -> None:
    assert run("--version", environ={"TMPDIR": "/dev/null/nowhere"}).returncode == 0


def mounted(binary: Path, folder: Path, options: str) -> "subprocess.CompletedProcess[str]":
    """Run the binary with a temporary folder mounted with these options, seen by nobody else.

    What is left in the folder afterwards follows on standard output.
    """
    script = (
        f"mount -t tmpfs -o {options} tmpfs '{folder}' || exit 99; "
        f"'{binary}' --version; code=$?; ls -AR '{folder}'; exit $code"
    )
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "--user", "sh", "-c", script],
        env=environment(folder, folder),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode == 99 or done.stderr.startswith("unshare:"):
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    return done


@pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")
def test_what_is_left_in_a_full_temporary_folder_is_known_as_ours(
    binary: Path, temporary: Path
) -> None:
    done = mounted(binary, temporary, "size=6m")
    assert done.returncode not in {0, 99}
    assert "Failed to extract" in done.stderr
    assert MARKER in done.stdout.split()
    assert IN_USE not in done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")
def test_a_temporary_folder_that_runs_no_programs_is_left_empty(
    binary: Path, temporary: Path
) -> None:
    done = mounted(binary, temporary, "noexec")
    assert done.returncode == 127
    assert "failed to map segment from shared object" in done.stderr
    assert done.stdout.split() == [f"{temporary}:"]
