"""Limits of API keys and accounts: what they are, and whether one more request fits into them.

Minutes and days roll, months are UTC's calendar months. Tokens are all tokens of a request: input,
output, and what came from or went to a cache.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from gateway.errors import (
    AccountBusy,
    CreditLimitExceeded,
    GatewayError,
    LimitName,
    RateLimitExceeded,
)
from gateway.store.accounts import Account
from gateway.store.api_keys import ApiKey

MINUTE = timedelta(seconds=60)
DAY = timedelta(hours=24)

# What a request is taken to cost before anything is known of the key: the service charges about
# one credit for a prompt.
FIRST_GUESS = 1.0  # credits
# A slot may become free at any moment.
SLOT_RETRY = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class LimitOwner:
    """A key or an account with at least one limit; None means no limit."""

    kind: Literal["key", "account"]
    id: str
    name: str
    requests_per_minute: int | None = None
    max_concurrent_requests: int | None = None
    tokens_per_day: int | None = None
    credits_per_month: float | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one limit stands. `used` includes what is reserved.

    `resets_at` is when all of it is free again if nothing more is used; None where that depends on
    how long requests run.
    """

    name: LimitName
    limit: float
    used: float
    resets_at: datetime | None

    @property
    def remaining(self) -> float:
        """What is left, never below zero."""
        return max(0, self.limit - self.used)


@dataclass(slots=True)
class Spending:
    """What an owner has running and spent at one moment."""

    requests: int = 0  # in the last minute
    running: int = 0
    tokens: int = 0  # in the last 24 hours, reserved ones included
    credits: float = 0.0  # this month, settled
    credits_reserved: float = 0.0
    credits_requests: int = 0  # that the settled credits were for


def owner_of_key(key: ApiKey) -> LimitOwner | None:
    """The key as the owner of its limits; None when it has none that is counted."""
    limits = key.limits
    owner = LimitOwner(
        "key",
        key.id,
        key.name,
        requests_per_minute=limits.requests_per_minute,
        max_concurrent_requests=limits.max_concurrent_requests,
        tokens_per_day=limits.tokens_per_day,
        credits_per_month=limits.credits_per_month,
    )
    return owner if _is_limited(owner) else None


def owner_of_account(account: Account) -> LimitOwner | None:
    """The account as the owner of its cap; None when it has none."""
    if account.max_concurrent_requests is None:
        return None
    return LimitOwner(
        "account",
        account.id,
        account.name,
        max_concurrent_requests=account.max_concurrent_requests,
    )


def exceeded(
    owner: LimitOwner, spent: Spending, *, tokens: int, cost: float | None
) -> LimitName | None:
    """The limit that one more request would break, if any.

    A cost (in credits) of None may be whatever is left. Slots come last: they are worth a wait.
    """
    if (most := owner.credits_per_month) is not None:
        used = spent.credits + spent.credits_reserved
        if used >= most or used + (cost or 0) > most:
            return "credits_per_month"
    if (most := owner.tokens_per_day) is not None and (
        spent.tokens >= most or spent.tokens + tokens > most
    ):
        return "tokens_per_day"
    if (most := owner.requests_per_minute) is not None and spent.requests >= most:
        return "requests_per_minute"
    if (most := owner.max_concurrent_requests) is not None and spent.running >= most:
        return "max_concurrent_requests"
    return None


def credits_to_reserve(owner: LimitOwner, spent: Spending, cost: float | None) -> float:
    """What is set aside for one more request: its cost, else what the key's requests cost so far.

    A guess takes no more than what is left, so that it alone keeps no request out.
    """
    if owner.credits_per_month is None:
        return 0.0
    if cost is not None:
        return cost
    left = owner.credits_per_month - spent.credits - spent.credits_reserved
    known = spent.credits_requests
    guess = spent.credits / known if known else FIRST_GUESS
    return max(0.0, min(guess, left))


def standings(
    owner: LimitOwner,
    spent: Spending,
    *,
    now: datetime,
    last_request: datetime | None,
    last_tokens: datetime | None,
) -> tuple[Standing, ...]:
    """How the owner's limits stand; the times are those of the newest request and newest tokens."""
    found: list[Standing] = []
    if owner.requests_per_minute is not None:
        free = (last_request or now - MINUTE) + MINUTE
        found.append(
            Standing("requests_per_minute", owner.requests_per_minute, spent.requests, free)
        )
    if owner.max_concurrent_requests is not None:
        found.append(
            Standing("max_concurrent_requests", owner.max_concurrent_requests, spent.running, None)
        )
    if owner.tokens_per_day is not None:
        free = (last_tokens or now - DAY) + DAY
        found.append(Standing("tokens_per_day", owner.tokens_per_day, spent.tokens, free))
    if owner.credits_per_month is not None:
        used = spent.credits + spent.credits_reserved
        found.append(
            Standing("credits_per_month", owner.credits_per_month, used, start_of_next_month(now))
        )
    return tuple(found)


