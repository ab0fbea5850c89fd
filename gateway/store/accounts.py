"""Accounts: upstream logins with a quota of their own, and their encrypted credentials."""

import re
import secrets as random_source
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import InvalidRequest, NotFound, StoreError
from gateway.store.database import bump_revision
from gateway.store.secrets import SecretBox
from gateway.store.tables import accounts

AuthMethod = Literal["social", "builder_id", "idc", "external_idp", "api_key"]
"""How an account signed in: Google or GitHub by way of Kiro, a personal AWS identity, an
organisation's IAM Identity Center, an organisation's own identity provider, a Kiro API key."""

ImportKind = Literal["kiro-cli", "ide"]
"""Whose store credentials were copied from; `kiro-cli` includes the Amazon Q command line."""

DEFAULT_REGION = "us-east-1"

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
    one in `profile_arn`. `generation` grows by one with each change of `credentials`.
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


async def create_account(
    db: AsyncConnection,
    secrets: SecretBox,
    *,
    name: str,
    auth_region: str = DEFAULT_REGION,
    api_region: str | None = None,
    proxy: str | None = None,
    enabled: bool = True,
    now: datetime,
) -> Account:
    """Add an account that nobody has signed in to yet.

    Raises:
        InvalidRequest: the name is not allowed or taken, or a region is no region.
    """
    name = check_account_name(name)
    account_id = random_source.token_hex(8)
    values: dict[str, object] = {
        "id": account_id,
        "name": name,
        "enabled": enabled,
        "auth_region": check_region(auth_region),
        "api_region": check_region(api_region) if api_region else None,
        "proxy_encrypted": secrets.encrypt(proxy, place=_proxy_place(account_id))
        if proxy
        else None,
        "generation": 0,
        "created_at": now,
        "updated_at": now,
    }
    try:
        await db.execute(insert(accounts).values(values))
    except IntegrityError as exc:
        raise InvalidRequest(f'There already is an account "{name}".', code="conflict") from exc
    await bump_revision(db)
    return await get_account(db, secrets, account_id)


async def list_accounts(db: AsyncConnection, secrets: SecretBox) -> tuple[Account, ...]:
    """All accounts, by name."""
    rows = await db.execute(select(accounts).order_by(accounts.c.name))
    return tuple(_account(row, secrets) for row in rows.mappings())


async def find_account(db: AsyncConnection, secrets: SecretBox, id_or_name: str) -> Account | None:
    """The account with this id or, failing that, this name."""
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


async def set_account_enabled(
    db: AsyncConnection, account_id: str, *, enabled: bool, now: datetime
) -> None:
    """Let an account serve requests, or stop it.

    Raises:
        NotFound: there is no such account.
    """
    await _update(db, account_id, {"enabled": enabled}, now)


async def set_profile_arn(
    db: AsyncConnection, account_id: str, profile_arn: str | None, *, now: datetime
) -> None:
    """Remember a profile that was looked up. The credentials' generation stays as it is.

    Raises:
        NotFound: there is no such account.
    """
    await _update(db, account_id, {"profile_arn": profile_arn}, now)


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
        values |= {"profile_arn": profile_arn, "email": None, "subscription": None}
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
        raise InvalidRequest("A region looks like us-east-1 or eu-central-1.")
    return region


async def _update(
    db: AsyncConnection, account_id: str, values: Mapping[str, object], now: datetime
) -> None:
    statement = update(accounts).where(accounts.c.id == account_id)
    result = await db.execute(statement.values({**values, "updated_at": now}))
    if result.rowcount == 0:
        await _check_exists(db, account_id)
    await bump_revision(db)


async def _check_exists(db: AsyncConnection, account_id: str) -> None:
    found = await db.execute(select(accounts.c.id).where(accounts.c.id == account_id))
    if found.scalar_one_or_none() is None:
        raise NotFound(f'There is no account "{account_id}".')


def _account(row: RowMapping, secrets: SecretBox) -> Account:
    values: dict[str, Any] = dict(row)
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
