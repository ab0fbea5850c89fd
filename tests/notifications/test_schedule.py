"""Times of day, over the changes of clocks, and not hours late."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.notifications.schedule import GRACE, due_time, next_time, zone_named


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "time_of_day", "day", "expected"),
    [
        ("UTC", "09:00", "2026-11-22", "2026-11-22T09:00"),
        ("Asia/Shanghai", "09:00", "2026-11-22", "2026-11-22T01:00"),
        ("Asia/Kolkata", "09:00", "2026-11-22", "2026-11-22T03:30"),
        ("Europe/Berlin", "09:00", "2026-03-28", "2026-03-28T08:00"),
        ("Europe/Berlin", "09:00", "2026-03-29", "2026-03-29T07:00"),
        # Skipped: counted with the offset before the change, so 03:30 on the wall.
        ("Europe/Berlin", "02:30", "2026-03-29", "2026-03-29T01:30"),
        ("America/New_York", "02:30", "2026-03-08", "2026-03-08T07:30"),
        ("Australia/Lord_Howe", "02:15", "2026-10-04", "2026-10-03T15:45"),
        # Twice: the first one is meant.
        ("Europe/Berlin", "02:30", "2026-10-25", "2026-10-25T00:30"),
        ("America/New_York", "01:30", "2026-11-01", "2026-11-01T05:30"),
        ("Australia/Lord_Howe", "01:45", "2026-04-05", "2026-04-04T14:45"),
        # Clocks that change at midnight: that day has none.
        ("America/Santiago", "00:00", "2026-09-06", "2026-09-06T04:00"),
        ("Pacific/Kiritimati", "00:00", "2026-11-22", "2026-11-21T10:00"),
        ("Pacific/Pago_Pago", "23:59", "2026-11-22", "2026-11-23T10:59"),
    ],
)
def test_a_time_of_day_is_one_instant(zone: str, time_of_day: str, day: str, expected: str) -> None:
    instant = utc(expected)
    tz = zone_named(zone)
    assert due_time([time_of_day], tz, after=None, now=instant) == instant
    assert next_time([time_of_day], tz, now=instant - timedelta(minutes=30)) == instant
    # And it is that day's: seen from half an hour later, the next one is another day's.
    assert next_time([time_of_day], tz, now=instant + timedelta(minutes=30)) != instant


@pytest.mark.parametrize(
    ("now", "after", "expected"),
    [
        ("2026-11-22T08:59:59", None, None),
        ("2026-11-22T09:00:00", None, "2026-11-22T09:00"),
        ("2026-11-22T09:59:59", None, "2026-11-22T09:00"),
        ("2026-11-22T10:00:00", None, None),  # too late by now
        ("2026-11-22T15:00:00", None, None),
        ("2026-11-22T09:20:00", "2026-11-22T09:00", None),  # done
        ("2026-11-22T09:20:00", "2026-11-21T09:00", "2026-11-22T09:00"),
        ("2026-11-22T09:20:00", "2026-11-22T09:10", None),
        # Several that were missed are one.
        ("2026-11-22T18:50:00", None, "2026-11-22T18:45"),
        ("2026-11-22T18:50:00", "2026-11-22T18:45", None),
    ],
)
def test_a_summary_is_due_once_and_not_hours_late(
    now: str, after: str | None, expected: str | None
) -> None:
    times = ["18:45", "09:00", "18:00", "18:30"]
    found = due_time(times, UTC, after=utc(after) if after else None, now=utc(now))
    assert found == (utc(expected) if expected else None)


def test_without_times_nothing_is_ever_due() -> None:
    now = utc("2026-11-22T09:00")
    assert due_time([], UTC, after=None, now=now) is None
    assert next_time([], UTC, now=now) is None


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"]


@given(
    st.sampled_from(ZONES),
    st.lists(st.times().map(lambda at: f"{at:%H:%M}"), min_size=1, max_size=3),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.lists(st.integers(1, 45), min_size=1, max_size=60),
)
def test_looking_often_enough_each_time_is_found_exactly_once(
    zone: str, times: list[str], start: datetime, steps: list[int]
) -> None:
    tz = zone_named(zone)
    now = begin = start.replace(tzinfo=UTC)
    found: list[datetime] = []
    done = begin
    for minutes in steps:
        now += timedelta(minutes=minutes)
        if (due := due_time(times, tz, after=done, now=now)) is not None:
            found.append(due)
            done = due
            assert now - due < GRACE
    assert found == sorted(set(found))
    # Walking from one to the next finds no other times but those that coincide within a step.
    walked = []
    at: datetime | None = begin
    while at is not None and (at := next_time(times, tz, now=at)) is not None and at <= now:
        walked.append(at)
    assert set(found) <= set(walked)
    assert len(walked) - len(found) <= sum(
        later - earlier < timedelta(minutes=45) for earlier, later in pairwise(walked)
    )


@pytest.fixture(params=["Europe/Berlin", "Asia/Tokyo", "America/New_York"])
def local_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """This machine's zone, for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set on this system")
@pytest.mark.parametrize("day", ["2026-01-15", "2026-03-08", "2026-03-29", "2026-07-01"])
@pytest.mark.parametrize("time_of_day", ["00:00", "02:30", "09:00", "23:30"])
def test_local_means_what_the_name_of_the_zone_means(
    local_zone: str, day: str, time_of_day: str
) -> None:
    assert os.environ["TZ"] == local_zone
    now = utc(day + "T00:00")
    named = next_time([time_of_day], zone_named(local_zone), now=now)
    assert next_time([time_of_day], zone_named("Local"), now=now) == named
    assert named is not None
    assert due_time([time_of_day], zone_named("Local"), after=None, now=named) == named
