"""Cool-downs in memory and in the store, in one process and between two."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import pytest
from sqlalchemy import delete

from gateway.accounts.cooldowns import Cooldowns
from gateway.accounts.directory import Directory
from gateway.errors import (
    AccountSignInFailed,
    AccountSuspended,
    GatewayError,
    NoAccountAvailable,
    QuotaSpent,
    RateLimited,
    StoreError,
    UpstreamInternal,
)
from gateway.store.accounts import Account, Credentials, save_credentials
from gateway.store.cooldowns import Cooldown, list_cooldowns
from gateway.store.database import Database
from gateway.store.tables import accounts
from tests.sample_store import NOW, add_account, oidc_credentials, open_sample

pytestmark = pytest.mark.anyio

MODEL = "claude-opus-4.6"


@dataclass
class Process:
    """What one gateway knows."""

    database: Database
    directory: Directory
    cooldowns: Cooldowns
    account: Account
    now: datetime = NOW

    def refusal(self, model: str | None = MODEL) -> type[GatewayError] | None:
        found = self.cooldowns.refusal(self.account.id, model)
        return type(found) if found is not None else None

    def fail(self, error: GatewayError, model: str = MODEL) -> None:
        self.cooldowns.failed(self.account, model, error)


async def process_on(database: Database, account: Account) -> Process:
    directory = Directory(database)
    await directory.reload()
    process: Process
    cooldowns = Cooldowns(
        database, directory, known_quota=lambda _: None, clock=lambda: process.now
    )
    process = Process(database, directory, cooldowns, account)
    await cooldowns.reload()
    return process


@asynccontextmanager
async def two_processes(folder: Path) -> AsyncIterator[tuple[Process, Process]]:
    async with open_sample(folder) as database:
        account = await add_account(database, "work", oidc_credentials())
        async with open_sample(folder) as other_database:
            yield await process_on(database, account), await process_on(other_database, account)


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Process]:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", oidc_credentials())
        yield await process_on(database, account)


async def test_what_is_no_cool_down_changes_nothing(one: Process) -> None:
    one.fail(UpstreamInternal("x"))
    assert one.refusal() is None
    assert one.cooldowns.of(one.account.id) == ()


async def test_a_rate_limit_holds_for_its_model_until_its_time_has_passed(one: Process) -> None:
    one.fail(RateLimited("x"))
    assert one.refusal() is RateLimited
    assert one.refusal("another") is None
    assert one.refusal(None) is None
    one.now += timedelta(seconds=10)
    assert one.refusal() is None


async def test_of_several_the_gravest_is_told(one: Process) -> None:
    one.fail(RateLimited("x"))
    one.fail(QuotaSpent("x"))
    assert one.refusal() is QuotaSpent
    one.fail(AccountSuspended("x"))
    assert one.refusal() is AccountSuspended


async def test_an_answer_ends_what_began_before_it_was_asked_for(one: Process) -> None:
    before = one.now - timedelta(seconds=1)
    one.fail(RateLimited("x"))
    one.fail(QuotaSpent("x"))
    one.cooldowns.answered(one.account.id, MODEL, before)
    assert one.refusal() is QuotaSpent, "it was on its way before the refusal"
    one.cooldowns.answered(one.account.id, "another", one.now + timedelta(seconds=1))
    assert one.refusal() is RateLimited, "another model says nothing about the rate of this one"
    one.cooldowns.answered(one.account.id, MODEL, one.now + timedelta(seconds=1))
    assert one.refusal() is None


async def test_an_answer_does_not_lift_a_suspension(one: Process) -> None:
    one.fail(AccountSuspended("x"))
    one.cooldowns.answered(one.account.id, MODEL, one.now + timedelta(seconds=1))
    assert one.refusal() is AccountSuspended


async def test_a_refused_token_is_forgiven_with_the_next_one(one: Process) -> None:
    one.fail(AccountSignInFailed("x"))
    assert one.refusal(None) is NoAccountAvailable
    async with one.database.begin() as db:
        await save_credentials(
            db,
            one.database.secrets,
            one.account.id,
            Credentials(access_token="new"),
            auth_method="idc",
            profile_arn=None,
            expected_generation=one.account.generation,
            now=NOW,
        )
    await one.directory.reload()
    assert one.refusal(None) is None


async def test_a_new_sign_in_counts_at_once_without_a_look_into_the_store(one: Process) -> None:
    one.fail(AccountSuspended("x"))
    async with one.database.begin() as db:
        await save_credentials(
            db,
            one.database.secrets,
            one.account.id,
            Credentials(access_token="new"),
            auth_method="idc",
            profile_arn=None,
            expected_generation=None,
            now=NOW + timedelta(seconds=1),
        )
    assert one.refusal(None) is AccountSuspended
    await one.directory.reload()
    assert one.refusal(None) is None


async def test_what_one_process_hears_the_other_knows_from_the_store(tmp_path: Path) -> None:
    async with two_processes(tmp_path) as (one, other):
        one.fail(AccountSuspended("x"))
        await one.cooldowns.flush()
        await other.cooldowns.reload()
        assert other.refusal() is AccountSuspended
        other.cooldowns.forget(other.account.id)
        await other.cooldowns.flush()
        await one.cooldowns.reload()
        assert one.refusal() is None


async def test_what_is_not_written_yet_is_not_lost_by_reading(tmp_path: Path) -> None:
    async with two_processes(tmp_path) as (one, other):
        other.fail(QuotaSpent("x"))
        await other.cooldowns.flush()
        one.fail(AccountSuspended("x"))
        await one.cooldowns.reload()
        assert {found.kind for found in one.cooldowns.of(one.account.id)} == {
            "suspended",
            "exhausted",
        }
        one.cooldowns.forget(one.account.id)
        await one.cooldowns.reload()
        assert one.refusal() is None


async def test_a_database_that_refuses_loses_nothing(one: Process) -> None:
    one.fail(AccountSuspended("x"))
    await rename(one.database, "cooldowns", "away")
    with pytest.raises(StoreError):
        await one.cooldowns.flush()
    await rename(one.database, "away", "cooldowns")
    assert one.refusal() is AccountSuspended
    await one.cooldowns.flush()
    assert [found.kind for found in await stored(one)] == ["suspended"]


async def rename(database: Database, table: str, name: str) -> None:
    async with database.begin() as db:
        await db.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


async def stored(process: Process) -> list[Cooldown]:
    async with process.database.connect() as db:
        return await list_cooldowns(db)


async def test_changes_are_written_as_they_come_and_the_rest_at_the_end(one: Process) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.cooldowns.run)
        await anyio.lowlevel.checkpoint()
        one.fail(AccountSuspended("x"))
        with anyio.fail_after(20):
            while not await stored(one):
                await anyio.lowlevel.checkpoint()
        one.fail(RateLimited("x"))
        tasks.cancel_scope.cancel()
    assert len(await stored(one)) == 2


async def test_an_account_that_goes_while_it_cools_down_is_in_nobodys_way(one: Process) -> None:
    one.fail(AccountSuspended("x"))
    async with one.database.begin() as db:
        await db.execute(delete(accounts))
    await one.cooldowns.flush()
    assert await stored(one) == []


async def test_who_watches_accounts_is_told_of_each_change(tmp_path: Path) -> None:
    async with two_processes(tmp_path) as (one, other):
        told: list[str] = []
        other.cooldowns.on_change = told.append
        one.fail(AccountSuspended("x"))
        await one.cooldowns.flush()
        await other.cooldowns.reload()
        await other.cooldowns.reload()
        assert told == [one.account.id]
