"""How a key's limits stand, as Anthropic's and OpenAI's own services tell it in headers."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.errors import LimitExceeded
from gateway.store.limits import Standing

# Named after what is counted, not after the time it is for.
_COUNTED = {"requests_per_minute": "requests", "tokens_per_day": "tokens"}
_FORMS = (
    *("anthropic-ratelimit-{}-limit", "anthropic-ratelimit-{}-remaining"),
    *("anthropic-ratelimit-{}-reset", "x-ratelimit-limit-{}"),
    *("x-ratelimit-remaining-{}", "x-ratelimit-reset-{}"),
)
LIMIT_HEADERS = tuple(form.format(counted) for counted in _COUNTED.values() for form in _FORMS)


def standing_headers(standings: Iterable[Standing], now: datetime) -> dict[str, str]:
    """How the limits stand after a request was let in."""
    headers: dict[str, str] = {}
    for standing in standings:
        if (counted := _COUNTED.get(standing.name)) is not None:
            headers |= _headers(
                counted, standing.limit, standing.remaining, standing.resets_at, now
            )
    return headers


def refused_headers(error: LimitExceeded, now: datetime) -> dict[str, str]:
    """The same for a limit that has just refused a request."""
    counted = _COUNTED.get(error.limit)
    if counted is None:
        return {}
    left = max(0.0, error.limit_value - error.used)
    return _headers(counted, error.limit_value, left, error.resets_at, now)


def _headers(
    counted: str, limit: float, remaining: float, resets_at: datetime | None, now: datetime
) -> dict[str, str]:
    # Rounded up: who comes back on time is not to be too early.
    seconds = max(0, math.ceil(((resets_at or now) - now).total_seconds()))
    at = now + timedelta(seconds=seconds)
    if at.microsecond:
        at = at.replace(microsecond=0) + timedelta(seconds=1)
    values = (
        *(f"{limit:.0f}", f"{remaining:.0f}", at.strftime("%Y-%m-%dT%H:%M:%SZ")),
        *(f"{limit:.0f}", f"{remaining:.0f}", f"{seconds}s"),
    )
    return {form.format(counted): value for form, value in zip(_FORMS, values, strict=True)}
