"""A notice as the facts in it, for programs: the `facts` member of the generic webhook.

Described in docs/notifications.md; members may be added, but none is renamed or taken away while
`payloads.WEBHOOK_VERSION` stays as it is. Amounts are in the quota's units, times RFC 3339 in UTC.
"""

from datetime import UTC, datetime

from gateway.kiro.quota import Amount
from gateway.notifications.notices import (
    AccountsInTrouble,
    DailySummary,
    KeysNearLimit,
    Notice,
    QuotaReached,
    Trial,
)
from gateway.notifications.observation import AccountView, KeyUse

Facts = dict[str, object]


def facts_of(notice: Notice) -> Facts:
    """What the notice is about, as JSON will have it."""
    match notice:
        case QuotaReached():
            return {
                "total": _amount(notice.total),
                "total_threshold": notice.total_threshold,
                "counted_accounts": notice.counted,
                "accounts": [
                    _account(one.account, one.amount) | {"threshold": one.threshold}
                    for one in notice.accounts
                ],
            }
        case DailySummary():
            return {
                "due_at": _time(notice.due_at),
                "total": _amount(notice.total),
                "accounts": [
                    _account(one, one.amount(notice.seen_at)) | {"condition": one.condition}
                    for one in notice.accounts
                ],
            }
        case AccountsInTrouble():
            return {
                "accounts": [
                    {
                        **_named(one),
                        "condition": one.condition,
                        "reason": one.reason,
                        "until": _time(one.until),
                        "api_keys": list(one.key_names),
                    }
                    for one in notice.accounts
                ]
            }
        case KeysNearLimit():
            return {"api_keys": [_key(use, threshold) for use, threshold in notice.keys]}
        case Trial():
            return {}


def _named(account: AccountView) -> Facts:
    return {"id": account.id, "name": account.name}


def _account(account: AccountView, amount: Amount | None) -> Facts:
    return {
        **_named(account),
        "quota": _amount(amount),
        "resets_at": _time(account.resets_at),
        "api_keys": list(account.key_names),
    }


def _key(use: KeyUse, threshold: int) -> Facts:
    return {
        "id": use.key_id,
        "name": use.key_name,
        "limit": use.limit,
        "used": use.used,
        "allowed": use.allowed,
        "percent_used": round(use.amount.percent_used, 2),
        "threshold": threshold,
        "resets_at": _time(use.resets_at),
    }


def _amount(amount: Amount | None) -> Facts | None:
    if amount is None:
        return None
    return {
        "used": amount.used,
        "limit": amount.limit,
        "remaining": amount.remaining,
        "percent_used": round(amount.percent_used, 2),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()
