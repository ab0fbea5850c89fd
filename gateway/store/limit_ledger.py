"""What an owner of limits has spent, read and changed inside one transaction.

`open_ledgers` locks the owners, so that all processes come one after the other: SQLite by its one
writer, PostgreSQL by a lock on each owner's row of `limit_states`.
"""

import secrets as random_source
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import RowMapping, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import insert_into
from gateway.store.limit_entries import (
    Entry,
    credits_of_month,
    entry_row,
    is_alive,
    leases_of,
    requests_since,
    tokens_by_hour,
)
from gateway.store.limits import DAY, MINUTE, LimitOwner, Spending, month_of
from gateway.store.tables import limit_entries, limit_states

_STATE = ("tokens_used", "month", "credits_used", "credits_requests")


@dataclass(slots=True)
class Ledger:
    """One owner's spending, and what changes of it; `close_ledgers` writes the changes."""

    owner: LimitOwner
    spent: Spending
    month: int | None
    running: dict[str, Entry]
    stored: Mapping[str, object]
    added: list[dict[str, object]] = field(default_factory=list)
    changed: list[dict[str, object]] = field(default_factory=list)
    removed: list[dict[str, object]] = field(default_factory=list)

    def state(self) -> dict[str, object]:
        """The columns of the owner's row."""
        tracked = self.owner.tokens_per_day is not None
        return {
            "tokens_used": self.spent.tokens if tracked else None,
            "month": self.month,
            "credits_used": self.spent.credits,
            "credits_requests": self.spent.credits_requests,
        }

    def admit(self, *, tokens: int, credits_reserved: float, now: datetime, until: datetime) -> str:
        """Let one request in; returns the id of its entry, whose lease lasts `until`."""
        tokens = tokens if self.owner.tokens_per_day is not None else 0
        entry = Entry(random_source.token_hex(16), now, tokens, credits_reserved, until)
        self.running[entry.id] = entry
        self.added.append(entry_row(self.owner.id, entry, counted=True))
        self.spent.requests += 1
        self.spent.running += 1
        self.spent.tokens += entry.tokens
        self.spent.credits_reserved += entry.credits
        return entry.id

    def settle(self, entry_id: str, *, tokens: int, cost: float | None, now: datetime) -> None:
        """Replace what was set aside by what was used."""
        if self.owner.tokens_per_day is None:
            tokens = 0
        entry = self._end(entry_id)
        if entry is not None:
            self.spent.tokens += tokens - entry.tokens
            self.changed.append({"entry_id": entry_id, "new_tokens": tokens})
        elif tokens:
            # Its lease ran out, and what was set aside went back; used it was all the same.
            late = Entry(random_source.token_hex(16), now, tokens, 0.0, None)
            self.spent.tokens += tokens
            self.added.append(entry_row(self.owner.id, late, counted=False))
        if self.owner.credits_per_month is not None and cost is not None:
            self.spent.credits += cost
            self.spent.credits_requests += 1

    def release(self, entry_id: str, *, now: datetime) -> None:
        """Undo `admit`, as if the request had never come."""
        entry = self._end(entry_id)
        if entry is not None:
            self.spent.tokens -= entry.tokens
            if entry.at > now - MINUTE:
                self.spent.requests -= 1
            self.removed.append({"entry_id": entry_id})

    def _end(self, entry_id: str) -> Entry | None:
        entry = self.running.pop(entry_id, None)
        if entry is not None:
            self.spent.running -= 1
            self.spent.credits_reserved -= entry.credits
        return entry


async def lock_owners(db: AsyncConnection, owner_ids: Collection[str]) -> Mapping[str, RowMapping]:
    """Keep other processes away from these owners until the transaction ends; gives their rows."""
    wanted = sorted(owner_ids)  # always in this order, or two processes could wait for each other
    states = await _locked(db, wanted)
    if missing := [owner_id for owner_id in wanted if owner_id not in states]:
        new = insert_into(db.dialect.name, limit_states).on_conflict_do_nothing(
            index_elements=["owner_id"]
        )
        await db.execute(
            new,
            [
                {"owner_id": owner_id, "credits_used": 0.0, "credits_requests": 0}
                for owner_id in missing
            ],
        )
        states = await _locked(db, wanted)
    return states


async def open_ledgers(
    db: AsyncConnection, owners: Collection[LimitOwner], clock: Callable[[], datetime]
) -> tuple[dict[str, Ledger], datetime]:
    """The ledgers of these owners by their ids, locked and freed of what is over; and since when.

    The time is that of having the locks: a request that had to wait for them was let in after that,
    and stays in the minute and the day for as long.
    """
    states = await lock_owners(db, [owner.id for owner in owners])
    now = clock()
    return {owner.id: await _open(db, owner, states[owner.id], now) for owner in owners}, now


