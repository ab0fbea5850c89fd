"""Accounts: upstream logins with a quota of their own, and their encrypted credentials."""

import re
import secrets as random_source
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict, Unpack

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import AccountInUse, Conflict, InvalidRequest, NotFound, StoreError
from gateway.store.cooldowns import end_cooldowns
from gateway.store.database import REVISION_BUMP, bump_revision
from gateway.store.former_names import remember_name
from gateway.store.paging import Page, PageRequest, check_text, fetch_page, is_storable
from gateway.store.secrets import SecretBox
from gateway.store.tables import (
    accounts,
    api_key_accounts,
    api_keys,
    limit_entries,
    limit_states,
)

AuthMethod = Literal["social", "builder_id", "idc", "external_idp", "api_key"]
"""How an account signed in: Google or GitHub by way of Kiro, a personal AWS identity, an
organisation's IAM Identity Center, an organisation's own identity provider, a Kiro API key."""

ImportKind = Literal["kiro-cli", "ide"]
"""Whose store credentials were copied from; `kiro-cli` includes the Amazon Q command line."""

DEFAULT_REGION = "us-east-1"
MAX_CAP = 1_000_000  # requests at once; far beyond what a gateway carries

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_REGION = re.compile(r"[a-z]{2}(-gov)?-[a-z]+-\d{1,2}")


