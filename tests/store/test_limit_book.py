from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from sqlalchemy import func, select

from gateway.errors import (
    AccountBusy,
    CreditLimitExceeded,
    LimitExceeded,
    RateLimitExceeded,
    StoreError,
)
from gateway.store.api_key_changes import delete_api_key, update_api_key
from gateway.store.api_keys import ApiKey, Limits, create_api_key
from gateway.store.database import Database
from gateway.store.limit_book import LEASE, MAX_WAITING, LimitBook, Reservation
from gateway.store.limits import LimitOwner, Standing, owner_of_account, owner_of_key
from gateway.store.tables import limit_entries, limit_states
from gateway.store.usage import insert_usage
from tests.sample_store import NOW, add_account, open_sample
from tests.store.usage_samples import record

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

KEY = LimitOwner("key", "0123456789abcdef", "laptop")


@dataclass(slots=True)
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def go(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass(slots=True)
class Counter:
    """A book, its clock and its database."""

    database: Database
    book: LimitBook
    clock: Clock

    async def let_in(self, owner: LimitOwner, count: int, **more: float) -> list[Reservation]:
        """How many of `count` requests that come one after the other are let in."""
        found = []
        for _ in range(count):
            try:
                found.append(await self.book.reserve(owner, **more))  # type: ignore[arg-type]
            except LimitExceeded:
                break
        return found

    async def refusal(self, owner: LimitOwner, **more: float) -> LimitExceeded:
        """The error of a request that is not let in."""
        with pytest.raises(LimitExceeded) as caught:
            await self.book.reserve(owner, **more)  # type: ignore[arg-type]
        return caught.value


@asynccontextmanager
async def counting(folder: Path) -> AsyncIterator[Counter]:
    clock = Clock()
    async with open_sample(folder) as database:
        yield Counter(database, LimitBook(database, clock=clock), clock)


async def all_at_once(count: int, reserve: Callable[[], Awaitable[Reservation]]) -> int:
    """How many of so many requests at the same moment are let in."""
    let_in = 0

    async def one() -> None:
        nonlocal let_in
        try:
            await reserve()
        except LimitExceeded:
            return
        let_in += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(one)
    return let_in


# Requests a minute


async def test_exactly_so_many_requests_pass_in_any_rolling_minute(tmp_path: Path) -> None:
    owner = replace(KEY, requests_per_minute=3)
    async with counting(tmp_path) as gate:
        assert len(await gate.let_in(owner, 2)) == 2
        gate.clock.go(seconds=30)
        assert len(await gate.let_in(owner, 5)) == 1
        gate.clock.go(seconds=29.999)
        assert await gate.let_in(owner, 1) == []
        gate.clock.go(seconds=0.001)
        assert len(await gate.let_in(owner, 5)) == 2
        gate.clock.go(seconds=30)
        assert len(await gate.let_in(owner, 5)) == 1


async def test_a_thousand_parallel_requests_pass_exactly_the_limit(tmp_path: Path) -> None:
    owner = replace(KEY, requests_per_minute=100)
    async with counting(tmp_path) as gate:
        with anyio.fail_after(20):
            assert await all_at_once(1000, lambda: gate.book.reserve(owner)) == 100


async def test_two_books_on_one_database_agree(tmp_path: Path) -> None:
    owner = replace(KEY, requests_per_minute=100, max_concurrent_requests=60)
    async with counting(tmp_path) as one, counting(tmp_path) as other:
        books = [one.book, other.book] * 2
        turns = iter(range(400))
        passed = await all_at_once(400, lambda: books[next(turns) % 4].reserve(owner))
        assert passed == 60


async def test_the_refusal_says_whose_limit_it_is_and_when_there_is_room(tmp_path: Path) -> None:
    owner = replace(KEY, requests_per_minute=2)
    async with counting(tmp_path) as gate:
        await gate.let_in(owner, 1)
        gate.clock.go(seconds=20)
        await gate.let_in(owner, 1)
        gate.clock.go(seconds=10)
        error = await gate.refusal(owner)
    assert isinstance(error, RateLimitExceeded)
    assert str(error) == (
        'API key "laptop" may make 2 requests a minute and has made 2. '
        "It is let in again in 30 s, at 08:31:00 UTC."
    )
    assert (error.limit, error.limit_value, error.used) == ("requests_per_minute", 2, 2)
    assert (error.resets_at, error.retry_after) == (NOW + timedelta(seconds=60), 30)
    assert error.source == "key"


async def test_after_a_limit_was_lowered_the_time_counts_the_surplus(tmp_path: Path) -> None:
    async with counting(tmp_path) as gate:
        for _ in range(3):
            await gate.let_in(replace(KEY, requests_per_minute=9), 1)
            gate.clock.go(seconds=10)
        error = await gate.refusal(replace(KEY, requests_per_minute=1))
    assert error.resets_at == NOW + timedelta(seconds=80)


async def test_a_released_request_never_happened(tmp_path: Path) -> None:
    owner = replace(
        KEY,
        requests_per_minute=1,
        max_concurrent_requests=1,
        tokens_per_day=10,
        credits_per_month=1.0,
    )
    async with counting(tmp_path) as gate:
        for _ in range(3):
            (reservation,) = await gate.let_in(owner, 1, tokens=10, cost=1.0)
            gate.book.release(reservation)
            gate.book.release(reservation)
        standings = await flushed(gate, owner)
    assert [standing.used for standing in standings] == [0, 0, 0, 0]


async def test_releasing_a_request_of_long_ago_makes_no_room_in_this_minute(
    tmp_path: Path,
) -> None:
    owner = replace(KEY, requests_per_minute=1)
    async with counting(tmp_path) as gate:
        (old,) = await gate.let_in(owner, 1)
        gate.clock.go(seconds=59)
        await gate.book.renew()
        gate.clock.go(seconds=1)
        await gate.let_in(owner, 1)
        gate.book.release(old)
        assert await gate.let_in(owner, 1) == []


# Concurrent requests


async def test_a_slot_is_free_again_when_a_request_ends(tmp_path: Path) -> None:
    owner = replace(KEY, max_concurrent_requests=2)
    async with counting(tmp_path) as gate:
        first, _ = await gate.let_in(owner, 5)
        error = await gate.refusal(owner)
        gate.book.settle(first, tokens=5, cost=None)
        assert len(await gate.let_in(owner, 5)) == 1
    assert (error.limit, error.used, error.resets_at) == ("max_concurrent_requests", 2, None)
    assert str(error) == (
        'API key "laptop" may have 2 requests at once and has 2. '
        "Try again when one of them has ended."
    )


async def test_a_slot_whose_process_died_is_free_when_its_lease_is_over(tmp_path: Path) -> None:
    owner = replace(KEY, max_concurrent_requests=1, tokens_per_day=100, credits_per_month=5.0)
    async with counting(tmp_path) as dead, counting(tmp_path) as alive:
        await dead.let_in(owner, 1, tokens=90, cost=5.0)
        alive.clock.now += LEASE - timedelta(microseconds=1)
        assert await alive.let_in(owner, 1) == []
        alive.clock.go(microseconds=1)
        assert [one.used for one in await alive.book.read(owner)] == [0, 0, 0]
        assert len(await alive.let_in(owner, 1, tokens=100, cost=5.0)) == 1


async def test_a_request_that_runs_long_keeps_its_slot(tmp_path: Path) -> None:
    owner = replace(KEY, max_concurrent_requests=1)
    async with counting(tmp_path) as gate:
        (reservation,) = await gate.let_in(owner, 1)
        for _ in range(5):
            gate.clock.now += LEASE * 0.9
            await gate.book.renew()
        assert await gate.let_in(owner, 1) == []
        gate.book.settle(reservation, tokens=0, cost=None)
        assert len(await gate.let_in(owner, 1)) == 1


async def test_what_ended_after_its_lease_still_counts(tmp_path: Path) -> None:
    owner = replace(KEY, tokens_per_day=100, credits_per_month=5.0)
    async with counting(tmp_path) as gate:
        (slow,) = await gate.let_in(owner, 1, tokens=90, cost=1.0)
        gate.clock.now += LEASE
        (other,) = await gate.let_in(owner, 1, tokens=1, cost=0.0)
        gate.book.settle(slow, tokens=70, cost=2.0)
        gate.book.settle(other, tokens=1, cost=0.5)
        tokens, spent = await flushed(gate, owner)
    assert (tokens.used, spent.used) == (71, 2.5)


async def test_who_may_wait_gets_the_slot_that_becomes_free_in_turn(tmp_path: Path) -> None:
    owner = replace(KEY, max_concurrent_requests=1)
    order: list[int] = []
    async with counting(tmp_path) as gate:
        (running,) = await gate.let_in(owner, 1)

        async def wait(number: int) -> None:
            reservation = await gate.book.reserve(owner, wait=20)
            order.append(number)
            gate.book.settle(reservation, tokens=0, cost=None)

        async with anyio.create_task_group() as background:
            background.start_soon(gate.book.run)
            async with anyio.create_task_group() as tasks:
                for number in range(3):
                    tasks.start_soon(wait, number)
                    await anyio.wait_all_tasks_blocked()
                gate.book.settle(running, tokens=0, cost=None)
            background.cancel_scope.cancel()
    assert order == [0, 1, 2]


async def test_a_slot_that_another_process_gives_back_is_noticed(tmp_path: Path) -> None:
    owner = replace(KEY, max_concurrent_requests=1)
    async with counting(tmp_path) as one, counting(tmp_path) as other:
        (running,) = await one.let_in(owner, 1)

        async def end() -> None:
            one.book.settle(running, tokens=0, cost=None)
            await one.book.flush()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end)
            assert await other.book.reserve(owner, wait=20)


