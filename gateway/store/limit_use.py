"""What keys have used of the limits that take long to be free again."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.limit_entries import is_alive, leases_of
from gateway.store.limit_ledger import read_spending
from gateway.store.limits import LimitOwner, Standing, start_of_next_month


async def long_standings(
    db: AsyncConnection, owner: LimitOwner, *, now: datetime
) -> tuple[Standing, ...]:
    """How an owner's tokens per day and credits per month stand, where they are limited.

    What is set aside for running requests is left out: a single one may reserve all there is and
    come to use little of it. `resets_at` is None for tokens, whose day rolls.
    """
    found: list[Standing] = []
    if owner.tokens_per_day is None and owner.credits_per_month is None:
        return ()
    spent = await read_spending(db, owner, now=now)
    if owner.tokens_per_day is not None:
        running = await leases_of(db, owner.id)
        reserved = sum(entry.tokens for entry in running if is_alive(entry, now))
        tokens = max(0, spent.tokens - reserved)
        found.append(Standing("tokens_per_day", owner.tokens_per_day, tokens, None))
    if owner.credits_per_month is not None:
        found.append(
            Standing(
                "credits_per_month",
                owner.credits_per_month,
                spent.credits,
                start_of_next_month(now),
            )
        )
    return tuple(found)