@dataclass(frozen=True, slots=True)
class ImportSource:
    """Where credentials were copied from, so that newer ones can be looked for there."""

    kind: ImportKind
    path: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an account signs in with. Replaced as a whole, never field by field.

    A refresh token belongs to the client it was issued to: the `client_*` fields come and go with
    it. `expires_at` is the access token's; None means unknown, and counts as expired.
    """

    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    client_id: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    client_expires_at: datetime | None = None
    token_endpoint: str | None = None
    refresh_scope: str | None = None
    start_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    import_source: ImportSource | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """One row, decrypted. `auth_method` and `credentials` are None until somebody signs in.

    `auth_region` is the region of the sign-in endpoint, `api_region` an operator's override for the
    one in `profile_arn`. `generation` grows by one with each change of `credentials`;
    `signed_in_at` is when somebody last signed in, by whatever way, None when that is not known.
    """

    id: str
    name: str
    enabled: bool
    auth_method: AuthMethod | None
    auth_region: str
    api_region: str | None
    proxy: str | None = field(repr=False)  # its URL may hold a password
    profile_arn: str | None
    email: str | None
    subscription: str | None
    credentials: Credentials | None
    generation: int
    created_at: datetime
    updated_at: datetime
    max_concurrent_requests: int | None = None
    signed_in_at: datetime | None = None


class AccountChanges(TypedDict, total=False):
    """What `update_account` changes. `proxy` is a URL, with its password if it has one."""

    name: str
    enabled: bool
    auth_region: str
    api_region: str | None
    proxy: str | None
    max_concurrent_requests: int | None
    profile_arn: str | None


async def create_account(
    db: AsyncConnection,
    secrets: SecretBox,
    *,
    name: str,
    auth_region: str = DEFAULT_REGION,
    api_region: str | None = None,
    proxy: str | None = None,
    max_concurrent_requests: int | None = None,
    enabled: bool = True,
    account_id: str | None = None,
    now: datetime,
) -> Account:
    """Add an account that nobody has signed in to yet; `account_id` is for one that has one.

    Raises:
        InvalidRequest: the name is not allowed, a region is no region, or the cap is below one.
        Conflict: the name is taken.
    """
    name = check_account_name(name)
    account_id = account_id or random_source.token_hex(8)
    values: dict[str, object] = {
        "id": account_id,
        "name": name,
        "enabled": enabled,
        "auth_region": check_region(auth_region),
        "api_region": check_region(api_region) if api_region else None,
        "proxy_encrypted": _sealed_proxy(secrets, account_id, proxy),
        "generation": 0,
        "max_concurrent_requests": _check_cap(max_concurrent_requests),
        "created_at": now,
        "updated_at": now,
    }
    try:
        async with db.begin_nested():
            await db.execute(insert(accounts).values(values))
    except IntegrityError as exc:
        raise _name_taken(name) from exc
    await bump_revision(db)
    return await get_account(db, secrets, account_id)


async def list_accounts(db: AsyncConnection, secrets: SecretBox) -> tuple[Account, ...]:
    """All accounts, by name."""
    rows = await db.execute(select(accounts).order_by(accounts.c.name))
    return tuple(_account(row, secrets) for row in rows.mappings())


async def page_accounts(
    db: AsyncConnection, secrets: SecretBox, request: PageRequest
) -> Page[Account]:
    """One page of accounts, by name unless told otherwise; `q` looks at names and e-mails.

    Raises:
        InvalidRequest: the page makes no sense.
    """
    rows, next_cursor, total = await fetch_page(
        db,
        accounts,
        request,
        sortable={
            name: accounts.c[name] for name in ("name", "enabled", "created_at", "updated_at")
        },
        default_sort="name",
        searched=(accounts.c.name, accounts.c.email),
    )
    return Page(tuple(_account(row, secrets) for row in rows), next_cursor, total)


async def find_account(db: AsyncConnection, secrets: SecretBox, id_or_name: str) -> Account | None:
    """The account with this id or, failing that, this name."""
    if not is_storable(id_or_name):
        return None
    for column in (accounts.c.id, accounts.c.name):
        rows = await db.execute(select(accounts).where(column == id_or_name))
        if row := rows.mappings().one_or_none():
            return _account(row, secrets)
    return None


async def get_account(db: AsyncConnection, secrets: SecretBox, id_or_name: str) -> Account:
    """As `find_account`.

    Raises:
        NotFound: there is none.
    """
    account = await find_account(db, secrets, id_or_name)
    if account is None:
        raise NotFound(f'There is no account "{id_or_name}".')
    return account


async def update_account(
    db: AsyncConnection,
    secrets: SecretBox,
    account_id: str,
    *,
    now: datetime,
    **changes: Unpack[AccountChanges],
) -> Account:
    """Change what is given and leave the rest. API keys follow a renamed account.

    Raises:
        NotFound: there is no such account.
        InvalidRequest: a value is not allowed.
        Conflict: the new name is taken.
    """
    values: dict[str, object] = {}
    if "name" in changes:
        values["name"] = check_account_name(changes["name"])
    if "enabled" in changes:
        values["enabled"] = changes["enabled"]
        if changes["enabled"]:
            await end_cooldowns(db, account_id)
    if "auth_region" in changes:
        values["auth_region"] = check_region(changes["auth_region"])
    if "api_region" in changes:
        region = changes["api_region"]
        values["api_region"] = check_region(region) if region else None
    if "proxy" in changes:
        values["proxy_encrypted"] = _sealed_proxy(secrets, account_id, changes["proxy"])
    if "max_concurrent_requests" in changes:
        values["max_concurrent_requests"] = _check_cap(changes["max_concurrent_requests"])
    if "profile_arn" in changes:
        # What is known of the account so far is of its other profile.
        values |= {"profile_arn": changes["profile_arn"], "signed_in_at": now}
        await end_cooldowns(db, account_id)
    try:
        async with db.begin_nested():
            await _update(db, account_id, values, now)
    except IntegrityError as exc:
        raise _name_taken(str(values.get("name"))) from exc
    return await get_account(db, secrets, account_id)


async def delete_account(
    db: AsyncConnection, account_id: str, *, force: bool = False, now: datetime
) -> None:
    """Remove an account. With `force` it is taken out of the allow-lists that it is in.

    A key that had it as its default gets the next one of its list, or none at all if that was the
    only one; such a key serves nobody until it is given another account.

    Raises:
        NotFound: there is no such account.
        AccountInUse: keys use it, and `force` is not given; names them.
    """
    name = await _check_exists(db, account_id)
    using = await keys_using(db, account_id)
    if using and not force:
        raise AccountInUse(
            f'The account "{name}" is used by the API keys '
            + ", ".join(f'"{key_name}"' for _, key_name in using)
            + ". Take it out of their lists first, or delete it with force.",
            keys=using,
        )
    await db.execute(delete(api_key_accounts).where(api_key_accounts.c.account_id == account_id))
    next_one = (
        select(api_key_accounts.c.account_id)
        .where(api_key_accounts.c.key_id == api_keys.c.id)
        .order_by(api_key_accounts.c.position)
        .limit(1)
        .scalar_subquery()
    )
    await db.execute(
        update(api_keys)
        .where(api_keys.c.default_account_id == account_id)
        .values(default_account_id=next_one, updated_at=now)
    )
    await remember_name(db, account_id, name, now=now)
    await db.execute(delete(limit_entries).where(limit_entries.c.owner_id == account_id))
    await db.execute(delete(limit_states).where(limit_states.c.owner_id == account_id))
    await db.execute(delete(accounts).where(accounts.c.id == account_id))
    await bump_revision(db)


async def keys_using(db: AsyncConnection, account_id: str) -> tuple[tuple[str, str], ...]:
    """Id and name of each API key that has the account in its allow-list, by name."""
    found = await db.execute(
        select(api_keys.c.id, api_keys.c.name)
        .join(api_key_accounts, api_key_accounts.c.key_id == api_keys.c.id)
        .where(api_key_accounts.c.account_id == account_id)
        .order_by(api_keys.c.name, api_keys.c.id)
    )
    return tuple((key_id, name) for key_id, name in found)


async def set_account_enabled(
    db: AsyncConnection, account_id: str, *, enabled: bool, now: datetime
) -> None:
    """Let an account serve requests, whatever was held against it, or stop it.

    Raises:
        NotFound: there is no such account.
    """
    await _update(db, account_id, {"enabled": enabled}, now)
    if enabled:
        await end_cooldowns(db, account_id)


async def set_profile_arn(
    db: AsyncConnection, account_id: str, profile_arn: str | None, *, now: datetime
) -> None:
    """Remember a profile that was looked up. The credentials' generation stays as it is.

    Raises:
        NotFound: there is no such account.
    """
    await _update(db, account_id, {"profile_arn": profile_arn}, now)


def set_identity(
    db: Connection,
    account_id: str,
    *,
    email: str | None,
    subscription: str | None,
    signed_in_at: datetime | None,
    now: datetime,
) -> None:
    """Remember whose account it is and what they subscribed to, as the service says.

    Nothing happens when somebody has signed in since `signed_in_at`: it may be somebody else.
    """
    since = accounts.c.signed_in_at
    statement = (
        update(accounts)
        .where(accounts.c.id == account_id)
        .where(since.is_(None) if signed_in_at is None else since == signed_in_at)
        .values(email=email, subscription=subscription, updated_at=now)
    )
    if db.execute(statement).rowcount:
        db.execute(REVISION_BUMP)


async def save_credentials(
    db: AsyncConnection,
    secrets: SecretBox,
    account_id: str,
    credentials: Credentials,
    *,
    auth_method: AuthMethod,
    profile_arn: str | None,
    auth_region: str | None = None,
    expected_generation: int | None,
    now: datetime,
) -> int | None:
    """Replace an account's credentials; returns their new generation.

    Without `expected_generation` this is a new sign-in: it wins over whatever is stored, and may be
    another identity, so that profile, e-mail and subscription of the old one go. With it, it is a
    refresh: stored only if nobody stored others since that generation was read (else None is
    returned and nothing changes), and a `profile_arn` of None keeps the stored one. An
    `auth_region` of None keeps the stored one in both cases.

    Raises:
        NotFound: there is no such account.
    """
    sealed = secrets.encrypt(
        msgspec.json.encode(credentials).decode(), place=_credentials_place(account_id)
    )
    values: dict[str, object] = {
        "credentials_encrypted": sealed,
        "auth_method": auth_method,
        "generation": accounts.c.generation + 1,
        "updated_at": now,
    }
    if auth_region is not None:
        values["auth_region"] = check_region(auth_region)
    statement = update(accounts).where(accounts.c.id == account_id)
    if expected_generation is None:
        values |= {
            "profile_arn": profile_arn,
            "email": None,
            "subscription": None,
            "signed_in_at": now,
        }
        # What the service held against it was held against the old sign-in.
        await end_cooldowns(db, account_id)
    else:
        statement = statement.where(accounts.c.generation == expected_generation)
        if profile_arn is not None:
            values["profile_arn"] = profile_arn
    saved = await db.execute(statement.values(values).returning(accounts.c.generation))
    generation = saved.scalar_one_or_none()
    if generation is not None:
        await bump_revision(db)
        return int(generation)
    await _check_exists(db, account_id)
    return None


def check_account_name(name: str) -> str:
    """Raises InvalidRequest unless it is 1-64 letters, digits, `.`, `_`, `-`, no sign first."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            "An account name has 1 to 64 letters, digits, dots, underscores or hyphens, and begins "
            "with a letter or digit."
        )
    return name