async def test_the_wait_is_bounded_in_time_and_in_number(tmp_path: Path) -> None:
    owner = replace(KEY, max_concurrent_requests=1)
    refused: list[LimitExceeded] = []
    async with counting(tmp_path) as gate:
        await gate.let_in(owner, 1)
        with pytest.raises(RateLimitExceeded, match="at once and has 1"):
            await gate.book.reserve(owner, wait=0.01)

        async def wait() -> None:
            try:
                await gate.book.reserve(owner, wait=30)
            except RateLimitExceeded as exc:
                refused.append(exc)

        async with anyio.create_task_group() as tasks:
            for _ in range(MAX_WAITING + 3):
                tasks.start_soon(wait)
            with anyio.fail_after(20):
                while len(refused) < 3:
                    await anyio.lowlevel.checkpoint()
            assert (await gate.refusal(owner)).limit == "max_concurrent_requests"
            tasks.cancel_scope.cancel()
        assert len(refused) == 3


async def test_waiting_does_not_help_against_other_limits(tmp_path: Path) -> None:
    owner = replace(KEY, requests_per_minute=1)
    async with counting(tmp_path) as gate:
        await gate.let_in(owner, 1)
        assert (await gate.refusal(owner, wait=60)).limit == "requests_per_minute"


async def test_who_gives_up_leaves_nothing_reserved(tmp_path: Path) -> None:
    owner = replace(KEY, max_concurrent_requests=50)

    async with counting(tmp_path) as gate, anyio.create_task_group() as background:
        background.start_soon(gate.book.run)
        for rounds in range(10):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(gate.book.reserve, owner)
                for _ in range(rounds):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
        # Those that were let in before they were cancelled are theirs to end; none came so far.
        (standing,) = await flushed(gate, owner)
        assert standing.used == len(gate.book._held)
        background.cancel_scope.cancel()


