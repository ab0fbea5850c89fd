"""One holder at a time, on both stores."""

from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from gateway.store.database import Database
from gateway.store.leases import give_up_lease, has_lease, take_lease
from tests.sample_store import open_sample

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

MINUTE = timedelta(minutes=1)
OVER = timedelta(seconds=-1)  # a lease that has run out by the time it is asked for


async def take(database: Database, holder: str, *, lasts: timedelta = MINUTE) -> bool:
    async with database.begin() as db:
        return await take_lease(db, "work", holder, lasts=lasts)


async def has(database: Database, holder: str) -> bool:
    async with database.connect() as db:
        return await has_lease(db, "work", holder)


async def test_a_lease_has_one_holder_who_may_renew_it(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        assert await take(database, "a")
        assert not await take(database, "b")
        assert await take(database, "a")
        assert (await has(database, "a"), await has(database, "b")) == (True, False)


async def test_a_lease_that_has_run_out_goes_to_the_next(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        assert await take(database, "killed", lasts=OVER)
        assert not await has(database, "killed")
        assert await take(database, "b")
        assert not await take(database, "killed")


async def test_a_lease_that_is_given_up_is_free_at_once(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        await take(database, "a")
        async with database.begin() as db:
            await give_up_lease(db, "work", "b")
        assert await has(database, "a")
        async with database.begin() as db:
            await give_up_lease(db, "work", "a")
        assert await take(database, "b")


async def test_leases_of_other_names_are_others(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        assert await take(database, "a")
        async with database.begin() as db:
            assert await take_lease(db, "other work", "b", lasts=MINUTE)


async def test_of_many_that_ask_at_once_one_gets_it(tmp_path: Path) -> None:
    won = []

    async def one(database: Database, holder: str) -> None:
        if await take(database, holder):
            won.append(holder)

    async with open_sample(tmp_path) as database, open_sample(tmp_path) as other:
        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(one, other if number % 2 else database, f"holder-{number}")
        assert len(won) == 1
