"""Everything that speaks for accounts, put together: for the server, and for single commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import structlog
from anyio.abc import TaskGroup

from gateway.accounts.answers import AccountAnswers
from gateway.accounts.calls import call_signed_in
from gateway.accounts.cooldowns import Cooldowns
from gateway.accounts.directory import Directory
from gateway.accounts.health import AccountHealth
from gateway.accounts.profiles import Profiles
from gateway.accounts.tokens import Tokens
from gateway.accounts.upkeep import Upkeep
from gateway.errors import GatewayError
from gateway.kiro.models import Model
from gateway.kiro.quota import Quota
from gateway.store.accounts import set_identity
from gateway.store.database import Database
from gateway.upstream.client import KiroService, ServiceSettings
from gateway.upstream.http import HttpClients
from gateway.upstream.models import fetch_models
from gateway.upstream.quota import fetch_quota
from gateway.upstream.signin.refresh import RefreshUrls

MODELS_FRESH = 15 * 60.0  # seconds
MODELS_STALE = 30 * 24 * 3600.0  # seconds for which an old list is better than an error
QUOTA_FRESH = 5 * 60.0  # seconds
QUOTA_STALE = 24 * 3600.0  # seconds

log = structlog.get_logger("gateway.accounts")


class AccountSettings(ServiceSettings, Protocol):
    """The `upstream` settings that matter here."""

    @property
    def oidc_url(self) -> str: ...  # noqa: D102
    @property
    def auth_url(self) -> str: ...  # noqa: D102
    @property
    def allowed_private_hosts(self) -> Sequence[str]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """Accounts with valid tokens, and what the service says of them."""

    directory: Directory
    tokens: Tokens
    service: KiroService
    profiles: Profiles
    models: AccountAnswers[tuple[Model, ...]]
    quotas: AccountAnswers[Quota]
    health: AccountHealth

    def upkeep(self) -> Upkeep:
        """What keeps all of it up to date."""
        return Upkeep(self.directory, self.tokens, self.profiles, self.quotas, self.models)


async def open_accounts(
    database: Database, clients: HttpClients, upstream: AccountSettings, tasks: TaskGroup
) -> AccountAccess:
    """Load the accounts and what is known of them. What runs on their behalf runs in `tasks`.

    Raises:
        StoreError: the database fails.
    """
    directory = Directory(database)
    await directory.reload()
    service = KiroService(clients, upstream)
    tokens = Tokens(
        database,
        directory,
        clients.client_for,
        refresh_urls(upstream),
        tasks,
        proxy=upstream.proxy,
    )
    profiles = Profiles(database, directory, service, tokens)
    signed_in = partial(call_signed_in, accounts=tokens, repair_profile=profiles.repair)

    async def models_of(account_id: str) -> tuple[Model, ...]:
        return await signed_in(account_id, partial(fetch_models, service))

    async def quota_of(account_id: str) -> Quota:
        try:
            quota = await signed_in(account_id, partial(fetch_quota, service))
        except GatewayError as exc:
            health.heard_refusal(account_id, exc)
            raise
        health.heard_quota(account_id, quota)
        await _remember_identity(database, directory, account_id, quota)
        return quota

    models = AccountAnswers(
        database,
        directory,
        tasks,
        kind="models",
        value_type=tuple[Model, ...],
        fetch=models_of,
        fresh=MODELS_FRESH,
        stale=MODELS_STALE,
    )
    quotas = AccountAnswers(
        database,
        directory,
        tasks,
        kind="quota",
        value_type=Quota,
        fetch=quota_of,
        fresh=QUOTA_FRESH,
        stale=QUOTA_STALE,
    )
    await models.load()
    await quotas.load()
    cooldowns = Cooldowns(database, directory, known_quota=quotas.peek)
    await cooldowns.reload()
    health = AccountHealth(directory, tokens, cooldowns)
    return AccountAccess(directory, tokens, service, profiles, models, quotas, health)


def refresh_urls(upstream: AccountSettings) -> RefreshUrls:
    """Where tokens are renewed."""
    return RefreshUrls(
        oidc=upstream.oidc_url,
        auth=upstream.auth_url,
        allowed_private_hosts=tuple(upstream.allowed_private_hosts),
    )


async def _remember_identity(
    database: Database, directory: Directory, account_id: str, quota: Quota
) -> None:
    """Only this answer tells whose the account is and what they subscribed to."""
    account = directory.account(account_id)
    if account is None:
        return
    email = quota.email or account.email
    subscription = quota.subscription_title or quota.subscription_type or account.subscription
    if (email, subscription) == (account.email, account.subscription):
        return
    try:
        await database.write(
            partial(
                set_identity,
                account_id=account_id,
                email=email,
                subscription=subscription,
                signed_in_at=account.signed_in_at,
                now=datetime.now(UTC),
            )
        )
    except GatewayError as exc:
        log.warning("identity not stored", account=account.name, error=str(exc))
