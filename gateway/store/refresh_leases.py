"""Whose turn it is to renew an account's token: one process at a time, whoever else wants to.

A lease is a row, not a lock: nothing is held open while the sign-in service is asked. It is short
and kept alive by its holder, so that one of a process that was killed ends soon. Its end is
counted on the database's clock, which is the same for processes on several machines.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import insert_into
from gateway.store.tables import accounts, refresh_leases

LEASE = timedelta(seconds=10)
BEAT = 3.0  # seconds between two extensions by its holder


async def take_lease(
    db: AsyncConnection, account_id: str, holder: str, *, generation: int
) -> bool | None:
    """Begin a turn, or go on with one's own: True from then on until `LEASE` is over.

    False while somebody else has theirs. None when the account's credentials are no longer those
    of `generation`: somebody was faster, and there is nothing left to do.
    """
    if await _generation(db, account_id) != generation:
        return None
    now = await _now(db)
    values = {"holder": holder, "until": now + LEASE}
    new = insert_into(db.dialect.name, refresh_leases).values(account_id=account_id, **values)
    is_free = (refresh_leases.c.until <= now) | (refresh_leases.c.holder == holder)
    taken = await db.execute(
        new.on_conflict_do_update(
            index_elements=["account_id"], set_=values, where=is_free
        ).returning(refresh_leases.c.holder)
    )
    if taken.first() is None:
        return False
    # Who had the turn before us has stored before ending it, but perhaps after our first look.
    if await _generation(db, account_id) != generation:
        await end_lease(db, account_id, holder)
        return None
    return True


async def is_worth_waiting(db: AsyncConnection, account_id: str, *, generation: int) -> bool:
    """Whether somebody has their turn and has stored nothing yet. Only reads."""
    if await _generation(db, account_id) != generation:
        return False
    now = await _now(db)
    found = await db.execute(
        select(refresh_leases.c.holder).where(
            refresh_leases.c.account_id == account_id, refresh_leases.c.until > now
        )
    )
    return found.first() is not None


async def extend_lease(db: AsyncConnection, account_id: str, holder: str) -> None:
    """Go on with a turn; nothing happens when it has passed to somebody else."""
    now = await _now(db)
    await db.execute(
        update(refresh_leases)
        .where(refresh_leases.c.account_id == account_id, refresh_leases.c.holder == holder)
        .values(until=now + LEASE)
    )


async def end_lease(db: AsyncConnection, account_id: str, holder: str) -> None:
    """End a turn, unless it has passed to somebody else."""
    await db.execute(
        delete(refresh_leases).where(
            refresh_leases.c.account_id == account_id, refresh_leases.c.holder == holder
        )
    )


async def _generation(db: AsyncConnection, account_id: str) -> int | None:
    found = await db.execute(select(accounts.c.generation).where(accounts.c.id == account_id))
    return found.scalar_one_or_none()


async def _now(db: AsyncConnection) -> datetime:
    if db.dialect.name != "postgresql":
        return datetime.now(UTC)  # a file is used on one machine
    now: datetime = (await db.execute(select(func.clock_timestamp()))).scalar_one()
    return now
