import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select, text

from gateway.errors import StoreError
from gateway.store.accounts import list_accounts
from gateway.store.database import open_database
from gateway.store.limit_book import LimitBook
from gateway.store.limit_ledger import lock_owners
from gateway.store.limits import LimitOwner
from gateway.store.requests import RequestFilter, RequestTail
from gateway.store.secrets import SecretBox
from gateway.store.tables import limit_entries, metadata
from gateway.store.usage import insert_usage
from tests.postgresql_server import Server
from tests.sample_store import BOX, NOW, TEMPLATE, add_account, oidc_credentials
from tests.store.usage_samples import record

pytestmark = pytest.mark.anyio


async def database_url(server: Server, folder: Path, *, template: str = "template1") -> str:
    name = folder.name[-60:]
    await server.create(name, template=template)
    return server.url(name)


async def test_the_migrations_build_the_declared_tables(postgresql: Server, tmp_path: Path) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    url = await database_url(postgresql, tmp_path)
    async with open_database(url, BOX) as database, database.connect() as db:
        assert await db.run_sync(differences) == []


async def test_several_may_create_the_tables_at_once(postgresql: Server, tmp_path: Path) -> None:
    url = await database_url(postgresql, tmp_path)

    async def create(name: str) -> None:
        async with open_database(url, BOX) as database:
            await add_account(database, name)

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(create, f"account-{number}")
    async with open_database(url, BOX) as database, database.connect() as db:
        assert len(await list_accounts(db, BOX)) == 4


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
async def test_both_spellings_of_the_scheme_and_its_options_are_understood(
    postgresql: Server, tmp_path: Path, scheme: str
) -> None:
    url = await database_url(postgresql, tmp_path, template=TEMPLATE)
    url = url.replace("postgresql:", f"{scheme}:") + "&sslmode=disable"
    async with open_database(url, BOX) as database, database.connect() as db:
        assert database.is_postgresql
        assert (await db.execute(text("SHOW timezone"))).scalar_one() == "UTC"


async def test_another_programs_database_is_left_alone(postgresql: Server, tmp_path: Path) -> None:
    url = await database_url(postgresql, tmp_path)
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE api_keys (id text)")
    await connection.close()
    with pytest.raises(StoreError, match=r"another program.*tenant\.database_url"):
        async with open_database(url, BOX):
            pass


async def test_a_database_from_a_newer_version_is_not_touched(
    postgresql: Server, tmp_path: Path
) -> None:
    url = await database_url(postgresql, tmp_path, template=TEMPLATE)
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    with pytest.raises(StoreError, match=r"newer version.*9999"):
        async with open_database(url, BOX):
            pass


async def test_the_wrong_secret_key_is_noticed_at_once(postgresql: Server, tmp_path: Path) -> None:
    url = await database_url(postgresql, tmp_path, template=TEMPLATE)
    async with open_database(url, BOX) as database:
        await add_account(database, "work", oidc_credentials())
    with pytest.raises(StoreError, match="encrypted with another key"):
        async with open_database(url, SecretBox(b"x" * 32)):
            pass


async def test_a_database_that_is_not_there_is_named_without_the_password(
    postgresql: Server,
) -> None:
    url = postgresql.url("nowhere").replace("postgres@", "postgres:hush@")
    with pytest.raises(
        StoreError, match=r'/nowhere cannot be opened: database "nowhere"'
    ) as caught:
        async with open_database(url, BOX):
            pass
    assert "hush" not in str(caught.value)


async def test_a_server_that_is_not_there_is_named(unused_port: int) -> None:
    url = f"postgresql://me:hush@127.0.0.1:{unused_port}/kiro"
    with pytest.raises(StoreError, match="kiro cannot be opened") as caught:
        async with open_database(url, BOX):
            pass
    assert f"127.0.0.1:{unused_port}/kiro" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://", "postgresql://h:port/x", "postgresql://[/x"])
async def test_a_url_that_is_none_is_a_store_error(url: str) -> None:
    with pytest.raises(StoreError):
        async with open_database(url, BOX):
            pass


