"""Where the admin API begins: who may come in, which route answers, and how a refusal looks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

import msgspec
import structlog
from starlette.types import Message, Send

from gateway.errors import GatewayError, MethodNotAllowed, NotFound
from gateway.web.admin.access import Visit, check_identity, check_surroundings
from gateway.web.admin.call import Call, Route
from gateway.web.admin.errors import error_body, error_headers, shape_of
from gateway.web.admin.routes import ROUTES
from gateway.web.body import ClientGone
from gateway.web.error_responses import internal_error
from gateway.web.exchange import Exchange
from gateway.web.openapi.operation import Access

SECURITY_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
EXPOSED_HEADERS = "request-id, x-request-id, retry-after, content-disposition"
PREFLIGHT_FRESH = "600"  # seconds

log = structlog.get_logger("gateway.web.admin")


@dataclass(frozen=True, slots=True)
class Match:
    """A path of the table, the routes on it by method, and what its variables stand for."""

    path: str
    routes: Mapping[str, Route]
    variables: Mapping[str, str]


async def serve_admin(exchange: Exchange) -> None:
    """Answer a request to /admin or below, or to /metrics, whatever its method."""
    sender = _Sender(exchange.send)
    exchange = replace(exchange, send=sender)
    try:
        await _answer(exchange, sender)
    except ClientGone:
        raise
    except GatewayError as exc:
        await _refuse(exchange, sender, exc)
    except Exception as exc:
        request_id = exchange.facts.request_id
        log.exception("admin request broke", request_id=request_id, route=exchange.facts.route)
        await _refuse(exchange, sender, internal_error(request_id))
        exchange.facts.error_class = type(exc).__name__


async def _answer(exchange: Exchange, sender: "_Sender") -> None:
    method = exchange.scope["method"]
    match = find(exchange.scope)
    access: Access = "admin"
    if match is not None:
        exchange.facts.route = match.path
        access = next(iter(match.routes.values())).operation.access
    visit = check_surroundings(exchange, access)
    if visit.allowed_origin is not None:
        sender.headers |= _cors_headers(visit.allowed_origin)
    if method == "OPTIONS":
        await _preflight(exchange, match, visit)
        return
    route = _route(match, method)
    assert match is not None
    await check_identity(exchange, visit, route.operation.access)
    call = Call(exchange, route.operation, visit.client, match.variables)
    answer = await route.handler(call)
    if answer is not None:
        status = next(iter(route.operation.replies))
        await exchange.respond(msgspec.json.encode(answer), status=status)


def find(scope: Mapping[str, object]) -> Match | None:
    """Look a path up, segment by segment, so that a quoted slash stays part of a name."""
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if isinstance(raw, bytes) else str(scope["path"])
    segments = [unquote(part) for part in path.partition("?")[0].strip("/").split("/")]
    for template, routes in _TABLE.get(len(segments), ()):
        if (variables := _variables(template, segments)) is not None:
            return Match("/" + "/".join(template), routes, variables)
    return None


def _variables(template: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    variables: dict[str, str] = {}
    for wanted, given in zip(template, segments, strict=True):
        if wanted.startswith("{"):
            if not given:
                return None
            variables[wanted[1:-1]] = given
        elif wanted != given:
            return None
    return variables


def _table(
    routes: tuple[Route, ...],
) -> dict[int, list[tuple[tuple[str, ...], dict[str, Route]]]]:
    """Number of segments → the paths of that length, fixed ones first, and their routes."""
    paths: dict[str, dict[str, Route]] = {}
    for route in routes:
        paths.setdefault(route.operation.path, {})[route.operation.method] = route
    table: dict[int, list[tuple[tuple[str, ...], dict[str, Route]]]] = {}
    for path in sorted(paths, key=lambda path: path.count("{")):
        segments = tuple(path.strip("/").split("/"))
        table.setdefault(len(segments), []).append((segments, paths[path]))
    return table


_TABLE = _table(ROUTES)


def _methods(match: Match) -> list[str]:
    methods = list(match.routes)
    return [*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"]


def _route(match: Match | None, method: str) -> Route:
    if match is None:
        raise NotFound("There is no such path here. GET /openapi.json describes those there are.")
    route = match.routes.get("GET" if method == "HEAD" else method)
    if route is None:
        raise MethodNotAllowed(
            f"{method} is not allowed here; use {' or '.join(match.routes)}.",
            allowed=tuple(_methods(match)),
        )
    return route


async def _preflight(exchange: Exchange, match: Match | None, visit: Visit) -> None:
    """What a browser asks before it lets a page of another origin call; needs no key."""
    methods = ", ".join(_methods(match) if match else ["OPTIONS"])
    headers = {"allow": methods}
    if visit.allowed_origin is not None:
        headers |= {
            "access-control-allow-methods": methods,
            "access-control-allow-headers": "authorization, content-type, x-api-key, x-request-id",
            "access-control-max-age": PREFLIGHT_FRESH,
        }
    await exchange.respond(b"", status=204, headers=headers)


async def _refuse(exchange: Exchange, sender: "_Sender", error: GatewayError) -> None:
    exchange.facts.note_error(error)
    if sender.started:
        # Too late for a status; the connection ends without a proper end of the answer.
        return
    await exchange.respond(
        error_body(error), status=shape_of(error)[0], headers=error_headers(error)
    )


def _cors_headers(origin: str) -> dict[str, str]:
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": EXPOSED_HEADERS,
        "cross-origin-resource-policy": "cross-origin",
        "vary": "Origin",
    }


class _Sender:
    """Adds what every answer of the admin API carries, and knows whether one has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.headers = dict(SECURITY_HEADERS)
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            given = {name for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(
                    (name.encode(), value.encode())
                    for name, value in self.headers.items()
                    if name.encode() not in given
                ),
            ]
        await self._send(message)
