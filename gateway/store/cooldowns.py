"""Cool-downs: accounts that the service has refused and that sit out for a while."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import insert_into
from gateway.store.tables import accounts, cooldowns

Kind = Literal["rate", "suspended", "exhausted", "daily", "sign_in"]
"""Why an account sits out: too many requests for a model, locked by the service, quota gone for the
period or for the day, token refused."""

MODEL_LENGTH = 200  # characters; clients may name what they like


@dataclass(frozen=True, slots=True)
class Cooldown:
    """One account, or one model of it, sits out.

    Attributes:
        model: "" where the whole account does.
        until: None: until somebody does something about it.
        strikes: how often in a row, this time included.
        generation: of the account's credentials when it began.
        units_left: of the quota, as it was told then; None: nobody knew.
    """

    account_id: str
    kind: Kind
    since: datetime
    until: datetime | None
    model: str = ""
    strikes: int = 1
    generation: int = 0
    units_left: float | None = None

    @property
    def key(self) -> "Key":
        """What it replaces when it is stored."""
        return self.account_id, self.kind, self.model

    def holds(self, now: datetime) -> bool:
        """Whether its time has not passed. One that has still counts for the next one's length."""
        return self.until is None or now < self.until


Key = tuple[str, Kind, str]
"""Account, kind and model."""


async def list_cooldowns(db: AsyncConnection) -> list[Cooldown]:
    """All of them, also those that have passed: there is at most one for each `Key`."""
    rows = await db.execute(select(cooldowns))
    return [Cooldown(**row) for row in rows.mappings()]


async def store_cooldowns(db: AsyncConnection, changes: Mapping[Key, Cooldown | None]) -> None:
    """Put cool-downs in the place of those of the same key; None takes one away.

    What is about an account that is gone is passed over.
    """
    ended = [key for key, cooldown in changes.items() if cooldown is None]
    begun = [cooldown for cooldown in changes.values() if cooldown is not None]
    if ended:
        await db.execute(delete(cooldowns).where(or_(*(_is(key) for key in ended))))
    known = await _existing(db, {cooldown.account_id for cooldown in begun})
    rows = [_row(cooldown) for cooldown in begun if cooldown.account_id in known]
    if rows:
        new = insert_into(db.dialect.name, cooldowns)
        changed = {name: new.excluded[name] for name in rows[0] if name not in _KEY}
        await db.execute(new.on_conflict_do_update(index_elements=_KEY, set_=changed), rows)


async def end_cooldowns(db: AsyncConnection, account_id: str) -> None:
    """Forget whatever keeps an account from serving: somebody has seen to it."""
    await db.execute(delete(cooldowns).where(cooldowns.c.account_id == account_id))


_KEY = ["account_id", "kind", "model"]


def _row(cooldown: Cooldown) -> dict[str, object]:
    return {name: getattr(cooldown, name) for name in cooldowns.c.keys()}  # noqa: SIM118  # no dict


def _is(key: Key) -> ColumnElement[bool]:
    account_id, kind, model = key
    return and_(
        cooldowns.c.account_id == account_id, cooldowns.c.kind == kind, cooldowns.c.model == model
    )


async def _existing(db: AsyncConnection, account_ids: Collection[str]) -> set[str]:
    if not account_ids:
        return set()
    found = await db.execute(select(accounts.c.id).where(accounts.c.id.in_(account_ids)))
    return set(found.scalars())
