"""Where HTTP meets the gateway: every request passes here, and every error ends here."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import anyio
import structlog
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from gateway.errors import GatewayError, GatewayStopping
from gateway.relay.facts import Facts
from gateway.web.access_log import log_request, usage_record
from gateway.web.admin.client_address import client_of
from gateway.web.body import ClientGone
from gateway.web.error_responses import internal_error
from gateway.web.exchange import FAREWELL, Exchange, request_id_of
from gateway.web.routing import (
    Place,
    allowed_methods,
    dialect_for,
    endpoint_for,
    is_cross_origin,
    locate,
)
from gateway.web.services import Services

log = structlog.get_logger("gateway.web")


class Edge:
    """The ASGI application for HTTP.

    `services` is asked for at each request: they come and go with the application's lifespan.
    """

    def __init__(self, services: Callable[[], Services]) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever becomes of it."""
        started_at = time.perf_counter()
        services = self._services()
        headers = Headers(scope=scope)
        place = locate(scope["path"])
        facts = Facts(
            request_id=request_id_of(headers),
            method=scope["method"],
            path=scope["path"],
            route=place.route if place else "",
            peer=_peer(scope, headers, services.settings.server.trusted_proxies),
        )
        exchange = Exchange(
            scope=scope,
            receive=receive,
            send=send,
            headers=headers,
            services=services,
            facts=facts,
            dialect=dialect_for(place, headers),
            any_origin="origin" in headers and is_cross_origin(scope["path"]),
            account=place.account if place else None,
            tail=place.tail if place else "",
        )
        services.metrics.begin(facts)
        try:
            await self._respond(exchange, place)
        finally:
            seconds = time.perf_counter() - started_at
            services.metrics.end(facts, seconds)
            log_request(facts, seconds)
            if (row := usage_record(facts, seconds, datetime.now(UTC))) is not None:
                services.usage.record(row)

    async def _respond(self, exchange: Exchange, place: Place | None) -> None:
        facts = exchange.facts
        try:
            if exchange.scope["method"] == "OPTIONS" and (place is None or place.every is None):
                await _preflight(exchange, place)
                return
            await endpoint_for(place, exchange.scope["method"])(exchange)
        except ClientGone:
            facts.error_class = "ClientDisconnected"
        except anyio.get_cancelled_exc_class():
            # Whole requests are cancelled in one case only: the server does not wait any longer.
            with anyio.move_on_after(FAREWELL, shield=True):
                await exchange.refuse(GatewayStopping())
            raise
        except GatewayError as exc:
            await exchange.refuse(exc)
        except Exception as exc:
            log.exception("request broke", request_id=facts.request_id, path=facts.path)
            await exchange.refuse(internal_error(facts.request_id))
            facts.error_class = type(exc).__name__


def _peer(scope: Scope, headers: Headers, trusted_proxies: tuple[str, ...]) -> str:
    """Whom failures are counted under and the request log names."""
    if trusted_proxies:
        return client_of(scope, headers, trusted_proxies).text
    return str(scope["client"][0]) if scope.get("client") else ""


async def _preflight(exchange: Exchange, place: Place | None) -> None:
    """OPTIONS: what a browser asks before it lets a page call; never needs a key."""
    methods = ", ".join(allowed_methods(place))
    headers = {"allow": methods}
    if exchange.any_origin:
        asked = exchange.headers.get("access-control-request-headers", "")
        clean = all(char.isalnum() or char in "-_, " for char in asked) and len(asked) <= 2048
        headers |= {
            "access-control-allow-methods": methods,
            "access-control-allow-headers": asked if asked and clean else "*",
            "access-control-max-age": "43200",
        }
    await exchange.respond(b"", status=204, headers=headers)
