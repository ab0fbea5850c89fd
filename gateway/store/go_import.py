"""Taking over accounts, tokens, API keys and usage from the Go program's database.

Doing it again takes over what is new there and doubles nothing: accounts and keys keep their ids,
and of usage it is remembered how far it was taken.
"""

import hashlib
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import anyio.to_thread
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import GatewayError, InvalidRequest
from gateway.store.accounts import (
    DEFAULT_REGION,
    Account,
    check_account_name,
    check_region,
    create_account,
    find_account,
    save_credentials,
)
from gateway.store.api_keys import allow_accounts, hash_secret, shown_prefix
from gateway.store.database import Database, bump_revision, insert_into
from gateway.store.former_names import remember_name
from gateway.store.go_database import OldAccount, OldDatabase, OldKey, OldUsage, open_old_database
from gateway.store.paging import is_storable
from gateway.store.tables import api_keys, former_names, retired_secrets, usage_imports
from gateway.store.usage import UsageRecord, insert_usage

BATCH = 500  # rows of usage in one transaction
ROUTE = "imported"
"""What stands for the route of requests that the old program served: it did not note it."""

_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(slots=True)
class Imported:
    """What was taken over. `notes` are sentences about what was not, or only in part."""

    accounts: int = 0
    signed_in: int = 0
    keys: int = 0
    usage: int = 0
    known_accounts: int = 0
    known_keys: int = 0
    unreadable_usage: int = 0
    notes: list[str] = field(default_factory=list)


async def import_go_database(
    path: Path,
    database: Database,
    *,
    now: datetime,
    model_name: Callable[[str], str] = str,
) -> Imported:
    """Take over what the file has and the database has not.

    An account that is there already, by id or by name, stays as it is; it gets the old token only
    if nobody has signed it in yet.

    Args:
        path: the old program's SQLite file, read only.
        database: where it all goes.
        now: when.
        model_name: turns the names that clients used into the one that Kiro has.

    Raises:
        InvalidRequest: the file is not there, or is another program's.
        StoreError: the database fails.
    """
    result = Imported()
    # Opened and read in a thread: the file may be large, or locked for a while.
    context = open_old_database(path)
    old = await anyio.to_thread.run_sync(context.__enter__)
    try:
        accounts = await anyio.to_thread.run_sync(old.accounts)
        keys = await anyio.to_thread.run_sync(old.keys)
        async with database.begin() as db:
            ids: dict[str, str] = {}
            for account in accounts:
                await _import_account(db, database, account, ids, result, now)
            for key in keys:
                await _import_key(db, key, ids, result, now)
        await _import_usage(old, database, ids, result, now, model_name)
    except sqlite3.Error as exc:
        raise InvalidRequest(f"{path} cannot be read: {exc}.") from exc
    finally:
        await anyio.to_thread.run_sync(context.__exit__, None, None, None)
    return result


async def _import_account(
    db: AsyncConnection,
    database: Database,
    old: OldAccount,
    ids: dict[str, str],
    result: Imported,
    now: datetime,
) -> None:
    known = await find_account(db, database.secrets, _own_id(old.id))
    known = known or await find_account(db, database.secrets, old.name)
    if known is not None:
        result.known_accounts += 1
        ids[old.name] = known.id
        await _import_token(db, database, known, old, result, now)
        return
    if await _was_deleted(db, _own_id(old.id)):
        result.notes.append(f'Account "{old.name}" was left out: it was deleted here.')
        return
    try:
        check_account_name(old.name)
    except GatewayError as exc:
        result.notes.append(f'Account "{old.name}" was left out: {exc}')
        return
    account = await create_account(
        db,
        database.secrets,
        account_id=_own_id(old.id),
        name=old.name,
        auth_region=_region(old, result),
        enabled=old.enabled,
        now=now,
    )
    result.accounts += 1
    ids[old.name] = account.id
    await _import_token(db, database, account, old, result, now)


async def _import_token(
    db: AsyncConnection,
    database: Database,
    account: Account,
    old: OldAccount,
    result: Imported,
    now: datetime,
) -> None:
    if account.credentials is not None:
        return
    if old.token is None:
        reason = old.problem or "it was not signed in there"
        result.notes.append(f'Account "{account.name}" needs a sign-in: {reason}.')
        return
    await save_credentials(
        db,
        database.secrets,
        account.id,
        old.token.credentials,
        auth_method=old.token.auth_method,
        profile_arn=old.token.profile_arn,
        auth_region=old.token.auth_region,
        expected_generation=None,
        now=now,
    )
    result.signed_in += 1


