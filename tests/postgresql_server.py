"""A PostgreSQL server of the tests' own: on a socket in a temporary folder, gone afterwards.

Debian's package is installed where it is missing and this is root; elsewhere the tests that need
the server are skipped, with the reason. On CI nothing is skipped.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

# Nothing here has to survive a power failure.
FAST = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
ROOM = ["-c", "max_connections=200", "-c", "listen_addresses="]
INITIAL = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
START_LIMIT = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `folder` holds its socket."""

    folder: Path

    def url(self, database: str) -> str:
        """Where a database is, as `tenant.database_url` takes it."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    async def create(self, database: str, *, template: str = "template1") -> bool:
        """Make a database; False when there is one of this name."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        except asyncpg.DuplicateDatabaseError:
            return False
        finally:
            await connection.close()
        return True


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server; skips the test that asks for it where there can be none."""
    programs = _programs()
    if isinstance(programs, str):
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs PostgreSQL: {programs}")
        pytest.skip(f"no PostgreSQL: {programs}")
    folder = Path(tempfile.mkdtemp(prefix="kiro-gateway-pg-"))
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    try:
        if user:
            shutil.chown(folder, user, user)
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, *INITIAL],
            user=user,
            cwd=folder,
            check=True,
            capture_output=True,
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", folder, *FAST, *ROOM],
                user=user,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            server = Server(folder)
            asyncio.run(_wait(server, process))
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nothing has to be kept
            process.wait(START_LIMIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(START_LIMIT):
        while True:
            try:
                await (await asyncpg.connect(server.url("postgres"))).close()
            except (OSError, asyncpg.PostgresError):
                assert process.poll() is None, (server.folder / "log").read_text()
                await asyncio.sleep(0.05)
            else:
                return


def _programs() -> Path | str:
    """The folder with the server's programs, or why there is none."""
    if sys.platform == "win32":
        return "not on Windows"
    if (found := _find()) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "postgresql"]):
            subprocess.run(
                ["apt-get", "-qq", *arguments], env=environment, check=False, capture_output=True
            )
        found = _find()
    return found or "initdb and postgres are not there, and could not be installed"


def _find() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)
