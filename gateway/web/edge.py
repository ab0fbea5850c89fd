"""Where HTTP meets the gateway: every request passes here, and every error ends here."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from gateway.errors import GatewayError, InternalError
from gateway.relay.facts import Facts
from gateway.web.access_log import log_request, usage_record
from gateway.web.body import ClientGone
from gateway.web.error_responses import error_body, error_headers, status_of
from gateway.web.exchange import Exchange, request_id_of
from gateway.web.routing import Place, dialect_for, endpoint_for, is_cross_origin, locate
from gateway.web.services import Services

EXPOSED_HEADERS = (
    "request-id, x-request-id, retry-after, x-should-retry, "
    "x-kiro-gateway-model, x-kiro-gateway-account, x-kiro-gateway-notes"
)

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
            peer=scope["client"][0] if scope.get("client") else "",
        )
        sender = _Sender(send, _cors_headers(scope, headers))
        exchange = Exchange(
            scope=scope,
            receive=receive,
            send=sender,
            headers=headers,
            services=services,
            facts=facts,
            dialect=dialect_for(place, headers),
            account=place.account if place else None,
            tail=place.tail if place else "",
        )
        try:
            await self._respond(exchange, place, sender)
        finally:
            seconds = time.perf_counter() - started_at
            log_request(facts, seconds)
            if (row := usage_record(facts, seconds, datetime.now(UTC))) is not None:
                services.usage.record(row)

    async def _respond(self, exchange: Exchange, place: Place | None, sender: "_Sender") -> None:
        facts = exchange.facts
        try:
            if exchange.scope["method"] == "OPTIONS":
                await _preflight(exchange, place)
                return
            await endpoint_for(place, exchange.scope["method"])(exchange)
        except ClientGone:
            facts.error_class = "ClientDisconnected"
        except GatewayError as exc:
            await self._refuse(exchange, sender, exc)
        except Exception as exc:
            log.exception("request broke", request_id=facts.request_id, path=facts.path)
            wrong = InternalError(
                "The gateway failed on this request. Its log has the details under "
                f"{facts.request_id}."
            )
            await self._refuse(exchange, sender, wrong)
            facts.error_class = type(exc).__name__

    async def _refuse(self, exchange: Exchange, sender: "_Sender", error: GatewayError) -> None:
        exchange.facts.error_class = type(error).__name__
        if sender.started:
            # Too late for a status; the connection ends without a proper end of the answer.
            return
        body = error_body(error, exchange.dialect, exchange.facts.request_id)
        await exchange.respond(
            body, status=status_of(error, exchange.dialect), headers=error_headers(error)
        )


class _Sender:
    """Adds headers to the status line, and knows whether it has gone out."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            if self._headers:
                message["headers"] = [*message["headers"], *self._headers]
        await self._send(message)


def _cors_headers(scope: Scope, headers: Headers) -> list[tuple[bytes, bytes]]:
    if "origin" not in headers or not is_cross_origin(scope["path"]):
        return []
    return [
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", EXPOSED_HEADERS.encode()),
    ]


async def _preflight(exchange: Exchange, place: Place | None) -> None:
    """OPTIONS: what a browser asks before it lets a page call; never needs a key."""
    methods = "GET, HEAD, POST, OPTIONS"
    if place is not None:
        methods = ", ".join([*place.methods, "OPTIONS"])
    headers = {"allow": methods}
    if is_cross_origin(exchange.scope["path"]) and "origin" in exchange.headers:
        asked = exchange.headers.get("access-control-request-headers", "")
        clean = all(char.isalnum() or char in "-_, " for char in asked) and len(asked) <= 2048
        headers |= {
            "access-control-allow-methods": methods,
            "access-control-allow-headers": asked if asked and clean else "*",
            "access-control-max-age": "43200",
        }
    await exchange.respond(b"", status=204, headers=headers)
