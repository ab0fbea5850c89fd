"""When something is to end, and how long it is to last, as people write it."""

import re
from datetime import UTC, datetime, timedelta

import click

_SPAN = re.compile(r"([0-9]{1,5}) ?([hdw])", re.IGNORECASE)
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


def parse_expiry(text: str, now: datetime) -> datetime:
    """Read `30d`, `12h`, `2w`, `2027-01-31` (its last moment, UTC) or an RFC 3339 time.

    Raises:
        click.BadParameter: it is none of these; whether it lies ahead is for the store to say.
    """
    if (span := _read_span(text)) is not None:
        return now + span
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise click.BadParameter(
            f"'{text}' is neither a span such as 30d, 12h or 2w nor a date such as 2027-01-31.",
            param_hint="--expires",
        ) from None
    if len(text.strip()) <= len("2027-01-31"):
        moment += timedelta(days=1)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_overlap(text: str) -> timedelta:
    """Read `1d`, `12h`, `2w` or `0`.

    Raises:
        click.BadParameter: it is none of these; how long it may be is for the store to say.
    """
    span = timedelta(0) if text.strip() == "0" else _read_span(text)
    if span is None:
        raise click.BadParameter(
            f"'{text}' is no span such as 1d, 12h or 2w.", param_hint="--overlap"
        )
    return span


def _read_span(text: str) -> timedelta | None:
    found = _SPAN.fullmatch(text.strip())
    return timedelta(hours=int(found[1]) * _HOURS[found[2].lower()]) if found else None
