"""Requests: what each one cost and how it went, kept for statistics and for the request log."""

import secrets as random_source
import zlib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, NoReturn

import anyio
import anyio.to_thread
import msgspec
import structlog
from sqlalchemy import Connection, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import StoreError
from gateway.store.api_keys import touch_api_keys
from gateway.store.database import Database, insert_into
from gateway.store.paging import is_storable
from gateway.store.roll_ups import EPOCH, Cell, Sums, add_to_roll_ups, hour_of
from gateway.store.secrets import SecretBox
from gateway.store.tables import request_bodies, request_details, usage_records

GATHER = 0.2  # seconds from one write to the next, while a busy machine may stretch all else
# About twenty megabytes: an hour of three replies a second while the database refuses.
MAX_PENDING = 10_000
MAX_BATCH = 500  # rows in one transaction
FIRST_RETRY, LAST_RETRY = 1.0, 30.0  # seconds

MILLISECOND = timedelta(milliseconds=1)

# What clients make up must fit into a row, whatever they send.
MAX_NAME = 256  # characters of a model's name
MAX_COUNT = 2**31 - 1  # what an integer column holds
MAX_BODY = 8 * 1024 * 1024  # bytes; longer bodies are not stored
MAX_PENDING_BODIES = 64 * 1024 * 1024  # bytes; beyond it rows are stored without their bodies

Origin = Literal["playground", "replay"]
"""Where in the admin API a request was made that no client sent."""

ADMIN = "admin"
"""Stands for the API key of requests that an admin makes without one. Ids of keys are longer."""

log = structlog.get_logger("gateway.store")


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One upstream call for a request.

    Times are milliseconds since the request arrived; `waited_ms` is the pause before the call.
    `outcome` is `answered` or an error's class.
    """

    account: str
    outcome: str
    started_ms: int
    duration_ms: int
    waited_ms: int = 0
    status: int | None = None
    first_event_ms: int | None = None
    upstream_request_id: str | None = None
    message: str | None = None


class RequestDetail(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the detail of a request shows beside its row.

    `notes` are conversion notes as `kind:subject`, `limit` the member name of a key's limit that
    was hit, `queued_ms` the time spent waiting for another request of the key to end. `sent_bytes`
    is the length of the body that went upstream.
    """

    error_message: str | None = None
    notes: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    limit: str | None = None
    queued_ms: int = 0
    peer: str | None = None
    client: str | None = None
    conversation_id: str | None = None
    upstream_request_id: str | None = None
    received_bytes: int | None = None
    sent_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Bodies:
    """What a client sent, what was sent upstream, what the client got; kept until `expires_at`."""

    expires_at: datetime
    request: bytes | None = field(default=None, repr=False)
    kiro: bytes | None = field(default=None, repr=False)
    response: bytes | None = field(default=None, repr=False)

    def size(self) -> int:
        """Bytes in all of them."""
        return sum(len(body) for body in (self.request, self.kiro, self.response) if body)


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One request. `id` (32 hex digits, see `new_record_id`) makes storing it twice harmless.

    `at` is when it ended. `input_tokens` excludes what came from or went to a cache. `model_asked`
    is the client's name, `model_served` Kiro's. `usage_source` is a word of `gateway.events`, or
    `none` for a request that used nothing; `stop_reason` is a word of the same. `account_id` is
    None for a request that was refused before it had one. `first_token_ms` is None when nothing was
    produced, `error_class` and `error_source` when nothing failed. `origin` is None for what a
    client asked.
    """

    id: str
    at: datetime
    request_id: str
    api_key_id: str
    account_id: str | None
    route: str
    model_asked: str
    model_served: str
    status: int
    stream: bool
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    credits: float | None
    usage_source: str
    stop_reason: str | None
    first_token_ms: int | None
    duration_ms: int
    retries: int
    error_class: str | None
    error_source: str | None = None
    origin: Origin | None = None
    detail: RequestDetail | None = field(default=None, compare=False)
    bodies: Bodies | None = field(default=None, compare=False)

    @property
    def failed(self) -> bool:
        """Whether the client got less than it asked for."""
        return self.status >= 400 or self.error_class is not None


def new_record_id(at: datetime) -> str:
    """A random id that sorts by time, so that rows are added at one end of the index."""
    return f"{(at - EPOCH) // MILLISECOND:012x}{random_source.token_hex(10)}"


async def insert_usage(
    db: AsyncConnection, rows: Sequence[UsageRecord], secrets: SecretBox | None = None
) -> int:
    """As `store_usage`; bodies are stored if there is a box to put them in."""
    sealed = await _sealed(rows, secrets) if secrets is not None else ()
    return await db.run_sync(store_usage, rows, sealed)


def store_usage(
    db: Connection, rows: Sequence[UsageRecord], bodies: Sequence[Mapping[str, object]]
) -> int:
    """Store requests and add them to the sums; those whose id is stored already are passed over.

    Returns how many were new. `bodies` are sealed already, by `record_id`.
    """
    if not rows:
        return 0
    added = _insert_new(db, rows)
    add_to_roll_ups(db, (_cell(row) for row in added))
    details = [
        {"record_id": row.id, "detail": _json(row.detail)}
        for row in added
        if row.detail is not None
    ]
    if details:
        db.execute(insert(request_details), details)
    new = {row.id for row in added}
    if kept := [body for body in bodies if body["record_id"] in new]:
        db.execute(insert(request_bodies), kept)
    return len(added)


def _insert_new(db: Connection, rows: Sequence[UsageRecord]) -> list[UsageRecord]:
    """Insert the rows that are not there yet, each once; gives them."""
    once = {row.id: row for row in rows}
    ids = usage_records.c.id
    if db.dialect.name == "sqlite":
        # Nobody else writes just now, so what is there is asked first: the driver gives the
        # interpreter up at each row that an insert returns, and at each insert that cannot be put
        # together with others; where the loop is busy it gets it back milliseconds later.
        known = set(db.execute(select(ids).where(ids.in_(list(once)))).scalars())
        new = [row for row in once.values() if row.id not in known]
        if new:
            db.execute(insert(usage_records), [_values(row) for row in new])
        return new
    statement = (
        insert_into(db.dialect.name, usage_records)
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(ids)
    )
    inserted = set(db.execute(statement, [_values(row) for row in once.values()]).scalars())
    return [row for row in once.values() if row.id in inserted]


def body_place(record_id: str, part: str) -> str:
    """Where a body belongs, for the box that it is sealed in; `part` is a column's stem."""
    return f"request_bodies/{record_id}/{part}"


