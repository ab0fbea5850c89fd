"""Public routes: what clients, load balancers and curious people ask without a key."""

import msgspec

from gateway import __version__
from gateway.web.exchange import Exchange
from gateway.web.spa import sends_to_ui

ENDPOINTS = (
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/models",
    "/v1/kiro/usage-limits",
    "/v1/usage",
)


async def service_info(exchange: Exchange) -> None:
    """GET / — and HEAD, which some clients send before their first request."""
    if await sends_to_ui(exchange):
        return
    info = {
        "name": "Kiro Gateway",
        "version": __version__,
        "endpoints": [
            *ENDPOINTS,
            *(f"/a/{{kiro_account}}{path}" for path in ENDPOINTS),
            "/health",
            "/ready",
        ],
    }
    await exchange.respond(msgspec.json.encode(info))


async def hello(exchange: Exchange) -> None:
    """HEAD /api/hello: a client's probe; 200 and nothing."""
    await exchange.respond(b"")


async def health(exchange: Exchange) -> None:
    """GET /health: the process lives."""
    await exchange.respond(msgspec.json.encode({"status": "ok", "version": __version__}))


async def ready(exchange: Exchange) -> None:
    """GET /ready: requests may be sent here; 503 while draining."""
    draining = exchange.services.draining
    body = {"status": "draining" if draining else "ready"}
    await exchange.respond(msgspec.json.encode(body), status=503 if draining else 200)
