"""/admin/keys: what clients present, with their accounts and limits."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import InvalidRequest
from gateway.store.accounts import get_account, list_accounts
from gateway.store.api_key_changes import (
    LONGEST_OVERLAP,
    ApiKeyChanges,
    delete_api_key,
    rotate_api_key,
    update_api_key,
)
from gateway.store.api_keys import (
    MAX_COUNT,
    MAX_TOKENS,
    ApiKey,
    Limits,
    create_api_key,
    get_api_key,
    page_api_keys,
    set_api_key_enabled,
)
from gateway.web.admin.call import Call
from gateway.web.admin.documents import Deleted, KeyObject, Names, key_object
from gateway.web.admin.listing import ListQuery, Time, in_utc
from gateway.web.own_usage import OwnUsage, usage_of_key

# No control characters: names end up in log lines and on terminals.
Name = Annotated[
    str,
    Meta(
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        description="Something to tell it by: 1 to 200 characters, no control characters.",
    ),
]
AccountNames = Annotated[
    list[Annotated[str, Meta(max_length=64)]],
    Meta(max_length=1000, description="Accounts it may use, by name or id."),
]
DefaultAccount = Annotated[
    str, Meta(max_length=64, description="One of them; the first when left out.")
]
ModelNames = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=200)]],
    Meta(max_length=1000, description="Client or Kiro names of models it may use; empty: all."),
]
Count = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Tokens = Annotated[int, Meta(ge=1, le=MAX_TOKENS)]
Credits = Annotated[float, Meta(gt=0, le=MAX_TOKENS)]
Notes = Annotated[str, Meta(max_length=4000, pattern=r"^[^\x00]*$")]


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An API key to be made; null is no limit."""

    name: Name
    kiro_accounts: AccountNames
    kiro_default_account: DefaultAccount | None = None
    suppress_reasoning: bool = False
    failover: bool = False
    enabled: bool = True
    expires_at: Time | None = None
    notes: Notes = ""
    requests_per_minute: Count | None = None
    max_concurrent_requests: Count | None = None
    tokens_per_day: Tokens | None = None
    credits_per_month: Credits | None = None
    allowed_models: ModelNames = []


class KeyChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change; null takes a limit or the end away."""

    name: Name | UnsetType = UNSET
    kiro_accounts: AccountNames | UnsetType = UNSET
    kiro_default_account: DefaultAccount | UnsetType | None = UNSET
    suppress_reasoning: bool | UnsetType = UNSET
    failover: bool | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    expires_at: Time | UnsetType | None = UNSET
    notes: Notes | UnsetType = UNSET
    requests_per_minute: Count | UnsetType | None = UNSET
    max_concurrent_requests: Count | UnsetType | None = UNSET
    tokens_per_day: Tokens | UnsetType | None = UNSET
    credits_per_month: Credits | UnsetType | None = UNSET
    allowed_models: ModelNames | UnsetType | None = UNSET


class KeyListQuery(ListQuery, frozen=True):
    """Which part of the list of API keys."""

    account: Annotated[
        str,
        Meta(max_length=64, description="Only keys that may use this account; its name or id."),
    ] = ""


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long the old secret is let in beside the new one."""

    overlap_seconds: Annotated[float, Meta(ge=0, le=LONGEST_OVERLAP.total_seconds())] = 0


class KeyList(msgspec.Struct, frozen=True):
    """Some API keys. `total` counts those on all pages."""

    keys: list[KeyObject]
    total: int
    next_cursor: str | None


# GET answers these; programs that change one member of a whole object send them back.
READ_ONLY = frozenset(KeyObject.__struct_fields__) - set(KeyChange.__struct_fields__)


async def create(call: Call) -> KeyObject:
    """POST /admin/keys: the one answer that holds the secret."""
    wanted = await call.body(NewKey)
    async with call.services.database.begin() as db:
        key, secret = await create_api_key(
            db,
            name=wanted.name,
            allowed=_account_names(wanted.kiro_accounts),
            default=_default(wanted.kiro_default_account),
            suppress_reasoning=wanted.suppress_reasoning,
            failover=wanted.failover,
            expires_at=in_utc(wanted.expires_at, "expires_at"),
            notes=wanted.notes,
            limits=Limits(
                requests_per_minute=wanted.requests_per_minute,
                max_concurrent_requests=wanted.max_concurrent_requests,
                tokens_per_day=wanted.tokens_per_day,
                credits_per_month=wanted.credits_per_month,
                allowed_models=tuple(wanted.allowed_models),
            ),
            now=call.now,
        )
        if not wanted.enabled:
            await set_api_key_enabled(db, key.id, enabled=False, now=call.now)
            key = await get_api_key(db, key.id)
        names = await _names(call, db)
    await call.services.directory.reload()
    return key_object(key, names, secret=secret)