def _json(detail: RequestDetail) -> str:
    try:
        return msgspec.json.encode(detail).decode()
    except (msgspec.MsgspecError, UnicodeError):
        return "{}"  # a row without its detail is better than none


def _values(row: UsageRecord) -> dict[str, object]:
    return {
        "id": row.id,
        "at": row.at,
        "request_id": _name(row.request_id),
        "api_key_id": row.api_key_id,
        "account_id": row.account_id,
        "route": row.route,
        "model_asked": _name(row.model_asked),
        "model_served": _name(row.model_served),
        "status": row.status,
        "stream": row.stream,
        "input_tokens": _count(row.input_tokens),
        "output_tokens": _count(row.output_tokens),
        "cache_read_tokens": _count(row.cache_read_tokens),
        "cache_write_tokens": _count(row.cache_write_tokens),
        "credits": row.credits,
        "usage_source": row.usage_source,
        "stop_reason": row.stop_reason,
        "first_token_ms": None if row.first_token_ms is None else _count(row.first_token_ms),
        "duration_ms": _count(row.duration_ms),
        "retries": row.retries,
        "failed": row.failed,
        "error_class": row.error_class[:64] if row.error_class else None,
        "error_source": row.error_source,
        "origin": row.origin,
    }


def _cell(row: UsageRecord) -> tuple[Cell, Sums]:
    cell = (
        hour_of(row.at),
        row.api_key_id,
        row.account_id or "",
        _name(row.model_served),
        row.usage_source,
    )
    return cell, Sums(
        requests=1,
        errors=int(row.failed),
        input_tokens=_count(row.input_tokens),
        output_tokens=_count(row.output_tokens),
        cache_read_tokens=_count(row.cache_read_tokens),
        cache_write_tokens=_count(row.cache_write_tokens),
        credits=row.credits or 0.0,
        duration_ms=_count(row.duration_ms),
        first_token_ms=_count(row.first_token_ms or 0),
        first_tokens=int(row.first_token_ms is not None),
    )


def _name(text: str) -> str:
    if len(text) <= MAX_NAME and is_storable(text):
        return text
    return "".join(char if is_storable(char) else "?" for char in text[:MAX_NAME])


def _count(number: int) -> int:
    return min(max(number, 0), MAX_COUNT)


async def _sealed(rows: Sequence[UsageRecord], secrets: SecretBox) -> list[dict[str, object]]:
    if not any(row.bodies for row in rows):
        return []
    return await anyio.to_thread.run_sync(_sealed_bodies, rows, secrets)


