"""How the control API reads an order, and answers it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.simulator.service import simulator_of
from gateway.simulator.state import Simulator
from gateway.simulator.wire import encode_json

LONGEST_WAIT = 30.0  # seconds


class BadOrder(Exception):
    """A control request makes no sense; says why."""


Order = TypeVar("Order", bound=msgspec.Struct)
Action = Callable[[Simulator, Order], object]


def order_route(path: str, method: str, shape: type[Order], act: Action[Order]) -> Route:
    """A route that reads an order, carries it out and answers what came of it."""
    decoder = msgspec.json.Decoder(shape)

    async def answer(request: Request) -> Response:
        try:
            order = decoder.decode(await request.body() or b"{}")
            return _json(act(simulator_of(request), order))
        except (msgspec.ValidationError, msgspec.DecodeError, BadOrder) as exc:
            return _json({"error": str(exc)}, 400)

    return Route(path, answer, methods=[method])


def question_route(path: str, ask: Callable[[Simulator, Request], Awaitable[object]]) -> Route:
    """A route that tells something."""

    async def answer(request: Request) -> Response:
        try:
            return _json(await ask(simulator_of(request), request))
        except BadOrder as exc:
            return _json({"error": str(exc)}, 400)

    return Route(path, answer, methods=["GET"])


def patience_of(request: Request) -> float:
    """For how many seconds a question may wait for its answer, by `?seconds=`."""
    try:
        return min(float(request.query_params.get("seconds", "10")), LONGEST_WAIT)
    except ValueError:
        raise BadOrder("seconds is a number") from None


def known_account(simulator: Simulator, name: str | None) -> None:
    """Check a name that an order gives.

    Raises:
        BadOrder: nobody is called that.
    """
    if name is not None and name not in simulator.desk.accounts:
        raise BadOrder(f"no account {name!r}; GET /_sim/accounts lists them")


def _json(value: object, status: int = 200) -> Response:
    return Response(encode_json(value), status, media_type="application/json")
