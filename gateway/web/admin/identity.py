"""The admin key, the sessions of browsers, and links that sign in once."""

import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.store import admin as rows
from gateway.store.admin import AdminSession
from gateway.store.api_keys import hash_secret

if TYPE_CHECKING:
    from gateway.web.services import Services

SESSION_COOKIE = "kiro_gateway_session"
SESSION_TIME = timedelta(hours=12)  # without a request
# Each request would be a write otherwise.
TOUCH_AFTER = timedelta(minutes=5)
LINK_TIME = timedelta(minutes=10)

# The page reads what follows the #; browsers send it to nobody, and no log sees it.
LINK_PATH = "/ui#link="


async def ensure_admin_key(services: "Services") -> str | None:
    """Make an admin key where there is none; returns the new one, which cannot be had again.

    None when `auth.admin_key` is set, or one was made before. Of processes that start together on
    one database, one makes the key and is told it. Sessions from under another configured key end.

    Raises:
        StoreError: the database fails.
    """
    configured = services.settings.auth.admin_key
    database = services.database
    async with database.begin() as db:
        await rows.note_configured_key(db, database.secrets, configured, now=_now())
        if configured is not None:
            return None
        return await rows.make_admin_key(db, now=_now())


async def is_admin_key(services: "Services", presented: str) -> bool:
    """Whether this is the key. Only hashes are compared, in a time that tells nothing.

    A key in the settings is the only one: what was made here before does not open anything then.
    """
    configured = services.settings.auth.admin_key
    if configured is not None:
        return hmac.compare_digest(hash_secret(presented), hash_secret(configured))
    async with services.database.connect() as db:
        return await rows.is_admin_key(db, presented)


async def open_session(services: "Services") -> tuple[str, AdminSession]:
    """Begin a session for somebody who has shown the key or a link; gives its cookie's value."""
    async with services.database.begin() as db:
        return await rows.start_session(db, lifetime=SESSION_TIME, now=_now())


async def has_session(services: "Services", token: str | None) -> bool:
    """Whether a cookie's value belongs to a session that has not ended. Using one prolongs it."""
    if not token:
        return False
    now = _now()
    async with services.database.connect() as db:
        session = await rows.find_session(db, token, now=now)
    if session is None:
        return False
    if now - session.last_seen_at > TOUCH_AFTER:
        async with services.database.begin() as db:
            await rows.touch_session(db, token, expires_at=now + SESSION_TIME, now=now)
    return True


async def end_session(services: "Services", token: str) -> None:
    """Sign out."""
    async with services.database.begin() as db:
        await rows.end_session(db, token)


async def new_one_time_link(services: "Services", base_url: str) -> str:
    """An address that signs a browser in, once and within ten minutes.

    Whoever reads it is an admin: it belongs on a terminal or into a browser, never into a log.
    `base_url` is where the gateway is reached, such as `http://127.0.0.1:8080`.
    """
    async with services.database.begin() as db:
        token = await rows.make_sign_in_link(db, lifetime=LINK_TIME, now=_now())
    return base_url.rstrip("/") + LINK_PATH + token


async def use_link(services: "Services", token: str) -> bool:
    """Whether a link's token is good; it never is again."""
    async with services.database.begin() as db:
        return await rows.use_sign_in_link(db, token, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
