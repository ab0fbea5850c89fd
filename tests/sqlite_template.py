"""A migrated SQLite database, made once for all tests of a process: most need one of their own."""

import tempfile
from pathlib import Path

import anyio

from gateway.store.database import open_database
from gateway.store.secrets import SecretBox

_made: list[bytes] = []


async def put_database(path: Path) -> None:
    """Put an empty database at `path`, unless there is one. Nothing in it knows a secret key."""
    if not _made:
        with tempfile.TemporaryDirectory() as folder:
            template = Path(folder, "template.db")
            async with open_database(template, SecretBox(b"t" * 32)):
                pass
            _made.append(await anyio.Path(template).read_bytes())
    _copy(path)


def _copy(path: Path) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        path.touch(0o600)
        path.write_bytes(_made[0])
