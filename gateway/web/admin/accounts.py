"""/admin/accounts: logins to the service, each with a quota of its own."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import InvalidRequest
from gateway.settings.constraints import SECRET, ProxyUrl
from gateway.settings.values import BadValue, parse_scalar
from gateway.store.accounts import (
    DEFAULT_REGION,
    MAX_CAP,
    Account,
    AccountChanges,
    Credentials,
    create_account,
    delete_account,
    get_account,
    page_accounts,
    save_credentials,
    update_account,
)
from gateway.web.admin.call import Call
from gateway.web.admin.documents import (
    AccountObject,
    Deleted,
    account_object,
    without_login,
)
from gateway.web.admin.listing import ListQuery
from gateway.web.quota_shapes import QuotaObject, quota_object
from gateway.web.services import Services

Name = Annotated[
    str,
    Meta(
        pattern=r"^\s*[A-Za-z0-9][A-Za-z0-9._-]{0,63}\s*$",
        description="1 to 64 letters, digits, dots, underscores or hyphens; a letter or digit "
        "first.",
    ),
]
Region = Annotated[str, Meta(max_length=32, description="Such as us-east-1, where it signs in.")]
ApiRegion = Annotated[str, Meta(max_length=32, description="Where it is served, when not there.")]
Proxy = Annotated[
    str, Meta(max_length=2048, description="http, https or socks5; it may hold a password.")
]
Cap = Annotated[int, Meta(ge=1, le=MAX_CAP, description="Requests at once.")]
KiroApiKey = Annotated[
    str,
    Meta(pattern=r"^\s*[!-~]+\s*$", max_length=4096, description="A Kiro API key to sign in with."),
]
ProfileArn = Annotated[
    str,
    Meta(
        pattern=r"^\s*arn:[a-z-]+:(codewhisperer|transform):[a-z0-9-]+:\d{12}:profile/[\w-]+\s*$",
        max_length=256,
        description="One of those that GET /admin/kiro/profiles lists.",
    ),
]
Kind = Literal["", "kiro"]


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account to be made."""

    name: Name
    region: Region | None = None
    type: Kind = "kiro"
    api_region: ApiRegion | None = None
    proxy: Proxy | None = None
    max_concurrent_requests: Cap | None = None
    enabled: bool = True
    api_key: KiroApiKey | None = None


class AccountChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change; null takes an optional value away."""

    name: Name | UnsetType = UNSET
    region: Region | UnsetType = UNSET
    type: Kind | UnsetType = UNSET
    api_region: ApiRegion | UnsetType | None = UNSET
    proxy: Proxy | UnsetType | None = UNSET
    max_concurrent_requests: Cap | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    api_key: KiroApiKey | UnsetType = UNSET
    profile_arn: ProfileArn | UnsetType | None = UNSET


class AccountList(msgspec.Struct, frozen=True):
    """Some accounts. `total` counts those on all pages."""

    accounts: list[AccountObject]
    total: int
    next_cursor: str | None


class DeleteQuery(msgspec.Struct, frozen=True):
    """How to delete."""

    force: Annotated[
        bool, Meta(description="Also take the account out of the API keys that use it.")
    ] = False


# GET answers these; programs that change one member of a whole object send them back.
READ_ONLY = frozenset(AccountObject.__struct_fields__) - set(AccountChange.__struct_fields__)


async def create(call: Call) -> AccountObject:
    """POST /admin/accounts."""
    wanted = await call.body(NewAccount)
    database = call.services.database
    async with database.begin() as db:
        account = await create_account(
            db,
            database.secrets,
            name=wanted.name.strip(),
            auth_region=wanted.region or DEFAULT_REGION,
            api_region=wanted.api_region,
            proxy=_checked_proxy(wanted.proxy),
            max_concurrent_requests=wanted.max_concurrent_requests,
            enabled=wanted.enabled,
            now=call.now,
        )
        if wanted.api_key is not None:
            account = await _sign_in(db, call, account, wanted.api_key)
    await call.services.directory.reload()
    return shown(call.services, account)


async def list_all(call: Call) -> AccountList:
    """GET /admin/accounts."""
    query = call.query(ListQuery)
    database = call.services.database
    async with database.connect() as db:
        page = await page_accounts(db, database.secrets, query.page())
    accounts = [shown(call.services, account) for account in page.items]
    return AccountList(accounts, page.total, page.next_cursor)


async def get(call: Call) -> AccountObject:
    """GET /admin/accounts/{id}."""
    return shown(call.services, await account_named(call.services, call.variables["id"]))


async def change(call: Call) -> AccountObject:
    """PUT /admin/accounts/{id}: what is left out stays."""
    wanted = await call.body(AccountChange, ignoring=READ_ONLY)
    database = call.services.database
    async with database.begin() as db:
        account = await get_account(db, database.secrets, call.variables["id"])
        changes = _changes(wanted, account)
        account = await update_account(db, database.secrets, account.id, now=call.now, **changes)
        if wanted.api_key is not UNSET:
            account = await _sign_in(db, call, account, wanted.api_key)
    await call.services.directory.reload()
    if wanted.enabled is True or wanted.api_key is not UNSET or "profile_arn" in changes:
        call.services.health.begin_anew(account.id)
    return shown(call.services, account)


async def delete(call: Call) -> Deleted:
    """DELETE /admin/accounts/{id}: refused while API keys use it, unless forced."""
    query = call.query(DeleteQuery)
    database = call.services.database
    async with database.begin() as db:
        account = await get_account(db, database.secrets, call.variables["id"])
        await delete_account(db, account.id, force=query.force, now=call.now)
    await call.services.directory.reload()
    call.services.models.forget(account.id)
    call.services.quotas.forget(account.id)
    call.services.logins.account_removed(account.id)
    call.services.health.begin_anew(account.id)
    return Deleted(deleted=True)


async def account_named(services: Services, id_or_name: str) -> Account:
    """The account as it is stored now.

    Raises:
        NotFound: there is none of this id or name.
    """
    async with services.database.connect() as db:
        return await get_account(db, services.database.secrets, id_or_name)


def shown(services: Services, account: Account) -> AccountObject:
    """An account with its health and what is known of its quota; nothing is asked upstream."""
    return account_object(account, services.health.of(account), known_quota(services, account))


def known_quota(services: Services, account: Account) -> QuotaObject | None:
    """The quota as it was last heard."""
    heard = services.quotas.last(account.id)
    return quota_object(account, heard.value, heard.at) if heard else None


def _changes(wanted: AccountChange, account: Account) -> AccountChanges:
    changes: AccountChanges = {}
    if wanted.name is not UNSET:
        changes["name"] = wanted.name.strip()
    if wanted.region is not UNSET:
        changes["auth_region"] = wanted.region
    if wanted.api_region is not UNSET:
        changes["api_region"] = wanted.api_region
    # The proxy as it was shown, without its login, is no wish to change it.
    if wanted.proxy is not UNSET and wanted.proxy != without_login(account.proxy):
        changes["proxy"] = _checked_proxy(wanted.proxy)
    if wanted.max_concurrent_requests is not UNSET:
        changes["max_concurrent_requests"] = wanted.max_concurrent_requests
    if wanted.enabled is not UNSET:
        changes["enabled"] = wanted.enabled
    if wanted.profile_arn is not UNSET:
        changes["profile_arn"] = wanted.profile_arn.strip() if wanted.profile_arn else None
    return changes


def _checked_proxy(proxy: str | None) -> str | None:
    if not proxy:
        return None
    try:
        parse_scalar(proxy, Annotated[ProxyUrl, SECRET], {})
    except BadValue as exc:
        raise InvalidRequest(f"proxy: {exc}") from exc
    return proxy


async def _sign_in(db: AsyncConnection, call: Call, account: Account, api_key: str) -> Account:
    secrets = call.services.database.secrets
    await save_credentials(
        db,
        secrets,
        account.id,
        Credentials(api_key=api_key.strip()),
        auth_method="api_key",
        profile_arn=None,
        expected_generation=None,
        now=call.now,
    )
    return await get_account(db, secrets, account.id)