def month_of(at: datetime) -> int:
    """The calendar month of UTC that a time is in, counted from year 0."""
    at = at.astimezone(UTC)
    return at.year * 12 + at.month - 1


def start_of_month(at: datetime) -> datetime:
    """When the month of a time began."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def start_of_next_month(at: datetime) -> datetime:
    """When the month of a time ends."""
    return start_of_month(start_of_month(at) + timedelta(days=32))


def refusal(
    owner: LimitOwner,
    limit: LimitName,
    spent: Spending,
    *,
    tokens: int,
    resets_at: datetime | None,
    now: datetime,
) -> GatewayError:
    """What the client is told: whose limit, how much, and when it is let in again."""
    if owner.kind == "account":
        return AccountBusy(
            f'Account "{owner.name}" already serves {_many(spent.running)}, as many as it may at '
            "once. Try again in a moment.",
            retry_after=SLOT_RETRY,
        )
    allowed, used, text = _WORDS[limit](owner, spent, tokens)
    kind = CreditLimitExceeded if limit == "credits_per_month" else RateLimitExceeded
    if limit == "max_concurrent_requests":
        return kind(
            f"{text} Try again when one of them has ended.",
            limit=limit,
            limit_value=allowed,
            used=used,
            resets_at=None,
            retry_after=SLOT_RETRY,
        )
    wait = None if resets_at is None else max(0.0, (resets_at - now).total_seconds())
    advice = "Ask the gateway's operator for a higher limit."
    if resets_at is not None and wait is not None:
        advice = f"It is let in again {_moment(resets_at, wait)}."
    return kind(
        f"{text} {advice}",
        limit=limit,
        limit_value=allowed,
        used=used,
        resets_at=resets_at,
        retry_after=wait,
    )


def _is_limited(owner: LimitOwner) -> bool:
    return any(
        limit is not None
        for limit in (
            owner.requests_per_minute,
            owner.max_concurrent_requests,
            owner.tokens_per_day,
            owner.credits_per_month,
        )
    )


_Told = tuple[float, float, str]


def _requests(owner: LimitOwner, spent: Spending, _tokens: int) -> _Told:
    most = owner.requests_per_minute or 0
    return (
        most,
        spent.requests,
        f'API key "{owner.name}" may make {_many(most)} a minute and has made {spent.requests}.',
    )


def _concurrent(owner: LimitOwner, spent: Spending, _tokens: int) -> _Told:
    most = owner.max_concurrent_requests or 0
    return (
        most,
        spent.running,
        f'API key "{owner.name}" may have {_many(most)} at once and has {spent.running}.',
    )


def _many(requests: int) -> str:
    return "1 request" if requests == 1 else f"{requests:,} requests"


def _tokens_a_day(owner: LimitOwner, spent: Spending, tokens: int) -> _Told:
    most = owner.tokens_per_day or 0
    text = (
        f'API key "{owner.name}" may use {most:,} tokens in 24 hours; {spent.tokens:,} are used or '
        f"reserved, and this request needs about {tokens:,}."
    )
    return most, spent.tokens, text


def _credits(owner: LimitOwner, spent: Spending, _tokens: int) -> _Told:
    most = owner.credits_per_month or 0.0
    used = spent.credits + spent.credits_reserved
    text = (
        f'API key "{owner.name}" may use {most:g} credits a month, and {used:.4g} are used or '
        "reserved."
    )
    return most, used, text


_WORDS: dict[LimitName, Callable[[LimitOwner, Spending, int], _Told]] = {
    "requests_per_minute": _requests,
    "max_concurrent_requests": _concurrent,
    "tokens_per_day": _tokens_a_day,
    "credits_per_month": _credits,
}


def _moment(at: datetime, wait: float) -> str:
    at = at.astimezone(UTC)
    if wait < 3600:
        return f"in {max(1, math.ceil(wait))} s, at {at:%H:%M:%S} UTC"
    return f"on {at:%Y-%m-%d} at {at:%H:%M} UTC"
