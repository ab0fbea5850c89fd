"""API keys: what clients present to us. Only a hash of each is kept."""

import hashlib
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import InvalidRequest, NotFound
from gateway.store.database import bump_revision
from gateway.store.paging import Page, PageRequest, check_text, fetch_page, is_storable
from gateway.store.tables import accounts, api_key_accounts, api_keys, retired_secrets

SECRET_PREFIX = "sk-kiro-"  # noqa: S105  # what every secret begins with
PREFIX_SHOWN = 16  # characters
MAX_COUNT = 2**31 - 1  # what an integer column holds
MAX_TOKENS = 2**53  # what a JSON number holds exactly


@dataclass(frozen=True, slots=True)
class Limits:
    """What a key may spend; None and () mean no limit.

    Minutes and days roll, months are UTC's. `allowed_models` are names as clients write them.
    """

    requests_per_minute: int | None = None
    max_concurrent_requests: int | None = None
    tokens_per_day: int | None = None
    credits_per_month: float | None = None
    allowed_models: tuple[str, ...] = ()


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class RetiredSecret:
    """The hash of a secret that was rotated out and is good until `expires_at`."""

    key_hash: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One row with its allow-list: `account_ids` in the order they were given.

    `default_account_id` is one of them, None when there are none. `key_prefix` is for display.
    `retired` are earlier secrets that may still be let in.
    """

    id: str
    name: str
    key_hash: str = field(repr=False)
    key_prefix: str
    enabled: bool
    account_ids: tuple[str, ...]
    default_account_id: str | None
    suppress_reasoning: bool
    failover: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    notes: str
    limits: Limits
    created_at: datetime
    updated_at: datetime
    retired: tuple[RetiredSecret, ...] = ()


def hash_secret(secret: str) -> str:
    """SHA-256 in hex. Unsalted and fast on purpose: the secrets are random, and looked up by it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


