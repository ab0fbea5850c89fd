"""Keeps one service as systemd does: a `systemctl` that starts it, stops it and tells of it."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from tempfile import TemporaryDirectory
from threading import Thread

PATIENCE = 120.0  # seconds for the service to end

# Asks the manager, and answers as it does.
SYSTEMCTL = """#!{python}
import json, socket, sys
with socket.socket(socket.AF_UNIX) as sock:
    sock.connect({address!r})
    sock.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    print(sock.makefile().read(), end="")
"""


@dataclass(slots=True)
class ServiceManager:
    """One unit of one user; its output goes into `log`."""

    home: Path
    tools: Path
    asked: list[str] = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        return self.home / "journal"

    def ask(self, words: list[str]) -> str:
        verb = next(word for word in words if not word.startswith("-"))
        self.asked.append(verb)
        if verb == "show":
            active = self.process is not None and self.process.poll() is None
            return f"ActiveState={'active' if active else 'inactive'}\nUnitFileState=enabled\n"
        if verb in {"restart", "disable"}:
            self.stop()
        if verb == "restart":
            self.start()
        return ""

    def start(self) -> None:
        unit = self.home / ".config/systemd/user/kiro-gateway.service"
        (command,) = [
            line.removeprefix("ExecStart=")
            for line in unit.read_text().splitlines()
            if line.startswith("ExecStart=")
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                shlex.split(command),
                env={"HOME": str(self.home), "PATH": os.environ["PATH"], "TMPDIR": str(self.tools)},
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        """Tell the service's first process to end, and wait until it has."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)


@contextmanager
def service_manager(home: Path, tools: Path) -> Iterator[ServiceManager]:
    """A manager, and `systemctl` in the folder `tools`."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            words = json.loads(self.rfile.readline())
            self.wfile.write(manager.ask(words).encode())

    program = tools / "systemctl"
    manager = ServiceManager(home, tools)
    with (
        TemporaryDirectory() as folder,  # addresses are short
        ThreadingUnixStreamServer(address := f"{folder}/manager", Handler) as server,
    ):
        program.write_text(SYSTEMCTL.format(python=sys.executable, address=address))
        program.chmod(0o755)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield manager
        finally:
            manager.stop()
            server.shutdown()
            thread.join()
