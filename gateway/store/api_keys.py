"""API keys: what clients present to us. Only a hash of each is kept."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import RowMapping, Select, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import InvalidRequest, NotFound
from gateway.store.database import bump_revision
from gateway.store.tables import accounts, api_key_accounts, api_keys

SECRET_PREFIX = "sk-kiro-"  # noqa: S105  # what every secret begins with
PREFIX_SHOWN = 16  # characters


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


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One row with its allow-list: `account_ids` in the order they were given.

    `default_account_id` is one of them, None when there are none. `key_prefix` is for display.
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
    if not name.strip():
        raise InvalidRequest("An API key needs a name.")
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest("The API key would have expired already.")
    limits = limits or Limits()
    _check_limits(limits)
    account_ids, default_id = await _resolve(db, allowed, default)
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    key_id = secrets.token_hex(8)
    await db.execute(
        insert(api_keys).values(
            id=key_id,
            name=name.strip(),
            key_hash=hash_secret(secret),
            key_prefix=secret[:PREFIX_SHOWN] + "…",
            enabled=True,
            default_account_id=default_id,
            suppress_reasoning=suppress_reasoning,
            failover=failover,
            expires_at=expires_at,
            notes=notes,
            requests_per_minute=limits.requests_per_minute,
            max_concurrent_requests=limits.max_concurrent_requests,
            tokens_per_day=limits.tokens_per_day,
            credits_per_month=limits.credits_per_month,
            allowed_models=list(limits.allowed_models),
            created_at=now,
            updated_at=now,
        )
    )
    await db.execute(
        insert(api_key_accounts),
        [
            {"key_id": key_id, "account_id": account_id, "position": position}
            for position, account_id in enumerate(account_ids)
        ],
    )
    await bump_revision(db)
    return await get_api_key(db, key_id), secret


async def list_api_keys(db: AsyncConnection) -> tuple[ApiKey, ...]:
    """All keys, by name."""
    return await _select(db, select(api_keys).order_by(api_keys.c.name, api_keys.c.created_at))


async def find_api_key(db: AsyncConnection, id_or_name: str) -> ApiKey | None:
    """The key with this id or, failing that, this name.

    Raises:
        InvalidRequest: several keys have this name.
    """
    named = await _select(
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
    changed = await db.execute(
        update(api_keys)
        .where(api_keys.c.id == key_id)
        .values(enabled=enabled, updated_at=now)
        .returning(api_keys.c.id)
    )
    if changed.scalar_one_or_none() is None:
        raise NotFound(f'There is no API key "{key_id}".')
    await bump_revision(db)


async def touch_api_keys(db: AsyncConnection, used_at: Mapping[str, datetime]) -> None:
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
    await db.execute(statement, [{"key_id": key, "at": at} for key, at in used_at.items()])


def _check_limits(limits: Limits) -> None:
    for name in (
        "requests_per_minute",
        "max_concurrent_requests",
        "tokens_per_day",
        "credits_per_month",
    ):
        value = getattr(limits, name)
        if value is not None and not value > 0:
            raise InvalidRequest(f"{name} has to be above zero; leave it out for no limit.")


async def _resolve(
    db: AsyncConnection, allowed: Sequence[str], default: str | None
) -> tuple[tuple[str, ...], str]:
    """The ids of the allowed accounts without doubles, and that of the default."""
    ids = tuple(dict.fromkeys([await _account_id(db, word) for word in allowed]))
    if not ids:
        raise InvalidRequest("An API key needs at least one account.")
    if default is None:
        return ids, ids[0]
    default_id = await _account_id(db, default)
    if default_id not in ids:
        raise InvalidRequest(f'The default account "{default}" is not among the allowed ones.')
    return ids, default_id


async def _account_id(db: AsyncConnection, id_or_name: str) -> str:
    for column in (accounts.c.id, accounts.c.name):
        found = await db.execute(select(accounts.c.id).where(column == id_or_name))
        if account_id := found.scalar_one_or_none():
            return str(account_id)
    raise InvalidRequest(f'account "{id_or_name}" does not exist')


async def _select(
    db: AsyncConnection, statement: Select[*tuple[object, ...]]
) -> tuple[ApiKey, ...]:
    rows = (await db.execute(statement)).mappings().all()
    allowed: dict[str, list[str]] = {row["id"]: [] for row in rows}
    pairs = await db.execute(
        select(api_key_accounts.c.key_id, api_key_accounts.c.account_id)
        .where(api_key_accounts.c.key_id.in_(list(allowed)))
        .order_by(api_key_accounts.c.position)
    )
    for key_id, account_id in pairs:
        allowed[key_id].append(account_id)
    return tuple(_api_key(row, tuple(allowed[row["id"]])) for row in rows)


def _api_key(row: RowMapping, account_ids: tuple[str, ...]) -> ApiKey:
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
    )
