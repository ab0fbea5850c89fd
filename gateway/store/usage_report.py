"""What was used, summed up by any choice of key, account, model, source, day, hour and minute.

Whole days come from the daily sums, whole hours from the hourly ones, and what is left of the hours
at either end from the requests themselves. Where the log of requests does not reach back that far,
those hours count whole. Minutes are not summed up anywhere: they come from the requests alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    Table,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import InvalidRequest
from gateway.store.minutes import minute_of
from gateway.store.paging import is_storable
from gateway.store.roll_ups import (
    ACCOUNT,
    DAY,
    EPOCH,
    HOUR,
    HOURS_A_DAY,
    KEY,
    MINUTE,
    MODEL,
    SUMMED,
    Sums,
    hour_of,
    start_of_hour,
)
from gateway.store.tables import usage_days, usage_hours, usage_records

Dimension = Literal["key", "account", "model", "source", "day", "hour", "minute"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

# What scripts for earlier gateways say.
_SPELLINGS: Mapping[str, tuple[Dimension, ...]] = {
    "provider": ("account",),
    "key_model": ("key", "model"),
    "key_account": ("key", "account"),
    "key_provider": ("key", "account"),
}
_PERIODS: Mapping[Dimension, timedelta] = {"day": DAY, "hour": HOUR, "minute": MINUTE}
_BITS: Mapping[Dimension, int] = {"key": KEY, "account": ACCOUNT, "model": MODEL}
_COLUMNS: Mapping[Dimension, str] = {
    "key": "api_key_id",
    "account": "account_id",
    "model": "model_served",
    "source": "usage_source",
}


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """What to sum up: from `since` (inclusive) to `until` (exclusive), None: no bound.

    Ids and models choose rows; an empty choice is no restriction. `group_by` tells rows apart.
    """

    since: datetime | None = None
    until: datetime | None = None
    key_ids: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    group_by: tuple[Dimension, ...] = ("key",)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """The sums of one group; a dimension that is not told apart is None, as is a missing account.

    `period` is when the day, hour or minute begins. `sources` counts the requests by usage source:
    `measured`, `derived`, `estimated`, and `none` for those that used nothing.
    """

    key_id: str | None
    account_id: str | None
    model: str | None
    source: str | None
    period: datetime | None
    sums: Sums
    sources: Mapping[str, int] = field(default_factory=dict)


def parse_group_by(text: str) -> tuple[Dimension, ...]:
    """Read dimensions separated by commas; some pairs have a word of their own.

    Raises:
        InvalidRequest: a word is no dimension, or more than one is a period.
    """
    found: dict[Dimension, None] = {}
    for word in text.split(","):
        name = word.strip().lower()
        if name in _SPELLINGS:
            found |= dict.fromkeys(_SPELLINGS[name])
        elif (dimension := next((one for one in DIMENSIONS if one == name), None)) is not None:
            found[dimension] = None
        else:
            allowed = ", ".join((*DIMENSIONS, *_SPELLINGS))
            raise InvalidRequest(f"group_by: takes {allowed}, or several of them with commas.")
    if len(_PERIODS.keys() & found.keys()) > 1:
        raise InvalidRequest("group_by: day, hour and minute exclude each other.")
    return tuple(found)


async def usage_report(db: AsyncConnection, question: UsageQuestion) -> tuple[UsageRow, ...]:
    """The sums of every group that has requests: oldest period first, then most requests first.

    Raises:
        InvalidRequest: it ends before it begins.
    """
    if question.since is not None and question.until is not None:
        if question.until < question.since:
            raise InvalidRequest("to: lies before from.")
        if question.until == question.since:
            return ()
    found: dict[_Group, _Found] = {}
    for part in await _parts(db, question):
        statement, position = _statement(part, question)
        _take(found, (await db.execute(statement)).all(), position, question)
    begins = {period: _begin(period, question) for period in {group[4] for group in found}}
    rows = [
        UsageRow(key, account, model, source, begins[period], one.sums, one.sources)
        for (key, account, model, source, period), one in found.items()
    ]
    rows.sort(key=_order)
    return tuple(rows)


_Group: TypeAlias = tuple[str | None, str | None, str | None, str | None, int | None]
"""Key, account, model, source and period."""


@dataclass(frozen=True, slots=True)
class _Found:
    sums: Sums
    sources: dict[str, int]


def _take(
    found: dict[_Group, _Found],
    rows: Iterable[Row[*tuple[Any, ...]]],
    position: Mapping[str, int],
    question: UsageQuestion,
) -> None:
    """Add rows; `position` says where in them each dimension is, the sums come behind them."""
    # Thousands of rows come through here: no mappings, no copies.
    key, account = position.get("key"), position.get("account")
    model, period = position.get("model"), position.get("period")
    source, first = position["source"], len(position)
    by_source = "source" in question.group_by
    for row in rows:
        sums = Sums(*row[first:])
        group = (
            None if key is None else row[key],
            None if account is None else row[account] or None,
            None if model is None else row[model],
            row[source] if by_source else None,
            None if period is None else row[period],
        )
        if (there := found.get(group)) is None:
            found[group] = _Found(sums, {row[source]: sums.requests})
        else:
            there.sums.add(sums)
            there.sources[row[source]] = there.sources.get(row[source], 0) + sums.requests


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of time and where its sums are; bounds count in the table's periods, or are times.

    `hour` is the one that a stretch of single requests lies in.
    """

    table: Table
    since: int | datetime | None
    until: int | datetime | None
    hour: int | None = None


