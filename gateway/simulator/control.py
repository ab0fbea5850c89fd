"""The control API under `/_sim/`: how tests and people direct the simulator."""

from dataclasses import replace
from typing import Literal

import anyio
import msgspec
from starlette.requests import Request

from gateway.simulator.account_orders import ACCOUNT_ORDERS
from gateway.simulator.answers import TailEvents
from gateway.simulator.delivery import Streams
from gateway.simulator.orders import (
    BadOrder,
    known_account,
    order_route,
    patience_of,
    question_route,
)
from gateway.simulator.scenario import API_OPERATIONS, OPERATIONS, Operation
from gateway.simulator.scenarios import SCENARIOS, Armed
from gateway.simulator.signin.orders import SIGN_IN_ORDERS
from gateway.simulator.state import Simulator
from gateway.simulator.webhook_orders import WEBHOOK_ORDERS

_POINTS = ("headers", "closing", "end")


class ScenarioOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/scenario`. `times` null: until reset."""

    name: str
    times: int | None = 1
    operation: Operation | Literal["api"] = "generate"
    account: str | None = None
    marker: str | None = None
    region: str | None = None
    model: str | None = None
    seconds: float | None = None


class PaceOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/pace`; 0: as fast as possible."""

    events_per_second: float


class GateOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/gate`: `headers`, `frame:N`, `closing` or `end`."""

    point: str


class ReleaseOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /_sim/release`; null: all, and no gate any more."""

    count: int | None = None


class ClockOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /_sim/clock`: let so much time pass at once."""

    advance_seconds: float


class EventsOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/events`: which accompanying events are sent; null: as before."""

    message_metadata: bool | None = None
    metering: bool | None = None
    metadata: bool | None = None
    context_usage: bool | None = None


class ResetOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /_sim/reset`. With `tokens`, only the first tokens are good again."""

    tokens: bool = False


def arm(simulator: Simulator, order: ScenarioOrder) -> object:
    """Let a scenario wait for the next requests."""
    scenario = SCENARIOS.get(order.name)
    if scenario is None:
        raise BadOrder(f"no scenario {order.name!r}; GET /_sim/scenarios lists them")
    wanted = API_OPERATIONS if order.operation == "api" else {order.operation}
    if not wanted <= scenario.operations:
        able = ", ".join(sorted(scenario.operations))
        raise BadOrder(f"{order.name!r} is nothing that {order.operation} can meet; try {able}")
    known_account(simulator, order.account)
    simulator.shelf.arm(
        Armed(
            scenario,
            operation=order.operation,
            left=order.times,
            account=order.account,
            marker=order.marker,
            region=order.region,
            model=order.model,
            seconds=order.seconds,
        )
    )
    return {"armed": order.name, "times": order.times}


def set_pace(simulator: Simulator, order: PaceOrder) -> object:
    """Set how fast streams begun from now on are told."""
    if order.events_per_second < 0:
        raise BadOrder("events_per_second is 0 or more")
    simulator.streams.pace = order.events_per_second
    return {"events_per_second": order.events_per_second}


def put_gate(simulator: Simulator, order: GateOrder) -> object:
    """Make streams wait at a point."""
    kind, _, number = order.point.partition(":")
    if order.point not in _POINTS and not (kind == "frame" and number.isdecimal()):
        raise BadOrder(f"a gate stands at frame:N or one of {', '.join(_POINTS)}")
    simulator.streams.put_gate(order.point)
    return {"gate": order.point}


def release(simulator: Simulator, order: ReleaseOrder) -> object:
    """Let streams pass the gate."""
    simulator.streams.release(order.count)
    return {"released": order.count}


def advance_clock(simulator: Simulator, order: ClockOrder) -> object:
    """Move the simulator's clock ahead of the wall's."""
    if order.advance_seconds < 0:
        raise BadOrder("time does not go back; POST /_sim/reset sets the clock right again")
    simulator.clock.advance(order.advance_seconds)
    return {"now": simulator.clock()}


def set_events(simulator: Simulator, order: EventsOrder) -> object:
    """Choose the events that accompany an answer."""
    changes = {
        name: value for name, value in msgspec.structs.asdict(order).items() if value is not None
    }
    simulator.tail = replace(simulator.tail, **changes)
    return _tail(simulator.tail)


def reset(simulator: Simulator, order: ResetOrder) -> object:
    """Back to the start."""
    simulator.reset(tokens=order.tokens)
    return {"reset": True}


def _tail(tail: TailEvents) -> dict[str, bool]:
    return {
        "message_metadata": tail.message_metadata,
        "metering": tail.metering,
        "metadata": tail.metadata,
        "context_usage": tail.context_usage,
    }


async def list_scenarios(_simulator: Simulator, _request: Request) -> object:
    """Every scenario with one line about it."""
    return {
        "operations": OPERATIONS,
        "scenarios": [
            {
                "name": one.name,
                "summary": one.summary,
                "status": 200 if one.refusal is None else one.refusal.status,
                "operations": sorted(one.operations),
            }
            for one in SCENARIOS.values()
        ],
    }


async def show_log(simulator: Simulator, request: Request) -> object:
    """The last requests, oldest first; `?operation=` and `?last=N` choose."""
    entries = simulator.log.entries(request.query_params.get("operation"))
    last = request.query_params.get("last", "")
    if last.isdecimal():
        entries = entries[-int(last) :] if int(last) else []
    return {"requests": [entry.as_json() for entry in entries]}


async def show_connections(simulator: Simulator, request: Request) -> object:
    """The counters of streams; `?until=open:0,cancelled:1` waits for these values first.

    It waits `?seconds=` at most (10 unless told otherwise) and says in `reached` how that went.
    """
    streams = simulator.streams
    wanted = _wanted(request.query_params.get("until", ""), streams)
    with anyio.move_on_after(patience_of(request)):
        while any(streams.counts()[name] != count for name, count in wanted.items()):
            await streams.wait_for_change()
    counts = streams.counts()
    reached = all(counts[name] == count for name, count in wanted.items())
    return {**counts, "reached": reached}


def _wanted(until: str, streams: Streams) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for condition in filter(None, until.split(",")):
        name, _, count = condition.partition(":")
        if name not in streams.counts() or not count.isdecimal():
            raise BadOrder("until is a list such as open:0,cancelled:1")
        wanted[name] = int(count)
    return wanted


async def show_health(simulator: Simulator, _request: Request) -> object:
    """That it runs, and with which seed."""
    return {"status": "ok", "seed": simulator.seed}


CONTROL_ROUTES = [
    question_route("/_sim/health", show_health),
    question_route("/_sim/scenarios", list_scenarios),
    question_route("/_sim/log", show_log),
    question_route("/_sim/connections", show_connections),
    order_route("/_sim/scenario", "PUT", ScenarioOrder, arm),
    order_route("/_sim/pace", "PUT", PaceOrder, set_pace),
    order_route("/_sim/gate", "PUT", GateOrder, put_gate),
    order_route("/_sim/release", "POST", ReleaseOrder, release),
    order_route("/_sim/clock", "POST", ClockOrder, advance_clock),
    order_route("/_sim/events", "PUT", EventsOrder, set_events),
    order_route("/_sim/reset", "POST", ResetOrder, reset),
    *ACCOUNT_ORDERS,
    *SIGN_IN_ORDERS,
    *WEBHOOK_ORDERS,
]
