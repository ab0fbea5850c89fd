"""Letting go of what is old, a little at a time, so that nobody waits for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import anyio
import structlog
from sqlalchemy import Delete, Table, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import StoreError
from gateway.store.database import Database
from gateway.store.limit_ledger import lock_owners
from gateway.store.limits import DAY
from gateway.store.roll_ups import HOURS_A_DAY, hour_of, start_of_hour
from gateway.store.tables import (
    admin_sessions,
    limit_entries,
    limit_states,
    request_bodies,
    retired_secrets,
    sign_in_links,
    usage_days,
    usage_hours,
    usage_records,
)

EVERY = 3600.0  # seconds
FIRST = 60.0  # seconds after the start; by then the start is over
BATCH = 1000  # rows in one transaction
PAUSE = 0.05  # seconds between two, for those that wait
# Sums of that many hours or days go in one transaction.
PERIODS_AT_ONCE = 24

log = structlog.get_logger("gateway.store")


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept: sums of usage, and the log of requests they are made from."""

    usage_days: int
    request_log_days: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were removed."""

    requests: int
    bodies: int
    sums: int


async def keep_tidy(
    database: Database,
    retention: Retention,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> NoReturn:
    """Prune for ever, about once an hour. Several processes may do so on one database."""
    await anyio.sleep(FIRST)
    while True:
        try:
            pruned = await prune(database, retention, now=clock(), pause=PAUSE)
            if pruned != Pruned(0, 0, 0):
                log.info("old rows removed", requests=pruned.requests, sums=pruned.sums)
        except StoreError as exc:
            log.warning("old rows not removed", error=str(exc))
        await anyio.sleep(EVERY)


async def prune(
    database: Database, retention: Retention, *, now: datetime, pause: float = 0.0
) -> Pruned:
    """Remove what is past its time.

    The log ends at a full hour, so that an hour is known request by request or not at all.

    Raises:
        StoreError: the database fails; what was removed stays removed.
    """
    first_hour = hour_of(now - timedelta(days=retention.request_log_days))
    requests = await _prune_requests(database, start_of_hour(first_hour), pause)
    bodies = await _prune_bodies(database, now, pause)
    oldest = hour_of(now - timedelta(days=retention.usage_days))
    sums = await _prune_sums(database, usage_hours, oldest, pause)
    sums += await _prune_sums(database, usage_days, oldest // HOURS_A_DAY, pause)
    async with database.begin() as db:
        for table in (admin_sessions, sign_in_links, retired_secrets):
            await db.execute(delete(table).where(table.c.expires_at <= now))
    await _prune_limits(database, now, pause)
    if not database.is_postgresql:
        async with database.begin() as db:
            # Gathers what the planner wants to know, where it has changed much.
            await db.execute(text("PRAGMA optimize"))
    return Pruned(requests, bodies, sums)


async def _prune_requests(database: Database, before: datetime, pause: float) -> int:
    seq = usage_records.c.seq
    oldest = (
        select(seq).where(usage_records.c.at < before).order_by(usage_records.c.at).limit(BATCH)
    )
    return await _in_batches(
        database, lambda db: _count(db, delete(usage_records).where(seq.in_(oldest))), pause
    )


async def _prune_bodies(database: Database, now: datetime, pause: float) -> int:
    record_id = request_bodies.c.record_id
    oldest = (
        select(record_id)
        .where(request_bodies.c.expires_at <= now)
        .order_by(request_bodies.c.expires_at)
        .limit(BATCH)
    )
    return await _in_batches(
        database, lambda db: _count(db, delete(request_bodies).where(record_id.in_(oldest))), pause
    )


async def _prune_sums(database: Database, table: Table, first: int, pause: float) -> int:
    total = 0
    for told_apart in range(8):
        while True:
            async with database.begin() as db:
                begin = (
                    await db.execute(
                        select(func.min(table.c.period)).where(table.c.told_apart == told_apart)
                    )
                ).scalar_one()
                if begin is None or begin >= first:
                    break
                total += await _count(
                    db,
                    delete(table)
                    .where(table.c.told_apart == told_apart)
                    .where(table.c.period < min(first, begin + PERIODS_AT_ONCE)),
                )
            await anyio.sleep(pause)
    return total


async def _prune_limits(database: Database, now: datetime, pause: float) -> None:
    """Entries of owners that nobody asks for any more; others lose theirs when they are asked for.

    A lease that ended a day ago is nobody's, so it goes too.
    """
    old = (limit_entries.c.at <= now - DAY) & (
        limit_entries.c.lease_until.is_(None) | (limit_entries.c.lease_until <= now - DAY)
    )
    async with database.connect() as db:
        owners = await db.execute(select(limit_entries.c.owner_id).where(old).distinct())
        owner_ids = list(owners.scalars())
    for owner_id in owner_ids:
        async with database.begin() as db:
            await lock_owners(db, [owner_id])
            gone = await db.execute(
                delete(limit_entries)
                .where(limit_entries.c.owner_id == owner_id)
                .where(old)
                .returning(limit_entries.c.tokens)
            )
            await db.execute(
                update(limit_states)
                .where(limit_states.c.owner_id == owner_id)
                .values(tokens_used=limit_states.c.tokens_used - sum(gone.scalars()))
            )
        await anyio.sleep(pause)


async def _in_batches(
    database: Database, remove: Callable[[AsyncConnection], Awaitable[int]], pause: float
) -> int:
    total = 0
    while True:
        async with database.begin() as db:
            removed = await remove(db)
        total += removed
        if removed < BATCH:
            return total
        await anyio.sleep(pause)


async def _count(db: AsyncConnection, statement: Delete) -> int:
    return (await db.execute(statement)).rowcount
