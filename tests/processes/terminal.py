"""A command at a terminal: what it shows is read as a person would, and answered by typing."""

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.gateway_process import COMMAND

PATIENCE = 30.0  # seconds for what takes one
# Ctrl-C reaches whoever has the terminal, unless whoever started the tests has it ignored.
TAKE_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass
class Terminal:
    """`shown` is everything so far, without colours."""

    process: subprocess.Popen[bytes]
    master: int
    shown: str = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Read until this is shown."""
        while (found := re.search(pattern, self.shown)) is None:
            assert self._read(), f"{pattern!r} is not in:\n{self.shown}"
        return found

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self.master, f"{line}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self.master, b"\x03")

    def ended(self) -> int:
        """Read to the end; gives the exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], PATIENCE)
        try:
            data = os.read(self.master, 65536) if ready else b""
        except OSError:  # Linux says so when the other side is closed
            return False
        text = data.decode("utf-8", "replace").replace("\r\n", "\n")
        self.shown += re.sub(r"\x1b\[[0-9;]*m", "", text)
        return bool(data)


@contextmanager
def at_terminal(
    *arguments: str, env: Mapping[str, str], folder: Path, json_to: Path | None = None
) -> Iterator[Terminal]:
    """Run a command of ours at a terminal; `json_to` takes its standard output instead."""
    master, slave = pty.openpty()
    output = json_to.open("wb") if json_to else None
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, COMMAND, *arguments],
        stdin=slave,
        stdout=output or slave,
        stderr=slave,
        env={**env, "TERM": "xterm", "COLUMNS": "80"},
        cwd=folder,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait(PATIENCE)
        os.close(master)
        if output is not None:
            output.close()
