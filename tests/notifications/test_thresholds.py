"""Thresholds: each is told once, and armed again only well below it or by the next period."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.notifications.thresholds import HYSTERESIS, UNMARKED, Mark, reached, rearmed
from tests.notifications.seen import NOW, RESET


def told(percents: list[float], thresholds: tuple[int, ...]) -> list[int | None]:
    """What is told at each of these percentages, one after the other in one period."""
    mark, found = UNMARKED, []
    for percent in percents:
        mark = rearmed(mark, percent, thresholds, resets_at=RESET, now=NOW)
        level = reached(mark, percent, thresholds)
        if level is not None:
            mark = Mark(level, mark.period_ends)
        found.append(level)
    return found


@pytest.mark.parametrize(
    ("percents", "expected"),
    [
        ([0, 89.9, 90, 95, 100, 120], [None, None, 90, None, 100, None]),
        ([101], [100]),  # several at once are one, the highest
        ([90, 89, 91, 88, 92], [90, None, None, None, None]),  # up and down around it
        ([90, 85, 90], [90, None, None]),  # not below the hysteresis yet
        ([90, 84.9, 90], [90, None, 90]),
        ([100, 94, 97, 100], [100, None, None, 100]),  # 100 is armed again, 90 is not
        ([100, 0, 95], [100, None, 90]),
        ([], []),
    ],
)
def test_a_threshold_is_told_once_until_it_is_armed_again(
    percents: list[float], expected: list[int | None]
) -> None:
    assert told(percents, (90, 100)) == expected


def test_the_order_of_thresholds_is_no_matter() -> None:
    assert told([95, 130], (100, 90, 120, 90)) == [90, 120]


def test_a_threshold_lower_than_the_hysteresis_is_armed_again_all_the_same() -> None:
    assert told([4, 3, 1.4, 3], (3,)) == [3, None, None, 3]


def test_no_threshold_is_never_reached() -> None:
    assert told([0, 100, 1000], ()) == [None, None, None]


@pytest.mark.parametrize("limit", [10, 30, 70, 110, 130, 190, 1000])
def test_binary_fractions_do_not_hide_a_threshold(limit: int) -> None:
    used = sum([limit / 1000] * 900)
    assert told([used / limit * 100], (90,)) == [90]


def test_a_new_period_arms_every_threshold_however_high_the_percentage_is() -> None:
    mark = Mark(90, RESET)
    new_period = RESET + timedelta(days=31)
    after = rearmed(mark, 95, (90,), resets_at=new_period, now=RESET + timedelta(hours=1))
    assert (after, reached(after, 95, (90,))) == (Mark(0, new_period), 90)


@pytest.mark.parametrize(
    ("resets_at", "days"),
    [
        (RESET, 40),  # the period is over, but the figures are still the old one's
        (RESET + timedelta(days=31), -5),  # told otherwise in the middle of the period
        (None, 40),  # the service does not say
    ],
)
def test_the_same_period_arms_nothing(resets_at: None, days: int) -> None:
    mark = Mark(90, RESET)
    now = RESET + timedelta(days=days)
    assert rearmed(mark, 95, (90,), resets_at=resets_at, now=now).level == 90


def test_other_thresholds_in_the_settings_count_from_what_was_told() -> None:
    mark = Mark(90, RESET)
    assert reached(mark, 95, (50, 92)) == 92
    assert reached(mark, 95, (50,)) is None
    assert rearmed(mark, 60, (50,), resets_at=RESET, now=NOW) == Mark(50, RESET)


@given(
    st.lists(st.floats(0, 250, allow_nan=False), max_size=60),
    st.lists(st.integers(1, 200), max_size=5).map(tuple),
)
def test_no_threshold_is_told_twice_without_falling_well_below_it_in_between(
    percents: list[float], thresholds: tuple[int, ...]
) -> None:
    last: dict[int, int] = {}
    for index, level in enumerate(told(percents, thresholds)):
        if level is None:
            continue
        assert level in thresholds
        assert percents[index] >= level - 1e-6
        if level in last:
            lowest = min(percents[last[level] : index + 1])
            assert lowest < level - min(HYSTERESIS, level / 2)
        # What a higher one tells, the lower ones have told as well.
        for lower in thresholds:
            if lower <= level:
                last[lower] = index


@given(
    st.lists(st.floats(0, 250, allow_nan=False), min_size=1, max_size=60),
    st.lists(st.integers(1, 200), min_size=1, max_size=5).map(tuple),
)
def test_whatever_is_reached_for_the_first_time_is_told(
    percents: list[float], thresholds: tuple[int, ...]
) -> None:
    found = [level for level in told(percents, thresholds) if level is not None]
    highest = max((one for one in thresholds if one <= max(percents)), default=None)
    assert max(found, default=None) == highest
