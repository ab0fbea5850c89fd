"""The log of requests: pages of it, single requests, and what is new in it."""

import zlib
from dataclasses import dataclass, fields, replace
from datetime import datetime

import msgspec
from sqlalchemy import (
    ColumnElement,
    FromClause,
    RowMapping,
    and_,
    case,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import NotFound, StoreError
from gateway.store.database import Database
from gateway.store.paging import (
    DEFAULT_LIMIT,
    Page,
    check_limit,
    decode_cursor,
    encode_cursor,
    is_storable,
    wrong_cursor,
)
from gateway.store.roll_ups import hour_of, start_of_hour
from gateway.store.secrets import SecretBox
from gateway.store.tables import request_bodies, request_details, usage_records
from gateway.store.usage import Bodies, RequestDetail, UsageRecord, body_place
from gateway.store.usage_report import UsageQuestion, usage_report

# Where no sums help, so many of the newest requests are looked at to count.
COUNTED = 2000
MAX_SAME_BEGINNING = 1000  # requests whose ids begin with what is searched for
MAX_NEWS = 500  # requests in one answer of a tail
# PostgreSQL numbers rows before they can be seen, so the last few are looked at again.
UNSETTLED = 1000

_ERRORS = {4, 5, *range(400, 600)}
_LAST = "\U0010ffff"  # sorts behind every other character
_RECORD_COLUMNS = tuple(
    field.name for field in fields(UsageRecord) if field.name not in {"detail", "bodies"}
)


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests are wanted; an empty choice or None is no restriction.

    `request_id` is the beginning of one, or a record's own id. `status` is 404 or, for a class, 4.
    """

    key_ids: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    status: int | None = None
    failed: bool | None = None
    error_class: str | None = None
    stream: bool | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request in the log; `seq` counts in the order of storing. A list's have no details."""

    seq: int
    record: UsageRecord


async def list_requests(
    db: AsyncConnection,
    wanted: RequestFilter,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    newest_first: bool = True,
) -> Page[StoredRequest]:
    """One page of the log, by time.

    Raises:
        InvalidRequest: the limit or the cursor makes no sense.
    """
    check_limit(limit)
    columns = usage_records.c
    statement = select(usage_records).where(*_choice(wanted), *_rest(wanted))
    if cursor is not None:
        at, seq = _read_cursor(cursor)
        if newest_first:
            statement = statement.where(
                columns.at <= at, or_(columns.at < at, and_(columns.at == at, columns.seq < seq))
            )
        else:
            statement = statement.where(
                columns.at >= at, or_(columns.at > at, and_(columns.at == at, columns.seq > seq))
            )
    order = (columns.at.desc(), columns.seq.desc()) if newest_first else (columns.at, columns.seq)
    rows = (await db.execute(statement.order_by(*order).limit(limit + 1))).mappings().all()
    page = tuple(_stored(row) for row in rows[:limit])
    next_cursor = None
    if len(rows) > limit:
        next_cursor = encode_cursor(page[-1].record.at, page[-1].seq)
    if cursor is None and next_cursor is None:
        return Page(page, None, len(page))
    total, is_exact = await _count(db, wanted)
    return Page(page, next_cursor, total, is_exact)


async def get_request(
    db: AsyncConnection, secrets: SecretBox, id_or_request_id: str, *, now: datetime
) -> StoredRequest:
    """A request with its detail, and its bodies while they are kept.

    Found by its record's id or, failing that, the newest with this request id.

    Raises:
        NotFound: there is none.
    """
    columns = usage_records.c
    row: RowMapping | None = None
    if is_storable(id_or_request_id):
        for column in (columns.id, columns.request_id):
            found = await db.execute(
                select(usage_records)
                .where(column == id_or_request_id)
                .order_by(columns.at.desc(), columns.seq.desc())
                .limit(1)
            )
            if row := found.mappings().one_or_none():
                break
    if row is None:
        raise NotFound(f'There is no request "{id_or_request_id[:128]}" in the log.')
    stored = _stored(row)
    record_id = stored.record.id
    return replace(
        stored,
        record=replace(
            stored.record,
            detail=await _detail(db, record_id),
            bodies=await _bodies(db, secrets, record_id, now),
        ),
    )


class RequestTail:
    """What is stored from now on, by any process; each request is given once.

    `wanted` chooses as in a list. Requests that ended before `since` are left out: imported ones.
    `after` is the `reached` of an earlier tail, to go on where that ended.
    """

    def __init__(
        self,
        database: Database,
        wanted: RequestFilter,
        *,
        since: datetime,
        after: int | None = None,
    ) -> None:
        self._database = database
        self._wanted = replace(wanted, since=max(since, wanted.since or since))
        self._resumed = after
        self._after: int | None = None
        self._seen: set[int] = set()
        self.reached = 0
        """The last `seq` that was looked at; what is told counts up to it."""

    async def poll(self) -> tuple[StoredRequest, ...]:
        """What is new since the last call, in the order of storing; the first gives nothing.

        Raises:
            StoreError: the database fails.
        """
        seq = usage_records.c.seq
        async with self._database.connect() as db:
            newest = int((await db.execute(select(func.coalesce(func.max(seq), 0)))).scalar_one())
            if self._after is None:
                # A database that was put back to an earlier state has not got so far.
                await self._begin(
                    db, min(newest, newest if self._resumed is None else self._resumed)
                )
                return ()
            found = await db.execute(
                select(usage_records)
                .where(seq > self._after, seq <= newest, seq.not_in(self._seen))
                .where(*_choice(self._wanted), *_rest(self._wanted))
                .order_by(seq)
                .limit(MAX_NEWS)
            )
            rows = found.mappings().all()
        news = tuple(_stored(row) for row in rows)
        # There may be more than fit into one answer.
        self.reached = newest if len(news) < MAX_NEWS else news[-1].seq
        self._after = max(self._after, self.reached - self._unsettled())
        self._seen = {one for one in self._seen if one > self._after}
        self._seen |= {one.seq for one in news if one.seq > self._after}
        return news

    async def _begin(self, db: AsyncConnection, reached: int) -> None:
        self.reached = reached
        self._after = max(0, reached - self._unsettled())
        seq = usage_records.c.seq
        seen = select(seq).where(seq > self._after, seq <= reached)
        self._seen = set((await db.execute(seen)).scalars())

    def _unsettled(self) -> int:
        return UNSETTLED if self._database.is_postgresql else 0


async def _count(db: AsyncConnection, wanted: RequestFilter) -> tuple[int, bool]:
    """How many requests a filter finds, and whether that is all of them."""
    if not _rest(wanted) and wanted.request_id is None and wanted.failed is not False:
        return await _count_by_sums(db, wanted), True
    candidates = (
        select(usage_records)
        .where(*_choice(wanted))
        .order_by(usage_records.c.at.desc())
        .limit(COUNTED)
        .subquery()
    )
    matching = case((and_(true(), *_rest(wanted, candidates)), 1), else_=0)
    counts = await db.execute(
        select(func.count(), func.coalesce(func.sum(matching), 0)).select_from(candidates)
    )
    looked_at, found = counts.one()
    return int(found), int(looked_at) < COUNTED


async def _count_by_sums(db: AsyncConnection, wanted: RequestFilter) -> int:
    column = usage_records.c.at
    oldest = (await db.execute(select(func.min(column, type_=column.type)))).scalar_one()
    if oldest is None:
        return 0
    # The sums reach further back than the log.
    begin = start_of_hour(hour_of(oldest))
    since = begin if wanted.since is None else max(begin, wanted.since)
    question = UsageQuestion(
        since=since,
        until=None if wanted.until is None else max(since, wanted.until),
        key_ids=wanted.key_ids,
        account_ids=wanted.account_ids,
        models=wanted.models,
        group_by=(),
    )
    sums = [row.sums for row in await usage_report(db, question)]
    return sum(one.errors if wanted.failed else one.requests for one in sums)


def _choice(wanted: RequestFilter) -> list[ColumnElement[bool]]:
    """The conditions that an index serves."""
    columns = usage_records.c
    found: list[ColumnElement[bool]] = []
    for column, chosen in (
        (columns.api_key_id, wanted.key_ids),
        (columns.account_id, wanted.account_ids),
        (columns.model_served, wanted.models),
    ):
        if chosen:
            found.append(column.in_([one for one in chosen if is_storable(one)]))
    if wanted.since is not None:
        found.append(columns.at >= wanted.since)
    if wanted.until is not None:
        found.append(columns.at < wanted.until)
    if wanted.failed is False:
        found.append(columns.failed.is_(False))
    elif wanted.failed or wanted.error_class is not None or (wanted.status or 0) in _ERRORS:
        found.append(columns.failed)  # as the partial index has it
    if wanted.request_id is not None:
        found.append(_begins_with(wanted.request_id))
    return found


def _rest(wanted: RequestFilter, rows: FromClause = usage_records) -> list[ColumnElement[bool]]:
    """The conditions that have to be looked at row by row."""
    found: list[ColumnElement[bool]] = []
    if (status := wanted.status) is not None:
        if status < 10:
            found.append(rows.c.status.between(status * 100, status * 100 + 99))
        else:
            found.append(rows.c.status == status)
    if wanted.error_class is not None:
        known = wanted.error_class if is_storable(wanted.error_class) else ""
        found.append(rows.c.error_class == known)
    if wanted.stream is not None:
        found.append(rows.c.stream.is_(wanted.stream))
    return found


def _begins_with(beginning: str) -> ColumnElement[bool]:
    columns = usage_records.c
    if not is_storable(beginning):
        return false()
    # Bounded: ids of many clients begin with the same letters.
    same = (
        select(columns.seq)
        .where(columns.request_id >= beginning, columns.request_id < beginning + _LAST)
        .limit(MAX_SAME_BEGINNING)
    )
    return or_(columns.id == beginning, columns.seq.in_(same))


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    at, seq = decode_cursor(cursor, tuple[datetime, int])
    if at.tzinfo is None or not 0 <= seq < 2**63:
        raise wrong_cursor()
    return at, seq


def _stored(row: RowMapping) -> StoredRequest:
    return StoredRequest(row["seq"], UsageRecord(**{name: row[name] for name in _RECORD_COLUMNS}))


async def _detail(db: AsyncConnection, record_id: str) -> RequestDetail | None:
    found = await db.execute(
        select(request_details.c.detail).where(request_details.c.record_id == record_id)
    )
    detail = found.scalar_one_or_none()
    try:
        return None if detail is None else msgspec.json.decode(detail, type=RequestDetail)
    except msgspec.MsgspecError as exc:
        raise StoreError(f"The detail of request {record_id} cannot be read.") from exc


async def _bodies(
    db: AsyncConnection, secrets: SecretBox, record_id: str, now: datetime
) -> Bodies | None:
    found = await db.execute(
        select(request_bodies)
        .where(request_bodies.c.record_id == record_id)
        .where(request_bodies.c.expires_at > now)
    )
    row = found.mappings().one_or_none()
    if row is None:
        return None

    def opened(part: str) -> bytes | None:
        sealed = row[f"{part}_encrypted"]
        if sealed is None:
            return None
        return zlib.decompress(secrets.decrypt_bytes(sealed, place=body_place(record_id, part)))

    return Bodies(row["expires_at"], opened("request"), opened("kiro"), opened("response"))