def check_region(region: str) -> str:
    """The region in lower case, fit to be part of a host name.

    Raises:
        InvalidRequest: it does not look like one.
    """
    region = region.strip().lower()
    if not _REGION.fullmatch(region):
        raise InvalidRequest(
            f'A region looks like us-east-1 or eu-central-1, and "{region[:64]}" does not.'
        )
    return region


async def _update(
    db: AsyncConnection, account_id: str, values: Mapping[str, object], now: datetime
) -> None:
    statement = update(accounts).where(accounts.c.id == account_id)
    result = await db.execute(statement.values({**values, "updated_at": now}))
    if result.rowcount == 0:
        await _check_exists(db, account_id)
    await bump_revision(db)


async def _check_exists(db: AsyncConnection, account_id: str) -> str:
    """The account's name."""
    found = await db.execute(select(accounts.c.name).where(accounts.c.id == account_id))
    if (name := found.scalar_one_or_none()) is None:
        raise NotFound(f'There is no account "{account_id}".')
    return str(name)


def _name_taken(name: str) -> Conflict:
    return Conflict(f'There already is an account "{name}".', code="conflict")


def _check_cap(cap: int | None) -> int | None:
    if cap is not None and not 0 < cap <= MAX_CAP:
        raise InvalidRequest(
            "max_concurrent_requests has to be above zero; leave it out for no limit."
        )
    return cap


