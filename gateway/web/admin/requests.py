"""/admin/requests: what clients asked and how it went; a page of it, one of it, or as it comes."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.store.former_names import names_by_id
from gateway.store.paging import DEFAULT_LIMIT
from gateway.store.requests import RequestFilter, StoredRequest, get_request, list_requests
from gateway.store.usage import Attempt, Bodies, Origin, RequestDetail
from gateway.web.admin.call import Call
from gateway.web.admin.documents import Names
from gateway.web.admin.listing import Cursor, Limit, TimeText, read_time
from gateway.web.admin.usage import Choice, chosen_ids, chosen_models

Status = Annotated[
    str,
    Meta(pattern=r"^([1-5]([0-9]{2}|xx)?)?$", description="Such as 404, or 4xx for all of them."),
]


class RequestQuery(msgspec.Struct, frozen=True):
    """Which requests."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None
    sort: Literal["-created_at", "created_at"] = "-created_at"
    q: Annotated[
        str, Meta(max_length=128, description="The beginning of a request id, or a whole id.")
    ] = ""
    key_id: Choice = ""
    account: Choice = ""
    provider: Choice = ""
    model: Choice = ""
    status: Status = ""
    failed: bool | UnsetType = UNSET
    error: Annotated[str, Meta(max_length=64, description="The name of an error.")] = ""
    stream: bool | UnsetType = UNSET
    since: TimeText | UnsetType = msgspec.field(name="from", default=UNSET)
    until: TimeText | UnsetType = msgspec.field(name="to", default=UNSET)


class RequestObject(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `created_at` is when it ended, `error` the name of what ended it.

    `origin` tells what an admin asked from what clients did.
    """

    id: str
    request_id: str
    created_at: datetime
    key_id: str
    key_name: str
    account_id: str | None
    account: str | None
    route: str
    model: str
    model_served: str
    status: int
    stream: bool
    failed: bool
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    usage_source: str
    credits: float | None
    stop_reason: str | None
    first_token_ms: int | None
    duration_ms: int
    retries: int
    error: str | None
    error_source: str | None
    origin: Literal["client"] | Origin


class AttemptObject(msgspec.Struct, frozen=True):
    """One call of the service. Times are milliseconds since the request came."""

    account: str
    outcome: str
    started_ms: int
    duration_ms: int
    waited_ms: int
    status: int | None
    first_event_ms: int | None
    upstream_request_id: str | None
    message: str | None


class BodiesObject(msgspec.Struct, frozen=True):
    """What was sent and got, as text; kept for a while, when an operator has switched it on."""

    expires_at: datetime
    request: str | None
    kiro: str | None
    response: str | None


class RequestDetailObject(RequestObject, frozen=True, kw_only=True):
    """A request with everything that is known of it."""

    error_message: str | None
    notes: list[str]
    attempts: list[AttemptObject]
    limit: Annotated[str | None, Meta(description="The limit of the key that it ran into.")]
    queued_ms: int
    peer: str | None
    client: str | None
    conversation_id: str | None
    upstream_request_id: str | None
    received_bytes: int | None
    sent_bytes: int | None
    bodies: BodiesObject | None


class RequestList(msgspec.Struct, frozen=True):
    """Some requests. Where counting would take long, `total` is what was counted so far."""

    requests: list[RequestObject]
    total: int
    total_is_exact: bool
    next_cursor: str | None


async def list_all(call: Call) -> RequestList:
    """The page that a query asks for."""
    query = call.query(RequestQuery)
    async with call.services.database.connect() as db:
        names = await names_by_id(db)
        page = await list_requests(
            db,
            request_filter(query, names),
            limit=query.limit,
            cursor=query.cursor or None,
            newest_first=query.sort.startswith("-"),
        )
    shown = [request_object(stored, names) for stored in page.items]
    return RequestList(shown, page.total, page.total_is_exact, page.next_cursor)


async def get(call: Call) -> RequestDetailObject:
    """GET /admin/requests/{id}: by its own id, or by the request id that clients were told."""
    database = call.services.database
    async with database.connect() as db:
        stored = await get_request(db, database.secrets, call.variables["id"], now=call.now)
        names = await names_by_id(db)
    return _detail_object(stored, names)


def request_filter(query: RequestQuery, names: Names) -> RequestFilter:
    """The same as the store takes it."""
    return RequestFilter(
        key_ids=chosen_ids(query.key_id, names),
        account_ids=chosen_ids(query.account or query.provider, names),
        models=chosen_models(query.model),
        since=read_time(query.since, "from"),
        until=read_time(query.until, "to"),
        status=int(query.status.removesuffix("xx")) if query.status else None,
        failed=None if query.failed is UNSET else query.failed,
        error_class=query.error or None,
        stream=None if query.stream is UNSET else query.stream,
        request_id=query.q.strip() or None,
    )


def request_object(stored: StoredRequest, names: Names) -> RequestObject:
    """Show a request."""
    record = stored.record
    account_id = record.account_id
    return RequestObject(
        id=record.id,
        request_id=record.request_id,
        created_at=record.at,
        key_id=record.api_key_id,
        key_name=names.get(record.api_key_id, record.api_key_id),
        account_id=account_id,
        account=names.get(account_id, account_id) if account_id else None,
        route=record.route,
        model=record.model_asked,
        model_served=record.model_served,
        status=record.status,
        stream=record.stream,
        failed=record.failed,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cache_read_tokens=record.cache_read_tokens,
        cache_write_tokens=record.cache_write_tokens,
        usage_source=record.usage_source,
        credits=record.credits,
        stop_reason=record.stop_reason,
        first_token_ms=record.first_token_ms,
        duration_ms=record.duration_ms,
        retries=record.retries,
        error=record.error_class,
        error_source=record.error_source,
        origin=record.origin or "client",
    )


def _detail_object(stored: StoredRequest, names: Names) -> RequestDetailObject:
    detail = stored.record.detail or RequestDetail()
    return RequestDetailObject(
        **msgspec.structs.asdict(request_object(stored, names)),
        error_message=detail.error_message,
        notes=list(detail.notes),
        attempts=[_attempt(attempt) for attempt in detail.attempts],
        limit=detail.limit,
        queued_ms=detail.queued_ms,
        peer=detail.peer,
        client=detail.client,
        conversation_id=detail.conversation_id,
        upstream_request_id=detail.upstream_request_id,
        received_bytes=detail.received_bytes,
        sent_bytes=detail.sent_bytes,
        bodies=_bodies(stored.record.bodies),
    )


def _attempt(attempt: Attempt) -> AttemptObject:
    return AttemptObject(
        account=attempt.account,
        outcome=attempt.outcome,
        started_ms=attempt.started_ms,
        duration_ms=attempt.duration_ms,
        waited_ms=attempt.waited_ms,
        status=attempt.status,
        first_event_ms=attempt.first_event_ms,
        upstream_request_id=attempt.upstream_request_id,
        message=attempt.message,
    )


def _bodies(bodies: Bodies | None) -> BodiesObject | None:
    if bodies is None:
        return None
    return BodiesObject(
        bodies.expires_at, _text(bodies.request), _text(bodies.kiro), _text(bodies.response)
    )


def _text(body: bytes | None) -> str | None:
    return None if body is None else body.decode(errors="replace")
