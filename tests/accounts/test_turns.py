"""Renewals by several processes on one database: one at a time, whatever becomes of the first."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from sqlalchemy import delete, select, update

from gateway.accounts import renewal
from gateway.errors import NoAccountAvailable
from gateway.store.accounts import Account
from gateway.store.database import Database
from gateway.store.refresh_leases import (
    end_lease,
    extend_lease,
    is_worth_waiting,
    take_lease,
)
from gateway.store.tables import refresh_leases
from tests.accounts.test_tokens import EXPIRED, Setting, a_setting, access_token, settled
from tests.sample_store import NOW, add_account, open_sample
from tests.sign_in_service import Answer, SignInService, sign_in_service, token_answer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]


@pytest.fixture
async def service() -> AsyncIterator[SignInService]:
    async with sign_in_service() as running:
        numbers = iter(range(1, 100))
        running.reply = lambda _: token_answer(next(numbers))
        yield running


async def leases(database: Database) -> list[str]:
    async with database.connect() as db:
        return list((await db.execute(select(refresh_leases.c.account_id))).scalars())


async def take(database: Database, account: Account, holder: str) -> bool | None:
    async with database.begin() as db:
        return await take_lease(db, account.id, holder, generation=account.generation)


async def test_while_one_renews_the_other_waits_and_takes_it_over(
    tmp_path: Path, service: SignInService
) -> None:
    service.held = anyio.Event()
    async with a_setting(tmp_path, service) as one, a_setting(tmp_path, service) as other:
        account = await one.account(EXPIRED)
        await other.directory.reload()
        got: list[Account] = []

        async def want(setting: Setting) -> None:
            got.append(await setting.tokens.get(account.id))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(want, one)
            await service.asked.wait()
            for _ in range(20):
                tasks.start_soon(want, other)
            # Nothing is held open in the database while the service is asked.
            assert await leases(one.database) == [account.id]
            await add_account(other.database, "somebody-else")
            service.held.set()
        stored = await one.stored()
        assert got == [stored] * 21
        assert access_token(stored) == "access-new-1"
        assert len(service.requests) == 1
        assert await leases(one.database) == []


async def test_a_turn_of_somebody_who_died_passes_on_when_its_lease_is_over(
    tmp_path: Path, service: SignInService
) -> None:
    async with a_setting(tmp_path, service) as one:
        account = await one.account(EXPIRED)
        assert await take(one.database, account, "killed since") is True
        got: list[Account] = []

        async def want() -> None:
            got.append(await one.tokens.get(account.id))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(want)
            async with one.database.begin() as db:
                await db.execute(update(refresh_leases).values(until=NOW))
        assert [access_token(account) for account in got] == ["access-new-1"]


async def test_a_turn_that_never_ends_is_waited_for_so_long_and_no_longer(
    tmp_path: Path, service: SignInService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "TURN_WAIT", 0.05)
    async with a_setting(tmp_path, service) as one:
        account = await one.account(EXPIRED)
        await take(one.database, account, "another")
        with pytest.raises(NoAccountAvailable, match="for too long"):
            await one.tokens.get(account.id)
        assert service.requests == []


async def test_when_the_first_fails_the_next_has_its_turn(
    tmp_path: Path, service: SignInService
) -> None:
    answers = [token_answer(2), Answer(503)]
    service.reply = lambda _: answers.pop()
    service.held = anyio.Event()
    async with a_setting(tmp_path, service) as one, a_setting(tmp_path, service) as other:
        account = await one.account(EXPIRED)
        await other.directory.reload()
        got: list[Account] = []

        async def fail() -> None:
            with pytest.raises(NoAccountAvailable):
                await one.tokens.get(account.id)

        async def want() -> None:
            got.append(await other.tokens.get(account.id))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)
            await service.asked.wait()
            tasks.start_soon(want)
            service.held.set()
        assert access_token(got[0]) == "access-new-2"


async def test_who_lost_its_turn_does_not_overwrite_what_the_other_stored(
    tmp_path: Path, service: SignInService
) -> None:
    service.held = anyio.Event()
    async with a_setting(tmp_path, service) as one, a_setting(tmp_path, service) as other:
        account = await one.account(EXPIRED)
        await other.directory.reload()
        got: list[Account] = []

        async def want(setting: Setting) -> None:
            got.append(await setting.tokens.get(account.id))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(want, one)
            await service.asked.wait()
            async with one.database.begin() as db:
                await db.execute(delete(refresh_leases))
            tasks.start_soon(want, other)
            await settled(service, 2)
            service.held.set()
        stored = await one.stored()
        # Both asked; the first to store won, and the second took over what it found.
        assert got == [stored, stored]
        assert stored.generation == account.generation + 1


async def test_what_another_process_has_renewed_is_taken_over_without_asking(
    tmp_path: Path, service: SignInService
) -> None:
    async with a_setting(tmp_path, service) as one, a_setting(tmp_path, service) as other:
        account = await one.account(EXPIRED)
        await other.directory.reload()
        renewed = await one.tokens.get(account.id)
        assert await other.tokens.get(account.id) == renewed
        assert len(service.requests) == 1


async def test_a_lease_is_one_holders_until_it_ends(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", EXPIRED)
        generation = account.generation
        assert await take(database, account, "one") is True
        assert await take(database, account, "one") is True
        assert await take(database, account, "other") is False
        async with database.begin() as db:
            await end_lease(db, account.id, "other")
            assert await is_worth_waiting(db, account.id, generation=generation)
            assert not await is_worth_waiting(db, account.id, generation=generation - 1)
            await end_lease(db, account.id, "one")
            assert not await is_worth_waiting(db, account.id, generation=generation)
        assert await take(database, account, "other") is True


async def test_a_lease_that_is_over_may_be_extended_until_somebody_takes_it(
    tmp_path: Path,
) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", EXPIRED)
        await take(database, account, "one")
        over = update(refresh_leases).values(until=NOW)
        async with database.begin() as db:
            await db.execute(over)
            await extend_lease(db, account.id, "one")
        assert await take(database, account, "other") is False
        async with database.begin() as db:
            await db.execute(over)
        assert await take(database, account, "other") is True
        async with database.begin() as db:
            await db.execute(over)
            await extend_lease(db, account.id, "one")
        assert await take(database, account, "one") is True


async def test_for_other_credentials_there_is_no_turn(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", EXPIRED)
        async with database.begin() as db:
            before = account.generation - 1
            assert await take_lease(db, account.id, "one", generation=before) is None
        assert await leases(database) == []
