"""/admin/requests as it comes: server-sent events for those who accept them."""

import time
from datetime import datetime

import anyio
import msgspec
from anyio.abc import TaskGroup

from gateway.errors import InvalidRequest, NotAuthenticated
from gateway.store.former_names import names_by_id
from gateway.store.paging import decode_cursor, encode_cursor
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
OPENING = b"retry: 2000\n"  # milliseconds until a browser that was cut off comes back
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
    since, after = _position(call)
    tail = RequestTail(database, request_filter(query, names), since=since, after=after)
    await tail.poll()
    await call.exchange.start(200, STREAM_HEADERS)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_watch_client, call, tasks)
        await _send_news(call, tail, since)
        tasks.cancel_scope.cancel()


def _position(call: Call) -> tuple[datetime, int | None]:
    """Since when, and behind which request: a browser that was cut off says what it had last."""
    last = call.exchange.headers.get("last-event-id", "")
    if not last:
        return call.now, None
    try:
        since, after = decode_cursor(last, tuple[datetime, int])
    except InvalidRequest as exc:
        raise InvalidRequest("Last-Event-ID: has to be the id of an event of this log.") from exc
    if since.tzinfo is None or not 0 <= after < 2**63:
        raise InvalidRequest("Last-Event-ID: has to be the id of an event of this log.")
    return since, after


async def _watch_client(call: Call, tasks: TaskGroup) -> None:
    while (await call.exchange.receive())["type"] != "http.disconnect":
        pass
    tasks.cancel_scope.cancel()


async def _send_news(call: Call, tail: RequestTail, since: datetime) -> None:
    """Until the gateway stops, the client takes nothing any more, or may not see it any more."""
    services = call.services
    sent_at = checked_at = time.monotonic()
    told = tail.reached
    going_on = await _write(call, OPENING + _id(since, told) + b"\n")
    while going_on and not services.draining:
        await anyio.sleep(services.admin.tail_interval)
        if time.monotonic() - checked_at >= services.admin.tail_recheck:
            checked_at = time.monotonic()
            if not await _may_still_see(call):
                break
        if news := await tail.poll():
            async with services.database.connect() as db:
                names = await names_by_id(db)
            events = bytearray()
            for one in news:
                told = max(told, one.seq)
                data = msgspec.json.encode(request_object(one, names))
                events += b"event: request\n" + _id(since, told) + b"data: " + data + b"\n\n"
            going_on = await _write(call, bytes(events))
            sent_at = time.monotonic()
        elif time.monotonic() - sent_at >= services.timing.ping_interval:
            told = tail.reached  # else who is told little would have much to look through again
            going_on = await _write(call, _id(since, told) + PING)
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


def _id(since: datetime, seq: int) -> bytes:
    return f"id: {encode_cursor(since, seq)}\n".encode()
