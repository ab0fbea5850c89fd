"""/admin/session: how browsers sign in and out."""

from datetime import datetime
from typing import Annotated

import msgspec
import structlog
from msgspec import Meta

from gateway.errors import InvalidRequest, NotAuthenticated
from gateway.web.admin.access import check_key, is_encrypted, session_token
from gateway.web.admin.call import Call
from gateway.web.admin.documents import Deleted
from gateway.web.admin.identity import (
    SESSION_COOKIE,
    end_session,
    has_session,
    open_session,
    use_link,
)
from gateway.web.auth import presented_secrets

log = structlog.get_logger("gateway.web.admin")


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the two; the key may come as a header instead."""

    admin_key: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    link: (
        Annotated[
            str,
            Meta(
                min_length=1, max_length=256, description="What follows #link= in a one-time link."
            ),
        ]
        | None
    ) = None


class SessionObject(msgspec.Struct, frozen=True):
    """A session has begun; its secret is in the cookie alone. Each request prolongs it."""

    expires_at: datetime


class SessionState(msgspec.Struct, frozen=True):
    """Whether the request came with the cookie of a session that has not ended."""

    signed_in: bool


async def state(call: Call) -> SessionState:
    """GET /admin/session: whether the cookie opens anything. Asking with none is no failure."""
    return SessionState(await has_session(call.services, session_token(call.exchange)))


async def sign_in(call: Call) -> None:
    """POST /admin/session: a session for whoever shows the key or a link."""
    wanted = await call.body(SignIn)
    services = call.services
    if wanted.link is not None:
        await _check_link(call, wanted.link)
    else:
        secrets = [wanted.admin_key] if wanted.admin_key else []
        secrets = secrets or presented_secrets(call.exchange.headers)
        if not secrets:
            raise InvalidRequest("admin_key or link is required")
        await check_key(call.exchange, call.client, secrets)
    token, session = await open_session(services)
    log.info("admin signed in", client=call.client.text, by="link" if wanted.link else "key")
    await call.exchange.respond(
        msgspec.json.encode(SessionObject(session.expires_at)),
        headers={"set-cookie": _cookie(call, token)},
    )


async def sign_out(call: Call) -> None:
    """DELETE /admin/session: the session that the cookie names ends."""
    if token := session_token(call.exchange):
        await end_session(call.services, token)
    await call.exchange.respond(
        msgspec.json.encode(Deleted(deleted=True)),
        headers={"set-cookie": _cookie(call, "") + "; Max-Age=0"},
    )


async def _check_link(call: Call, token: str) -> None:
    services = call.services
    services.admin.attempts.check(call.client.text)
    if await use_link(services, token):
        return
    log.warning("wrong sign-in link", client=call.client.text)
    await services.admin.attempts.failed(call.client.text, services.timing.sleep)
    raise NotAuthenticated(
        "This link has been used already, or is older than ten minutes. Sign in with the admin "
        "key, or start the gateway with --open for a new one."
    )


def _cookie(call: Call, value: str) -> str:
    """Gone when the browser is closed; the session itself may end before that."""
    secure = "; Secure" if is_encrypted(call.exchange, call.client) else ""
    return f"{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{secure}"
