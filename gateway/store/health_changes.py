"""What accounts could do, as that changed: a short history of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import accounts, health_changes

KEPT = 200  # changes of each account
MAX_REASON = 1000  # characters


@dataclass(frozen=True, slots=True)
class HealthChange:
    """From `at` on an account was in this state. `reason` is fit to be shown."""

    account_id: str
    at: datetime
    state: str
    reason: str | None = None
    until: datetime | None = None


async def add_health_changes(db: AsyncConnection, changes: Sequence[HealthChange]) -> None:
    """Append to the histories of accounts, and forget what is old in them.

    A change to what the history ends with already is none: several processes see the same.
    """
    for change in changes:
        # Whoever else has something to tell of this account waits.
        exists = await db.execute(
            select(accounts.c.id).where(accounts.c.id == change.account_id).with_for_update()
        )
        if exists.first() is None:
            continue
        latest = await _latest(db, change.account_id)
        if latest is not None and _is_same(latest, change):
            continue
        await db.execute(
            insert(health_changes).values(
                account_id=change.account_id,
                at=change.at,
                state=change.state,
                reason=change.reason[:MAX_REASON] if change.reason else None,
                until=change.until,
            )
        )
        surplus = (
            select(health_changes.c.seq)
            .where(health_changes.c.account_id == change.account_id)
            .order_by(health_changes.c.seq.desc())
            .offset(KEPT)
        )
        await db.execute(delete(health_changes).where(health_changes.c.seq.in_(surplus)))


async def list_health_changes(
    db: AsyncConnection, account_id: str, *, limit: int
) -> list[HealthChange]:
    """The newest ones of an account, newest first."""
    rows = await db.execute(
        select(health_changes)
        .where(health_changes.c.account_id == account_id)
        .order_by(health_changes.c.seq.desc())
        .limit(limit)
    )
    return [_change(row) for row in rows.mappings()]


async def latest_health_changes(db: AsyncConnection) -> list[HealthChange]:
    """The newest one of each account that has any."""
    newest = select(func.max(health_changes.c.seq)).group_by(health_changes.c.account_id)
    rows = await db.execute(select(health_changes).where(health_changes.c.seq.in_(newest)))
    return [_change(row) for row in rows.mappings()]


async def _latest(db: AsyncConnection, account_id: str) -> HealthChange | None:
    return next(iter(await list_health_changes(db, account_id, limit=1)), None)


def _is_same(one: HealthChange, other: HealthChange) -> bool:
    return (one.state, one.until) == (other.state, other.until) and (
        (one.reason or "")[:MAX_REASON] == (other.reason or "")[:MAX_REASON]
    )


def _change(row: RowMapping) -> HealthChange:
    return HealthChange(**{name: row[name] for name in HealthChange.__dataclass_fields__})
