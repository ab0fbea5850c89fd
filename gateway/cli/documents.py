"""Accounts and API keys as `--json` prints them: the objects of the admin API."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.store.accounts import Account
    from gateway.store.api_keys import ApiKey
    from gateway.store.cooldowns import Cooldown
    from gateway.web.admin.documents import AccountObject, KeyObject


def account_document(account: "Account", cooldowns: "Iterable[Cooldown]" = ()) -> "AccountObject":
    """Describe an account, without anything it signs in with.

    Of its health it tells what the store knows; what a renewal has shown, a running server knows.
    """
    from gateway.accounts.health_states import stored_health
    from gateway.web.admin.documents import account_object

    health = stored_health(account, cooldowns, now=datetime.now(UTC))
    return account_object(account, health)


def key_document(
    key: "ApiKey", account_names: Mapping[str, str], *, secret: str | None = None
) -> "KeyObject":
    """Describe an API key; `secret` is given only where it has just been made.

    `account_names` maps the ids of accounts to their names.
    """
    from gateway.web.admin.documents import key_object

    return key_object(key, account_names, secret=secret)


def names_by_id(accounts: Iterable["Account"]) -> dict[str, str]:
    """Map the ids of accounts to their names."""
    return {account.id: account.name for account in accounts}
