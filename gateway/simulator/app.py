"""The simulator as a Starlette app."""

import time
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.simulator.accounts import DEMO_ACCOUNTS, DemoAccount
from gateway.simulator.control import CONTROL_ROUTES
from gateway.simulator.delivery import SERVER_SEND
from gateway.simulator.operations import OPERATION_ROUTES
from gateway.simulator.refusals import UNKNOWN_OPERATION
from gateway.simulator.region import with_region
from gateway.simulator.service import refusal_response
from gateway.simulator.signin.routes import SIGN_IN_ROUTES
from gateway.simulator.state import Simulator


class SimulatorApp(Starlette):
    """Starlette, with the server's own `send` kept where a scenario can break the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope[SERVER_SEND] = send
        await super().__call__(with_region(scope), receive, send)


def create_simulator(
    *,
    seed: int = 0,
    clock: Callable[[], float] = time.time,
    accounts: Sequence[DemoAccount] = DEMO_ACCOUNTS,
) -> Starlette:
    """A Kiro service with these accounts; its state is `app.state.simulator`, a `Simulator`.

    Equal seeds and equal requests, one after the other, give equal answers. `clock` gives seconds
    since 1970; token lifetimes and dates follow it, the pace of streams does not.
    """
    app = SimulatorApp(
        routes=[*OPERATION_ROUTES, *SIGN_IN_ROUTES, *CONTROL_ROUTES],
        exception_handlers={404: _unknown_operation, 405: _unknown_operation},
    )
    app.router.redirect_slashes = False
    app.state.simulator = Simulator(accounts, seed=seed, clock=clock)
    return app


async def _unknown_operation(_request: Request, _exc: Exception) -> Response:
    return refusal_response(UNKNOWN_OPERATION, "unknown-operation")
