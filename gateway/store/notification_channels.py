"""What each channel of notifications has been told, and how it behaves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import insert_into
from gateway.store.tables import notification_channels


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """One row. `state` is JSON of the notifications' own; `last_error` holds no secret.

    While a channel fails, `failures` counts the deliveries that did since the last one that went
    well, and nothing is sent before `retry_at`.
    """

    id: str
    state: str
    failures: int = 0
    retry_at: datetime | None = None
    last_error: str | None = None
    failed_at: datetime | None = None
    delivered_at: datetime | None = None


async def read_channels(
    db: AsyncConnection, channel_ids: Collection[str]
) -> Mapping[str, ChannelRecord]:
    """The records of these channels by their ids, of those that have one."""
    columns = notification_channels.c
    rows = await db.execute(
        select(notification_channels).where(columns.id.in_(sorted(channel_ids)))
    )
    return {row["id"]: _record(row) for row in rows.mappings()}


async def save_channel(db: AsyncConnection, record: ChannelRecord, *, now: datetime) -> None:
    """Keep a record, in place of an earlier one."""
    values = {
        "state": record.state,
        "failures": record.failures,
        "retry_at": record.retry_at,
        "last_error": record.last_error,
        "failed_at": record.failed_at,
        "delivered_at": record.delivered_at,
        "updated_at": now,
    }
    new = insert_into(db.dialect.name, notification_channels).values(id=record.id, **values)
    await db.execute(new.on_conflict_do_update(index_elements=["id"], set_=values))


async def prune_channels(
    db: AsyncConnection, *, keep: Collection[str], unused_since: datetime
) -> int:
    """Remove records of other channels that nobody wrote since then; returns how many."""
    columns = notification_channels.c
    gone = await db.execute(
        delete(notification_channels)
        .where(columns.id.not_in(sorted(keep)))
        .where(columns.updated_at < unused_since)
    )
    return gone.rowcount


def _record(row: RowMapping) -> ChannelRecord:
    return ChannelRecord(
        id=row["id"],
        state=row["state"],
        failures=row["failures"],
        retry_at=row["retry_at"],
        last_error=row["last_error"],
        failed_at=row["failed_at"],
        delivered_at=row["delivered_at"],
    )