async def test_an_accounts_cap_is_its_own(tmp_path: Path) -> None:
    async with counting(tmp_path) as gate:
        account = await add_account(gate.database, "work")
        assert owner_of_account(account) is None
        owner = owner_of_account(replace(account, max_concurrent_requests=1))
        assert owner is not None
        await gate.book.reserve(owner)
        with pytest.raises(
            AccountBusy, match='Account "work" already serves 1 request, '
        ) as caught:
            await gate.book.reserve(owner)
        with pytest.raises(AccountBusy):
            await gate.book.reserve(owner, wait=0.01)
    assert caught.value.source == "account"


# Tokens a day


async def test_tokens_are_reserved_before_and_settled_after(tmp_path: Path) -> None:
    owner = replace(KEY, tokens_per_day=1000)
    async with counting(tmp_path) as gate:
        assert await all_at_once(10, lambda: gate.book.reserve(owner, tokens=300)) == 3
        assert [one.used for one in await gate.book.read(owner)] == [900]
    async with counting(tmp_path / "other") as gate:
        (reservation,) = await gate.let_in(owner, 1, tokens=900)
        gate.book.settle(reservation, tokens=250, cost=None)
        assert len(await gate.let_in(owner, 1, tokens=750)) == 1


async def test_tokens_leave_the_day_exactly_when_it_is_over(tmp_path: Path) -> None:
    owner = replace(KEY, tokens_per_day=100)
    async with counting(tmp_path) as gate:
        for tokens in (60, 40):
            (reservation,) = await gate.let_in(owner, 1, tokens=tokens)
            gate.book.settle(reservation, tokens=tokens, cost=None)
            await gate.book.flush()
            gate.clock.go(hours=1)
        assert (await gate.refusal(owner, tokens=0)).used == 100
        error = await gate.refusal(owner, tokens=50)
        assert error.resets_at == NOW + timedelta(hours=24)
        assert "100 tokens in 24 hours; 100 are used or reserved" in str(error)
        assert str(error).endswith("It is let in again on 2026-11-23 at 08:30 UTC.")
        assert (await gate.refusal(owner, tokens=61)).resets_at == NOW + timedelta(hours=25)
        gate.clock.now = NOW + timedelta(hours=24) - timedelta(microseconds=1)
        assert await gate.let_in(owner, 1, tokens=1) == []
        gate.clock.go(microseconds=1)
        assert [one.used for one in await gate.book.read(owner)] == [40]
        assert len(await gate.let_in(owner, 3, tokens=60)) == 1