async def list_all(call: Call) -> KeyList:
    """GET /admin/keys."""
    query = call.query(KeyListQuery)
    database = call.services.database
    async with database.connect() as db:
        account_id = None
        if query.account:
            account_id = (await get_account(db, database.secrets, query.account)).id
        page = await page_api_keys(db, query.page(), account_id=account_id)
        names = await _names(call, db)
    return KeyList([key_object(key, names) for key in page.items], page.total, page.next_cursor)


async def get(call: Call) -> KeyObject:
    """GET /admin/keys/{id}."""
    async with call.services.database.connect() as db:
        key = await get_api_key(db, call.variables["id"])
        return key_object(key, await _names(call, db))


async def usage(call: Call) -> OwnUsage:
    """GET /admin/keys/{id}/usage: how its limits stand, and what it has used up to now."""
    services = call.services
    async with services.database.connect() as db:
        key = await get_api_key(db, call.variables["id"])
    return await usage_of_key(services.database, services.usage, services.limits, key)


async def change(call: Call) -> KeyObject:
    """PUT /admin/keys/{id}: what is left out stays."""
    wanted = await call.body(KeyChange, ignoring=READ_ONLY)
    async with call.services.database.begin() as db:
        key = await get_api_key(db, call.variables["id"])
        key = await update_api_key(db, key.id, now=call.now, **_changes(wanted, key))
        names = await _names(call, db)
    await call.services.directory.reload()
    return key_object(key, names)


async def delete(call: Call) -> Deleted:
    """DELETE /admin/keys/{id}: its usage stays."""
    async with call.services.database.begin() as db:
        key = await get_api_key(db, call.variables["id"])
        await delete_api_key(db, key.id, now=call.now)
    await call.services.directory.reload()
    return Deleted(deleted=True)


async def rotate(call: Call) -> KeyObject:
    """POST /admin/keys/{id}/rotate: a new secret, in this one answer."""
    wanted = await call.body(Rotation)
    async with call.services.database.begin() as db:
        key = await get_api_key(db, call.variables["id"])
        overlap = timedelta(seconds=wanted.overlap_seconds)
        key, secret = await rotate_api_key(db, key.id, overlap=overlap, now=call.now)
        names = await _names(call, db)
    await call.services.directory.reload()
    return key_object(key, names, secret=secret)


async def _names(call: Call, db: AsyncConnection) -> Names:
    accounts = await list_accounts(db, call.services.database.secrets)
    return {account.id: account.name for account in accounts}


def _changes(wanted: KeyChange, key: ApiKey) -> ApiKeyChanges:
    changes: ApiKeyChanges = {}
    if wanted.name is not UNSET:
        changes["name"] = wanted.name
    if wanted.kiro_accounts is not UNSET:
        changes["allowed"] = _account_names(wanted.kiro_accounts)
    if wanted.kiro_default_account is not UNSET:
        default = _default(wanted.kiro_default_account)
        if default is not None:
            changes["default"] = default
    if wanted.suppress_reasoning is not UNSET:
        changes["suppress_reasoning"] = wanted.suppress_reasoning
    if wanted.failover is not UNSET:
        changes["failover"] = wanted.failover
    if wanted.enabled is not UNSET:
        changes["enabled"] = wanted.enabled
    if wanted.expires_at is not UNSET:
        changes["expires_at"] = in_utc(wanted.expires_at, "expires_at")
    if wanted.notes is not UNSET:
        changes["notes"] = wanted.notes
    limits = _limits(wanted, key.limits)
    if limits != key.limits:
        changes["limits"] = limits
    return changes


def _limits(wanted: KeyChange, now: Limits) -> Limits:
    given = {
        name: getattr(wanted, name)
        for name in Limits.__dataclass_fields__
        if getattr(wanted, name) is not UNSET
    }
    if "allowed_models" in given:
        given["allowed_models"] = tuple(given["allowed_models"] or ())
    return replace(now, **given)


def _account_names(names: list[str]) -> list[str]:
    """Without blanks around and between them.

    Raises:
        InvalidRequest: none is left.
    """
    left = [name.strip() for name in names if name.strip()]
    if not left:
        raise InvalidRequest("kiro_accounts is required")
    return left


def _default(name: str | None) -> str | None:
    return (name or "").strip() or None
