"""The database: opening it, bringing its schema up to date, transactions.

SQLite or PostgreSQL by way of SQLAlchemy Core: the same tables, migrations and statements. Alembic
is loaded only when a migration is due, PostgreSQL's driver only for a PostgreSQL database.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
from sqlalchemy import Connection, Engine, Table, func, inspect, select, text, union, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.errors import StoreError
from gateway.store import sqlite_file
from gateway.store.secrets import PREFIX_LENGTH, SecretBox
from gateway.store.tables import SCHEMA_REVISION, accounts, store_revision

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

Result = TypeVar("Result")

TRANSACTION_TIMEOUT = 30.0  # seconds; ours take milliseconds, so more means a stuck disk
MIGRATIONS = Path(__file__).with_name("migrations")
URL_PREFIXES = ("postgresql://", "postgres://")

REVISION_BUMP = update(store_revision).values(revision=store_revision.c.revision + 1)
"""As `bump_revision`, for those who write by `Database.write`."""

_MIGRATION_LOCK = 0x6B69_726F  # any number that other programs on the server do not lock


@dataclass(frozen=True, slots=True)
class _Store:
    """What is particular to one of the two stores; `name` is fit for messages.

    `failures` are what its driver raises beside SQLAlchemy's errors. `blocking` writes too, in the
    thread that uses it, which is `writer`'s; None where the driver needs no threads.
    """

    name: str
    setting: str
    reading: AsyncEngine
    writing: AsyncEngine
    durable: AsyncEngine
    one_writer: bool
    failures: tuple[type[Exception], ...]
    blocking: Engine | None = None
    writer: ThreadPoolExecutor | None = None


class Database:
    """An open database. Made by `open_database`; belongs to one event loop.

    Once begun, a transaction is not cut short when its task is cancelled: it takes milliseconds,
    and a connection left in the middle of one would have to be thrown away.
    """

    def __init__(self, store: _Store, secrets: SecretBox) -> None:
        self.secrets = secrets
        self._store = store
        # SQLite lets one connection write; queueing here is fair and prompt, its own waiting polls.
        self._writing = anyio.Lock(fast_acquire=True)

    @property
    def is_postgresql(self) -> bool:
        """Whether this is a server that other machines may use at the same time."""
        return not self._store.one_writer

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for reading: all that is read in it is as of one moment.

        Raises:
            StoreError: the database fails.
        """
        with self._errors(), anyio.fail_after(TRANSACTION_TIMEOUT, shield=True):
            async with self._store.reading.connect() as connection:
                yield connection

    @asynccontextmanager
    async def begin(self, *, durable: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction for writing: kept when the block ends, undone when it raises.

        Nothing but statements belongs into the block, least of all another `begin`. A `durable` one
        waits for the disk, for what must not be lost even if the power fails a moment later.

        Raises:
            StoreError: the database fails, or another process keeps it locked.
        """
        engine = self._store.durable if durable else self._store.writing
        async with self._writing if self._store.one_writer else nullcontext():
            with self._errors(), anyio.fail_after(TRANSACTION_TIMEOUT, shield=True):
                async with engine.begin() as connection:
                    yield connection

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """A transaction for writing that is known beforehand, and so is carried out in one go.

        With SQLite each statement of `begin` is handed to another thread and back several times. On
        a busy machine that takes long, so this hands over the whole transaction, at once: anyio's
        threads would first let the loop go round twice.

        Raises:
            StoreError: as `begin`.
        """
        engine = self._store.blocking
        if engine is None:
            async with self.begin() as db:
                return await db.run_sync(work)

        def in_a_transaction() -> Result:
            with engine.begin() as connection:
                return work(connection)

        async with self._writing:
            with self._errors(), anyio.CancelScope(shield=True):
                loop = asyncio.get_running_loop()
                result = await loop.run_in_executor(self._store.writer, in_a_transaction)
        return result

    @contextmanager
    def _errors(self) -> Iterator[None]:
        failures: tuple[type[Exception], ...] = (SQLAlchemyError, *self._store.failures)
        try:
            yield
        except TimeoutError as exc:
            raise StoreError("The database does not answer.") from exc
        except failures as exc:
            raise StoreError(f"The database fails: {_reason(exc)}.") from exc


@asynccontextmanager
async def open_database(target: Path | str, secrets: SecretBox) -> AsyncIterator[Database]:
    """Open a SQLite file or a `postgresql://` URL, making or migrating the tables where needed.

    The file and what SQLite keeps beside it are readable by their owner alone, as is the folder
    when it is made here or is the program's own `.kiro-gateway`.

    Raises:
        StoreError: it cannot be opened, is no database, is another program's or from a newer
            version of this one, or was encrypted with another key than `secrets` has.
    """
    store = _store_at(target)
    with _opening(store):
        try:
            if await _read_schema(store) != SCHEMA_REVISION:
                await _migrate(store, target)
            await _check_key(store.reading, secrets)
        except BaseException:
            await _dispose(store)
            raise
    try:
        yield Database(store, secrets)
    finally:
        await _dispose(store)


async def read_schema(target: Path | str) -> str | None:
    """The revision of a database's schema as it is, changing nothing; None: it has none yet.

    Raises:
        StoreError: as `open_database`.
    """
    if not is_database_url(target) and not await anyio.Path(target).exists():
        return None
    store = _store_at(target)
    with _opening(store):
        try:
            return await _read_schema(store)
        finally:
            await _dispose(store)


def is_database_url(target: Path | str) -> bool:
    """Whether this names a PostgreSQL database rather than a SQLite file."""
    return isinstance(target, str) and target.startswith(URL_PREFIXES)


async def read_revision(db: AsyncConnection) -> int:
    """How often accounts or keys were changed, by any process."""
    return int((await db.execute(select(store_revision.c.revision))).scalar_one())


async def bump_revision(db: AsyncConnection) -> None:
    """Tell every process that accounts or keys changed; belongs into the changing transaction."""
    await db.execute(REVISION_BUMP)


def insert_into(dialect: str, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """An insert that can say what happens to rows that are there already, as both stores can.

    `dialect` is `db.dialect.name`.
    """
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415  # 2 MB that SQLite has no use for

        return postgresql.insert(table)
    return sqlite.insert(table)


def _store_at(target: Path | str) -> _Store:
    return _postgresql(str(target)) if is_database_url(target) else _sqlite(Path(target))


def _sqlite(path: Path) -> _Store:
    try:
        sqlite_file.prepare(path)
    except OSError as exc:
        raise StoreError(f"The database {path} cannot be opened: {exc.strerror}.") from exc
    # One at a time writes, and finds its connection open however busy the readers are: opening one
    # is several turns of the loop, and while it writes all other writers wait.
    writing = sqlite_file.make_engine(path, connections=1).execution_options(
        **{sqlite_file.WRITING: True}
    )
    return _Store(
        name=str(path),
        setting="tenant.db_path",
        reading=sqlite_file.make_engine(path),
        writing=writing,
        durable=writing.execution_options(**{sqlite_file.DURABLE: True}),
        one_writer=True,
        failures=(sqlite_file.Error,),
        blocking=sqlite_file.make_writing_engine(path),
        writer=ThreadPoolExecutor(1, thread_name_prefix="write to SQLite"),
    )


def _postgresql(url: str) -> _Store:
    # Imports the driver, which a gateway on SQLite never needs.
    from gateway.store import postgresql_server as server  # noqa: PLC0415

    engine = server.make_engine(url)
    return _Store(
        name=server.describe(url),
        setting="tenant.database_url",
        reading=engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        ),
        writing=engine,
        durable=engine,
        one_writer=False,
        failures=server.FAILURES,
    )


async def _dispose(store: _Store) -> None:
    with anyio.CancelScope(shield=True):
        await store.reading.dispose()
        await store.writing.dispose()
    if store.writer is not None:
        store.writer.shutdown()
    if store.blocking is not None:
        store.blocking.dispose()


async def _read_schema(store: _Store) -> str | None:
    async with store.reading.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        if "alembic_version" not in tables:
            if tables:
                raise StoreError(
                    f"{store.name} is a database of another program, or of an earlier generation "
                    f"of this one. Move it away, or name another one in {store.setting}."
                )
            return None
        found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    if found is not None and found > SCHEMA_REVISION:
        raise StoreError(
            f"{store.name} was written by a newer version of Kiro Gateway (its schema is {found}, "
            f"this version knows {SCHEMA_REVISION}). Update kiro-gateway."
        )
    return None if found is None else str(found)


async def _migrate(store: _Store, target: Path | str) -> None:
    if not store.one_writer:
        async with store.writing.begin() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            await connection.run_sync(_upgrade)
        return
    engine = sqlite_file.make_engine(Path(target), migrating=True)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
            broken = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
            if broken:
                raise StoreError(f"{store.name} cannot be migrated: rows in it point nowhere.")
    finally:
        with anyio.CancelScope(shield=True):
            await engine.dispose()


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


@contextmanager
def _opening(store: _Store) -> Iterator[None]:
    failures: tuple[type[Exception], ...] = (OSError, SQLAlchemyError, *store.failures)
    try:
        yield
    except failures as exc:
        advice = (
            "If it is damaged, restore it from a backup or move it away."
            if store.one_writer
            else f"Look at {store.setting}, and whether the server is up."
        )
        raise StoreError(
            f"The database {store.name} cannot be opened: {_reason(exc)}. {advice}"
        ) from exc


def _reason(exc: Exception) -> str:
    """What lies under it: SQLAlchemy's own words would quote statements and their values.

    The drivers' words do not, but PostgreSQL adds a detail that does; its `message` has none.
    """
    if isinstance(exc, StatementError):
        origin = exc.orig.__cause__ or exc.orig if exc.orig else exc
        return str(getattr(origin, "message", None) or origin).rstrip(".")
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror
    if isinstance(exc, SQLAlchemyError):
        return type(exc).__name__
    return str(getattr(exc, "message", None) or exc or type(exc).__name__).rstrip(".")