async def test_a_request_larger_than_the_limit_is_told_that_no_wait_helps(tmp_path: Path) -> None:
    owner = replace(KEY, tokens_per_day=100)
    async with counting(tmp_path) as gate:
        error = await gate.refusal(owner, tokens=101)
    assert (error.resets_at, error.retry_after) == (None, None)
    assert str(error).endswith("Ask the gateway's operator for a higher limit.")


async def test_an_estimate_that_was_too_low_is_corrected_and_shuts_the_door(
    tmp_path: Path,
) -> None:
    owner = replace(KEY, tokens_per_day=100)
    async with counting(tmp_path) as gate:
        (reservation,) = await gate.let_in(owner, 1, tokens=10)
        gate.book.settle(reservation, tokens=500, cost=None)
        (standing,) = await flushed(gate, owner)
        assert (standing.used, standing.remaining) == (500, 0)
        assert (await gate.refusal(owner, tokens=1)).used == 500


# Credits a month


async def test_credits_begin_anew_with_the_calendar_month(tmp_path: Path) -> None:
    owner = replace(KEY, credits_per_month=10.0)
    async with counting(tmp_path) as gate:
        (reservation,) = await gate.let_in(owner, 1)
        gate.book.settle(reservation, tokens=0, cost=10.0)
        error = await gate.refusal(owner)
        gate.clock.now = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
        assert await gate.let_in(owner, 1) == []
        gate.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
        assert [one.used for one in await gate.book.read(owner)] == [0]
        assert len(await gate.let_in(owner, 1)) == 1
    assert isinstance(error, CreditLimitExceeded)
    assert error.resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert str(error) == (
        'API key "laptop" may use 10 credits a month, and 10 are used or reserved. '
        "It is let in again on 2026-12-01 at 00:00 UTC."
    )


