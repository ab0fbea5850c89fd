"""Who of several processes does what only one may do at a time.

A lease is a row, not a lock: nothing is held open meanwhile. It is short and renewed by whoever has
it, so that the lease of a process that was killed ends soon. Its end is counted on the database's
clock, which is the same for processes on several machines.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import insert_into
from gateway.store.tables import leases

NOTIFICATIONS = "notifications"
"""The lease of who sends them."""


async def take_lease(db: AsyncConnection, name: str, holder: str, *, lasts: timedelta) -> bool:
    """Take a lease that is free, or renew one's own; False: somebody else has it."""
    now = await _now(db)
    values = {"holder": holder, "until": now + lasts}
    new = insert_into(db.dialect.name, leases).values(name=name, **values)
    taken = await db.execute(
        new.on_conflict_do_update(
            index_elements=["name"],
            set_=values,
            where=or_(leases.c.holder == holder, leases.c.until <= now),
        ).returning(leases.c.holder)
    )
    return taken.first() is not None


async def has_lease(db: AsyncConnection, name: str, holder: str) -> bool:
    """Whether it is this holder's and has not run out."""
    found = await db.execute(
        select(leases.c.until).where(leases.c.name == name).where(leases.c.holder == holder)
    )
    until = found.scalar_one_or_none()
    return until is not None and until > await _now(db)


async def give_up_lease(db: AsyncConnection, name: str, holder: str) -> None:
    """Let the next one have it at once; nothing happens if it is somebody else's by now."""
    await db.execute(delete(leases).where(leases.c.name == name).where(leases.c.holder == holder))


async def _now(db: AsyncConnection) -> datetime:
    if db.dialect.name != "postgresql":
        return datetime.now(UTC)  # a file is used on one machine
    now: datetime = (await db.execute(select(func.clock_timestamp()))).scalar_one()
    return now
