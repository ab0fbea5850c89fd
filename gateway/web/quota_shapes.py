"""A quota as both APIs show it; clients do not learn whose it is."""

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.kiro.quota import Amount, Extra, Quota
from gateway.store.accounts import Account

WARNING, CRITICAL = 70.0, 90.0  # percent
DAY = 86_400  # seconds


class AmountObject(msgspec.Struct, frozen=True):
    """Used and granted units of one kind. `percent_used` may be above 100."""

    used: float
    limit: float
    remaining: float
    percent_used: float


class TrialObject(AmountObject, frozen=True):
    """What a trial adds now: nothing unless its `status` is ACTIVE; it is empty without a trial."""

    status: str
    expires_at: datetime | None


class BonusObject(AmountObject, frozen=True):
    """One bonus; it adds nothing unless it is `active`."""

    status: str
    active: bool


class OverageObject(msgspec.Struct, frozen=True):
    """Use beyond the quota: so many units, of at most `cap`, at `rate` each."""

    enabled: bool
    used: float
    rate: float | None
    cap: float | None
    charges: float
    currency: str


class QuotaUsage(msgspec.Struct, frozen=True):
    """The subscription's own amount, whole and precise."""

    resource_type: str
    display_name: str
    currency: str
    used: int
    limit: int
    remaining: int
    used_precise: float
    limit_precise: float
    remaining_precise: float
    percent_used: float
    overages: float
    overage_rate: float | None
    overage_cap: float | None


class ClientQuota(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of an account's subscription: `total` is `base`, `trial` and `bonus` together.

    `usage` has the figures of `base` by older names. `next_date_reset` is in Unix seconds.
    """

    account: str
    tier: str
    raw_subscription: str
    subscription_title: str
    days_until_reset: Annotated[
        int | None, Meta(description="Counted from next_date_reset, where that is known.")
    ]
    next_date_reset: int | None
    usage: QuotaUsage
    base: AmountObject
    trial: TrialObject
    bonus: Annotated[AmountObject, Meta(description="All active bonuses together.")]
    bonuses: list[BonusObject]
    total: AmountObject
    overage: OverageObject
    known: Annotated[bool, Meta(description="False when the service tells no amounts.")]
    exhausted: bool
    fetched_at: datetime


class QuotaObject(ClientQuota, frozen=True, kw_only=True):
    """The same for administrators, with whose it is."""

    email: str | None
    profile_arn: str | None
    subscription_name: str
    subscription_type: str
    subscription_state: str


class QuotaOverview(msgspec.Struct, frozen=True):
    """All enabled accounts together, as they were last heard of."""

    account_count: Annotated[int, Meta(description="Accounts that count in the sums.")]
    total: AmountObject
    base: AmountObject
    level: Annotated[
        Literal["healthy", "warning", "critical"],
        Meta(description="By the total: from 70 % a warning, from 90 % critical."),
    ]
    accounts: list[QuotaObject]
    unknown: Annotated[
        list[str], Meta(description="Names of enabled accounts whose quota is not known.")
    ]


def client_quota(account: Account, quota: Quota, fetched_at: datetime) -> ClientQuota:
    """Show a quota without e-mail address and profile."""
    whole = quota_object(account, quota, fetched_at)
    return ClientQuota(
        **{name: getattr(whole, name) for name in ClientQuota.__struct_fields__},
    )


def quota_object(account: Account, quota: Quota, fetched_at: datetime) -> QuotaObject:
    """Show a quota, with the account's e-mail address and profile."""
    base, overage = quota.base, quota.overage
    resets_at = quota.resets_at
    days = quota.days_until_reset
    if resets_at is not None:
        # What the service says is often 0.
        days = max(0, math.ceil((resets_at - fetched_at).total_seconds() / DAY))
    return QuotaObject(
        account=account.name,
        email=quota.email,
        tier=quota.subscription_title or quota.subscription_type,
        raw_subscription=quota.subscription_type,
        subscription_name=quota.subscription_title,
        subscription_title=quota.subscription_title,
        subscription_type=quota.subscription_type,
        subscription_state="",
        profile_arn=account.profile_arn,
        days_until_reset=days,
        next_date_reset=int(resets_at.timestamp()) if resets_at else None,
        usage=QuotaUsage(
            resource_type=quota.resource_type,
            display_name=quota.display_name,
            currency=quota.currency,
            used=int(base.used),
            limit=int(base.limit),
            remaining=int(base.remaining),
            used_precise=base.used,
            limit_precise=base.limit,
            remaining_precise=base.remaining,
            percent_used=base.percent_used,
            overages=overage.used,
            overage_rate=overage.rate,
            overage_cap=overage.cap,
        ),
        base=amount_object(base),
        trial=_trial(quota),
        bonus=amount_object(quota.bonus),
        bonuses=[_bonus(bonus) for bonus in quota.bonuses],
        total=amount_object(quota.total),
        overage=OverageObject(
            overage.enabled,
            overage.used,
            overage.rate,
            overage.cap,
            overage.charges,
            quota.currency,
        ),
        known=quota.known,
        exhausted=quota.is_exhausted,
        fetched_at=fetched_at,
    )


def overview(quotas: Iterable[QuotaObject], unknown: list[str]) -> QuotaOverview:
    """Add up what is known of several accounts, the fullest first."""
    shown = sorted(quotas, key=lambda one: (-one.total.percent_used, one.account))
    total = _sum(one.total for one in shown)
    percent = total.percent_used
    return QuotaOverview(
        account_count=len(shown),
        total=total,
        base=_sum(one.base for one in shown),
        level="critical" if percent >= CRITICAL else "warning" if percent >= WARNING else "healthy",
        accounts=shown,
        unknown=unknown,
    )


def amount_object(amount: Amount) -> AmountObject:
    """Show an amount."""
    return AmountObject(amount.used, amount.limit, amount.remaining, amount.percent_used)


def _trial(quota: Quota) -> TrialObject:
    now = quota.active_trial
    trial = quota.trial
    return TrialObject(
        now.used,
        now.limit,
        now.remaining,
        now.percent_used,
        trial.status if trial else "",
        trial.expires_at if trial else None,
    )


def _bonus(bonus: Extra) -> BonusObject:
    amount = bonus.amount
    return BonusObject(
        amount.used,
        amount.limit,
        amount.remaining,
        amount.percent_used,
        bonus.status,
        bonus.is_active,
    )


def _sum(amounts: Iterable[AmountObject]) -> AmountObject:
    several = tuple(amounts)
    # What one account has too much does not fill up another's: remaining is a sum of its own.
    used, limit = sum(one.used for one in several), sum(one.limit for one in several)
    remaining = sum(one.remaining for one in several)
    return AmountObject(used, limit, remaining, Amount(used, limit).percent_used)
