"""Everything that is answered over HTTP, and the document of it."""

from functools import lru_cache

from gateway.web.admin.routes import ROUTES
from gateway.web.exchange import Exchange
from gateway.web.openapi.client_operations import CLIENT, PUBLIC, with_forced_account
from gateway.web.openapi.document import openapi_document
from gateway.web.openapi.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *PUBLIC,
    *CLIENT,
    *with_forced_account(CLIENT),
    *(route.operation for route in ROUTES),
)


@lru_cache(maxsize=1)
def document() -> bytes:
    """The OpenAPI document of this version."""
    return openapi_document(OPERATIONS)


async def openapi(exchange: Exchange) -> None:
    """GET /openapi.json: for programs that make clients, and for people who read it."""
    headers = {"access-control-allow-origin": "*"}
    await exchange.respond(document(), headers=headers)
