"""Accounts and API keys as the admin API shows them: nothing that signs anybody in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.accounts.health_states import Health, Result
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


class CooldownObject(msgspec.Struct, frozen=True):
    """The service refused the account, or one model of it, so that it sits out."""

    kind: Literal["rate", "suspended", "exhausted", "daily", "sign_in"]
    model: Annotated[str | None, Meta(description="Null: the whole account.")]
    since: datetime
    until: Annotated[
        datetime | None, Meta(description="Null: until somebody does something about it.")
    ]


class ResultObject(msgspec.Struct, frozen=True):
    """How the service answered last."""

    at: datetime
    outcome: Annotated[str, Meta(description="`answered`, or the name of an error.")]
    message: str | None
    model: str | None


class HealthObject(msgspec.Struct, frozen=True):
    """What an account can do: in the states `active` and `cooling_down` it serves."""

    state: Literal[
        "active",
        "cooling_down",
        "quota_exhausted",
        "failing",
        "forbidden",
        "misconfigured",
        "sign_in_required",
        "suspended",
        "not_signed_in",
        "disabled",
    ]
    healthy: bool
    reason: Annotated[str | None, Meta(description="What is wrong; null when nothing is.")]
    advice: Annotated[str | None, Meta(description="What to do about it.")]
    since: datetime | None
    until: Annotated[
        datetime | None, Meta(description="When it passes by itself; null: it does not.")
    ]
    cooldowns: list[CooldownObject]
    last_result: Annotated[
        ResultObject | None, Meta(description="Of the last generation in this process.")
    ]
    last_check: Annotated[
        ResultObject | None, Meta(description="When it was last asked about its quota.")
    ]
    next_check_at: datetime | None


class AccountObject(msgspec.Struct, frozen=True):
    """An account. `region` is where it signs in, `api_region` an override of where it is served."""

    id: str
    name: str
    type: str
    region: str
    api_region: str | None
    enabled: Annotated[bool, Meta(description="False, too, while the service has it suspended.")]
    healthy: bool
    health_reason: Annotated[
        str | None, Meta(description="What is wrong and what to do; null when nothing is.")
    ]
    health: HealthObject
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
    account: Account, health: Health, quota: QuotaObject | None = None
) -> AccountObject:
    """Show an account.

    One that is suspended is shown as disabled, so that enabling it is what brings it back.
    """
    credentials = account.credentials
    return AccountObject(
        id=account.id,
        name=account.name,
        type="kiro",
        region=account.auth_region,
        api_region=account.api_region,
        enabled=account.enabled and health.state != "suspended",
        healthy=health.healthy,
        health_reason=health.problem,
        health=health_object(health),
        auth_method=account.auth_method,
        email=account.email,
        subscription=account.subscription,
        proxy=without_login(account.proxy),
        max_concurrent_requests=account.max_concurrent_requests,
        token_info=TokenInfo(
            healthy=credentials is not None and health.healthy,
            has_token=credentials is not None,
            region=account.auth_region,
            profile_arn=account.profile_arn,
            expires_at=credentials.expires_at if credentials else None,
        ),
        created_at=account.created_at,
        updated_at=account.updated_at,
        usage_limits=quota or UNSET,
    )


def health_object(health: Health) -> HealthObject:
    """Show how an account is."""
    return HealthObject(
        state=health.state,
        healthy=health.healthy,
        reason=health.reason,
        advice=health.advice,
        since=health.since,
        until=health.until,
        cooldowns=[
            CooldownObject(one.kind, one.model or None, one.since, one.until)
            for one in health.cooldowns
        ],
        last_result=_result(health.last_result),
        last_check=_result(health.last_check),
        next_check_at=health.next_check_at,
    )


def _result(result: Result | None) -> ResultObject | None:
    if result is None:
        return None
    return ResultObject(result.at, result.outcome, result.message, result.model)


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
