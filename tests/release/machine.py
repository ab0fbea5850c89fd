"""A program that updates itself from a server with releases, as people have it on their machine."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.release.release_server import FROZEN, ROOT, Releases, gateway_program, public_pem


@dataclass(slots=True)
class Machine:
    """A program in a folder of its user's, and where its releases come from."""

    program: Path
    releases: Releases

    @property
    def home(self) -> Path:
        return self.program.parent.parent.parent

    def code(self, version: str) -> str:
        return FROZEN.format(root=str(ROOT), version=version, key=public_pem(self.releases.key))

    def build(self, version: str) -> bytes:
        """The program of a version; of ours but for being frozen."""
        return gateway_program(version, self.releases.key)

    def publish(self, version: str, *, newest: bool = True) -> str:
        return self.releases.publish(version, self.build(version), newest=newest)

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self._run([str(self.program), *arguments], more)

    def run_as(
        self, version: str, *arguments: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """What the file would do if it were of this version and knew the server's key."""
        command = [sys.executable, "-c", self.code(version), str(self.program), *arguments]
        return self._run(command, more)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command that goes on; its complaints are read from its `stderr`."""
        return subprocess.Popen(
            [self.program, *arguments],
            env=self.environment(),
            cwd=self.program.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "KIRO_GATEWAY_RELEASES_URL": self.releases.url,
        }

    def _run(self, command: list[str], more: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment() | more,
            cwd=self.program.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    def says(self) -> str:
        return self.run("--version").stdout.strip()

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.program.parent.iterdir()}
