"""One HTTP exchange as the endpoints see it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from gateway.errors import GatewayError
from gateway.redact import redact_bare
from gateway.relay.facts import Facts
from gateway.web.body import read_body
from gateway.web.error_responses import Dialect, error_body, error_headers, status_of
from gateway.web.limit_headers import LIMIT_HEADERS
from gateway.web.services import Services
from gateway.web.traffic import is_traced, trace_request, trace_sent, trace_start

# What pages of other origins may read of an answer.
EXPOSED_HEADERS = ", ".join(
    (
        *("request-id", "x-request-id", "retry-after", "x-should-retry"),
        *("x-kiro-gateway-model", "x-kiro-gateway-account", "x-kiro-gateway-notes"),
        *LIMIT_HEADERS,
    )
)

FAREWELL = 1.0  # seconds to tell a client that the gateway ends

_GOOD_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request on its way: what came, what it may use, and the facts it leaves behind.

    `any_origin` says that pages of any origin may read the answer, `account` is the account that
    the path names (`/a/{account}/…`), `tail` what follows the route's own path, such as a model id.
    """

    scope: Scope
    receive: Receive
    send: Send
    headers: Headers
    services: Services
    facts: Facts
    dialect: Dialect
    any_origin: bool = False
    account: str | None = None
    tail: str = ""

    @property
    def query(self) -> QueryParams:
        """The query parameters; unknown ones are nobody's business."""
        return QueryParams(self.scope["query_string"])

    async def body(self) -> bytes:
        """The request body, bounded by `server.max_request_bytes`."""
        services = self.services
        body = await read_body(
            self.scope,
            self.receive,
            services.settings.server.max_request_bytes,
            silence=services.timing.body_silence,
        )
        if is_traced(self.facts):
            trace_request(self.facts, self.headers, body)
        return body

    async def respond(
        self,
        body: bytes,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> None:
        """Send a whole answer."""
        out = {"content-type": content_type, "content-length": str(len(body))}
        if not body:
            del out["content-type"]
        out.update(headers or {})
        await self.start(status, out)
        content = b"" if self.scope["method"] == "HEAD" else body
        if is_traced(self.facts):
            trace_sent(self.facts, content)
        await self.send({"type": "http.response.body", "body": content})

    async def refuse(self, error: GatewayError) -> None:
        """Send an error in the exchange's dialect, unless the answer has begun."""
        self.facts.note_error(error)
        if self.facts.status:
            # Too late for a status; the connection ends without a proper end of the answer.
            return
        body = error_body(error, self.dialect, self.facts.request_id)
        await self.respond(
            body, status=status_of(error, self.dialect), headers=error_headers(error)
        )

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and headers, with what every answer carries."""
        self.facts.status = status
        every = {
            "request-id": self.facts.request_id,
            "x-request-id": self.facts.request_id,
            "x-content-type-options": "nosniff",
        }
        if self.facts.model_served:
            every["x-kiro-gateway-model"] = _printable(self.facts.model_served)
        if self.facts.account_name:
            every["x-kiro-gateway-account"] = self.facts.account_name
        if self.facts.notes:
            every["x-kiro-gateway-notes"] = self.facts.notes_header()
        if self.any_origin:
            every["access-control-allow-origin"] = "*"
            every["access-control-expose-headers"] = EXPOSED_HEADERS
        every |= self.facts.limit_headers
        every |= headers
        if is_traced(self.facts):
            trace_start(self.facts, status, every)
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in every.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})


def request_id_of(headers: Headers) -> str:
    """The client's own `x-request-id` if it is short, plain and no secret, else a new one."""
    given = headers.get("x-request-id", "")
    if _GOOD_REQUEST_ID.fullmatch(given) and redact_bare(given) == given:
        return given
    return f"req_{secrets.token_hex(12)}"


def _printable(text: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:256]
