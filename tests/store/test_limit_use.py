"""What keys have used of their long limits, without what is only set aside."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.store.api_keys import Limits, create_api_key
from gateway.store.database import Database
from gateway.store.limit_book import LimitBook
from gateway.store.limit_use import long_standings
from gateway.store.limits import LimitOwner, Standing, owner_of_key, start_of_next_month
from tests.sample_store import add_account, open_sample

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]


async def owner(database: Database, limits: Limits) -> LimitOwner:
    await add_account(database, "work")
    async with database.begin() as db:
        key, _ = await create_api_key(
            db, name="laptop", allowed=["work"], limits=limits, now=datetime.now(UTC)
        )
    found = owner_of_key(key)
    assert found is not None
    return found


async def use(database: Database, of: LimitOwner) -> tuple[Standing, ...]:
    async with database.connect() as db:
        return await long_standings(db, of, now=datetime.now(UTC))


async def test_running_requests_have_used_nothing_yet(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        limits = Limits(tokens_per_day=1000, credits_per_month=10.0, requests_per_minute=9)
        mine = await owner(database, limits)
        book = LimitBook(database)
        done = await book.reserve(mine, tokens=10, cost=1.0)
        running = await book.reserve(mine, tokens=10, most_tokens=1000, cost=5.0)
        book.settle(done, tokens=100, cost=2.5)
        await book.flush()
        month = start_of_next_month(datetime.now(UTC))
        assert await use(database, mine) == (
            Standing("tokens_per_day", 1000, 100, None),
            Standing("credits_per_month", 10.0, 2.5, month),
        )
        book.settle(running, tokens=700, cost=4.0)
        await book.flush()
        tokens, credits_ = await use(database, mine)
        assert (tokens.used, credits_.used) == (800, 6.5)


async def test_limits_of_the_minute_are_not_among_them(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        mine = await owner(database, Limits(requests_per_minute=1, max_concurrent_requests=1))
        assert await use(database, mine) == ()