async def read_spending(db: AsyncConnection, owner: LimitOwner, *, now: datetime) -> Spending:
    """As of now, without locking or changing anything."""
    found = await db.execute(select(limit_states).where(limit_states.c.owner_id == owner.id))
    state = found.mappings().one_or_none()
    spent = Spending()
    abandoned = 0
    for entry in await leases_of(db, owner.id):
        if is_alive(entry, now):
            spent.running += 1
            spent.credits_reserved += entry.credits
        else:
            abandoned += entry.tokens
    spent.requests = await requests_since(db, owner.id, now - MINUTE)
    if owner.tokens_per_day is not None:
        if state is None or state["tokens_used"] is None:
            spent.tokens = sum(tokens for _, tokens in await tokens_by_hour(db, owner.id, now))
        else:
            over = await db.execute(
                select(func.coalesce(func.sum(limit_entries.c.tokens), 0))
                .where(limit_entries.c.owner_id == owner.id)
                .where(limit_entries.c.at <= now - DAY)
                .where(limit_entries.c.lease_until.is_(None))
            )
            spent.tokens = state["tokens_used"] - abandoned - int(over.scalar_one())
    if owner.credits_per_month is not None:
        if state is None or state["month"] is None:
            spent.credits, spent.credits_requests = await credits_of_month(db, owner.id, now)
        elif state["month"] == month_of(now):
            spent.credits, spent.credits_requests = state["credits_used"], state["credits_requests"]
    return spent


async def close_ledgers(db: AsyncConnection, ledgers: Collection[Ledger]) -> None:
    """Write what changed."""
    added = [row for ledger in ledgers for row in ledger.added]
    changed = [row for ledger in ledgers for row in ledger.changed]
    removed = [row for ledger in ledgers for row in ledger.removed]
    by_id = limit_entries.c.id == bindparam("entry_id")
    if added:
        await db.execute(insert(limit_entries), added)
    if changed:
        settled = update(limit_entries).where(by_id)
        await db.execute(
            settled.values(tokens=bindparam("new_tokens"), credits=0.0, lease_until=None), changed
        )
    if removed:
        await db.execute(delete(limit_entries).where(by_id), removed)
    states = [
        {
            "of_owner": ledger.owner.id,
            **{f"new_{name}": value for name, value in ledger.state().items()},
        }
        for ledger in sorted(ledgers, key=lambda ledger: ledger.owner.id)
        if ledger.state() != ledger.stored
    ]
    if states:
        await db.execute(
            update(limit_states)
            .where(limit_states.c.owner_id == bindparam("of_owner"))
            .values({name: bindparam(f"new_{name}") for name in _STATE}),
            states,
        )


async def _open(db: AsyncConnection, owner: LimitOwner, state: RowMapping, now: datetime) -> Ledger:
    tracked = owner.tokens_per_day is not None
    used = state["tokens_used"] if tracked else None
    expired = await db.execute(
        delete(limit_entries)
        .where(limit_entries.c.owner_id == owner.id)
        .where(limit_entries.c.at <= now - (DAY if tracked else MINUTE))
        .where(limit_entries.c.lease_until.is_(None))
        .returning(limit_entries.c.tokens)
    )
    gone = sum(expired.scalars())
    spent = Spending()
    running: dict[str, Entry] = {}
    for entry in await leases_of(db, owner.id):
        if is_alive(entry, now):
            running[entry.id] = entry if tracked else replace(entry, tokens=0)
        else:
            # Whoever held it has died; nobody knows what it used.
            gone += entry.tokens
            await _abandon(db, entry.id)
    spent.running = len(running)
    spent.credits_reserved = sum(entry.credits for entry in running.values())
    if owner.requests_per_minute is not None:
        spent.requests = await requests_since(db, owner.id, now - MINUTE)
    if tracked:
        if used is None:
            used, gone = await _count_tokens(db, owner.id, running.values(), now), 0
        spent.tokens = used - gone
    month = None
    if owner.credits_per_month is not None:
        month = month_of(now)
        if state["month"] is None:
            spent.credits, spent.credits_requests = await credits_of_month(db, owner.id, now)
        elif state["month"] == month:
            spent.credits, spent.credits_requests = state["credits_used"], state["credits_requests"]
    stored = {name: state[name] for name in _STATE}
    return Ledger(owner, spent, month, running, stored)


async def _abandon(db: AsyncConnection, entry_id: str) -> None:
    await db.execute(
        update(limit_entries)
        .where(limit_entries.c.id == entry_id)
        .values(tokens=0, credits=0.0, lease_until=None)
    )


async def _count_tokens(
    db: AsyncConnection, owner_id: str, running: Collection[Entry], now: datetime
) -> int:
    """Begin counting tokens, with those of the last day as the hourly sums know them."""
    await db.execute(
        update(limit_entries)
        .where(limit_entries.c.owner_id == owner_id)
        .where(limit_entries.c.lease_until.is_(None))
        .values(tokens=0)
    )
    past = await tokens_by_hour(db, owner_id, now)
    if past:
        await db.execute(
            insert(limit_entries),
            [
                entry_row(
                    owner_id,
                    Entry(random_source.token_hex(16), at, tokens, 0.0, None),
                    counted=False,
                )
                for at, tokens in past
            ],
        )
    return sum(tokens for _, tokens in past) + sum(entry.tokens for entry in running)


async def _locked(db: AsyncConnection, owner_ids: Sequence[str]) -> Mapping[str, RowMapping]:
    found = await db.execute(
        select(limit_states)
        .where(limit_states.c.owner_id.in_(owner_ids))
        .order_by(limit_states.c.owner_id)
        .with_for_update()
    )
    return {row["owner_id"]: row for row in found.mappings()}
