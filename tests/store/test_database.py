import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, timedelta, timezone
from pathlib import Path

import anyio
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from gateway.errors import StoreError
from gateway.store import database as database_module
from gateway.store.accounts import create_account, list_accounts
from gateway.store.database import Database, bump_revision, open_database, read_revision
from gateway.store.secrets import SecretBox
from gateway.store.sqlite_file import back_up
from gateway.store.tables import SCHEMA_REVISION, metadata
from tests.sample_store import BOX, NOW, add_account, oidc_credentials, open_sample

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "gateway.db"


@pytest.fixture
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """A plain connection to the file, made where there is none yet."""
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        yield connection


async def test_the_migrations_build_the_declared_tables(path: Path) -> None:
    async with open_database(path, BOX):
        pass
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


async def test_an_sqlite_that_is_too_old_is_named_and_makes_no_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(StoreError, match=r"3\.35 or newer is needed"):
        async with open_database(path, BOX):
            pass
    assert not await anyio.Path(path).exists()


async def test_the_known_schema_revision_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(database_module.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_REVISION


async def test_opening_an_up_to_date_database_does_not_load_alembic(path: Path) -> None:
    async with open_database(path, BOX):
        pass
    program = f"""
import anyio, sys
from pathlib import Path
from gateway.store.database import open_database
from gateway.store.secrets import SecretBox
from gateway.store.sqlite_file import back_up

async def main():
    async with open_database(Path({str(path)!r}), SecretBox(b"k" * 32)):
        pass

anyio.run(main)
print("alembic" in sys.modules)
"""
    command = [sys.executable, "-c", program]
    done = await anyio.run_process(command, stderr=subprocess.PIPE)
    assert done.stdout.strip() == b"False"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
async def test_everything_on_disk_is_for_its_owner_alone(path: Path) -> None:
    async with open_database(path, BOX) as database:
        async with database.begin() as db:
            await bump_revision(db)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == {"gateway.db": 0o600, "gateway.db-wal": 0o600, "gateway.db-shm": 0o600}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@pytest.mark.parametrize(("folder", "mode"), [(".kiro-gateway", 0o700), ("elsewhere", 0o755)])
async def test_a_database_others_could_read_is_closed_to_them(
    tmp_path: Path, folder: str, mode: int
) -> None:
    path = tmp_path / folder / "gateway.db"
    path.parent.mkdir(mode=0o755)
    path.touch(mode=0o644)
    async with open_database(path, BOX):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == mode


async def test_sqlite_runs_with_the_pragmas_that_concurrency_needs(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database, database.connect() as db:
        found = {
            pragma: (await db.execute(text(f"PRAGMA {pragma}"))).scalar_one()
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


async def test_several_may_create_one_database_at_once(path: Path) -> None:
    async def create(name: str) -> None:
        async with open_database(path, BOX) as database:
            await add_account(database, name)

    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(create, f"account-{number}")
    async with open_database(path, BOX) as database, database.connect() as db:
        assert len(await list_accounts(db, BOX)) == 5


async def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.parent.mkdir()
    await anyio.Path(path).write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match=r"gateway\.db cannot be opened: file is not a database"):
        async with open_database(path, BOX):
            pass
    assert await anyio.Path(path).read_bytes() == b"this is not a database" * 100


async def test_a_path_that_cannot_be_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened: Is a directory"):
        async with open_database(tmp_path, BOX):
            pass


async def test_another_programs_database_is_left_alone(path: Path, raw: sqlite3.Connection) -> None:
    raw.execute("CREATE TABLE api_keys (id TEXT)")
    with pytest.raises(StoreError, match=r"another program.*tenant\.db_path"):
        async with open_database(path, BOX):
            pass
    assert [name for (name,) in raw.execute("SELECT name FROM sqlite_master")] == ["api_keys"]


async def test_a_database_from_a_newer_version_is_not_touched(
    path: Path, raw: sqlite3.Connection
) -> None:
    async with open_database(path, BOX):
        pass
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    with pytest.raises(StoreError, match=r"newer version.*9999.*Update kiro-gateway"):
        async with open_database(path, BOX):
            pass


async def test_the_wrong_secret_key_is_noticed_at_once(path: Path) -> None:
    async with open_database(path, BOX) as database:
        await add_account(database, "work", oidc_credentials())
    with pytest.raises(StoreError, match="encrypted with another key"):
        async with open_database(path, SecretBox(b"x" * 32)):
            pass


async def test_a_block_that_raises_leaves_nothing_behind(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        with suppress(RuntimeError):
            async with database.begin() as db:
                await create_account(db, BOX, name="work", now=NOW)
                raise RuntimeError
        async with database.connect() as db:
            assert await list_accounts(db, BOX) == ()
            assert await read_revision(db) == 0


async def test_concurrent_writers_all_succeed(tmp_path: Path) -> None:
    async def bump(database: Database) -> None:
        async with database.begin() as db:
            await bump_revision(db)

    async with open_sample(tmp_path) as one, open_sample(tmp_path) as other:
        async with anyio.create_task_group() as tasks:
            for _ in range(25):
                tasks.start_soon(bump, one)
                tasks.start_soon(bump, other)
        async with one.connect() as db:
            assert await read_revision(db) == 50


async def test_a_cancelled_task_finishes_the_transaction_it_has_begun(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        with anyio.CancelScope() as scope:
            async with database.begin() as db:
                scope.cancel()
                await bump_revision(db)
        async with database.connect() as db:
            assert await read_revision(db) == 1


async def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database, database.begin() as writing:
        await bump_revision(writing)
        async with database.connect() as reading:
            assert await read_revision(reading) == 0


async def test_a_failing_statement_is_told_without_its_values(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        with pytest.raises(StoreError, match=r"^The database fails: no such table: nowhere\.$"):
            async with database.begin() as db:
                await db.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": "hush"})


async def test_a_naive_time_is_refused_rather_than_taken_for_utc(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        with pytest.raises(StoreError, match="naive datetime"):
            async with database.begin() as db:
                await create_account(db, BOX, name="work", now=NOW.replace(tzinfo=None))


async def test_a_time_of_another_zone_is_the_same_moment_in_utc(tmp_path: Path) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-5)))
    async with open_sample(tmp_path) as database, database.begin() as db:
        account = await create_account(db, BOX, name="work", now=elsewhere)
    assert account.created_at == NOW
    assert account.created_at.tzinfo is UTC


async def test_a_backup_is_whole_and_for_its_owner_alone(tmp_path: Path, path: Path) -> None:
    copy = tmp_path / "copy.db"
    async with open_database(path, BOX) as database:
        await add_account(database, "work", oidc_credentials())
        async with database.begin() as db:
            await bump_revision(db)  # not committed yet, so not in the copy
            await anyio.to_thread.run_sync(back_up, path, copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    async with open_database(copy, BOX) as database, database.connect() as db:
        assert [account.name for account in await list_accounts(db, BOX)] == ["work"]
        assert await read_revision(db) == 2


async def test_a_backup_replaces_nothing(tmp_path: Path, path: Path) -> None:
    async with open_database(path, BOX):
        pass
    with pytest.raises(StoreError, match="is there already"):
        back_up(path, path)
    with pytest.raises(StoreError, match="cannot be copied"):
        back_up(tmp_path / "nowhere.db", tmp_path / "copy.db")


async def test_what_must_not_be_lost_waits_for_the_disk(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        found = []
        for durable in (True, False):
            async with database.begin(durable=durable) as db:
                found.append((await db.execute(text("PRAGMA synchronous"))).scalar())
                await bump_revision(db)
        assert found == [2, 1]  # FULL, NORMAL
        async with database.connect() as db:
            assert await read_revision(db) == 2