async def _import_key(
    db: AsyncConnection, old: OldKey, ids: dict[str, str], result: Imported, now: datetime
) -> None:
    key_id, key_hash = _own_id(old.id), hash_secret(old.secret)
    known = await db.execute(
        select(api_keys.c.id).where((api_keys.c.id == key_id) | (api_keys.c.key_hash == key_hash))
    )
    retired = await db.execute(
        select(retired_secrets.c.key_id).where(retired_secrets.c.key_hash == key_hash)
    )
    if known.first() is not None or retired.first() is not None:
        result.known_keys += 1
        return
    if await _was_deleted(db, key_id):
        result.notes.append(f'API key "{old.name}" was left out: it was deleted here.')
        return
    name = old.name.strip() if is_storable(old.name) and old.name.strip() else key_id
    allowed = [ids[account] for account in old.accounts if account in ids]
    if missing := [account for account in old.accounts if account not in ids]:
        result.notes.append(
            f'API key "{name}" lost accounts that do not exist: {", ".join(missing)}.'
        )
    if not allowed:
        result.notes.append(f'API key "{name}" serves nobody until it is given an account.')
    default = ids.get(old.default or "")
    await db.execute(
        insert(api_keys).values(
            id=key_id,
            name=name,
            key_hash=key_hash,
            key_prefix=shown_prefix(old.secret),
            enabled=old.enabled,
            default_account_id=default if default in allowed else next(iter(allowed), None),
            suppress_reasoning=old.suppress_reasoning,
            failover=False,
            notes="",
            allowed_models=[],
            created_at=old.created_at or now,
            updated_at=now,
        )
    )
    if allowed:
        await allow_accounts(db, key_id, allowed)
    await bump_revision(db)
    result.keys += 1


async def _import_usage(
    old: OldDatabase,
    database: Database,
    ids: dict[str, str],
    result: Imported,
    now: datetime,
    model_name: Callable[[str], str],
) -> None:
    first = await anyio.to_thread.run_sync(old.first_usage)
    if first is None:
        return
    source = hashlib.sha256(repr(first).encode()).hexdigest()
    async with database.connect() as db:
        found = await db.execute(
            select(usage_imports.c.last_id).where(usage_imports.c.source == source)
        )
        last_id = found.scalar_one_or_none() or 0
    while rows := await anyio.to_thread.run_sync(old.usage_after, last_id, BATCH):
        async with database.begin() as db:
            if not await _advance(db, source, last_id, rows[-1].id, now):
                result.notes.append("Another import of the same file is running; it goes on alone.")
                return
            await _name_gone_accounts(db, rows, ids, now)
            records = [_record(row, source, ids, model_name) for row in rows if row.at is not None]
            result.usage += await insert_usage(db, records)
        result.unreadable_usage += len(rows) - len(records)
        last_id = rows[-1].id
    if result.unreadable_usage:
        result.notes.append(f"{result.unreadable_usage} rows of usage have a time nobody can read.")


async def _advance(
    db: AsyncConnection, source: str, before: int, after: int, now: datetime
) -> bool:
    """Note how far usage was taken; False when somebody else has taken it further meanwhile."""
    new = insert_into(db.dialect.name, usage_imports).values(
        source=source, last_id=0, imported_at=now
    )
    await db.execute(new.on_conflict_do_nothing(index_elements=["source"]))
    moved = await db.execute(
        update(usage_imports)
        .where(usage_imports.c.source == source)
        .where(usage_imports.c.last_id == before)
        .values(last_id=after, imported_at=now)
    )
    return moved.rowcount == 1


async def _name_gone_accounts(
    db: AsyncConnection, rows: list[OldUsage], ids: dict[str, str], now: datetime
) -> None:
    """Accounts that were deleted in the old program live on in its usage, by name."""
    for name in {row.account for row in rows} - ids.keys() - {""}:
        if is_storable(name):
            ids[name] = hashlib.sha256(f"provider\0{name}".encode()).hexdigest()[:16]
            await remember_name(db, ids[name], name, now=now)


def _record(
    row: OldUsage, source: str, ids: dict[str, str], model_name: Callable[[str], str]
) -> UsageRecord:
    assert row.at is not None
    return UsageRecord(
        id=hashlib.sha256(f"{source}\0{row.id}".encode()).hexdigest()[:32],
        at=row.at,
        request_id=f"{ROUTE}-{row.id}",
        api_key_id=_own_id(row.key_id),
        account_id=ids.get(row.account),
        route=ROUTE,
        model_asked=row.model,
        model_served=model_name(row.model),
        status=200,
        stream=False,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_tokens=0,
        cache_write_tokens=0,
        credits=None,
        usage_source="estimated",  # the old program had no other figures
        stop_reason=None,
        first_token_ms=None,
        duration_ms=round(row.duration_ms),
        retries=0,
        error_class=None,
    )


async def _was_deleted(db: AsyncConnection, own_id: str) -> bool:
    found = await db.execute(select(former_names.c.id).where(former_names.c.id == own_id))
    return found.first() is not None


def _own_id(old: str) -> str:
    """The old id, which has the form of ours; whatever has another form is made to fit."""
    return old if _ID.fullmatch(old) else hashlib.sha256(old.encode()).hexdigest()[:16]


def _region(old: OldAccount, result: Imported) -> str:
    try:
        return check_region(old.region)
    except GatewayError:
        if old.region:
            result.notes.append(
                f'Account "{old.name}" is in {DEFAULT_REGION} now: "{old.region}" is no region.'
            )
        return DEFAULT_REGION
