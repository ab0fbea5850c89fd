"""An account's quota, as GetUsageLimits answers it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

P = TypeVar("P")

LARGEST_SECONDS = 1e10  # as a date, the year 2286; larger numbers are milliseconds


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


def total_of(amounts: Iterable[Amount]) -> Amount:
    """All of them together."""
    several = tuple(amounts)
    return Amount(sum(one.used for one in several), sum(one.limit for one in several))


@dataclass(frozen=True, slots=True)
class Extra:
    """A trial or a bonus. Only what is `ACTIVE` can be used; `status` is the service's word."""

    amount: Amount
    status: str
    expires_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether it counts."""
        return self.status == "ACTIVE"


@dataclass(frozen=True, slots=True)
class Overage:
    """Use beyond the quota, paid for by the unit.

    `cap` is the most units that are sold, `rate` the price of one and `charges` what is owed so
    far, both in the quota's currency.
    """

    enabled: bool = False
    used: float = 0.0
    charges: float = 0.0
    rate: float | None = None
    cap: float | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a subscription. Amounts are in `unit`s, mostly credits.

    `known` is False when the answer holds no amounts: unknown is not exhausted.
    """

    known: bool
    resource_type: str
    display_name: str
    unit: str
    currency: str
    base: Amount
    trial: Extra | None
    bonuses: tuple[Extra, ...]
    overage: Overage
    resets_at: datetime | None
    days_until_reset: int | None
    subscription_title: str
    subscription_type: str
    email: str | None

    @property
    def active_trial(self) -> Amount:
        """What the trial adds now."""
        return self.trial.amount if self.trial and self.trial.is_active else Amount()

    @property
    def bonus(self) -> Amount:
        """What all bonuses together add now."""
        return total_of(bonus.amount for bonus in self.bonuses if bonus.is_active)

    @property
    def total(self) -> Amount:
        """Base, active trial and active bonuses together."""
        return total_of((self.base, self.active_trial, self.bonus))

    @property
    def is_exhausted(self) -> bool:
        """Nothing left, and no overage to be had; known of credits only."""
        if not self.known or self.resource_type != "CREDIT" or self.total.remaining > 0:
            return False
        overage = self.overage
        return not overage.enabled or (overage.cap is not None and overage.used >= overage.cap)


class _Trial(msgspec.Struct, rename="camel"):
    free_trial_status: str | None = None
    free_trial_expiry: float | str | None = None
    current_usage: float | None = None
    current_usage_with_precision: float | None = None
    usage_limit: float | None = None
    usage_limit_with_precision: float | None = None


class _Bonus(msgspec.Struct, rename="camel"):
    status: str | None = None
    current_usage: float | None = None
    current_usage_with_precision: float | None = None
    usage_limit: float | None = None
    usage_limit_with_precision: float | None = None


class _Breakdown(msgspec.Struct, rename="camel"):
    resource_type: str | None = None
    display_name: str | None = None
    unit: str | None = None
    current_usage: float | None = None
    current_usage_with_precision: float | None = None
    usage_limit: float | None = None
    usage_limit_with_precision: float | None = None
    current_overages: float | None = None
    current_overages_with_precision: float | None = None
    overage_charges: float | None = None
    overage_rate: float | None = None
    overage_cap: float | None = None
    overage_cap_with_precision: float | None = None
    currency: str | None = None
    next_date_reset: float | str | None = None
    # Each of these is looked at by itself: nobody has written down what they hold.
    free_trial_info: object = None
    bonuses: list[object] | None = None


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
    days_until_reset: float | None = None
    usage_breakdown: _Breakdown | None = None
    usage_breakdown_list: list[_Breakdown | None] | None = None
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
    listed = (*(answer.usage_breakdown_list or ()), answer.usage_breakdown)
    breakdowns = [breakdown for breakdown in listed if breakdown is not None]
    credit = next((b for b in breakdowns if b.resource_type == "CREDIT"), None)
    part = credit or next(iter(breakdowns), None) or _Breakdown()
    limit = _first(part.usage_limit_with_precision, part.usage_limit)
    subscription = answer.subscription_info or _Subscription()
    days = answer.days_until_reset
    return Quota(
        known=limit is not None,
        resource_type=part.resource_type or "",
        display_name=part.display_name or "",
        unit=part.unit or "",
        currency=part.currency or "",
        base=Amount(_used(part), limit or 0.0),
        trial=_trial(part.free_trial_info),
        bonuses=tuple(_bonuses(part.bonuses or ())),
        overage=_overage(part, answer.overage_configuration or _Overage()),
        resets_at=_instant(answer.next_date_reset) or _instant(part.next_date_reset),
        days_until_reset=int(days) if days is not None else None,
        subscription_title=subscription.subscription_title or "",
        subscription_type=subscription.type or "",
        email=(answer.user_info.email if answer.user_info else None) or None,
    )


def _first(*values: float | None) -> float | None:
    # The precise figure counts whenever it is there: the whole one may be 0 beside 0.01.
    return next((value for value in values if value is not None), None)


def _used(part: _Breakdown | _Trial | _Bonus) -> float:
    return _first(part.current_usage_with_precision, part.current_usage) or 0.0


def _amount(part: _Trial | _Bonus) -> Amount:
    return Amount(_used(part), _first(part.usage_limit_with_precision, part.usage_limit) or 0.0)


def _part(given: object, kind: type[P]) -> P | None:
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError:
        return None  # one of a shape we do not know says nothing against the rest


def _bonuses(given: Iterable[object]) -> Iterator[Extra]:
    for one in given:
        if (bonus := _part(one, _Bonus)) is not None:
            yield Extra(_amount(bonus), bonus.status or "")


def _trial(given: object) -> Extra | None:
    trial = _part(given, _Trial)
    if trial is None:
        return None
    return Extra(_amount(trial), trial.free_trial_status or "", _instant(trial.free_trial_expiry))


def _overage(part: _Breakdown, configuration: _Overage) -> Overage:
    return Overage(
        # The same fact in two shapes, of two versions of the API.
        enabled=configuration.overage_status == "ENABLED" or configuration.overage_enabled is True,
        used=_first(part.current_overages_with_precision, part.current_overages) or 0.0,
        charges=part.overage_charges or 0.0,
        rate=part.overage_rate,
        cap=_first(part.overage_cap_with_precision, part.overage_cap) or None,
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
    if not seconds > 0:
        return None
    try:
        return datetime.fromtimestamp(seconds / 1000 if seconds > LARGEST_SECONDS else seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
