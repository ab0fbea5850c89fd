"""/metrics."""

from gateway.web.admin.call import Call


async def metrics(call: Call) -> None:
    """GET /metrics: for Prometheus."""
    body, content_type = call.services.metrics.exposition(call.exchange.headers.get("accept", ""))
    await call.exchange.respond(body, content_type=content_type)