def _sealed_bodies(rows: Iterable[UsageRecord], secrets: SecretBox) -> list[dict[str, object]]:
    def seal(row: UsageRecord, part: str, body: bytes | None) -> str | None:
        if body is None or len(body) > MAX_BODY:
            return None
        packed = zlib.compress(body, 1)
        return secrets.encrypt_bytes(packed, place=body_place(row.id, part))

    return [
        {
            "record_id": row.id,
            "expires_at": row.bodies.expires_at,
            "request_encrypted": seal(row, "request", row.bodies.request),
            "kiro_encrypted": seal(row, "kiro", row.bodies.kiro),
            "response_encrypted": seal(row, "response", row.bodies.response),
        }
        for row in rows
        if row.bodies is not None
    ]


class UsageWriter:
    """Writes records behind the requests' backs, in batches, at most a second late.

    `record` costs an append and never waits. `run` writes until cancelled; call `aclose` after it,
    so that nothing is lost. While the database refuses, up to `MAX_PENDING` records wait in memory;
    beyond that the oldest go, and the log says how many.
    """

    def __init__(
        self, database: Database, *, gather: float = GATHER, max_pending: int = MAX_PENDING
    ) -> None:
        self._database = database
        self._gather = gather
        self._max_pending = max_pending
        self._pending: deque[UsageRecord] = deque()
        self._wake = anyio.Event()
        self._dropped = 0
        self._pending_bodies = 0  # bytes

    def record(self, row: UsageRecord) -> None:
        """Take a record; it is stored within a second."""
        if len(self._pending) >= self._max_pending:
            self._take_first()
            self._dropped += 1
        if row.bodies is not None:
            size = row.bodies.size()
            if self._pending_bodies + size > MAX_PENDING_BODIES:
                row = replace(row, bodies=None)
            else:
                self._pending_bodies += size
        self._pending.append(row)
        self._wake.set()

    async def run(self) -> NoReturn:
        """Write whatever comes, for ever. A database that refuses is tried again."""
        pause = FIRST_RETRY
        due = 0.0
        while True:
            await self._wake.wait()
            # From one beginning to the next, so that a write that takes long delays no other.
            await anyio.sleep_until(due)
            due = anyio.current_time() + self._gather
            self._wake = anyio.Event()
            try:
                await self.flush()
            except StoreError as exc:
                log.warning("usage not stored", error=str(exc), pending=len(self._pending))
                self._wake.set()
                await anyio.sleep(pause)
                pause = min(pause * 2, LAST_RETRY)
            else:
                pause = FIRST_RETRY

    async def flush(self) -> None:
        """Write all that is pending now.

        Raises:
            StoreError: the database refuses; what was not written stays pending.
        """
        left = len(self._pending)  # what comes meanwhile is gathered for the next time
        while left > 0 and self._pending:
            batch = [self._pending[i] for i in range(min(MAX_BATCH, len(self._pending)))]
            left -= len(batch)
            bodies = await _sealed(batch, self._database.secrets)
            await self._database.write(partial(_store_batch, batch, bodies))
            self._forget(batch)
        if self._dropped:
            log.error("usage lost: the database refused for too long", records=self._dropped)
            self._dropped = 0

    async def aclose(self) -> None:
        """Write the rest, also while being cancelled."""
        with anyio.CancelScope(shield=True):
            try:
                await self.flush()
            except StoreError:
                log.exception("usage lost at shutdown", records=len(self._pending))

    def _forget(self, batch: Sequence[UsageRecord]) -> None:
        # While they were being written, `record` may have dropped some of them from the front.
        written = {row.id for row in batch}
        while self._pending and self._pending[0].id in written:
            self._take_first()

    def _take_first(self) -> None:
        bodies = self._pending.popleft().bodies
        self._pending_bodies -= bodies.size() if bodies else 0


def _store_batch(
    batch: Sequence[UsageRecord], bodies: Sequence[Mapping[str, object]], db: Connection
) -> None:
    store_usage(db, batch, bodies)
    touch_api_keys(db, _last_used(batch))


def _last_used(batch: Sequence[UsageRecord]) -> dict[str, datetime]:
    used: dict[str, datetime] = {}
    for row in batch:
        # An admin who tries a key tells nothing about whether its holder still uses it.
        if row.origin is None:
            used[row.api_key_id] = max(row.at, used.get(row.api_key_id, row.at))
    return used
