"""SQLite files: their permissions, and connections set up for concurrency.

In WAL mode readers never wait, and one writer writes at a time.
"""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from gateway.errors import StoreError

BUSY_TIMEOUT = 10.0  # seconds that SQLite waits for another process's transaction
OWN_FOLDER = ".kiro-gateway"
OLDEST = (3, 35, 0)  # knows RETURNING

WRITING = "begin_immediate"
"""The execution option of engines that write."""
DURABLE = "synchronous_full"
"""The execution option of engines whose commits also survive a power failure.

Others are only certain to survive the end of the process, and cost no wait for the disk.
"""

Error = sqlite3.Error


def make_engine(
    path: Path, *, migrating: bool = False, connections: int | None = None
) -> AsyncEngine:
    """An engine for a file that is there; transactions read unless they are told to write.

    `connections` is how many it may have.
    """
    bound = {} if connections is None else {"pool_size": connections, "max_overflow": 0}
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        connect_args={"timeout": BUSY_TIMEOUT},
        poolclass=NullPool if migrating else None,
        **bound,
    )
    _listen(engine.sync_engine, migrating=migrating)
    return engine


def make_writing_engine(path: Path) -> Engine:
    """An engine for the same file that blocks its thread; its transactions write."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False},
        execution_options={WRITING: True},
    )
    _listen(engine)
    return engine


def _listen(engine: Engine, *, migrating: bool = False) -> None:
    # Many rows in one statement: the driver gives the interpreter up for each statement it carries
    # out, and gets it back milliseconds later where the loop is busy.
    engine.dialect.use_insertmanyvalues_wo_returning = True

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:  # the driver's own connection
        # The driver's implicit BEGIN comes late and only before some statements; ours are explicit.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        # Rebuilding a table drops the old one, which must not cascade.
        cursor.execute(f"PRAGMA foreign_keys={'OFF' if migrating else 'ON'}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        durable = bool(options.get(DURABLE))
        if connection.info.get(DURABLE, False) != durable:
            connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.info[DURABLE] = durable
        # A deferred transaction that turns to writing fails at once when another has written.
        writing = migrating or options.get(WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def prepare(path: Path) -> None:
    """Make the file where it is missing, and close it to others.

    Raises:
        StoreError: Python's SQLite is too old for what the store says.
        OSError: the file cannot be made or opened.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST[:2]))
        raise StoreError(
            f"This Python has SQLite {sqlite3.sqlite_version}, and {oldest} or newer is needed. "
            "Use another Python, the program that install.sh installs, or PostgreSQL "
            "(tenant.database_url)."
        )
    folder = path.parent
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    elif folder.name == OWN_FOLDER:
        _close_to_others(folder, 0o700)  # an installer may have made it
    # SQLite gives the files beside this one the same permissions.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            _close_to_others(file, 0o600)


def read_only_uri(path: Path) -> str:
    """What the driver takes to open a file and never change it."""
    return f"file:{quote(str(path.absolute()))}?mode=ro"


def back_up(source: Path, destination: Path) -> None:
    """Copy a database as it is at one moment, also while gateways use it; blocks.

    Raises:
        StoreError: the destination is there already, or one of the two cannot be used.
    """
    try:
        os.close(os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            closing(sqlite3.connect(read_only_uri(source), uri=True)) as old,
            closing(sqlite3.connect(destination)) as copy,
        ):
            old.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
            old.backup(copy)
    except FileExistsError as exc:
        raise StoreError(f"{destination} is there already.") from exc
    except (OSError, sqlite3.Error) as exc:
        raise StoreError(f"{source} cannot be copied to {destination}: {exc}.") from exc


def _close_to_others(path: Path, mode: int) -> None:
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        path.chmod(mode)