async def test_the_pool_survives_a_restart_of_the_server(
    postgresql: Server, tmp_path: Path
) -> None:
    url = await database_url(postgresql, tmp_path, template=TEMPLATE)
    async with open_database(url, BOX) as database:
        await add_account(database, "work")
        other = await asyncpg.connect(postgresql.url("postgres"))
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
            tmp_path.name[-60:],
        )
        await other.close()
        await add_account(database, "home")
        async with database.connect() as db:
            assert len(await list_accounts(db, BOX)) == 2


async def test_a_failing_statement_is_told_without_its_values(
    postgresql: Server, tmp_path: Path
) -> None:
    url = await database_url(postgresql, tmp_path, template=TEMPLATE)
    async with open_database(url, BOX) as database:
        await add_account(database, "work")
        with pytest.raises(StoreError) as caught:
            async with database.begin() as db:
                await db.execute(
                    text("INSERT INTO former_names VALUES ('a', 'hush', now()), ('a', 'x', now())")
                )
    assert str(caught.value) == (
        'The database fails: duplicate key value violates unique constraint "pk_former_names".'
    )


async def test_all_that_is_read_in_a_transaction_is_as_of_one_moment(
    postgresql: Server, tmp_path: Path
) -> None:
    url = await database_url(postgresql, tmp_path, template=TEMPLATE)
    async with open_database(url, BOX) as database, database.connect() as reading:
        before = await list_accounts(reading, BOX)
        await add_account(database, "work")
        assert await list_accounts(reading, BOX) == before
        with pytest.raises(Exception, match="read-only"):
            await reading.execute(text("DELETE FROM accounts"))
        await reading.rollback()


async def test_a_tail_sees_rows_that_become_visible_out_of_order(
    postgresql: Server, tmp_path: Path
) -> None:
    url = await database_url(postgresql, tmp_path, template=TEMPLATE)
    later = replace(record(2), at=NOW + timedelta(days=1))  # in other sums
    async with open_database(url, BOX) as database:
        tail = RequestTail(database, RequestFilter(), since=NOW)
        await tail.poll()
        async with database.begin() as slow:
            await insert_usage(slow, [record(1)])
            async with database.begin() as fast:
                await insert_usage(fast, [later])
            before = await tail.poll()
        after = await tail.poll()
    assert [[row.record for row in poll] for poll in (before, after)] == [[later], [record(1)]]
    assert after[0].seq < before[0].seq


async def test_who_waits_for_another_process_is_let_in_when_the_wait_is_over(
    postgresql: Server, tmp_path: Path
) -> None:
    owner = LimitOwner("key", "0123456789abcdef", "laptop", requests_per_minute=1)
    moment = NOW
    url = await database_url(postgresql, tmp_path, template=TEMPLATE)
    async with open_database(url, BOX) as database:
        book = LimitBook(database, clock=lambda: moment)
        async with anyio.create_task_group() as tasks, database.begin() as db:
            await lock_owners(db, [owner.id])
            tasks.start_soon(book.reserve, owner)
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            with anyio.fail_after(20):
                while (await db.execute(waiting)).scalar_one() == 0:
                    pass
            moment += timedelta(seconds=5)
        async with database.connect() as db:
            entered = (await db.execute(select(limit_entries.c.at))).scalar_one()
        assert entered == NOW + timedelta(seconds=5)


async def test_a_gateway_on_sqlite_never_loads_the_driver(tmp_path: Path) -> None:
    program = f"""
import anyio, sys
from gateway.store import limit_book, requests, retention, usage_report
from gateway.store.database import open_database
from gateway.store.secrets import SecretBox

async def main():
    async with open_database({str(tmp_path / "gateway.db")!r}, SecretBox(b"k" * 32)):
        pass

anyio.run(main)
print("asyncpg" in sys.modules)
"""
    done = await anyio.run_process([sys.executable, "-c", program], stderr=subprocess.PIPE)
    assert done.stdout.strip() == b"False"


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