async def test_parallel_requests_of_unknown_cost_do_not_run_far_over_the_credits(
    tmp_path: Path,
) -> None:
    owner = replace(KEY, credits_per_month=10.0)
    async with counting(tmp_path) as gate:
        # Nothing is known yet: each is taken to cost one credit.
        assert await all_at_once(50, lambda: gate.book.reserve(owner)) == 10
    async with counting(tmp_path / "other") as gate:
        for _ in range(4):
            (reservation,) = await gate.let_in(owner, 1)
            gate.book.settle(reservation, tokens=0, cost=0.5)
        assert await all_at_once(50, lambda: gate.book.reserve(owner)) == 16


async def test_the_last_credits_may_be_spent_although_a_guess_would_not_fit(
    tmp_path: Path,
) -> None:
    owner = replace(KEY, credits_per_month=0.5)
    async with counting(tmp_path) as gate:
        for _ in range(2):
            (reservation,) = await gate.let_in(owner, 1)
            gate.book.settle(reservation, tokens=0, cost=0.2)
        assert len(await gate.let_in(owner, 3)) == 1
        # A cost that is told is kept to.
        assert (await gate.refusal(owner, cost=0.2)).limit == "credits_per_month"


# Where counting begins


async def limited_key(gate: Counter, limits: Limits) -> tuple[ApiKey, LimitOwner]:
    await add_account(gate.database, "work")
    async with gate.database.begin() as db:
        key, _ = await create_api_key(db, name="laptop", allowed=["work"], limits=limits, now=NOW)
    owner = owner_of_key(key)
    assert owner is not None
    return key, owner


async def test_a_key_without_limits_has_nothing_to_reserve(tmp_path: Path) -> None:
    async with counting(tmp_path) as gate:
        await add_account(gate.database, "work")
        async with gate.database.begin() as db:
            models = Limits(allowed_models=("auto",))
            key, _ = await create_api_key(
                db, name="laptop", allowed=["work"], limits=models, now=NOW
            )
    assert owner_of_key(key) is None


async def test_a_new_limit_counts_what_was_used_before_it(tmp_path: Path) -> None:
    async with counting(tmp_path) as gate:
        key, _ = await limited_key(gate, Limits(requests_per_minute=1))
        past = [
            (timedelta(days=40), 1),  # last month
            (timedelta(hours=26), 100),
            (timedelta(hours=2), 40),
            (timedelta(), 2),
        ]
        rows = [
            replace(
                record(number),
                api_key_id=key.id,
                at=NOW - ago,
                input_tokens=tokens,
                output_tokens=tokens,
                cache_read_tokens=tokens,
                cache_write_tokens=tokens,
                credits=float(tokens),
            )
            for number, (ago, tokens) in enumerate(past)
        ]
        async with gate.database.begin() as db:
            await insert_usage(db, rows)
            limits = Limits(tokens_per_day=200, credits_per_month=500.0)
            key = await update_api_key(db, key.id, limits=limits, now=NOW)
        owner = owner_of_key(key)
        assert owner is not None
        assert [one.used for one in await gate.book.read(owner)] == [168, 142.0]
        (reservation,) = await gate.let_in(owner, 1, tokens=32)
        assert [one.used for one in reservation.standings] == [200, 142.0 + 142.0 / 3]
        assert [one.used for one in await gate.book.read(owner)] == [200, 142.0 + 142.0 / 3]
        gate.book.settle(reservation, tokens=0, cost=0.0)
        gate.clock.go(hours=23)
        tokens, _ = await flushed(gate, owner)
        assert tokens.used == 8


