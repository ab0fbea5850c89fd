"""Usage summed up per hour and per day, in the transaction that stores the requests.

See `gateway.store.tables` for why each request is in eight rows of a period.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from typing import TypeAlias

from sqlalchemy import Connection, Executable, Table

from gateway.store.database import insert_into
from gateway.store.tables import usage_days, usage_hours

KEY, ACCOUNT, MODEL = 1, 2, 4
"""The bits of `told_apart`."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HOURS_A_DAY = 24

_TOTALS = tuple(product((0, KEY), (0, ACCOUNT), (0, MODEL)))

Cell: TypeAlias = tuple[int, str, str, str, str]
"""Hour, key, account, model, usage source."""


@dataclass(slots=True)
class Sums:
    """What some requests come to. `first_tokens` counts those that had a first token."""

    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    credits: float = 0.0
    duration_ms: int = 0
    first_token_ms: int = 0
    first_tokens: int = 0

    def add(self, other: "Sums") -> None:
        """Take other requests in."""
        self.requests += other.requests
        self.errors += other.errors
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cache_read_tokens += other.cache_read_tokens
        self.cache_write_tokens += other.cache_write_tokens
        self.credits += other.credits
        self.duration_ms += other.duration_ms
        self.first_token_ms += other.first_token_ms
        self.first_tokens += other.first_tokens


SUMMED = tuple(field.name for field in fields(Sums))
DIMENSIONS = ("told_apart", "period", "api_key_id", "account_id", "model_served", "usage_source")


def hour_of(at: datetime) -> int:
    """The hour of UTC that a time is in, counted from 1970."""
    return (at - EPOCH) // HOUR


def start_of_hour(hour: int) -> datetime:
    """The other way round."""
    return EPOCH + hour * HOUR


def add_to_roll_ups(db: Connection, cells: Iterable[tuple[Cell, Sums]]) -> None:
    """Add what some requests come to; several cells may be the same one."""
    hours: defaultdict[tuple[object, ...], Sums] = defaultdict(Sums)
    days: defaultdict[tuple[object, ...], Sums] = defaultdict(Sums)
    told: defaultdict[Cell, Sums] = defaultdict(Sums)
    for cell, one in cells:
        told[cell].add(one)
    for (hour, key, account, model, source), sums in told.items():
        for by_key, by_account, by_model in _TOTALS:
            told_apart = by_key | by_account | by_model
            names = (
                key if by_key else "",
                account if by_account else "",
                model if by_model else "",
                source,
            )
            hours[(told_apart, hour, *names)].add(sums)
            days[(told_apart, hour // HOURS_A_DAY, *names)].add(sums)
    _add(db, usage_hours, hours)
    _add(db, usage_days, days)


def _add(db: Connection, table: Table, rows: defaultdict[tuple[object, ...], Sums]) -> None:
    if not rows:
        return
    db.execute(_adding(table, db.dialect.name), _in_order(rows))


@cache
def _adding(table: Table, dialect: str) -> Executable:
    """The statement for a table; putting it together costs more than carrying it out."""
    new = insert_into(dialect, table)
    return new.on_conflict_do_update(
        index_elements=list(DIMENSIONS),
        set_={name: table.c[name] + new.excluded[name] for name in SUMMED},
    )


def _in_order(rows: defaultdict[tuple[object, ...], Sums]) -> Sequence[dict[str, object]]:
    # Always the same order: two processes that add to the same rows must not lock crosswise.
    keys: list[tuple[object, ...]] = sorted(rows, key=repr)
    return [
        dict(zip(DIMENSIONS, key, strict=True))
        | {name: getattr(rows[key], name) for name in SUMMED}
        for key in keys
    ]
