"""Accounts and API keys as `--json` prints them: the objects of the admin API."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.store.accounts import Account
    from gateway.store.api_keys import ApiKey


def account_document(account: "Account") -> dict[str, object]:
    """Describe an account, without anything it signs in with."""
    credentials = account.credentials
    return {
        "id": account.id,
        "name": account.name,
        "type": "kiro",
        "region": account.auth_region,
        "api_region": account.api_region,
        "enabled": account.enabled,
        "max_concurrent_requests": account.max_concurrent_requests,
        "auth_method": account.auth_method,
        "email": account.email,
        "subscription": account.subscription,
        "token_info": {
            "has_token": credentials is not None,
            "expires_at": credentials.expires_at if credentials else None,
            "region": account.auth_region,
            "profile_arn": account.profile_arn,
        },
        "created_at": account.created_at,
        "updated_at": account.updated_at,
    }


def key_document(
    key: "ApiKey", account_names: Mapping[str, str], *, secret: str | None = None
) -> dict[str, object]:
    """Describe an API key; `secret` is given only where it has just been made.

    `account_names` maps the ids of accounts to their names.
    """
    shown: dict[str, object] = {"key": secret} if secret else {}
    default = key.default_account_id
    return {
        "id": key.id,
        **shown,
        "key_prefix": key.key_prefix,
        "name": key.name,
        "enabled": key.enabled,
        "kiro_accounts": [account_names.get(one, one) for one in key.account_ids],
        "kiro_default_account": account_names.get(default, default) if default else None,
        "suppress_reasoning": key.suppress_reasoning,
        "failover": key.failover,
        "requests_per_minute": key.limits.requests_per_minute,
        "max_concurrent_requests": key.limits.max_concurrent_requests,
        "tokens_per_day": key.limits.tokens_per_day,
        "credits_per_month": key.limits.credits_per_month,
        "allowed_models": key.limits.allowed_models,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "notes": key.notes,
        "created_at": key.created_at,
        "updated_at": key.updated_at,
    }


def names_by_id(accounts: Iterable["Account"]) -> dict[str, str]:
    """Map the ids of accounts to their names."""
    return {account.id: account.name for account in accounts}
