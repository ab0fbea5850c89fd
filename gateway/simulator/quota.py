"""What accounts may spend and have spent, and how the service tells of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from gateway.simulator.accounts import DemoAccount, Subscription
from gateway.simulator.http_faults import HTTP_FAULTS
from gateway.simulator.refusals import Refusal
from gateway.simulator.strict_json import Json, JsonObject

Status = Literal["ACTIVE", "EXPIRED"]
Overage = Literal["ENABLED", "DISABLED"]

_PLANS: dict[Subscription, tuple[str, str, int, bool]] = {
    # type, title, credits a month, overage possible
    "free": ("Q_DEVELOPER_STANDALONE_FREE", "KIRO FREE", 50, False),
    "pro": ("Q_DEVELOPER_STANDALONE_PRO", "KIRO PRO", 1000, True),
    "power": ("Q_DEVELOPER_STANDALONE_POWER", "KIRO POWER", 10_000, True),
}
_TRIAL_CREDITS = 500.0
_BONUS_CREDITS = 100.0
_OVERAGE_CAP = 10_000.0
_OVERAGE_RATE = 0.04  # dollars a credit
_TRIAL_SECONDS = 10 * 86_400  # beyond the end of the month


@dataclass(slots=True)
class Pot:
    """Credits of one kind; an expired one gives none."""

    limit: float
    used: float = 0.0
    status: Status = "ACTIVE"

    @property
    def left(self) -> float:
        """How many it still gives."""
        return max(0.0, self.limit - self.used) if self.status == "ACTIVE" else 0.0

    def take(self, amount: float) -> float:
        """Take what it can give; returns what is still owed."""
        taken = min(amount, self.left)
        self.used += taken
        return amount - taken


@dataclass(slots=True)
class Ledger:
    """The credits of one account: the trial's first, then the plan's, bonuses, and overage.

    Attributes:
        trial: None: it has none.
        overage_cap: how many credits overage gives where it is enabled.
        overages: what was spent of it.
        resets_at: when the plan starts anew, seconds since 1970.
    """

    plan: Pot
    trial: Pot | None
    bonuses: list[Pot]
    resets_at: float
    overage: Overage = "DISABLED"
    overage_cap: float = _OVERAGE_CAP
    overages: float = 0.0

    @property
    def used(self) -> float:
        """What was spent of all that has not expired."""
        return sum(pot.used for pot in self._pots() if pot.status == "ACTIVE") + self.overages

    def spend(self, amount: float) -> None:
        """Pay for an answer; the last one may cost more than there is."""
        for pot in self._pots():
            amount = pot.take(amount)
        self.overages += amount

    def set_used(self, amount: float) -> None:
        """Have spent exactly so much, in the usual order."""
        for pot in self._pots():
            if pot.status == "ACTIVE":
                pot.used = 0.0
        self.overages = 0.0
        self.spend(amount)

    def start_month(self, resets_at: float) -> None:
        """Let the plan start anew; trial and bonuses are not monthly."""
        self.plan.used = self.overages = 0.0
        self.resets_at = resets_at

    def refusal(self) -> Refusal | None:
        """The answer to whoever has nothing left; None: there is something."""
        if any(pot.left > 0 for pot in self._pots()):
            return None
        if self.overage == "DISABLED":
            return HTTP_FAULTS["monthly-limit"][1]
        if self.overages >= self.overage_cap:
            return HTTP_FAULTS["overage-limit"][1]
        return None

    def _pots(self) -> list[Pot]:
        trial = [self.trial] if self.trial else []
        return [*trial, self.plan, *self.bonuses]


@dataclass(slots=True)
class Ledgers:
    """The ledgers of all accounts, by name. `clock` gives seconds since 1970."""

    clock: Callable[[], float]
    _ledgers: dict[str, Ledger] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget what was spent, and what was changed."""
        self._ledgers.clear()

    def of(self, account: DemoAccount) -> Ledger:
        """An account's ledger as it is now."""
        now = self.clock()
        ledger = self._ledgers.get(account.name)
        if ledger is None:
            trial = Pot(_TRIAL_CREDITS) if account.subscription == "pro" else None
            bonuses = [Pot(_BONUS_CREDITS), Pot(20.0, 20.0, "EXPIRED")]
            plan = Pot(float(_PLANS[account.subscription][2]))
            ledger = self._ledgers[account.name] = Ledger(plan, trial, bonuses, next_month(now))
        if ledger.resets_at <= now:
            ledger.start_month(next_month(now))
        return ledger


def usage_limits(account: DemoAccount, ledger: Ledger, *, with_email: bool) -> JsonObject:
    """The answer of GetUsageLimits.

    Args:
        account: whose; only its subscription, name and e-mail address matter.
        ledger: its credits.
        with_email: whether the e-mail address was asked for; it is null otherwise.
    """
    kind, title, _, overage = _PLANS[account.subscription]
    plan = ledger.plan
    bonuses: list[Json] = [
        {"status": bonus.status, "currentUsage": round(bonus.used, 4), "usageLimit": bonus.limit}
        for bonus in ledger.bonuses
    ]
    breakdown: JsonObject = {
        "resourceType": "CREDIT",
        "displayName": "Credit",
        "displayNamePlural": "Credits",
        "unit": "INVOCATIONS",
        **_counts(plan),
        "currentOverages": int(ledger.overages),
        "currentOveragesWithPrecision": round(ledger.overages, 4),
        "overageCharges": round(ledger.overages * _OVERAGE_RATE, 4),
        "overageRate": _OVERAGE_RATE,
        "overageCap": int(ledger.overage_cap),
        "overageCapWithPrecision": ledger.overage_cap,
        "currency": "USD",
        "nextDateReset": ledger.resets_at,
        "bonuses": bonuses,
    }
    if ledger.trial is not None:
        breakdown["freeTrialInfo"] = {
            "freeTrialStatus": ledger.trial.status,
            "freeTrialExpiry": ledger.resets_at + _TRIAL_SECONDS,
            **_counts(ledger.trial),
        }
    return {
        # Known to be useless in the real answer, too.
        "daysUntilReset": 0,
        "nextDateReset": ledger.resets_at,
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
        "overageConfiguration": {"overageStatus": ledger.overage},
        "userInfo": {
            "userId": f"d-0000000000.{account.name}",
            "email": account.email if with_email else None,
        },
    }


def _counts(pot: Pot) -> JsonObject:
    return {
        "currentUsage": int(pot.used),
        "currentUsageWithPrecision": round(pot.used, 4),
        "usageLimit": int(pot.limit),
        "usageLimitWithPrecision": float(pot.limit),
    }


def next_month(now: float) -> float:
    """Midnight UTC of the first of the next month, seconds since 1970."""
    today = datetime.fromtimestamp(now, UTC)
    year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)
    return datetime(year, month, 1, tzinfo=UTC).timestamp()
