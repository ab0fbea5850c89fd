"""When a percentage is worth a message: once for a threshold, until that is armed again.

It is armed again when the percentage has fallen well below it, so that one which goes up and down
around it tells nothing new, or when the period that the quota is for has ended.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

HYSTERESIS = 5.0  # percentage points
# Of a figure that was computed: 90 % must not be missed for its last binary digit.
_ROUNDING = 1e-9


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was told of one percentage: the highest threshold, and when the period ends it is of."""

    level: int = 0
    period_ends: datetime | None = None


UNMARKED = Mark()


def rearms_below(threshold: int) -> float:
    """The percentage below which a threshold is armed again.

    Half of a threshold that is lower than the hysteresis is wide, which nothing could fall below.
    """
    return threshold - min(HYSTERESIS, threshold / 2)


def rearmed(
    mark: Mark,
    percent: float,
    thresholds: Iterable[int],
    *,
    resets_at: datetime | None,
    now: datetime,
) -> Mark:
    """The mark as the percentage leaves it: as it was, or lower."""
    ends = mark.period_ends
    if ends is not None and ends <= now and resets_at is not None and resets_at > ends:
        return Mark(0, resets_at)
    level = mark.level
    if percent < rearms_below(level):
        told = (one for one in thresholds if one < level and percent >= rearms_below(one))
        level = max(told, default=0)
    return Mark(level, resets_at or ends)


def reached(mark: Mark, percent: float, thresholds: Iterable[int]) -> int | None:
    """The highest threshold that is reached and was not told."""
    news = (one for one in thresholds if mark.level < one <= percent + _ROUNDING)
    return max(news, default=None)