async def _parts(db: AsyncConnection, question: UsageQuestion) -> list[_Part]:
    since, until = question.since, question.until
    if "minute" in question.group_by:
        return [_Part(usage_records, since, until)]
    first, last = None, None  # whole hours: from `first`, before `last`
    parts: list[_Part] = []
    oldest = await _oldest_hour(db) if _is_ragged(since) or _is_ragged(until) else None
    if since is not None:
        first = hour_of(since)
        if _is_ragged(since) and oldest is not None and first >= oldest:
            end = start_of_hour(first + 1)
            parts.append(_Part(usage_records, since, min(end, until or end), first))
            first += 1
    if until is not None:
        last = hour_of(until)
        if _is_ragged(until):
            if oldest is None or last < oldest:
                last += 1  # counts whole
            elif first is None or last >= first:
                parts.append(_Part(usage_records, start_of_hour(last), until, last))
    parts.extend(_whole_hours(first, last, by_hour="hour" in question.group_by))
    return parts


def _whole_hours(first: int | None, last: int | None, *, by_hour: bool) -> Iterator[_Part]:
    """Days where they fit, hours before and after them."""
    if first is not None and last is not None and first >= last:
        return
    if by_hour:
        yield _Part(usage_hours, first, last)
        return
    first_day = None if first is None else -(-first // HOURS_A_DAY)
    last_day = None if last is None else last // HOURS_A_DAY
    if first_day is not None and last_day is not None and first_day >= last_day:
        yield _Part(usage_hours, first, last)
        return
    if first is not None and first_day is not None and first < first_day * HOURS_A_DAY:
        yield _Part(usage_hours, first, first_day * HOURS_A_DAY)
    yield _Part(usage_days, first_day, last_day)
    if last is not None and last_day is not None and last_day * HOURS_A_DAY < last:
        yield _Part(usage_hours, last_day * HOURS_A_DAY, last)


async def _oldest_hour(db: AsyncConnection) -> int | None:
    column = usage_records.c.at
    oldest = (await db.execute(select(func.min(column, type_=column.type)))).scalar_one()
    return None if oldest is None else hour_of(oldest)


def _is_ragged(at: datetime | None) -> bool:
    return at is not None and (at - EPOCH) % HOUR != timedelta(0)


def _statement(
    part: _Part, question: UsageQuestion
) -> tuple[Select[*tuple[Any, ...]], Mapping[str, int]]:
    """The statement for a part, and where in its rows each dimension is."""
    table = part.table
    stored = table is usage_records
    shown: dict[str, ColumnElement[Any]] = {
        one: table.c[_COLUMNS[one]] for one in question.group_by if one in _BITS
    }
    shown["source"] = table.c.usage_source
    groups = list(shown.values())
    if (period := _period_column(part, question)) is not None:
        shown["period"] = period
        if part.hour is None:
            groups.append(period)
    if _is_summed_up(table, question):
        statement = select(*shown.values(), *(table.c[name] for name in SUMMED))
    else:
        statement = select(*shown.values(), *_sums(table)).group_by(*groups)
    statement = statement.where(*_choices(table, question))
    if not stored:
        statement = statement.where(table.c.told_apart == _told_apart(question))
    time = table.c.at if stored else table.c.period
    if part.since is not None:
        statement = statement.where(time >= part.since)
    if part.until is not None:
        statement = statement.where(time < part.until)
    return statement, {name: index for index, name in enumerate(shown)}


def _told_apart(question: UsageQuestion) -> int:
    bits = 0
    for dimension, bit in _BITS.items():
        if dimension in question.group_by or _chosen(question, dimension):
            bits |= bit
    return bits


def _period_column(part: _Part, question: UsageQuestion) -> ColumnElement[int] | None:
    """The period of a group, in days, hours or minutes since 1970."""
    if "minute" in question.group_by:
        return minute_of(usage_records.c.at)
    if "day" not in question.group_by and "hour" not in question.group_by:
        return None
    by_day = "day" in question.group_by
    if part.hour is not None:
        return literal(part.hour // HOURS_A_DAY if by_day else part.hour, Integer)
    if part.table is usage_hours and by_day:
        # Written out: as a parameter it would be another one in each place it is used.
        hours_a_day = literal_column(str(HOURS_A_DAY), Integer)
        return usage_hours.c.period.op("/", return_type=Integer())(hours_a_day)
    return part.table.c.period


def _is_summed_up(table: Table, question: UsageQuestion) -> bool:
    """Whether a table's rows are the answer as they stand."""
    native = "hour" if table is usage_hours else "day"
    told_apart = sum(bit for dimension, bit in _BITS.items() if dimension in question.group_by)
    return (
        table is not usage_records
        and native in question.group_by
        and told_apart == _told_apart(question)
    )


def _sums(table: Table) -> list[ColumnElement[Any]]:
    special: dict[str, ColumnElement[Any]] = {}
    if table is usage_records:
        columns = usage_records.c
        special = {
            "requests": func.count(),
            "errors": func.sum(case((columns.failed, 1), else_=0)),
            "first_tokens": func.count(columns.first_token_ms),
        }
    sums = [special[name] if name in special else func.sum(table.c[name]) for name in SUMMED]
    # PostgreSQL's sums of integers are decimals otherwise.
    kinds = [usage_hours.c[name].type for name in SUMMED]
    return [cast(func.coalesce(one, 0), kind) for one, kind in zip(sums, kinds, strict=True)]


def _choices(table: Table, question: UsageQuestion) -> list[ColumnElement[bool]]:
    return [
        table.c[_COLUMNS[dimension]].in_([one for one in chosen if is_storable(one)])
        for dimension in _BITS
        if (chosen := _chosen(question, dimension))
    ]


def _chosen(question: UsageQuestion, dimension: Dimension) -> Sequence[str]:
    if dimension == "key":
        return question.key_ids
    return question.account_ids if dimension == "account" else question.models


def _begin(period: int | None, question: UsageQuestion) -> datetime | None:
    if period is None:
        return None
    length = next(_PERIODS[one] for one in question.group_by if one in _PERIODS)
    return EPOCH + period * length


def _order(row: UsageRow) -> tuple[object, ...]:
    return (
        row.period or datetime.min.replace(tzinfo=UTC),
        -row.sums.requests,
        row.key_id or "",
        row.account_id or "",
        row.model or "",
    )
