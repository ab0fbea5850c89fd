"""Paths to endpoints: one table, no patterns."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers

from gateway.errors import MethodNotAllowed, NotFound
from gateway.web import probes, runtime, spa
from gateway.web.admin.serve import serve_admin
from gateway.web.error_responses import Dialect
from gateway.web.exchange import Exchange
from gateway.web.openapi.surface import openapi

Endpoint = Callable[[Exchange], Awaitable[None]]
Methods = Mapping[str, Endpoint]

PUBLIC: Mapping[str, Methods] = {
    "/": {"GET": probes.service_info},
    "/api/hello": {"GET": probes.hello},
    "/health": {"GET": probes.health},
    "/ready": {"GET": probes.ready},
    "/openapi.json": {"GET": openapi},
    "/ui": {"GET": spa.ui},
}

RUNTIME: Mapping[str, Methods] = {
    "/v1/messages": {"POST": runtime.create_message},
    "/v1/messages/count_tokens": {"POST": runtime.count_tokens},
    "/v1/chat/completions": {"POST": runtime.create_chat_completion},
    "/v1/models": {"GET": runtime.list_models},
    # Codex leaves /v1 out when its base URL has none.
    "/models": {"GET": runtime.list_models},
    "/v1/kiro/usage-limits": {"GET": runtime.usage_limits},
    "/v1/usage": {"GET": runtime.own_usage},
}

ADMIN = frozenset({"/admin", "/metrics"})
"""Answered, with everything below /admin, by the admin API's own table."""

MODEL_PREFIX = "/v1/models/"
MODEL: Methods = {"GET": runtime.get_model}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: its route without account and trailing slashes, and the parts in it.

    `every` answers whatever the method is, OPTIONS too, and has routes of its own.
    """

    route: str
    methods: Methods
    account: str | None = None
    tail: str = ""
    every: Endpoint | None = None


def locate(path: str) -> Place | None:
    """Find the route for a path; None when there is none."""
    account: str | None = None
    if path.startswith("/a/"):
        account, _, path = path[3:].partition("/")
        if not account:
            return None
        path = "/" + path
    path = path.rstrip("/") or "/"
    if account is None and (path in ADMIN or path.startswith("/admin/")):
        return Place("/admin", {}, every=serve_admin)
    if account is None and path.startswith("/ui/"):
        return Place("/ui", PUBLIC["/ui"], tail=path.removeprefix("/ui"))
    if (methods := RUNTIME.get(path)) is not None:
        return Place(path, methods, account)
    if path.startswith(MODEL_PREFIX):
        return Place("/v1/models/{id}", MODEL, account, path.removeprefix(MODEL_PREFIX))
    if account is None and (methods := PUBLIC.get(path)) is not None:
        return Place(path, methods)
    return None


def is_cross_origin(path: str) -> bool:
    """Whether pages of any origin may read the answer: the runtime API needs its key anyway."""
    return path.startswith(("/v1/", "/a/", "/models"))


def allowed_methods(place: Place | None) -> tuple[str, ...]:
    """What the header `Allow` names; of an unknown path, everything that is in use anywhere."""
    methods = ("GET", "POST") if place is None else tuple(place.methods)
    return (*methods, *(("HEAD",) if "GET" in methods else ()), "OPTIONS")


def endpoint_for(place: Place | None, method: str) -> Endpoint:
    """The endpoint for a method; HEAD is answered as GET without a body.

    Raises:
        NotFound: there is no such path.
        MethodNotAllowed: there is, for other methods.
    """
    if place is None:
        raise NotFound("There is no such path here. GET / lists the endpoints.")
    if place.every is not None:
        return place.every
    wanted = "GET" if method == "HEAD" else method
    if wanted not in place.methods:
        raise MethodNotAllowed(
            f"{method} is not allowed here; use {' or '.join(place.methods)}.",
            allowed=allowed_methods(place),
        )
    return place.methods[wanted]


def dialect_for(place: Place | None, headers: Headers) -> Dialect:
    """Whose shape errors take."""
    return runtime.dialect_of(place.route if place else "", headers)
