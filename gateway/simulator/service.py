"""What every operation of the service has in common: who asks, how it is logged and refused."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Literal, cast

import anyio
from starlette.requests import Request
from starlette.responses import Response

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.answers import make_uuid
from gateway.simulator.delivery import Disturbance
from gateway.simulator.refusals import BEARER_INVALID, JSON_TYPE, UNKNOWN_OPERATION, Refusal
from gateway.simulator.region import API_REGIONS, REGION
from gateway.simulator.request_log import Entry, shortened_headers, without_secrets
from gateway.simulator.rule import Breach, Refused, refused
from gateway.simulator.scenario import USUAL, Operation
from gateway.simulator.state import Simulator
from gateway.simulator.strict_json import JsonObject
from gateway.simulator.wire import encode_json

_DELAY = 1.0  # seconds, where a scenario gives none
_FOREIGN_HEADERS = ("cookie", "x-api-key", "x-amz-security-token")
_FOREIGN_PREFIXES = ("anthropic-", "openai-")


class Asked:
    """One request on its way through the simulator.

    Attributes:
        body: the raw bytes.
        entry: its log entry.
        ids: its randomness.
        scenario: what it has met.
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
        self.scenario = USUAL
        self.request_id = make_uuid(ids)

    @property
    def region(self) -> str | None:
        """The region whose host was asked; None: the address names none."""
        return cast("str | None", self.request.scope.get(REGION))

    @property
    def base_url(self) -> str:
        """The address that was asked, without the operation's path."""
        return str(self.request.base_url).rstrip("/")

    def json(self, answer: JsonObject, content_type: str = JSON_TYPE) -> Response:
        """A successful answer, as the scenario alters it."""
        if self.scenario.alter is not None:
            answer = self.scenario.alter(answer)
        return Response(
            encode_json(answer),
            headers={"content-type": content_type, "x-amzn-requestid": self.request_id},
        )

    async def meet_scenario(self, operation: Operation, account: str | None) -> None:
        """Live through what is armed for this operation, if something is.

        Raises:
            Refused: it is a refusal.
            Disturbed: no answer will come.
        """
        armed = self.simulator.shelf.take(operation, account, region=self.region)
        if armed is None:
            return
        self.scenario = armed.scenario
        self.entry.scenario = armed.scenario.name
        if armed.scenario.refusal is not None:
            raise Refused([], armed.scenario.refusal)
        match armed.scenario.trouble:
            case "reset" | "silence" as trouble:
                raise Disturbed(trouble)
            case "delay":
                await anyio.sleep(_DELAY if armed.seconds is None else armed.seconds)


class Disturbed(Exception):
    """The connection comes to harm before an answer."""

    def __init__(self, trouble: Literal["reset", "silence"]) -> None:
        super().__init__(trouble)
        self.trouble = trouble


Handler = Callable[[Asked], Awaitable[Response]]


def endpoint(
    operation: Operation, handle: Handler, *, secret: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """Make a route of a handler. Of `secret` bodies the log shows no secret."""

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
                body=without_secrets(body) if secret else body,
                query=dict(request.query_params),
            )
        )
        asked = Asked(simulator, request, body, entry, simulator.next_ids(operation))
        try:
            response = await handle(asked)
        except Refused as exc:
            entry.breaches = exc.breaches
            response = refusal_response(exc.refusal, asked.request_id)
        except Disturbed as exc:
            return Disturbance(reset=exc.trouble == "reset")
        if asked.scenario.trouble == "lost":
            response = Disturbance(reset=True)
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
        Disturbed: the region has no such host.
    """
    check_host(asked, API_REGIONS)
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


def check_host(asked: Asked, regions: frozenset[str]) -> None:
    """Let nothing answer in regions that have no such host.

    Raises:
        Disturbed: the address names another region than these.
    """
    if asked.region is not None and asked.region not in regions:
        asked.entry.breaches = [Breach("no-such-host", asked.region)]
        raise Disturbed("reset")


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
