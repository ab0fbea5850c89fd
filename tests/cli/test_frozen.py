import builtins
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType, SimpleNamespace

import pytest

from gateway.cli.frozen import (
    ONE_PRESS,
    SENT_TO_BOTH,
    ignore_echoes,
    keep_modules,
    restore_environment,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Echoes are ignored, by this clock; signals are what they were afterwards."""
    names = ("signal", "getsignal", "raise_signal")
    functions = {name: getattr(signal, name) for name in names}
    handlers = {number: signal.getsignal(number) for number in SENT_TO_BOTH}
    clock = Clock()
    ignore_echoes(clock)
    yield clock
    for name, function in functions.items():
        setattr(signal, name, function)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    """As another process does: not by way of what is ours to replace."""
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SENT_TO_BOTH, ids=lambda number: number.name)
def test_a_signal_heard_twice_is_handled_once(clock: Clock, number: signal.Signals) -> None:
    heard: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        heard.append(number)

    signal.signal(number, note)
    send(number)
    clock.now += ONE_PRESS / 2
    send(number)
    assert heard == [number]
    clock.now += ONE_PRESS
    send(number)
    assert heard == [number, number]


def test_different_signals_are_no_echoes_of_each_other(clock: Clock) -> None:
    heard: list[int] = []
    for number in SENT_TO_BOTH:
        signal.signal(number, lambda number, _: heard.append(number))
    for number in SENT_TO_BOTH:
        send(number)
    assert heard == list(SENT_TO_BOTH)


def test_ctrl_c_is_an_interrupt_once_until_something_else_handles_it(clock: Clock) -> None:
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)
    send(signal.SIGINT)


def test_libraries_are_told_of_their_handlers_and_not_of_what_is_between(clock: Clock) -> None:
    # asyncio takes over Ctrl-C only where this handler is in force.
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def note(_: int, __: FrameType | None) -> None: ...

    assert signal.signal(signal.SIGINT, note) is signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is note
    assert signal.signal(signal.SIGINT, signal.SIG_IGN) is note
    send(signal.SIGINT)
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL


def test_what_the_process_raises_itself_is_no_echo(clock: Clock) -> None:
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    send(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    assert len(heard) == 2


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({"LD_LIBRARY_PATH": "/tmp/_MEI1"}, {}),
        (
            {"LD_LIBRARY_PATH": "/tmp/_MEI1:/opt/lib", "LD_LIBRARY_PATH_ORIG": "/opt/lib"},
            {"LD_LIBRARY_PATH": "/opt/lib"},
        ),
        ({}, {}),
    ],
    ids=["none before", "one before", "elsewhere than on Linux"],
)
def test_programs_that_are_started_see_the_environment_as_it_was(
    given: dict[str, str], seen: dict[str, str]
) -> None:
    environ = dict(given)
    restore_environment(environ)
    assert environ.pop("PYINSTALLER_RESET_ENVIRONMENT") == "1"
    assert environ == seen


def test_modules_are_read_from_the_file_that_was_started(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"0123456789")
    reader = ModuleType("reader")
    keep_modules(reader, SimpleNamespace(_filename=str(program)))
    newer = tmp_path / "newer"
    newer.write_bytes(b"abcdefghijklmn")
    newer.replace(program)
    with reader.open(str(program), "rb") as file:
        file.seek(4)
        assert (file.read(3), file.read(3)) == (b"456", b"456")
    with reader.open(str(program), "rb") as file:
        assert file.read(2) == b"01"
    assert builtins.open is not reader.open


ENDING_WITH = """
import os, sys, time
from gateway.cli.frozen import end_with
end_with({parent})
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread waits for the parent")
def test_a_process_ends_with_its_parent() -> None:
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    child = ENDING_WITH.format(parent="os.getppid()")
    with subprocess.Popen([sys.executable, "-c", parent, child], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # Opened while it lives, so that its number cannot have gone to another process.
        descriptor = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
        assert select.select([descriptor], [], [], 60)[0], "it lives on"
        os.close(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread waits for the parent")
def test_a_process_whose_parent_died_early_ends_at_once() -> None:
    child = ENDING_WITH.format(parent="os.getppid() + 1")
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, b"")
