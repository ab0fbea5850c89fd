"""Pages of small tables: sorted by a column of the caller's choice, continued by a cursor.

A cursor names the last row of a page, not a position, so rows that come or go in between make no
other row appear twice or not at all.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    RowMapping,
    Table,
    and_,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import InvalidRequest
from gateway.store.tables import UtcDateTime

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
MAX_TEXT = 10_000  # characters; more is nobody's name or note

Item = TypeVar("Item")

# Stands for "never" in a sort, so that every row has a place in it.
_NEVER = datetime(1, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a caller asks for. `sort` is a member's name, with a hyphen in front for descending.

    `cursor` is an earlier page's `next_cursor`, `q` a text that some member has to contain, in
    whatever case.
    """

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    sort: str | None = None
    q: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows; `next_cursor` is None on the last page.

    `total` counts all pages; where counting would take long it is only what was counted so far, and
    `total_is_exact` is False.
    """

    items: tuple[Item, ...]
    next_cursor: str | None
    total: int
    total_is_exact: bool = True


async def fetch_page(
    db: AsyncConnection,
    table: Table,
    request: PageRequest,
    *,
    sortable: Mapping[str, Column[object]],
    default_sort: str,
    searched: Sequence[Column[str]],
    chosen: ColumnElement[bool] | None = None,
) -> tuple[Sequence[RowMapping], str | None, int]:
    """The rows of a page, the cursor of the next one, and how many rows there are on all.

    `chosen` is a condition that every row meets, besides the search.

    Raises:
        InvalidRequest: the limit, the sort or the cursor makes no sense.
    """
    check_limit(request.limit)
    sort = request.sort or default_sort
    descending, name = sort.startswith("-"), sort.removeprefix("-")
    if name not in sortable:
        raise InvalidRequest(f"sort: has to be one of {', '.join(sortable)}, or -{name[:32]}.")
    column = sortable[name]
    key = _sort_key(column)
    found = _matching(request.q, searched)
    if chosen is not None:
        found = and_(found, chosen)
    rows = select(table, key.label("sort_key")).where(found)
    if request.cursor is not None:
        last_value, last_id = _decode(request.cursor, sort, column)
        value = literal(last_value, column.type)
        beyond = (key < value, table.c.id < last_id)
        if not descending:
            beyond = (key > value, table.c.id > last_id)
        rows = rows.where(or_(beyond[0], and_(key == value, beyond[1])))
    order = (key.desc(), table.c.id.desc()) if descending else (key, table.c.id)
    page = (await db.execute(rows.order_by(*order).limit(request.limit + 1))).mappings().all()
    total = (await db.execute(select(func.count()).select_from(table).where(found))).scalar_one()
    if len(page) <= request.limit:
        return page, None, total
    page = page[: request.limit]
    return page, _encode(sort, page[-1]["sort_key"], page[-1]["id"]), total


def check_limit(limit: int) -> int:
    """Raises InvalidRequest unless it is from 1 to `MAX_LIMIT`."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest(f"limit: has to be from 1 to {MAX_LIMIT}.")
    return limit


def check_text(text: str, what: str) -> str:
    """Pass on a text that every store can keep.

    Raises:
        InvalidRequest: it is too long, or has characters that PostgreSQL or UTF-8 has not.
    """
    if len(text) > MAX_TEXT:
        raise InvalidRequest(f"{what}: at most {MAX_TEXT} characters.")
    if not is_storable(text):
        raise InvalidRequest(f"{what}: has characters that cannot be stored.")
    return text


def is_storable(text: str) -> bool:
    """False for texts that no row can have: PostgreSQL keeps no NUL, UTF-8 no lone surrogate."""
    return "\0" not in text and (text.isascii() or not _has_surrogates(text))


def encode_cursor(*values: object) -> str:
    """An opaque text; `decode_cursor` gives the values back, times as ISO 8601."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def decode_cursor(cursor: str, kind: type[Item]) -> Item:
    """What `encode_cursor` was given, checked to be of `kind`.

    Raises:
        InvalidRequest: it is no such cursor.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as exc:
        raise wrong_cursor() from exc


def wrong_cursor() -> InvalidRequest:
    """The error for a cursor that was not given out for this question."""
    return InvalidRequest("cursor: take it from next_cursor of the page before, asked the same.")


def _encode(sort: str, value: object, row_id: str) -> str:
    return encode_cursor(sort, value, row_id)


def _decode(cursor: str, sort: str, column: Column[object]) -> tuple[object, str]:
    kind: type = str
    if isinstance(column.type, UtcDateTime):
        kind = datetime
    elif isinstance(column.type, Boolean):
        kind = bool
    shape: type[tuple[str, object, str]] = tuple[str, kind, str]  # type: ignore[valid-type]
    found_sort, value, row_id = decode_cursor(cursor, shape)
    if found_sort != sort or (isinstance(value, datetime) and value.tzinfo is None):
        raise wrong_cursor()
    if isinstance(value, str):
        check_text(value, "cursor")
    return value, check_text(row_id, "cursor")


def _sort_key(column: Column[object]) -> ColumnElement[object]:
    if isinstance(column.type, UtcDateTime) and column.nullable:
        return func.coalesce(column, literal(_NEVER, column.type), type_=column.type)
    return column


def _matching(q: str, searched: Sequence[Column[str]]) -> ColumnElement[bool]:
    wanted = check_text(q.strip(), "q").lower()
    if not wanted:
        return literal(value=True)
    return or_(*(func.lower(column).contains(wanted, autoescape=True) for column in searched))


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
