"""What every operation of the service has in common: who asks, how it is logged and refused."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.answers import make_uuid
from gateway.simulator.refusals import BEARER_INVALID, JSON_TYPE, UNKNOWN_OPERATION, Refusal
from gateway.simulator.request_log import Entry, shortened_headers
from gateway.simulator.rule import Refused, refused
from gateway.simulator.scenarios import Operation
from gateway.simulator.state import Simulator
from gateway.simulator.strict_json import JsonObject
from gateway.simulator.wire import encode_json

_FOREIGN_HEADERS = ("cookie", "x-api-key", "x-amz-security-token")
_FOREIGN_PREFIXES = ("anthropic-", "openai-")


class Asked:
    """One request on its way through the simulator.

    Attributes:
        body: the raw bytes.
        entry: its log entry.
        ids: its randomness.
        request_id: what `x-amzn-requestid` will say.
    """

    def __init__(
        self, simulator: Simulator, request: Request, body: bytes, entry: Entry, ids: Random
    ) -> None:
        self.simulator = simulator
        self.request = request
        self.body = body
        self.entry = entry
        self.ids = ids
        self.request_id = make_uuid(ids)

    def json(self, answer: JsonObject, content_type: str = JSON_TYPE) -> Response:
        """A successful answer."""
        return Response(
            encode_json(answer),
            headers={"content-type": content_type, "x-amzn-requestid": self.request_id},
        )

    def meet_scenario(self, operation: Operation, account: str | None) -> None:
        """Give the refusal that is armed for this operation, if one is.

        Raises:
            Refused: there is one.
        """
        if armed := self.simulator.shelf.take(operation, account):
            self.entry.scenario = armed.scenario.name
            if armed.scenario.refusal is not None:
                raise Refused([], armed.scenario.refusal)


Handler = Callable[[Asked], Awaitable[Response]]


def endpoint(
    operation: Operation, handle: Handler, *, secret: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """Make a route of a handler. `secret` bodies are not logged."""

    async def answer(request: Request) -> Response:
        simulator = simulator_of(request)
        body = await request.body()
        entry = simulator.log.add(
            Entry(
                at=simulator.clock(),
                operation=operation,
                method=request.method,
                path=request.url.path,
                headers=shortened_headers(request.headers.items()),
                body=b"" if secret else body,
            )
        )
        asked = Asked(simulator, request, body, entry, simulator.next_ids(operation))
        try:
            response = await handle(asked)
        except Refused as exc:
            entry.breaches = exc.breaches
            response = refusal_response(exc.refusal, asked.request_id)
        entry.status = response.status_code
        return response

    return answer


def simulator_of(request: Request) -> Simulator:
    """The state behind the app that this request came to."""
    return cast("Simulator", request.app.state.simulator)


def refusal_response(refusal: Refusal, request_id: str) -> Response:
    """A refusal as HTTP."""
    headers = {"x-amzn-requestid": request_id, **dict(refusal.headers)}
    if refusal.content_type:
        headers["content-type"] = refusal.content_type
    return Response(refusal.body, refusal.status, headers)


def authenticate(asked: Asked) -> DemoAccount:
    """Whose request this is.

    Raises:
        Refused: there is no good bearer, `TokenType` does not fit it, or the request carries
            headers that belong to the client's conversation with somebody else.
    """
    headers = asked.request.headers
    for name in headers:
        if name in _FOREIGN_HEADERS or name.startswith(_FOREIGN_PREFIXES):
            raise refused("foreign-header", name)
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    account = asked.simulator.desk.holder(bearer) if scheme == "Bearer" else None
    if account is None:
        raise refused("bearer", "authorization", BEARER_INVALID)
    asked.entry.account = account.name
    if headers.get("tokentype") != account.token_type:
        raise refused("token-type", "tokentype", BEARER_INVALID)
    return account


def check_content_type(asked: Asked, *allowed: str) -> None:
    """Refuse a body of another type.

    Raises:
        Refused: with the rule `content-type`.
    """
    given = asked.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in allowed:
        raise refused("content-type", given)


def check_target(asked: Asked, expected: str) -> None:
    """Refuse a REST-like call whose `X-Amz-Target` names another operation; it may be absent.

    Raises:
        Refused: with the rule `target`.
    """
    target = asked.request.headers.get("x-amz-target")
    if target is not None and target != expected:
        raise refused("target", target, UNKNOWN_OPERATION)
