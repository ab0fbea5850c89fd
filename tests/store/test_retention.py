from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Table, func, select

from gateway.store.admin import make_sign_in_link, start_session
from gateway.store.api_key_changes import rotate_api_key
from gateway.store.api_keys import create_api_key
from gateway.store.database import Database
from gateway.store.limit_book import LimitBook
from gateway.store.limits import LimitOwner
from gateway.store.retention import BATCH, Pruned, Retention, prune
from gateway.store.tables import (
    admin_sessions,
    limit_entries,
    limit_states,
    request_bodies,
    request_details,
    retired_secrets,
    sign_in_links,
    usage_days,
    usage_hours,
    usage_records,
)
from gateway.store.usage import Bodies, RequestDetail, insert_usage
from gateway.store.usage_report import UsageQuestion, usage_report
from tests.sample_store import NOW, add_account, open_sample
from tests.store.usage_samples import record

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

RETENTION = Retention(usage_days=400, request_log_days=30)


async def count(database: Database, table: Table) -> int:
    async with database.connect() as db:
        return int((await db.execute(select(func.count()).select_from(table))).scalar_one())


async def test_the_log_ends_where_it_should_and_the_sums_go_on(tmp_path: Path) -> None:
    ages = [
        timedelta(),
        timedelta(days=30),
        timedelta(days=30, minutes=30),  # the hour that 30 days ago is in
        timedelta(days=30, minutes=31),
        timedelta(days=400),
        timedelta(days=400, minutes=31),  # the day that 400 days ago is in
        timedelta(days=402),
    ]
    rows = [
        replace(
            record(number),
            at=NOW - age,
            detail=RequestDetail(),
            bodies=Bodies(NOW + timedelta(hours=1), b"x"),
        )
        for number, age in enumerate(ages)
    ]
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            await insert_usage(db, rows, database.secrets)
        pruned = await prune(database, RETENTION, now=NOW)
        counts = [
            await count(database, table)
            for table in (usage_records, request_details, request_bodies)
        ]
        async with database.connect() as db:
            total = await usage_report(db, UsageQuestion(group_by=()))
            hours = await usage_report(db, UsageQuestion(group_by=("hour",)))
        again = await prune(database, RETENTION, now=NOW)
    assert pruned.requests == 4
    assert counts == [3, 3, 3]
    assert total[0].sums.requests == 6
    assert sum(row.sums.requests for row in hours) == 5
    assert again == Pruned(0, 0, 0)


async def test_many_rows_go_in_small_batches(tmp_path: Path) -> None:
    rows = [
        replace(record(number), at=NOW - timedelta(days=40, hours=number % 99))
        for number in range(BATCH + 7)
    ]
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            await insert_usage(db, rows)
        assert (await prune(database, RETENTION, now=NOW)).requests == BATCH + 7
        await prune(database, Retention(usage_days=1, request_log_days=1), now=NOW)
        assert [await count(database, table) for table in (usage_hours, usage_days)] == [0, 0]


async def test_bodies_go_when_their_time_is_over(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        bodies = Bodies(NOW, b"x")
        async with database.begin() as db:
            await insert_usage(db, [replace(record(1), bodies=bodies)], database.secrets)
        pruned = await prune(database, RETENTION, now=NOW)
        assert pruned == Pruned(0, 1, 0)
        assert await count(database, usage_records) == 1


async def test_sessions_links_and_secrets_that_have_expired_go(tmp_path: Path) -> None:
    tables = (admin_sessions, sign_in_links, retired_secrets)
    hour = timedelta(hours=1)
    async with open_sample(tmp_path) as database:
        await add_account(database, "work")
        async with database.begin() as db:
            await start_session(db, lifetime=hour, now=NOW)
            await make_sign_in_link(db, lifetime=hour, now=NOW)
            key, _ = await create_api_key(db, name="laptop", allowed=["work"], now=NOW)
            await rotate_api_key(db, key.id, overlap=hour, now=NOW)
        counts = []
        for now in (NOW + hour - timedelta(microseconds=1), NOW + hour):
            await prune(database, RETENTION, now=now)
            counts.append([await count(database, table) for table in tables])
    assert counts == [[1, 1, 1], [0, 0, 0]]


async def test_counters_of_owners_that_nobody_asks_for_shrink_and_stay_right(
    tmp_path: Path,
) -> None:
    now = NOW
    owner = LimitOwner("key", "0123456789abcdef", "laptop", tokens_per_day=100)
    async with open_sample(tmp_path) as database:
        book = LimitBook(database, clock=lambda: now)
        for tokens in (30, 40):
            book.settle(await book.reserve(owner, tokens=tokens), tokens=tokens, cost=None)
            await book.flush()
            now += timedelta(hours=1)
        await book.reserve(owner, tokens=20)  # its process dies
        now = NOW + timedelta(hours=24.5)
        await prune(database, RETENTION, now=now)
        async with database.connect() as db:
            used = (await db.execute(select(limit_states.c.tokens_used))).scalar_one()
            left = (await db.execute(select(limit_entries.c.tokens))).scalars().all()
        assert (used, sorted(left)) == (60, [20, 40])
        assert [one.used for one in await book.read(owner)] == [40]
        now = NOW + timedelta(hours=27)
        await prune(database, RETENTION, now=now)
        assert await count(database, limit_entries) == 0
        reservation = await book.reserve(owner, tokens=100)
        assert [one.used for one in reservation.standings] == [100]
