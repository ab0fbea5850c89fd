"""Cool-downs and the history of health, as they are stored."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.store.accounts import Credentials, delete_account, save_credentials
from gateway.store.cooldowns import Cooldown, end_cooldowns, list_cooldowns, store_cooldowns
from gateway.store.database import Database
from gateway.store.health_changes import (
    KEPT,
    HealthChange,
    add_health_changes,
    latest_health_changes,
    list_health_changes,
)
from gateway.store.tables import health_changes
from tests.sample_store import BOX, NOW, add_account, open_sample

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

LATER = NOW + timedelta(seconds=10)


async def write(database: Database, *cooldowns: Cooldown) -> None:
    async with database.begin() as db:
        await store_cooldowns(db, {one.key: one for one in cooldowns})


async def read(database: Database) -> list[Cooldown]:
    async with database.connect() as db:
        return sorted(await list_cooldowns(db), key=lambda one: one.key)


async def test_what_was_stored_is_read_as_it_was(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        stored = [
            Cooldown(account.id, "exhausted", NOW, LATER, strikes=2, units_left=1.5),
            Cooldown(account.id, "rate", NOW, LATER, model="claude-opus-4.6", generation=3),
            Cooldown(account.id, "suspended", NOW, None),
        ]
        await write(database, *stored)
        assert await read(database) == stored


async def test_the_latest_of_a_kind_and_model_replaces_the_one_before(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        first = Cooldown(account.id, "rate", NOW, LATER, model="m")
        second = Cooldown(account.id, "rate", NOW, LATER + timedelta(1), model="m", strikes=2)
        await write(database, first)
        await write(database, second)
        assert await read(database) == [second]
        async with database.begin() as db:
            await store_cooldowns(db, {second.key: None})
        assert await read(database) == []


async def test_one_of_an_account_that_is_gone_holds_up_nobody_else(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        kept = Cooldown(account.id, "suspended", NOW, None)
        await write(database, Cooldown("nobody", "suspended", NOW, None), kept)
        assert await read(database) == [kept]


async def test_an_account_takes_its_own_along_when_it_is_deleted(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        await write(database, Cooldown(account.id, "suspended", NOW, None))
        async with database.begin() as db:
            await add_health_changes(db, [HealthChange(account.id, NOW, "suspended")])
            await delete_account(db, account.id, now=NOW)
        assert await read(database) == []
        async with database.connect() as db:
            assert await latest_health_changes(db) == []


@pytest.mark.parametrize("refresh", [True, False], ids=["renewed", "signed in"])
async def test_a_new_sign_in_ends_them_and_a_renewed_token_does_not(
    tmp_path: Path, refresh: bool
) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        await write(database, Cooldown(account.id, "exhausted", NOW, LATER))
        async with database.begin() as db:
            await save_credentials(
                db,
                BOX,
                account.id,
                Credentials(access_token="new"),
                auth_method="social",
                profile_arn=None,
                expected_generation=account.generation if refresh else None,
                now=NOW,
            )
        assert len(await read(database)) == (1 if refresh else 0)


async def test_who_sees_to_one_account_does_not_touch_another(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        one = await add_account(database, "one")
        other = await add_account(database, "other")
        kept = Cooldown(other.id, "suspended", NOW, None)
        await write(database, Cooldown(one.id, "suspended", NOW, None), kept)
        async with database.begin() as db:
            await end_cooldowns(db, one.id)
        assert await read(database) == [kept]


def change(account_id: str, number: int, state: str = "active") -> HealthChange:
    return HealthChange(account_id, NOW + timedelta(seconds=number), state, f"reason {number}")


async def test_a_history_keeps_the_newest_changes_of_each_account(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        one = await add_account(database, "one")
        other = await add_account(database, "other")
        async with database.begin() as db:
            await add_health_changes(db, [change(other.id, 0)])
            await add_health_changes(db, [change(one.id, n) for n in range(KEPT + 5)])
        async with database.connect() as db:
            newest = await list_health_changes(db, one.id, limit=3)
            assert newest == [change(one.id, KEPT + n) for n in (4, 3, 2)]
            assert len(await list_health_changes(db, one.id, limit=10_000)) == KEPT
            assert await list_health_changes(db, other.id, limit=3) == [change(other.id, 0)]
            latest = await latest_health_changes(db)
        assert {found.account_id: found for found in latest} == {
            one.id: change(one.id, KEPT + 4),
            other.id: change(other.id, 0),
        }


async def test_what_several_processes_see_is_told_once(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        seen = HealthChange(account.id, NOW, "suspended", "x" * 5000, LATER)
        for _ in range(2):
            async with database.begin() as db:
                await add_health_changes(db, [seen])
        async with database.connect() as db:
            count = await db.execute(select(func.count()).select_from(health_changes))
        assert count.scalar_one() == 1
