"""Accounts and API keys as the admin API shows them: nothing that signs anybody in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.kiro.models import Model
from gateway.store.accounts import Account
from gateway.store.api_keys import ApiKey
from gateway.web.quota_shapes import QuotaObject

Names = Mapping[str, str]
"""Ids of accounts → their names."""


class TokenInfo(msgspec.Struct, frozen=True):
    """What an account has to sign in with, without showing it."""

    healthy: bool
    has_token: bool
    region: str
    profile_arn: str | None
    expires_at: datetime | None


class AccountObject(msgspec.Struct, frozen=True):
    """An account. `region` is where it signs in, `api_region` an override of where it is served."""

    id: str
    name: str
    type: str
    region: str
    api_region: str | None
    enabled: bool
    healthy: bool
    health_reason: Annotated[
        str | None, Meta(description="What is wrong and what to do; null when nothing is.")
    ]
    auth_method: str | None
    email: str | None
    subscription: str | None
    proxy: Annotated[str | None, Meta(description="Without user and password.")]
    max_concurrent_requests: int | None
    token_info: TokenInfo
    created_at: datetime
    updated_at: datetime
    usage_limits: QuotaObject | UnsetType = UNSET


class KeyObject(msgspec.Struct, frozen=True):
    """An API key. `key` is there only in the one answer that made it."""

    id: str
    key_prefix: Annotated[str, Meta(description="The first 16 characters and an ellipsis.")]
    name: str
    enabled: bool
    kiro_accounts: list[str]
    kiro_default_account: str | None
    suppress_reasoning: bool
    failover: bool
    requests_per_minute: int | None
    max_concurrent_requests: int | None
    tokens_per_day: int | None
    credits_per_month: float | None
    allowed_models: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    notes: str
    created_at: datetime
    updated_at: datetime
    key: Annotated[str, Meta(description="The secret, shown this once.")] | UnsetType = UNSET


class TokenLimits(msgspec.Struct, frozen=True):
    """How many tokens a model takes and gives."""

    max_input_tokens: int | None
    max_output_tokens: int | None


class PromptCaching(msgspec.Struct, frozen=True):
    """Whether a model can."""

    supports_prompt_caching: bool


class ModelObject(msgspec.Struct, frozen=True):
    """A model as the service lists it."""

    model_id: str
    model_name: str
    description: str
    rate_multiplier: float | None
    rate_unit: str
    supported_input_types: list[str]
    token_limits: TokenLimits
    is_default: bool
    prompt_caching: PromptCaching | UnsetType = UNSET


class Deleted(msgspec.Struct, frozen=True):
    """It is gone."""

    deleted: bool


def account_object(
    account: Account, problem: str | None, quota: QuotaObject | None = None
) -> AccountObject:
    """Show an account; `problem` is why it cannot serve, as `health_problem` finds it."""
    credentials = account.credentials
    return AccountObject(
        id=account.id,
        name=account.name,
        type="kiro",
        region=account.auth_region,
        api_region=account.api_region,
        enabled=account.enabled,
        healthy=problem is None,
        health_reason=problem,
        auth_method=account.auth_method,
        email=account.email,
        subscription=account.subscription,
        proxy=without_login(account.proxy),
        max_concurrent_requests=account.max_concurrent_requests,
        token_info=TokenInfo(
            healthy=credentials is not None and problem is None,
            has_token=credentials is not None,
            region=account.auth_region,
            profile_arn=account.profile_arn,
            expires_at=credentials.expires_at if credentials else None,
        ),
        created_at=account.created_at,
        updated_at=account.updated_at,
        usage_limits=quota or UNSET,
    )


def key_object(key: ApiKey, names: Names, *, secret: str | None = None) -> KeyObject:
    """Show an API key; `secret` is given only where it has just been made."""
    default = key.default_account_id
    return KeyObject(
        id=key.id,
        key=secret if secret is not None else UNSET,
        key_prefix=key.key_prefix,
        name=key.name,
        enabled=key.enabled,
        kiro_accounts=[names.get(one, one) for one in key.account_ids],
        kiro_default_account=names.get(default, default) if default else None,
        suppress_reasoning=key.suppress_reasoning,
        failover=key.failover,
        requests_per_minute=key.limits.requests_per_minute,
        max_concurrent_requests=key.limits.max_concurrent_requests,
        tokens_per_day=key.limits.tokens_per_day,
        credits_per_month=key.limits.credits_per_month,
        allowed_models=list(key.limits.allowed_models),
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        notes=key.notes,
        created_at=key.created_at,
        updated_at=key.updated_at,
    )


def model_object(model: Model) -> ModelObject:
    """Show a model."""
    caching = model.prompt_caching
    return ModelObject(
        model_id=model.id,
        model_name=model.name,
        description=model.description,
        rate_multiplier=model.rate_multiplier,
        rate_unit=model.rate_unit,
        supported_input_types=list(model.input_types),
        token_limits=TokenLimits(model.max_input_tokens, model.max_output_tokens),
        is_default=model.is_default,
        prompt_caching=UNSET if caching is None else PromptCaching(caching),
    )


def without_login(url: str | None) -> str | None:
    """A URL with neither user nor password in it."""
    if url is None:
        return None
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
