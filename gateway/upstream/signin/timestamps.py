"""Reading the times that sign-in services and other programs write, in all their spellings."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone

# Seconds beyond this would be the year 2286; such numbers are milliseconds.
LARGEST_SECONDS = 10**10

_TEXT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
    r"\s*(?:[Zz]|(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d))?"
    # Go prints a zone name and a monotonic reading after the offset.
    r"(?:\s+[A-Z]{1,5})?(?:\s+m=\S+)?"
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


def parse_timestamp(value: object) -> datetime | None:
    """An aware UTC datetime from nearly anything; None when unknown or unreadable.

    Takes epoch seconds or milliseconds, as number or text, and RFC 3339 with up to nine fractional
    digits (cut to six), `T` or a space, `Z`, an offset or none (UTC). Zero, and the year 1 that Go
    writes for "never set", mean unknown.
    """
    match value:
        case bool():
            return None
        case int() | float():
            return _from_number(value)
        case str():
            text = value.strip()
            if _NUMBER.fullmatch(text):
                return _from_number(float(text))
            return _from_text(text)
        case _:
            return None


def _from_number(value: float) -> datetime | None:
    try:
        seconds = float(value)
        if not math.isfinite(seconds) or seconds <= 0:
            return None
        if seconds > LARGEST_SECONDS:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _from_text(text: str) -> datetime | None:
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    offset = timedelta()
    if match["sign"]:
        offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
        if match["sign"] == "-":
            offset = -offset
    microseconds = (match["fraction"] or "")[:6].ljust(6, "0")
    try:
        moment = datetime.fromisoformat(f"{match['date']}T{match['time']}.{microseconds}")
        moment = moment.replace(tzinfo=timezone(offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None if moment.year <= 1 else moment
