"""The messages there are, before they have words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.kiro.quota import Amount
from gateway.notifications.observation import AccountView, KeyUse

NoticeType = Literal[
    "quota_threshold", "daily_summary", "account_trouble", "key_near_limit", "test"
]


@dataclass(frozen=True, slots=True)
class ReachedAccount:
    """An account whose quota has reached a threshold, in percent."""

    account: AccountView
    amount: Amount
    threshold: int


@dataclass(frozen=True, slots=True)
class QuotaReached:
    """Quotas reached thresholds; all that did since the last look, highest percentage first.

    `total` is over `counted` accounts; `total_threshold` is None when only accounts reached one.
    """

    accounts: tuple[ReachedAccount, ...]
    total: Amount | None
    total_threshold: int | None
    counted: int


@dataclass(frozen=True, slots=True)
class DailySummary:
    """All enabled accounts, for the time of day that was due; highest percentage first."""

    due_at: datetime
    seen_at: datetime
    accounts: tuple[AccountView, ...]
    total: Amount | None


@dataclass(frozen=True, slots=True)
class AccountsInTrouble:
    """Accounts that cannot serve until somebody does something, or their quota begins anew."""

    accounts: tuple[AccountView, ...]


@dataclass(frozen=True, slots=True)
class KeysNearLimit:
    """Keys that have used most of what they may, each with the threshold in percent."""

    keys: tuple[tuple[KeyUse, int], ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """An operator wants to see whether a channel works."""


Notice = QuotaReached | DailySummary | AccountsInTrouble | KeysNearLimit | Trial

_TYPES: dict[type[Notice], NoticeType] = {
    QuotaReached: "quota_threshold",
    DailySummary: "daily_summary",
    AccountsInTrouble: "account_trouble",
    KeysNearLimit: "key_near_limit",
    Trial: "test",
}


def type_of(notice: Notice) -> NoticeType:
    """What the webhook's `type` says."""
    return _TYPES[type(notice)]
