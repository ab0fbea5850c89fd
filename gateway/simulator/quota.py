"""Answers about an account: what it has used, and which profiles it has."""

from datetime import UTC, datetime

from gateway.simulator.accounts import DemoAccount, Subscription
from gateway.simulator.strict_json import JsonObject

_PLANS: dict[Subscription, tuple[str, str, int, bool]] = {
    # type, title, credits a month, overage possible
    "free": ("Q_DEVELOPER_STANDALONE_FREE", "KIRO FREE", 50, False),
    "pro": ("Q_DEVELOPER_STANDALONE_PRO", "KIRO PRO", 1000, True),
    "power": ("Q_DEVELOPER_STANDALONE_POWER", "KIRO POWER", 10_000, True),
}
_TRIAL_CREDITS = 500
_BONUS_CREDITS = 100


def usage_limits(account: DemoAccount, used: float, now: float, *, with_email: bool) -> JsonObject:
    """The answer of GetUsageLimits.

    Args:
        account: whose; only its subscription, name and e-mail address matter.
        used: credits used so far: out of the trial first, then plan and bonus.
        now: seconds since 1970.
        with_email: whether the e-mail address was asked for; it is null otherwise.
    """
    kind, title, limit, overage = _PLANS[account.subscription]
    reset = next_month(now)
    from_trial = min(used, float(_TRIAL_CREDITS)) if account.subscription == "pro" else 0.0
    from_plan = min(used - from_trial, float(limit))
    from_bonus = min(used - from_trial - from_plan, float(_BONUS_CREDITS))
    over = used - from_trial - from_plan - from_bonus
    breakdown: JsonObject = {
        "resourceType": "CREDIT",
        "displayName": "Credit",
        "displayNamePlural": "Credits",
        "unit": "INVOCATIONS",
        "currentUsage": int(from_plan),
        "currentUsageWithPrecision": round(from_plan, 4),
        "usageLimit": limit,
        "usageLimitWithPrecision": float(limit),
        "currentOverages": int(over),
        "currentOveragesWithPrecision": round(over, 4),
        "overageCharges": 0.0,
        "overageRate": 0.04,
        "overageCap": 10_000,
        "overageCapWithPrecision": 10_000.0,
        "currency": "USD",
        "nextDateReset": reset,
        "bonuses": [
            {
                "status": "ACTIVE",
                "currentUsage": round(from_bonus, 4),
                "usageLimit": float(_BONUS_CREDITS),
            },
            {"status": "EXPIRED", "currentUsage": 20.0, "usageLimit": 20.0},
        ],
    }
    if account.subscription == "pro":
        breakdown["freeTrialInfo"] = {
            "freeTrialStatus": "ACTIVE",
            "freeTrialExpiry": reset + 10 * 86_400,
            "currentUsage": int(from_trial),
            "currentUsageWithPrecision": round(from_trial, 4),
            "usageLimit": _TRIAL_CREDITS,
            "usageLimitWithPrecision": float(_TRIAL_CREDITS),
        }
    return {
        # Known to be useless in the real answer, too.
        "daysUntilReset": 0,
        "nextDateReset": reset,
        "limits": [],
        "usageBreakdown": None,
        "usageBreakdownList": [breakdown],
        "subscriptionInfo": {
            "type": kind,
            "subscriptionTitle": title,
            "upgradeCapability": "UPGRADE_CAPABLE",
            "overageCapability": "OVERAGE_CAPABLE" if overage else "OVERAGE_INCAPABLE",
            "subscriptionManagementTarget": "MANAGE" if overage else "PURCHASE",
        },
        "overageConfiguration": {"overageStatus": "DISABLED"},
        "userInfo": {
            "userId": f"d-0000000000.{account.name}",
            "email": account.email if with_email else None,
        },
    }


def remaining_credits(account: DemoAccount, used: float) -> float:
    """Credits of plan, trial and bonus that are left; overage is not enabled."""
    trial = _TRIAL_CREDITS if account.subscription == "pro" else 0
    return _PLANS[account.subscription][2] + trial + _BONUS_CREDITS - used


def next_month(now: float) -> float:
    """Midnight UTC of the first of the next month, seconds since 1970."""
    today = datetime.fromtimestamp(now, UTC)
    year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)
    return datetime(year, month, 1, tzinfo=UTC).timestamp()
