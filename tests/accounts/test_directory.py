from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.accounts.directory import Directory
from gateway.store.accounts import Account, set_account_enabled
from gateway.store.api_keys import create_api_key
from gateway.store.database import Database
from tests.sample_store import NOW, add_account, open_sample

pytestmark = pytest.mark.anyio


async def eventually(directory: Directory, account_id: str) -> Account:
    """The account as soon as the directory has it."""
    with anyio.fail_after(10):
        while (account := directory.account(account_id)) is None:
            await anyio.lowlevel.checkpoint()
    return account


async def disable(database: Database, account: Account) -> None:
    async with database.begin() as db:
        await set_account_enabled(db, account.id, enabled=False, now=NOW)


async def test_accounts_and_keys_are_found_by_what_requests_know(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        work, home = await add_account(database, "work"), await add_account(database, "home")
        async with database.begin() as db:
            key, secret = await create_api_key(db, name="laptop", allowed=["work"], now=NOW)
        directory = Directory(database)
        assert list(directory.accounts) == []
        await directory.reload()
        assert list(directory.accounts) == [home, work]
        assert directory.account(work.id) == directory.account_named("work") == work
        assert directory.account_named("Work") is None
        assert directory.account("work") is None
        assert list(directory.api_keys) == [key]
        assert directory.key_presented(secret) == directory.api_key(key.id) == key
        for wrong in ("", secret[:-1], secret + "x", key.key_hash, key.key_prefix, "\ud800"):
            assert directory.key_presented(wrong) is None


async def test_a_published_account_is_seen_at_once_unless_it_is_gone(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        directory = Directory(database)
        directory.publish(account)
        assert directory.account(account.id) is None
        await directory.reload()
        newer = replace(account, generation=7)
        directory.publish(newer)
        assert directory.account(account.id) == directory.account_named("work") == newer


async def test_changes_by_another_process_are_noticed(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as ours, open_sample(tmp_path) as theirs:
        directory = Directory(ours)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(directory.watch)
            account = await add_account(theirs, "work")
            assert (await eventually(directory, account.id)).enabled
            await disable(theirs, account)
            with anyio.fail_after(10):
                while (await eventually(directory, account.id)).enabled:
                    await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()


async def test_while_the_database_fails_the_last_snapshot_stays(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        directory = Directory(database)
        await directory.reload()
        async with database.begin() as db:
            await db.exec_driver_sql("ALTER TABLE store_revision RENAME TO away")
        with capture_logs() as logs:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(directory.watch)
                with anyio.fail_after(10):
                    while not logs:
                        await anyio.lowlevel.checkpoint()
                async with database.begin() as db:
                    await db.exec_driver_sql("ALTER TABLE away RENAME TO store_revision")
                assert directory.account(account.id) == account
                other = await add_account(database, "other")
                await eventually(directory, other.id)
                tasks.cancel_scope.cancel()
        assert [entry["event"] for entry in logs] == ["accounts and keys may be out of date"]


async def test_who_waits_for_a_change_wakes_with_the_next_one(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        directory = Directory(database)
        assert directory.revision == -1
        await directory.wait_for_change(5)
        await directory.reload()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(directory.wait_for_change, directory.revision)
            await anyio.wait_all_tasks_blocked()
            await directory.reload()  # nothing is new
            await disable(database, account)
            await directory.reload()
