"""/admin/requests as it comes: server-sent events for those who accept them."""

import time

import anyio
import msgspec
from anyio.abc import TaskGroup

from gateway.errors import NotAuthenticated
from gateway.store.former_names import names_by_id
from gateway.store.requests import RequestTail
from gateway.web.admin.access import Visit, check_identity
from gateway.web.admin.call import Call
from gateway.web.admin.errors import SlowDown
from gateway.web.admin.requests import (
    RequestList,
    RequestQuery,
    list_all,
    request_filter,
    request_object,
)
from gateway.web.generation import STREAM_HEADERS
from gateway.web.openapi.operation import EVENT_STREAM

# Each asks the database once a second.
MAX_TAILS = 32
OPENING = b"retry: 2000\n\n"  # milliseconds until a browser that was cut off comes back
PING = b": ping\n\n"


async def list_or_follow(call: Call) -> RequestList | None:
    """GET /admin/requests: a page of the log or, as server-sent events, what is new in it."""
    accepted = call.exchange.headers.get("accept", "")
    if EVENT_STREAM not in accepted or call.exchange.scope["method"] == "HEAD":
        return await list_all(call)
    admin = call.services.admin
    if admin.tails >= MAX_TAILS:
        raise SlowDown(f"{MAX_TAILS} follow the log already. Close some of them.", retry_after=5)
    admin.tails += 1
    try:
        await _follow(call, call.query(RequestQuery))
    finally:
        admin.tails -= 1
    return None


async def _follow(call: Call, query: RequestQuery) -> None:
    database = call.services.database
    async with database.connect() as db:
        names = await names_by_id(db)
    tail = RequestTail(database, request_filter(query, names), since=call.now)
    await tail.poll()
    await call.exchange.start(200, STREAM_HEADERS)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_watch_client, call, tasks)
        await _send_news(call, tail)
        tasks.cancel_scope.cancel()


async def _watch_client(call: Call, tasks: TaskGroup) -> None:
    while (await call.exchange.receive())["type"] != "http.disconnect":
        pass
    tasks.cancel_scope.cancel()


async def _send_news(call: Call, tail: RequestTail) -> None:
    """Until the gateway stops, the client takes nothing any more, or may not see it any more."""
    services = call.services
    sent_at = checked_at = time.monotonic()
    going_on = await _write(call, OPENING)
    while going_on and not services.draining:
        await anyio.sleep(services.admin.tail_interval)
        if time.monotonic() - checked_at >= services.admin.tail_recheck:
            checked_at = time.monotonic()
            if not await _may_still_see(call):
                break
        if news := await tail.poll():
            async with services.database.connect() as db:
                names = await names_by_id(db)
            events = [_event(msgspec.json.encode(request_object(one, names))) for one in news]
            going_on = await _write(call, b"".join(events))
            sent_at = time.monotonic()
        elif time.monotonic() - sent_at >= services.timing.ping_interval:
            going_on = await _write(call, PING)
            sent_at = time.monotonic()
    await call.exchange.send({"type": "http.response.body", "body": b""})


async def _may_still_see(call: Call) -> bool:
    try:
        await check_identity(call.exchange, Visit(call.client), call.operation.access)
    except NotAuthenticated:
        return False
    return True


async def _write(call: Call, body: bytes) -> bool:
    """Whether the client took it."""
    with anyio.move_on_after(call.services.timing.stalled_client) as sending:
        await call.exchange.send({"type": "http.response.body", "body": body, "more_body": True})
    return not sending.cancelled_caught


def _event(data: bytes) -> bytes:
    return b"event: request\ndata: " + data + b"\n\n"
