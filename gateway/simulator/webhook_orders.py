"""The control API of the places that notifications are sent to."""

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.simulator.orders import BadOrder, order_route, patience_of, question_route
from gateway.simulator.service import simulator_of
from gateway.simulator.state import Simulator
from gateway.simulator.webhooks import WebhookOrder, receive


def arm_webhook(simulator: Simulator, order: WebhookOrder) -> object:
    """Let the next messages to a place meet something."""
    simulator.mailroom.arm(order)
    return {"armed": order.name, "times": order.times}


async def show_webhooks(simulator: Simulator, request: Request) -> object:
    """What was sent, oldest first; `?name=` chooses, `?count=N` waits until there are so many.

    It waits `?seconds=` at most (10 unless told otherwise).
    """
    name = request.query_params.get("name")
    count = request.query_params.get("count", "0")
    if not count.isdecimal():
        raise BadOrder("count is a number")
    mailroom = simulator.mailroom
    with anyio.move_on_after(patience_of(request)):
        await mailroom.wait_for(name, int(count))
    return {"messages": [one.as_json() for one in mailroom.sent_to(name)]}


async def receive_webhook(request: Request) -> Response:
    """Take a message, as Teams, Slack or anybody else would."""
    simulator = simulator_of(request)
    return await receive(simulator.mailroom, request, simulator.clock())


WEBHOOK_ORDERS = [
    order_route("/_sim/webhooks", "PUT", WebhookOrder, arm_webhook),
    question_route("/_sim/webhooks", show_webhooks),
    Route("/_sim/webhooks/{kind}/{name}", receive_webhook, methods=["POST"]),
]
