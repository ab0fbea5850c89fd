"""The database: opening it, bringing its schema up to date, transactions.

SQLite by way of SQLAlchemy Core, in WAL mode: readers never wait, one writer at a time. Alembic is
loaded only when a migration is due.
"""

import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
from sqlalchemy import Connection, event, func, inspect, select, text, union, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from gateway.errors import StoreError
from gateway.store.secrets import PREFIX_LENGTH, SecretBox
from gateway.store.tables import SCHEMA_REVISION, accounts, store_revision

BUSY_TIMEOUT = 10.0  # seconds that SQLite waits for another process's transaction
TRANSACTION_TIMEOUT = 30.0  # seconds; ours take milliseconds, so more means a stuck disk
OWN_FOLDER = ".kiro-gateway"
MIGRATIONS = Path(__file__).with_name("migrations")

_WRITING = "begin_immediate"


class Database:
    """An open database. Made by `open_database`; belongs to one event loop.

    Once begun, a transaction is not cut short when its task is cancelled: it takes milliseconds,
    and a connection left in the middle of one would have to be thrown away.
    """

    def __init__(self, engine: AsyncEngine, secrets: SecretBox) -> None:
        self.secrets = secrets
        self._readers = engine
        self._writer = engine.execution_options(**{_WRITING: True})
        # SQLite lets one connection write; queueing here is fair and prompt, its own waiting polls.
        self._writing = anyio.Lock()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for reading: all that is read in it is as of one moment.

        Raises:
            StoreError: the database fails.
        """
        with _store_errors(), anyio.fail_after(TRANSACTION_TIMEOUT, shield=True):
            async with self._readers.connect() as connection:
                yield connection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for writing: kept when the block ends, undone when it raises.

        Nothing but statements belongs into the block, least of all another `begin`.

        Raises:
            StoreError: the database fails, or another process keeps it locked.
        """
        async with self._writing:
            with _store_errors(), anyio.fail_after(TRANSACTION_TIMEOUT, shield=True):
                async with self._writer.begin() as connection:
                    yield connection


@asynccontextmanager
async def open_database(path: Path | str, secrets: SecretBox) -> AsyncIterator[Database]:
    """Open a SQLite file, making or migrating it first where needed.

    The file and what SQLite keeps beside it are readable by their owner alone, as is the folder
    when it is made here or is the program's own `.kiro-gateway`.

    Raises:
        StoreError: the file cannot be opened, is no database, is another program's or from a newer
            version of this one, or was encrypted with another key than `secrets` has.
    """
    path = Path(path)
    with _opening(path):
        _prepare_file(path)
        engine = _engine(path)
        try:
            if await _needs_migration(engine, path):
                await _migrate(path)
            await _check_key(engine, secrets)
        except BaseException:
            await _dispose(engine)
            raise
    try:
        yield Database(engine, secrets)
    finally:
        await _dispose(engine)


async def read_revision(db: AsyncConnection) -> int:
    """How often accounts or keys were changed, by any process."""
    return int((await db.execute(select(store_revision.c.revision))).scalar_one())


async def bump_revision(db: AsyncConnection) -> None:
    """Tell every process that accounts or keys changed; belongs into the changing transaction."""
    await db.execute(update(store_revision).values(revision=store_revision.c.revision + 1))


def _engine(path: Path, *, migrating: bool = False) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        connect_args={"timeout": BUSY_TIMEOUT},
        poolclass=NullPool if migrating else None,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:  # the driver's own connection
        # The driver's implicit BEGIN comes late and only before some statements; ours are explicit.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        # Rebuilding a table drops the old one, which must not cascade.
        cursor.execute(f"PRAGMA foreign_keys={'OFF' if migrating else 'ON'}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that turns to writing fails at once when another has written.
        writing = migrating or connection.get_execution_options().get(_WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


async def _dispose(engine: AsyncEngine) -> None:
    with anyio.CancelScope(shield=True):
        await engine.dispose()


async def _needs_migration(engine: AsyncEngine, path: Path) -> bool:
    async with engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        if "alembic_version" not in tables:
            if tables:
                raise StoreError(
                    f"{path} is a database of another program, or of an earlier generation of "
                    "this one. Move it away, or name another file in tenant.db_path."
                )
            return True
        found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    if found is not None and found > SCHEMA_REVISION:
        raise StoreError(
            f"{path} was written by a newer version of Kiro Gateway (its schema is {found}, this "
            f"version knows {SCHEMA_REVISION}). Update kiro-gateway."
        )
    return found != SCHEMA_REVISION


async def _migrate(path: Path) -> None:
    engine = _engine(path, migrating=True)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
            broken = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
            if broken:
                raise StoreError(f"{path} cannot be migrated: rows in it point nowhere.")
    finally:
        await _dispose(engine)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  # takes long to load and is rarely needed
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    # A process that waited for another's migration finds nothing left to do here.
    command.upgrade(config, SCHEMA_REVISION)


async def _check_key(engine: AsyncEngine, secrets: SecretBox) -> None:
    """Find out now rather than at the first request that the secret key is the wrong one."""
    prefixes = union(
        *(
            select(func.substr(column, 1, PREFIX_LENGTH)).where(column.is_not(None))
            for column in (accounts.c.credentials_encrypted, accounts.c.proxy_encrypted)
        )
    )
    async with engine.connect() as connection:
        for prefix in (await connection.execute(prefixes)).scalars():
            secrets.check(prefix)


def _prepare_file(path: Path) -> None:
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


def _close_to_others(path: Path, mode: int) -> None:
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        path.chmod(mode)


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StoreError(f"The database {path} cannot be opened: {exc.strerror}.") from exc
    except (sqlite3.Error, SQLAlchemyError) as exc:
        raise StoreError(
            f"The database {path} cannot be opened: {_reason(exc)}. If it is damaged, restore it "
            "from a backup or move it away."
        ) from exc


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError) as exc:
        raise StoreError(f"The database fails: {_reason(exc)}.") from exc
    except TimeoutError as exc:
        raise StoreError("The database does not answer.") from exc


def _reason(exc: Exception) -> str:
    """What lies under it: SQLAlchemy's own words would quote statements and their values."""
    if isinstance(exc, StatementError):
        return str(exc.orig)
    return type(exc).__name__ if isinstance(exc, SQLAlchemyError) else str(exc)
