"""Times of day in a time zone, and which of them is due.

Where clocks are put forward a time may not exist, and where they are put back it comes twice. As in
RFC 5545, section 3.3.5, the first is counted with the offset before the change (02:30 that is
skipped is 03:30), and of the second the first one is meant.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

# A summary that could not be sent in its time is still wanted for so long, and not later in the
# day: after a restart, or a failure of the channel.
GRACE = timedelta(hours=1)

LOCAL = "Local"


def zone_named(name: str) -> tzinfo | None:
    """The zone of a setting that was checked; None is this machine's, as in `astimezone`."""
    return None if name == LOCAL else ZoneInfo(name)


def due_time(
    times: Iterable[str], zone: tzinfo | None, *, after: datetime | None, now: datetime
) -> datetime | None:
    """The latest of these times of day that is due, as UTC.

    Those up to `after` are done with, and those more than `GRACE` ago are given up. Several that
    were missed are one.
    """
    earliest = now - GRACE
    if after is not None:
        earliest = max(earliest, after)
    found = [at for at in _around(times, zone, now) if earliest < at <= now]
    return max(found, default=None)


def next_time(times: Iterable[str], zone: tzinfo | None, *, now: datetime) -> datetime | None:
    """The first of these times of day that is to come, as UTC; None: there are none."""
    return min((at for at in _around(times, zone, now) if at > now), default=None)


def _around(times: Iterable[str], zone: tzinfo | None, now: datetime) -> set[datetime]:
    """The times of yesterday, today, tomorrow and the day after, in the zone."""
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=offset) for offset in (-1, 0, 1, 2)]
    return {_instant(day, text, zone) for text in times for day in days}


def _instant(day: date, text: str, zone: tzinfo | None) -> datetime:
    # A naive time is taken for this machine's, by the rules that it has for that day. `astimezone`
    # would count one that is skipped with the offset after the change.
    local = datetime.combine(day, time.fromisoformat(text), tzinfo=zone)
    return datetime.fromtimestamp(local.timestamp(), UTC)