async def test_a_limit_that_was_lifted_for_a_while_counts_the_while_too(tmp_path: Path) -> None:
    async with counting(tmp_path) as gate:
        limits = Limits(tokens_per_day=100, credits_per_month=9.0)
        key, owner = await limited_key(gate, limits)
        (reservation,) = await gate.let_in(owner, 1, tokens=7)
        gate.book.settle(reservation, tokens=7, cost=1.0)
        await gate.book.flush()
        rows = [
            replace(
                record(number),
                api_key_id=key.id,
                at=NOW,
                input_tokens=tokens,
                output_tokens=0,
                cache_read_tokens=0,
                cache_write_tokens=0,
                credits=cost,
            )
            for number, (tokens, cost) in enumerate([(7, 1.0), (50, 2.0)])
        ]
        async with gate.database.begin() as db:
            await update_api_key(db, key.id, limits=Limits(), now=NOW)
            await insert_usage(db, rows)
            key = await update_api_key(db, key.id, limits=limits, now=NOW)
        owner = owner_of_key(key) or owner
        (reservation,) = await gate.let_in(owner, 1, tokens=3, cost=0.0)
        assert [one.used for one in reservation.standings] == [60, 3.0]


async def test_a_deleted_key_leaves_no_counters_behind(tmp_path: Path) -> None:
    async with counting(tmp_path) as gate:
        key, owner = await limited_key(gate, Limits(requests_per_minute=5))
        await gate.let_in(owner, 1)
        async with gate.database.begin() as db:
            await delete_api_key(db, key.id, now=NOW)
            for table in (limit_entries, limit_states):
                found = await db.execute(select(func.count()).select_from(table))
                assert found.scalar_one() == 0


async def test_entries_that_no_limit_looks_at_any_more_are_removed(tmp_path: Path) -> None:
    owner = replace(KEY, requests_per_minute=5)
    async with counting(tmp_path) as gate:
        for reservation in await gate.let_in(owner, 5):
            gate.book.settle(reservation, tokens=1, cost=None)
        await gate.book.flush()
        gate.clock.go(seconds=60)
        await gate.let_in(owner, 1)
        async with gate.database.connect() as db:
            found = await db.execute(select(func.count()).select_from(limit_entries))
            assert found.scalar_one() == 1


# What is told, and when the database fails


async def test_a_reservation_tells_how_the_limits_stand(tmp_path: Path) -> None:
    owner = replace(
        KEY,
        requests_per_minute=10,
        max_concurrent_requests=4,
        tokens_per_day=1000,
        credits_per_month=50.0,
    )
    async with counting(tmp_path) as gate:
        (reservation,) = await gate.let_in(owner, 1, tokens=100, cost=2.0)
        read = await gate.book.read(owner)
    assert read == reservation.standings
    assert [(one.name, one.limit, one.used, one.remaining) for one in read] == [
        ("requests_per_minute", 10, 1, 9),
        ("max_concurrent_requests", 4, 1, 3),
        ("tokens_per_day", 1000, 100, 900),
        ("credits_per_month", 50.0, 2.0, 48.0),
    ]
    assert [one.resets_at for one in read] == [
        NOW + timedelta(minutes=1),
        None,
        NOW + timedelta(hours=24),
        datetime(2026, 12, 1, tzinfo=UTC),
    ]


async def test_what_is_settled_while_the_database_refuses_is_booked_later(tmp_path: Path) -> None:
    owner = replace(KEY, tokens_per_day=100)
    async with counting(tmp_path) as gate:
        (reservation,) = await gate.let_in(owner, 1, tokens=10)
        await rename(gate.database, "limit_entries", "away")
        gate.book.settle(reservation, tokens=30, cost=None)
        with pytest.raises(StoreError):
            await gate.book.reserve(owner, tokens=1)
        with pytest.raises(StoreError):
            await gate.book.flush()
        await rename(gate.database, "away", "limit_entries")
        (standing,) = await flushed(gate, owner)
    assert standing.used == 30


async def rename(database: Database, old: str, new: str) -> None:
    async with database.begin() as db:
        await db.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")


async def flushed(gate: Counter, owner: LimitOwner) -> tuple[Standing, ...]:
    await gate.book.flush()
    return await gate.book.read(owner)
