"""The requests that count against limits: what is asked of `limit_entries`, and of earlier sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.limits import DAY, MINUTE, LimitOwner, Spending, start_of_month
from gateway.store.roll_ups import HOURS_A_DAY, KEY, hour_of, start_of_hour
from gateway.store.tables import limit_entries, usage_days, usage_hours

# Enough to tell when a large request fits again; beyond it the answer is "not before".
MAX_LOOKED_AT = 1000

_INSTANT = timedelta(microseconds=1)
_TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A request that runs, with what is set aside for it."""

    id: str
    at: datetime
    tokens: int
    credits: float
    lease_until: datetime | None


async def leases_of(db: AsyncConnection, owner_id: str) -> list[Entry]:
    """The requests that run, and those whose process died before they ended."""
    columns = limit_entries.c
    found = await db.execute(
        select(columns.id, columns.at, columns.tokens, columns.credits, columns.lease_until)
        .where(columns.owner_id == owner_id)
        .where(columns.lease_until.is_not(None))
    )
    return [Entry(**row) for row in found.mappings()]


def is_alive(entry: Entry, now: datetime) -> bool:
    """Whether somebody still holds the lease."""
    return entry.lease_until is not None and entry.lease_until > now


def entry_row(owner_id: str, entry: Entry, *, counted: bool) -> dict[str, object]:
    """An entry as it is stored; `counted` as a request of its minute."""
    return {
        "id": entry.id,
        "owner_id": owner_id,
        "at": entry.at,
        "counted": counted,
        "tokens": entry.tokens,
        "credits": entry.credits,
        "lease_until": entry.lease_until,
    }


async def requests_since(db: AsyncConnection, owner_id: str, since: datetime) -> int:
    """How many requests came after that."""
    found = await db.execute(
        select(func.count())
        .select_from(limit_entries)
        .where(limit_entries.c.owner_id == owner_id)
        .where(limit_entries.c.at > since)
        .where(limit_entries.c.counted)
    )
    return int(found.scalar_one())


async def tokens_by_hour(
    db: AsyncConnection, owner_id: str, now: datetime
) -> list[tuple[datetime, int]]:
    """Tokens of each hour that reaches into the last day, as if used at its end."""
    total: ColumnElement[int] = sum(
        (usage_hours.c[name] for name in _TOKENS[1:]), start=usage_hours.c[_TOKENS[0]]
    )
    found = await db.execute(
        select(usage_hours.c.period, func.sum(total))
        .where(usage_hours.c.told_apart == KEY)
        .where(usage_hours.c.period >= hour_of(now - DAY))
        .where(usage_hours.c.api_key_id == owner_id)
        .group_by(usage_hours.c.period)
    )
    hours = [(min(now, start_of_hour(hour + 1) - _INSTANT), int(tokens)) for hour, tokens in found]
    return [(at, tokens) for at, tokens in hours if tokens and at > now - DAY]


async def credits_of_month(db: AsyncConnection, owner_id: str, now: datetime) -> tuple[float, int]:
    """Credits of this month as the daily sums know them, and how many requests they are for."""
    found = await db.execute(
        select(
            func.coalesce(func.sum(usage_days.c.credits), 0.0),
            func.coalesce(func.sum(usage_days.c.requests - usage_days.c.errors), 0),
        )
        .where(usage_days.c.told_apart == KEY)
        .where(usage_days.c.period >= hour_of(start_of_month(now)) // HOURS_A_DAY)
        .where(usage_days.c.api_key_id == owner_id)
    )
    spent, requests = found.one()
    return float(spent), int(requests)


async def last_times(db: AsyncConnection, owner_id: str) -> tuple[datetime | None, datetime | None]:
    """When the newest counted request came, and the newest that used tokens."""
    newest = select(func.max(limit_entries.c.at, type_=limit_entries.c.at.type)).where(
        limit_entries.c.owner_id == owner_id
    )
    request = await db.execute(newest.where(limit_entries.c.counted))
    tokens = await db.execute(newest.where(limit_entries.c.tokens > 0))
    return request.scalar_one(), tokens.scalar_one()


async def renew_leases(db: AsyncConnection, entry_ids: Sequence[str], *, until: datetime) -> None:
    """Keep requests that still run from being taken for abandoned; ended ones stay ended."""
    await db.execute(
        update(limit_entries)
        .where(limit_entries.c.id == bindparam("entry_id"))
        .where(limit_entries.c.lease_until.is_not(None))
        .values(lease_until=bindparam("until", type_=limit_entries.c.lease_until.type)),
        [{"entry_id": entry_id, "until": until} for entry_id in sorted(entry_ids)],
    )


async def request_leaves_at(
    db: AsyncConnection, owner: LimitOwner, *, now: datetime
) -> datetime | None:
    """When the minute has room for one more request."""
    most = owner.requests_per_minute or 0
    count = await requests_since(db, owner.id, now - MINUTE)
    if count < most:
        return now
    found = await db.execute(
        select(limit_entries.c.at)
        .where(limit_entries.c.owner_id == owner.id)
        .where(limit_entries.c.counted)
        .where(limit_entries.c.at > now - MINUTE)
        .order_by(limit_entries.c.at)
        .offset(count - most)
        .limit(1)
    )
    at = found.scalar_one_or_none()
    return at + MINUTE if at is not None else None


async def tokens_by_time(db: AsyncConnection, owner_id: str) -> list[tuple[datetime, int]]:
    """The oldest entries with tokens, at most `MAX_LOOKED_AT`."""
    found = await db.execute(
        select(limit_entries.c.at, limit_entries.c.tokens)
        .where(limit_entries.c.owner_id == owner_id)
        .where(limit_entries.c.tokens > 0)
        .order_by(limit_entries.c.at)
        .limit(MAX_LOOKED_AT)
    )
    return [(at, tokens) for at, tokens in found]


def tokens_leave_at(
    entries: Sequence[tuple[datetime, int]], owner: LimitOwner, spent: Spending, tokens: int
) -> datetime | None:
    """When so many tokens fit, at the earliest; None: never, they are more than the limit."""
    most = owner.tokens_per_day or 0
    if tokens > most:
        return None
    # A request that needs nothing still waits for something to be left.
    surplus = spent.tokens + max(tokens, 1) - most
    for at, leaving in entries:
        surplus -= leaving
        if surplus <= 0:
            return at + DAY
    return entries[-1][0] + DAY if entries else None
