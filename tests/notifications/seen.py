"""What was seen of accounts and keys, for tests of notifications."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.kiro.quota import Amount
from gateway.notifications.observation import AccountView, KeyUse, Observation

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
RESET = datetime(2026, 12, 1, tzinfo=UTC)


def account(name: str = "work", used: float | None = 50, **more: Any) -> AccountView:
    """An account of which so many of 100 credits are used; None: nobody knows."""
    given: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "figures": None if used is None else Amount(used, 100),
        "resets_at": RESET,
    }
    return AccountView(**(given | more))


def key(name: str = "laptop", used: float = 50, **more: Any) -> KeyUse:
    """A key that has used so many of its 100 tokens a day."""
    given: dict[str, Any] = {"key_id": f"id-{name}", "key_name": name, "limit": "tokens_per_day"}
    return KeyUse(**(given | {"used": used, "allowed": 100} | more))


def seen(*things: AccountView | KeyUse, at: datetime = NOW) -> Observation:
    return Observation(
        at,
        tuple(one for one in things if isinstance(one, AccountView)),
        tuple(one for one in things if isinstance(one, KeyUse)),
    )


def later(**units: float) -> datetime:
    return NOW + timedelta(**units)
