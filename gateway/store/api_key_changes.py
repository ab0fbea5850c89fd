"""Changing, rotating and deleting API keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import InvalidRequest, NotFound
from gateway.store.api_keys import (
    ApiKey,
    Limits,
    allow_accounts,
    check_end,
    check_key_name,
    get_api_key,
    hash_secret,
    limit_values,
    new_secret,
    resolve_accounts,
    select_keys,
    set_columns,
    shown_prefix,
)
from gateway.store.database import bump_revision
from gateway.store.former_names import remember_name
from gateway.store.paging import check_text
from gateway.store.tables import api_keys, limit_entries, limit_states, retired_secrets

LONGEST_OVERLAP = timedelta(days=30)


class ApiKeyChanges(TypedDict, total=False):
    """What `update_api_key` changes. `allowed` and `default` name accounts by id or name."""

    name: str
    enabled: bool
    allowed: Sequence[str]
    default: str
    suppress_reasoning: bool
    failover: bool
    expires_at: datetime | None
    notes: str
    limits: Limits


async def update_api_key(
    db: AsyncConnection, key_id: str, *, now: datetime, **changes: Unpack[ApiKeyChanges]
) -> ApiKey:
    """Change what is given and leave the rest.

    With `allowed` but without `default`, the first of the new list is the default, whatever it was
    before. `limits` replaces all limits.

    Raises:
        NotFound: there is no such key.
        InvalidRequest: a value makes no sense; see `create_api_key`.
    """
    before = await _get_locked(db, key_id)
    values: dict[str, object] = {"updated_at": now}
    if "name" in changes:
        values["name"] = check_key_name(changes["name"])
    if "notes" in changes:
        values["notes"] = check_text(changes["notes"], "notes")
    if "expires_at" in changes:
        values["expires_at"] = changes["expires_at"]
        if changes["expires_at"] != before.expires_at:
            check_end(changes["expires_at"], now)
    if "enabled" in changes:
        values["enabled"] = changes["enabled"]
    if "suppress_reasoning" in changes:
        values["suppress_reasoning"] = changes["suppress_reasoning"]
    if "failover" in changes:
        values["failover"] = changes["failover"]
    if "limits" in changes:
        values |= limit_values(changes["limits"])
        await _count_anew(db, before, changes["limits"])
    if "allowed" in changes or "default" in changes:
        allowed = changes.get("allowed", before.account_ids)
        account_ids, default_id = await resolve_accounts(db, allowed, changes.get("default"))
        values["default_account_id"] = default_id
        await allow_accounts(db, key_id, account_ids)
    await set_columns(db, key_id, values)
    return await get_api_key(db, key_id)


async def rotate_api_key(
    db: AsyncConnection, key_id: str, *, overlap: timedelta, now: datetime
) -> tuple[ApiKey, str]:
    """Give a key a new secret; returns its row and the secret, which cannot be had again.

    The secret it had, and those retired before, are let in until `overlap` is over and no longer.

    Raises:
        NotFound: there is no such key.
        InvalidRequest: the overlap is negative or longer than `LONGEST_OVERLAP`.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidRequest(f"The overlap has to be from 0 to {LONGEST_OVERLAP.days} days.")
    before = await _get_locked(db, key_id)
    last = now + overlap
    await db.execute(
        delete(retired_secrets)
        .where(retired_secrets.c.key_id == key_id)
        .where(retired_secrets.c.expires_at <= now)
    )
    await db.execute(
        update(retired_secrets)
        .where(retired_secrets.c.key_id == key_id)
        .where(retired_secrets.c.expires_at > last)
        .values(expires_at=last)
    )
    if overlap:
        await db.execute(
            insert(retired_secrets).values(key_hash=before.key_hash, key_id=key_id, expires_at=last)
        )
    secret = new_secret()
    await set_columns(
        db,
        key_id,
        {
            "key_hash": hash_secret(secret),
            "key_prefix": shown_prefix(secret),
            "updated_at": now,
        },
    )
    return await get_api_key(db, key_id), secret


async def delete_api_key(db: AsyncConnection, key_id: str, *, now: datetime) -> None:
    """Remove a key with its secrets and counters; its usage stays, under its last name.

    Raises:
        NotFound: there is no such key.
    """
    key = await _get_locked(db, key_id)
    await remember_name(db, key_id, key.name, now=now)
    await db.execute(delete(limit_entries).where(limit_entries.c.owner_id == key_id))
    await db.execute(delete(limit_states).where(limit_states.c.owner_id == key_id))
    await db.execute(delete(api_keys).where(api_keys.c.id == key_id))
    await bump_revision(db)


async def _count_anew(db: AsyncConnection, before: ApiKey, limits: Limits) -> None:
    """Make a limit that is new be counted from what was used so far, not from some old state."""
    unknown: dict[str, None] = {}
    if before.limits.tokens_per_day is None and limits.tokens_per_day is not None:
        unknown["tokens_used"] = None
    if before.limits.credits_per_month is None and limits.credits_per_month is not None:
        unknown["month"] = None
    if unknown:
        await db.execute(
            update(limit_states).where(limit_states.c.owner_id == before.id).values(unknown)
        )


async def _get_locked(db: AsyncConnection, key_id: str) -> ApiKey:
    """The key, which nobody else changes until this transaction ends."""
    found = await select_keys(db, select(api_keys).where(api_keys.c.id == key_id).with_for_update())
    if not found:
        raise NotFound(f'There is no API key "{key_id}".')
    return found[0]
