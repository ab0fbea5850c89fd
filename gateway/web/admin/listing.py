"""What every list of the admin API takes."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.errors import InvalidRequest
from gateway.store.paging import DEFAULT_LIMIT, MAX_LIMIT, PageRequest

Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many at most.")]
Cursor = Annotated[
    str,
    Meta(max_length=2048, description="`next_cursor` of the answer before: what comes after it."),
]
Search = Annotated[
    str, Meta(max_length=256, description="Only what has this text in its name or the like.")
]
Time = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its offset.")]
# In a query everything is text, and msgspec would take a number for a time.
TimeText = Annotated[
    str,
    Meta(
        max_length=64,
        description="RFC 3339, with its offset.",
        extra_json_schema={"format": "date-time"},
    ),
]


class ListQuery(msgspec.Struct, frozen=True):
    """Which part of a list, in which order."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None
    sort: (
        Annotated[str, Meta(description="A member's name; `-` before it for the other direction.")]
        | None
    ) = None
    q: Search = ""

    def page(self) -> PageRequest:
        """The same as the store takes it."""
        return PageRequest(
            limit=self.limit, cursor=self.cursor or None, sort=self.sort or None, q=self.q
        )


def in_utc(time: datetime | UnsetType | None, name: str) -> datetime | None:
    """A time that every store can keep; None where none is given.

    Raises:
        InvalidRequest: it is so near the end of the calendar that UTC has no such year.
    """
    if time is None or time is UNSET:
        return None
    try:
        return time.astimezone(UTC)
    except OverflowError as exc:
        raise InvalidRequest(f"{name}: is beyond the years that are counted.") from exc


def read_time(text: str | UnsetType, name: str) -> datetime | None:
    """A time of a query; None where none is given.

    Raises:
        InvalidRequest: it is no time, or has no offset.
    """
    if text is UNSET:
        return None
    try:
        return in_utc(msgspec.convert(text, Time), name)
    except msgspec.ValidationError as exc:
        raise InvalidRequest(
            f"{name}: has to be a time such as 2026-01-31T09:00:00Z or 2026-01-31T10:00:00%2B01:00"
        ) from exc
