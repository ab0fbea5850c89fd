"""Usage: what each reply cost, kept for statistics."""

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NoReturn

import anyio
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import StoreError
from gateway.store.api_keys import touch_api_keys
from gateway.store.database import Database
from gateway.store.tables import usage_records

GATHER = 0.5  # seconds that rows are gathered for one write; with the write itself, under one
# About twenty megabytes: an hour of three replies a second while the database refuses.
MAX_PENDING = 10_000
MAX_BATCH = 500  # rows in one transaction
FIRST_RETRY, LAST_RETRY = 1.0, 30.0  # seconds

log = structlog.get_logger("gateway.store")


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One reply. `id` (32 hex digits) makes storing it twice harmless.

    `input_tokens` excludes what came from or went to a cache. `model_asked` is the client's name,
    `model_served` Kiro's. `usage_source` and `stop_reason` are words of `gateway.events`.
    `first_token_ms` is None when nothing was produced, `error_class` when nothing failed.
    """

    id: str
    at: datetime
    request_id: str
    api_key_id: str
    account_id: str
    account_name: str
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


async def insert_usage(db: AsyncConnection, rows: Sequence[UsageRecord]) -> None:
    """Store records; those whose id is stored already are passed over."""
    if not rows:
        return
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(usage_records).on_conflict_do_nothing(index_elements=["id"])
    await db.execute(statement, [asdict(row) for row in rows])


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

    def record(self, row: UsageRecord) -> None:
        """Take a record; it is stored within a second."""
        if len(self._pending) >= self._max_pending:
            self._pending.popleft()
            self._dropped += 1
        self._pending.append(row)
        self._wake.set()

    async def run(self) -> NoReturn:
        """Write whatever comes, for ever. A database that refuses is tried again."""
        pause = FIRST_RETRY
        while True:
            await self._wake.wait()
            await anyio.sleep(self._gather)
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
        while self._pending:
            batch = [self._pending[i] for i in range(min(MAX_BATCH, len(self._pending)))]
            async with self._database.begin() as db:
                await insert_usage(db, batch)
                await touch_api_keys(db, _last_used(batch))
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
            self._pending.popleft()


def _last_used(batch: Sequence[UsageRecord]) -> dict[str, datetime]:
    used: dict[str, datetime] = {}
    for row in batch:
        used[row.api_key_id] = max(row.at, used.get(row.api_key_id, row.at))
    return used
