"""Looking at accounts and keys, in memory and in the database; nothing is asked upstream."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import cast

from gateway.accounts.directory import Directory
from gateway.accounts.health_states import Health, State
from gateway.kiro.quota import Quota
from gateway.notifications.observation import AccountView, Condition, KeyLimit, KeyUse, Observation
from gateway.store.accounts import Account
from gateway.store.api_keys import ApiKey
from gateway.store.database import Database
from gateway.store.limit_use import long_standings
from gateway.store.limits import owner_of_key

LastQuota = Callable[[str], Quota | None]
"""An account's id → what the service said last of its quota, whenever that was."""

HealthOf = Callable[[Account], Health]
"""How an account is, as far as is known without asking the service."""

CONDITIONS: Mapping[State, Condition] = MappingProxyType(
    {
        "active": "fine",
        "cooling_down": "fine",
        "disabled": "fine",
        "quota_exhausted": "exhausted",
        "suspended": "suspended",
        "sign_in_required": "login_needed",
        "not_signed_in": "login_needed",
        "failing": "unclear",
        "forbidden": "unclear",
        "misconfigured": "unclear",
    }
)


class Observer:
    """Sees what notifications are about."""

    def __init__(
        self,
        database: Database,
        directory: Directory,
        *,
        last_quota: LastQuota,
        health_of: HealthOf,
    ) -> None:
        self._database = database
        self._directory = directory
        self._last_quota = last_quota
        self._health_of = health_of

    async def look(self, now: datetime) -> Observation:
        """Everything as of now.

        Raises:
            StoreError: the database fails.
        """
        keys = [key for key in self._directory.api_keys if _counts(key, now)]
        accounts = tuple(
            self._account(account, keys) for account in tuple(self._directory.accounts)
        )
        uses: list[KeyUse] = []
        for key in keys:
            uses += await self._uses(key, now)
        return Observation(now, accounts, tuple(uses))

    def _account(self, account: Account, keys: Collection[ApiKey]) -> AccountView:
        quota = self._last_quota(account.id)
        health = self._health_of(account)
        return AccountView(
            id=account.id,
            name=account.name,
            enabled=account.enabled,
            figures=quota.total if quota is not None and quota.known else None,
            resets_at=quota.resets_at if quota is not None else None,
            condition=_condition(account, health),
            reason=health.reason or "",
            why=health.why,
            until=health.until,
            key_names=tuple(key.name for key in keys if account.id in key.account_ids),
        )

    async def _uses(self, key: ApiKey, now: datetime) -> list[KeyUse]:
        owner = owner_of_key(key)
        if owner is None:
            return []
        async with self._database.connect() as db:
            standings = await long_standings(db, owner, now=now)
        return [
            KeyUse(
                key_id=key.id,
                key_name=key.name,
                limit=cast("KeyLimit", one.name),
                used=one.used,
                allowed=one.limit,
                resets_at=one.resets_at,
            )
            for one in standings
        ]


def _condition(account: Account, health: Health) -> Condition:
    # Until somebody has signed in, nobody has been signed out.
    if health.state == "not_signed_in" and account.auth_method is None:
        return "fine"
    return CONDITIONS[health.state]


def _counts(key: ApiKey, now: datetime) -> bool:
    return key.enabled and (key.expires_at is None or key.expires_at > now)