async def create_api_key(
    db: AsyncConnection,
    *,
    name: str,
    allowed: Sequence[str],
    default: str | None = None,
    suppress_reasoning: bool = False,
    failover: bool = False,
    expires_at: datetime | None = None,
    notes: str = "",
    limits: Limits | None = None,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Make a key; returns its row and its secret, which cannot be had again.

    `allowed` and `default` name accounts by id or name; without a default the first one is it.

    Raises:
        InvalidRequest: no name, no account, an account that does not exist, a default that is not
            allowed, a limit that is not above zero, or an end that has passed.
    """
    name = check_key_name(name)
    check_end(expires_at, now)
    limits = limits or NO_LIMITS
    account_ids, default_id = await resolve_accounts(db, allowed, default)
    secret = new_secret()
    key_id = secrets.token_hex(8)
    await db.execute(
        insert(api_keys).values(
            id=key_id,
            name=name,
            key_hash=hash_secret(secret),
            key_prefix=shown_prefix(secret),
            enabled=True,
            default_account_id=default_id,
            suppress_reasoning=suppress_reasoning,
            failover=failover,
            expires_at=expires_at,
            notes=check_text(notes, "notes"),
            **limit_values(limits),
            created_at=now,
            updated_at=now,
        )
    )
    await allow_accounts(db, key_id, account_ids)
    await bump_revision(db)
    return await get_api_key(db, key_id), secret


async def list_api_keys(db: AsyncConnection) -> tuple[ApiKey, ...]:
    """All keys, by name."""
    return await select_keys(db, select(api_keys).order_by(api_keys.c.name, api_keys.c.created_at))


async def page_api_keys(
    db: AsyncConnection, request: PageRequest, *, account_id: str | None = None
) -> Page[ApiKey]:
    """One page of keys, by name unless told otherwise; `q` looks at names, notes and prefixes.

    With an `account_id` only those that may use that account.

    Raises:
        InvalidRequest: the page makes no sense.
    """
    sortable = ("name", "enabled", "created_at", "updated_at", "expires_at", "last_used_at")
    rows, next_cursor, total = await fetch_page(
        db,
        api_keys,
        request,
        sortable={name: api_keys.c[name] for name in sortable},
        default_sort="name",
        searched=(api_keys.c.name, api_keys.c.notes, api_keys.c.key_prefix),
        chosen=None if account_id is None else api_keys.c.id.in_(_using(account_id)),
    )
    return Page(await _with_lists(db, rows), next_cursor, total)


def _using(account_id: str) -> Select[tuple[str]]:
    """The ids of the keys that may use an account."""
    return select(api_key_accounts.c.key_id).where(api_key_accounts.c.account_id == account_id)


async def find_api_key(db: AsyncConnection, id_or_name: str) -> ApiKey | None:
    """The key with this id or, failing that, this name.

    Raises:
        InvalidRequest: several keys have this name.
    """
    if not is_storable(id_or_name):
        return None
    named = await select_keys(
        db,
        select(api_keys).where(or_(api_keys.c.id == id_or_name, api_keys.c.name == id_or_name)),
    )
    for key in named:
        if key.id == id_or_name:
            return key
    if len(named) > 1:
        ids = ", ".join(key.id for key in named)
        raise InvalidRequest(f'Several API keys are named "{id_or_name}". Use an id: {ids}.')
    return named[0] if named else None


async def get_api_key(db: AsyncConnection, id_or_name: str) -> ApiKey:
    """As `find_api_key`.

    Raises:
        NotFound: there is none.
        InvalidRequest: several keys have this name.
    """
    key = await find_api_key(db, id_or_name)
    if key is None:
        raise NotFound(f'There is no API key "{id_or_name}".')
    return key


async def set_api_key_enabled(
    db: AsyncConnection, key_id: str, *, enabled: bool, now: datetime
) -> None:
    """Let a key in, or turn it away.

    Raises:
        NotFound: there is no such key.
    """
    await set_columns(db, key_id, {"enabled": enabled, "updated_at": now})


def touch_api_keys(db: Connection, used_at: Mapping[str, datetime]) -> None:
    """Note when keys (by id) were last used; never moves a time back.

    No change that other processes need to hear of, hence no new revision.
    """
    if not used_at:
        return
    statement = (
        update(api_keys)
        .where(api_keys.c.id == bindparam("key_id"))
        .where(
            or_(
                api_keys.c.last_used_at.is_(None),
                api_keys.c.last_used_at < bindparam("at", type_=api_keys.c.last_used_at.type),
            )
        )
        .values(last_used_at=bindparam("at", type_=api_keys.c.last_used_at.type))
    )
    db.execute(statement, [{"key_id": key, "at": at} for key, at in used_at.items()])


def new_secret() -> str:
    """A fresh random secret: 256 bits."""
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def shown_prefix(secret: str) -> str:
    """What may be shown of a secret."""
    return secret[:PREFIX_SHOWN] + "…"


def check_key_name(name: str) -> str:
    """The name without space around it; raises InvalidRequest when nothing is left."""
    if not (name := check_text(name, "name").strip()):
        raise InvalidRequest("An API key needs a name.")
    return name


def check_end(expires_at: datetime | None, now: datetime) -> None:
    """Raises InvalidRequest for an end that has passed."""
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest("The API key would have expired already.")


def limit_values(limits: Limits) -> dict[str, object]:
    """The columns of some limits.

    Raises:
        InvalidRequest: one is not above zero, or absurdly large.
    """
    counts: dict[str, tuple[float | None, float]] = {
        "requests_per_minute": (limits.requests_per_minute, MAX_COUNT),
        "max_concurrent_requests": (limits.max_concurrent_requests, MAX_COUNT),
        "tokens_per_day": (limits.tokens_per_day, MAX_TOKENS),
        "credits_per_month": (limits.credits_per_month, MAX_TOKENS),
    }
    for name, (value, largest) in counts.items():
        if value is None:
            continue
        if math.isnan(value) or value <= 0:
            raise InvalidRequest(f"{name} has to be above zero; leave it out for no limit.")
        if value > largest:
            raise InvalidRequest(f"{name} is too large; leave it out for no limit.")
    models = [check_text(model, "allowed_models") for model in limits.allowed_models]
    return {name: value for name, (value, _) in counts.items()} | {"allowed_models": models}


async def set_columns(db: AsyncConnection, key_id: str, values: Mapping[str, object]) -> None:
    """Change columns of a key, and let other processes hear of it; raises NotFound."""
    changed = await db.execute(
        update(api_keys).where(api_keys.c.id == key_id).values(values).returning(api_keys.c.id)
    )
    if changed.scalar_one_or_none() is None:
        raise NotFound(f'There is no API key "{key_id}".')
    await bump_revision(db)


async def allow_accounts(db: AsyncConnection, key_id: str, account_ids: Sequence[str]) -> None:
    """Replace a key's allow-list by these ids, of which there is at least one."""
    await db.execute(delete(api_key_accounts).where(api_key_accounts.c.key_id == key_id))
    await db.execute(
        insert(api_key_accounts),
        [
            {"key_id": key_id, "account_id": account_id, "position": position}
            for position, account_id in enumerate(account_ids)
        ],
    )


async def resolve_accounts(
    db: AsyncConnection, allowed: Sequence[str], default: str | None
) -> tuple[tuple[str, ...], str]:
    """The ids of the allowed accounts without doubles, and that of the default.

    Raises:
        InvalidRequest: an account does not exist, there is none, or the default is not allowed.
    """
    ids = tuple(dict.fromkeys([await _account_id(db, word) for word in allowed]))
    if not ids:
        raise InvalidRequest("An API key needs at least one account.")
    if default is None:
        return ids, ids[0]
    default_id = await _account_id(db, default)
    if default_id not in ids:
        raise InvalidRequest(
            f'kiro_default_account must be in kiro_accounts, and "{default}" is not.'
        )
    return ids, default_id


async def _account_id(db: AsyncConnection, id_or_name: str) -> str:
    for column in (accounts.c.id, accounts.c.name) if is_storable(id_or_name) else ():
        found = await db.execute(select(accounts.c.id).where(column == id_or_name))
        if account_id := found.scalar_one_or_none():
            return str(account_id)
    raise InvalidRequest(f'account "{id_or_name}" does not exist')


async def select_keys(
    db: AsyncConnection, statement: Select[*tuple[object, ...]]
) -> tuple[ApiKey, ...]:
    """The keys that a selection of `api_keys` gives, with their lists."""
    return await _with_lists(db, (await db.execute(statement)).mappings().all())


async def _with_lists(db: AsyncConnection, rows: Sequence[RowMapping]) -> tuple[ApiKey, ...]:
    allowed: dict[str, list[str]] = {row["id"]: [] for row in rows}
    retired: dict[str, list[RetiredSecret]] = {row["id"]: [] for row in rows}
    # Read whole: a list of ids has a bound on SQLite, and these tables are small.
    pairs = await db.execute(
        select(api_key_accounts.c.key_id, api_key_accounts.c.account_id).order_by(
            api_key_accounts.c.position
        )
    )
    for key_id, account_id in pairs:
        if key_id in allowed:
            allowed[key_id].append(account_id)
    old = await db.execute(select(retired_secrets).order_by(retired_secrets.c.expires_at))
    for row in old.mappings():
        if row["key_id"] in retired:
            retired[row["key_id"]].append(RetiredSecret(row["key_hash"], row["expires_at"]))
    return tuple(
        _api_key(row, tuple(allowed[row["id"]]), tuple(retired[row["id"]])) for row in rows
    )


def _api_key(
    row: RowMapping, account_ids: tuple[str, ...], retired: tuple[RetiredSecret, ...]
) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        key_hash=row["key_hash"],
        key_prefix=row["key_prefix"],
        enabled=row["enabled"],
        account_ids=account_ids,
        default_account_id=row["default_account_id"],
        suppress_reasoning=row["suppress_reasoning"],
        failover=row["failover"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        notes=row["notes"],
        limits=Limits(
            requests_per_minute=row["requests_per_minute"],
            max_concurrent_requests=row["max_concurrent_requests"],
            tokens_per_day=row["tokens_per_day"],
            credits_per_month=row["credits_per_month"],
            allowed_models=tuple(row["allowed_models"]),
        ),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        retired=retired,
    )
