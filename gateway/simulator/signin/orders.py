"""The part of the control API that is about signing in."""

import msgspec

from gateway.simulator.orders import BadOrder, order_route
from gateway.simulator.signin.people import METHODS, Way
from gateway.simulator.signin.scripts import CallbackPath, Page, Script
from gateway.simulator.state import Simulator


class SignInOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/sign-in`: how the next visits to a page end. `times` null: until reset."""

    page: Page = "portal"
    times: int | None = 1
    way: Way = "google"
    account: str | None = None
    error: str | None = None
    error_description: str | None = None
    path: CallbackPath | None = None
    camel: bool = False
    query: dict[str, str | None] = {}


def script_sign_in(simulator: Simulator, order: SignInOrder) -> object:
    """Let a page end as ordered, without anybody pressing a button."""
    known = simulator.desk.accounts.get(order.account or "")
    if order.page == "portal" and known and known.auth_method != METHODS[order.way]:
        raise BadOrder(f"{known.name} signs in by {known.auth_method}, not by {order.way}")
    simulator.scripts.add(
        Script(
            page=order.page,
            left=order.times,
            way=order.way,
            account=order.account,
            error=order.error,
            error_description=order.error_description,
            path=order.path,
            camel=order.camel,
            query=order.query,
        )
    )
    return {"page": order.page, "times": order.times}


SIGN_IN_ORDERS = [
    order_route("/_sim/sign-in", "PUT", SignInOrder, script_sign_in),
]
