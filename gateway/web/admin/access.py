"""Who may use the admin API: place, host and origin first, then key or session."""

from dataclasses import dataclass

import structlog
from starlette.requests import cookie_parser

from gateway.errors import NotAllowed, NotAuthenticated
from gateway.settings import Settings
from gateway.web.admin.client_address import ClientAddress, client_of, is_within, networks
from gateway.web.admin.identity import SESSION_COOKIE, has_session, is_admin_key
from gateway.web.admin.same_site import (
    Authority,
    is_foreign_page,
    is_own_host,
    requested_host,
)
from gateway.web.auth import presented_secrets
from gateway.web.exchange import Exchange
from gateway.web.openapi.operation import Access

log = structlog.get_logger("gateway.web.admin")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request whose surroundings are in order.

    `allowed_origin` is the listed origin whose page sent it. `reads_metrics` is true where the
    client's network alone lets it read the metrics.
    """

    client: ClientAddress
    allowed_origin: str | None = None
    reads_metrics: bool = False


def check_surroundings(exchange: Exchange, access: Access) -> Visit:
    """Look at where a request comes from, whom it believes to speak to, and which page sent it.

    Raises:
        NotAllowed: one of these is not in order; says which setting is about it.
    """
    settings, headers = exchange.services.settings, exchange.headers
    client = _client(exchange)
    if access == "metrics" and _reads_metrics(client, settings):
        return Visit(client, reads_metrics=True)
    host = check_place(exchange)
    if is_foreign_page(headers, host, client.scheme, settings.server.cors_origins):
        raise NotAllowed(
            "Pages of other origins may not use the admin API. If this one should, add its origin "
            "to server.cors_origins."
        )
    origin = headers.get("origin")
    return Visit(client, origin if origin in settings.server.cors_origins else None)


def check_place(exchange: Exchange) -> Authority:
    """Look at where a request comes from and whom it believes to speak to; gives the latter.

    Raises:
        NotAllowed: one of these is not in order; says which setting is about it.
    """
    settings, client = exchange.services.settings, _client(exchange)
    if settings.auth.admin_local_only and not client.is_local(
        networks(settings.auth.admin_allowed_networks)
    ):
        raise NotAllowed(
            "Admin API is restricted to localhost. Ask from there, or set "
            "auth.admin_allowed_networks or auth.admin_local_only."
        )
    host = requested_host(exchange.headers)
    if host is None or not is_own_host(host, _own_hosts(exchange)):
        raise NotAllowed(
            "The Host header names no address of this gateway. If it should, add it to "
            "auth.admin_hosts."
        )
    return host


async def check_identity(exchange: Exchange, visit: Visit, access: Access) -> None:
    """Ask for the admin key or a session, unless this operation needs neither.

    Raises:
        NotAuthenticated: there is none, or it is wrong.
        SlowDown: too many wrong ones came from there.
    """
    if access == "public" or visit.reads_metrics:
        return
    secrets = presented_secrets(exchange.headers)
    if secrets:
        await check_key(exchange, visit.client, secrets)
    elif not await has_session(exchange.services, session_token(exchange)):
        raise NotAuthenticated(
            "No admin key. Send it as Authorization: Bearer or x-api-key; "
            "`kiro-gateway admin-key reset` makes a new one."
        )


async def check_key(exchange: Exchange, client: ClientAddress, secrets: list[str]) -> None:
    """Let the admin key pass; everything else is held back and refused.

    Raises:
        NotAuthenticated: none of the secrets is the key.
        SlowDown: too many wrong ones came from there.
    """
    services = exchange.services
    services.admin.attempts.check(client.text)
    for secret in secrets:
        if await is_admin_key(services, secret):
            return
    log.warning("wrong admin key", client=client.text, request_id=exchange.facts.request_id)
    await services.admin.attempts.failed(client.text, services.timing.sleep)
    raise NotAuthenticated(
        "Invalid admin key. It was printed when the gateway first started, or is set as "
        "auth.admin_key; `kiro-gateway admin-key reset` makes a new one."
    )


def session_token(exchange: Exchange) -> str | None:
    """What the session cookie holds."""
    return cookie_parser(exchange.headers.get("cookie", "")).get(SESSION_COOKIE)


def is_encrypted(exchange: Exchange, client: ClientAddress) -> bool:
    """Whether the client speaks https: to us, or to a trusted proxy that says so."""
    return "https" in {exchange.scope.get("scheme"), client.scheme}


def _client(exchange: Exchange) -> ClientAddress:
    trusted = exchange.services.settings.server.trusted_proxies
    return client_of(exchange.scope, exchange.headers, trusted)


def _reads_metrics(client: ClientAddress, settings: Settings) -> bool:
    allowed = networks(settings.metrics.allowed_networks)
    return client.known is not None and not client.forwarded and is_within(client.known, allowed)


def _own_hosts(exchange: Exchange) -> list[str]:
    """The names of this gateway besides loopback's: the listening address, and what is listed."""
    settings, server = exchange.services.settings, exchange.scope.get("server")
    listening = [settings.server.host, *([str(server[0])] if server else [])]
    return [*(name.lower() for name in settings.auth.admin_hosts), *listening]
