"""Who may administer: the admin key, sessions of the admin pages, one-time sign-in links.

All in the database, so that several processes agree. Keys and tokens are random and only their
hashes are kept. A key that the settings name may be short; of it nothing is kept but a keyed hash.
"""

import hmac
import secrets as random_source
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.api_keys import hash_secret
from gateway.store.secrets import SecretBox
from gateway.store.tables import admin_keys, admin_sessions, sign_in_links

KEY_PREFIX = "kiro-admin-"
MAX_SESSIONS = 1000  # the oldest make room
MAX_LINKS = 100

_ROW = 1
_FINGERPRINT_PLACE = "admin_keys/configured"


@dataclass(frozen=True, slots=True)
class AdminSession:
    """Somebody is signed in until `expires_at`. `token_hash` tells sessions apart."""

    token_hash: str
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime


async def make_admin_key(db: AsyncConnection, *, now: datetime) -> str | None:
    """Make an admin key unless there is one; returns it, which happens only once."""
    found = await db.execute(select(admin_keys.c.key_hash).where(admin_keys.c.id == _ROW))
    if found.scalar_one_or_none() is not None:
        return None
    key = _new_key()
    return key if await _store_first(db, key, now) else None


async def reset_admin_key(db: AsyncConnection, *, now: datetime) -> str:
    """Replace the admin key and end every session and link; returns the new one."""
    key = _new_key()
    if not await _store_first(db, key, now):
        await db.execute(
            update(admin_keys)
            .where(admin_keys.c.id == _ROW)
            .values(key_hash=hash_secret(key), updated_at=now)
        )
    await end_all_sessions(db)
    return key


async def is_admin_key(db: AsyncConnection, presented: str) -> bool:
    """Whether this is the key that was made here; takes the same time for every wrong one."""
    stored = (
        await db.execute(select(admin_keys.c.key_hash).where(admin_keys.c.id == _ROW))
    ).scalar_one_or_none()
    return stored is not None and hmac.compare_digest(stored, hash_secret(presented))


async def note_configured_key(
    db: AsyncConnection, secrets: SecretBox, key: str | None, *, now: datetime
) -> None:
    """Tell which key the settings name; if it is another than before, every session ends."""
    mark = secrets.fingerprint(key, place=_FINGERPRINT_PLACE) if key else None
    row = (
        await db.execute(
            select(admin_keys.c.id, admin_keys.c.configured_fingerprint).where(
                admin_keys.c.id == _ROW
            )
        )
    ).one_or_none()
    if (row.configured_fingerprint if row else None) == mark:
        return
    if row is None:
        try:
            async with db.begin_nested():
                await db.execute(
                    insert(admin_keys).values(id=_ROW, configured_fingerprint=mark, updated_at=now)
                )
        except IntegrityError:
            await _mark_configured(db, mark, now)  # another process starts at the same time
    else:
        await _mark_configured(db, mark, now)
    await end_all_sessions(db)


async def start_session(
    db: AsyncConnection, *, lifetime: timedelta, now: datetime
) -> tuple[str, AdminSession]:
    """Sign somebody in; returns the session's token, which cannot be had again."""
    token = random_source.token_urlsafe(32)
    session = AdminSession(hash_secret(token), now, now + lifetime, now)
    await db.execute(delete(admin_sessions).where(admin_sessions.c.expires_at <= now))
    surplus = (
        select(admin_sessions.c.token_hash)
        .order_by(admin_sessions.c.last_seen_at.desc(), admin_sessions.c.token_hash)
        .offset(MAX_SESSIONS - 1)
    )
    await db.execute(delete(admin_sessions).where(admin_sessions.c.token_hash.in_(surplus)))
    await db.execute(
        insert(admin_sessions).values(
            token_hash=session.token_hash,
            created_at=now,
            expires_at=session.expires_at,
            last_seen_at=now,
        )
    )
    return token, session


async def find_session(db: AsyncConnection, token: str, *, now: datetime) -> AdminSession | None:
    """The session with this token, if it has not expired."""
    rows = await db.execute(
        select(admin_sessions)
        .where(admin_sessions.c.token_hash == hash_secret(token))
        .where(admin_sessions.c.expires_at > now)
    )
    row = rows.mappings().one_or_none()
    return AdminSession(**row) if row else None


async def touch_session(
    db: AsyncConnection, token: str, *, expires_at: datetime, now: datetime
) -> None:
    """Note that a session is in use, and when it ends now. One that is gone stays so."""
    await db.execute(
        update(admin_sessions)
        .where(admin_sessions.c.token_hash == hash_secret(token))
        .where(admin_sessions.c.expires_at > now)
        .values(last_seen_at=now, expires_at=expires_at)
    )


async def end_session(db: AsyncConnection, token: str) -> None:
    """Sign out; a token of no session is nobody's business."""
    await db.execute(
        delete(admin_sessions).where(admin_sessions.c.token_hash == hash_secret(token))
    )


async def end_all_sessions(db: AsyncConnection) -> None:
    """Sign everybody out, and make every link that is still open useless."""
    await db.execute(delete(admin_sessions))
    await db.execute(delete(sign_in_links))


async def make_sign_in_link(db: AsyncConnection, *, lifetime: timedelta, now: datetime) -> str:
    """The token of a link that signs one browser in, once, within `lifetime`."""
    token = random_source.token_urlsafe(32)
    await db.execute(delete(sign_in_links).where(sign_in_links.c.expires_at <= now))
    surplus = (
        select(sign_in_links.c.token_hash)
        .order_by(sign_in_links.c.expires_at.desc(), sign_in_links.c.token_hash)
        .offset(MAX_LINKS - 1)
    )
    await db.execute(delete(sign_in_links).where(sign_in_links.c.token_hash.in_(surplus)))
    await db.execute(
        insert(sign_in_links).values(token_hash=hash_secret(token), expires_at=now + lifetime)
    )
    return token


async def use_sign_in_link(db: AsyncConnection, token: str, *, now: datetime) -> bool:
    """Whether the link is good. Only the first who asks hears so, whatever process they ask."""
    used = await db.execute(
        delete(sign_in_links)
        .where(sign_in_links.c.token_hash == hash_secret(token))
        .returning(sign_in_links.c.expires_at)
    )
    expires_at = used.scalar_one_or_none()
    return expires_at is not None and expires_at > now


def _new_key() -> str:
    return KEY_PREFIX + random_source.token_urlsafe(32)


async def _store_first(db: AsyncConnection, key: str, now: datetime) -> bool:
    """Store a key where there is none; False when there is one, perhaps since a moment ago."""
    changed = await db.execute(
        update(admin_keys)
        .where(admin_keys.c.id == _ROW)
        .where(admin_keys.c.key_hash.is_(None))
        .values(key_hash=hash_secret(key), updated_at=now)
    )
    if changed.rowcount:
        return True
    try:
        async with db.begin_nested():
            await db.execute(
                insert(admin_keys).values(id=_ROW, key_hash=hash_secret(key), updated_at=now)
            )
    except IntegrityError:
        return False
    return True


async def _mark_configured(db: AsyncConnection, mark: str | None, now: datetime) -> None:
    await db.execute(
        update(admin_keys)
        .where(admin_keys.c.id == _ROW)
        .values(configured_fingerprint=mark, updated_at=now)
    )