def _sealed_proxy(secrets: SecretBox, account_id: str, proxy: str | None) -> str | None:
    if not proxy:
        return None
    return secrets.encrypt(check_text(proxy, "proxy"), place=_proxy_place(account_id))


def _account(row: RowMapping, secrets: SecretBox) -> Account:
    values: dict[str, Any] = {column.name: row[column.name] for column in accounts.c}
    account_id = row["id"]
    sealed_proxy = values.pop("proxy_encrypted")
    sealed_credentials = values.pop("credentials_encrypted")
    return Account(
        **values,
        proxy=secrets.decrypt(sealed_proxy, place=_proxy_place(account_id))
        if sealed_proxy
        else None,
        credentials=_read_credentials(sealed_credentials, account_id, secrets)
        if sealed_credentials
        else None,
    )


def _read_credentials(sealed: str, account_id: str, secrets: SecretBox) -> Credentials:
    opened = secrets.decrypt(sealed, place=_credentials_place(account_id))
    try:
        return msgspec.json.decode(opened, type=Credentials)
    except msgspec.MsgspecError as exc:
        # Without its cause: that one may quote the credentials.
        problem = type(exc).__name__
    raise StoreError(f"The credentials of account {account_id} cannot be read ({problem}).")


def _credentials_place(account_id: str) -> str:
    return f"accounts/{account_id}/credentials"


def _proxy_place(account_id: str) -> str:
    return f"accounts/{account_id}/proxy"
