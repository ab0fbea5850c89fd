"""An account's quota, as GetUsageLimits answers it."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec


@dataclass(frozen=True, slots=True)
class Amount:
    """Used and granted units of one kind."""

    used: float = 0.0
    limit: float = 0.0

    @property
    def remaining(self) -> float:
        """What is left, never below 0."""
        return max(0.0, self.limit - self.used)

    @property
    def percent_used(self) -> float:
        """0 to 100 and beyond; 0 when nothing was granted."""
        return self.used / self.limit * 100 if self.limit else 0.0


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a subscription. Amounts are in `unit`s, mostly credits.

    `known` is False when the answer holds no amounts: unknown is not exhausted.
    """

    known: bool
    resource_type: str
    display_name: str
    currency: str
    base: Amount
    trial: Amount
    bonus: Amount
    overages: float
    overage_rate: float | None
    overage_cap: float | None
    overage_enabled: bool
    resets_at: datetime | None
    days_until_reset: int | None
    subscription_title: str
    subscription_type: str
    email: str | None

    @property
    def total(self) -> Amount:
        """Base, active trial and active bonuses together."""
        parts = (self.base, self.trial, self.bonus)
        return Amount(sum(p.used for p in parts), sum(p.limit for p in parts))

    @property
    def is_exhausted(self) -> bool:
        """Nothing left, and the account may not run up overage."""
        return self.known and self.total.remaining <= 0 and not self.overage_enabled


class _Trial(msgspec.Struct, rename="camel"):
    free_trial_status: str | None = None
    current_usage: float | None = None
    current_usage_with_precision: float | None = None
    usage_limit: float | None = None
    usage_limit_with_precision: float | None = None


class _Bonus(msgspec.Struct, rename="camel"):
    status: str | None = None
    current_usage: float | None = None
    usage_limit: float | None = None


class _Breakdown(msgspec.Struct, rename="camel"):
    resource_type: str | None = None
    display_name: str | None = None
    current_usage: float | None = None
    current_usage_with_precision: float | None = None
    usage_limit: float | None = None
    usage_limit_with_precision: float | None = None
    current_overages: float | None = None
    current_overages_with_precision: float | None = None
    overage_rate: float | None = None
    overage_cap: float | None = None
    overage_cap_with_precision: float | None = None
    currency: str | None = None
    next_date_reset: float | str | None = None
    free_trial_info: _Trial | None = None
    bonuses: list[_Bonus] | None = None


class _Subscription(msgspec.Struct, rename="camel"):
    type: str | None = None
    subscription_title: str | None = None


class _Overage(msgspec.Struct, rename="camel"):
    overage_status: str | None = None
    overage_enabled: bool | None = None


class _User(msgspec.Struct, rename="camel"):
    email: str | None = None


class _Answer(msgspec.Struct, rename="camel"):
    next_date_reset: float | str | None = None
    days_until_reset: int | None = None
    usage_breakdown: _Breakdown | None = None
    usage_breakdown_list: list[_Breakdown] | None = None
    subscription_info: _Subscription | None = None
    overage_configuration: _Overage | None = None
    user_info: _User | None = None


_decoder = msgspec.json.Decoder(_Answer, strict=False)


def parse_quota(body: bytes) -> Quota:
    """Read the whole answer; the CREDIT breakdown counts, else the first.

    Raises:
        msgspec.MsgspecError: the body is not what the operation answers.
    """
    answer = _decoder.decode(body)
    breakdowns = answer.usage_breakdown_list or []
    if answer.usage_breakdown is not None:
        breakdowns = [*breakdowns, answer.usage_breakdown]
    credit = next((b for b in breakdowns if b.resource_type == "CREDIT"), None)
    chosen = credit or (breakdowns[0] if breakdowns else None)
    known = chosen is not None
    part = chosen or _Breakdown()
    subscription = answer.subscription_info or _Subscription()
    overage = answer.overage_configuration or _Overage()
    return Quota(
        known=known,
        resource_type=part.resource_type or "",
        display_name=part.display_name or "",
        currency=part.currency or "",
        base=Amount(
            _first(part.current_usage_with_precision, part.current_usage),
            _first(part.usage_limit_with_precision, part.usage_limit),
        ),
        trial=_trial(part.free_trial_info),
        bonus=_bonuses(part.bonuses or []),
        overages=_first(part.current_overages_with_precision, part.current_overages),
        overage_rate=part.overage_rate,
        overage_cap=_first(part.overage_cap_with_precision, part.overage_cap) or None,
        overage_enabled=overage.overage_status == "ENABLED" or overage.overage_enabled is True,
        resets_at=_instant(answer.next_date_reset) or _instant(part.next_date_reset),
        days_until_reset=answer.days_until_reset,
        subscription_title=subscription.subscription_title or "",
        subscription_type=subscription.type or "",
        email=answer.user_info.email if answer.user_info else None,
    )


def _first(*values: float | None) -> float:
    # The precise figure counts whenever it is there: the whole one may be 0 beside 0.01.
    return next((value for value in values if value is not None), 0.0)


def _trial(trial: _Trial | None) -> Amount:
    if trial is None or trial.free_trial_status != "ACTIVE":
        return Amount()
    return Amount(
        _first(trial.current_usage_with_precision, trial.current_usage),
        _first(trial.usage_limit_with_precision, trial.usage_limit),
    )


def _bonuses(bonuses: list[_Bonus]) -> Amount:
    active = [bonus for bonus in bonuses if bonus.status == "ACTIVE"]
    return Amount(
        sum(_first(bonus.current_usage) for bonus in active),
        sum(_first(bonus.usage_limit) for bonus in active),
    )


def _instant(value: float | str | None) -> datetime | None:
    """Epoch seconds (often in exponent form) or milliseconds, or an ISO text."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            parsed = datetime.fromisoformat(str(value))
        except ValueError:
            return None
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    if seconds <= 0:
        return None
    return datetime.fromtimestamp(seconds / 1000 if seconds > 1e10 else seconds, UTC)
