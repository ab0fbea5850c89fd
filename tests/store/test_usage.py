from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from gateway.store.api_keys import create_api_key, get_api_key
from gateway.store.database import Database
from gateway.store.tables import usage_records
from gateway.store.usage import MAX_BATCH, UsageRecord, UsageWriter, insert_usage
from tests.sample_store import NOW, add_account, open_sample

pytestmark = pytest.mark.anyio

RECORD = UsageRecord(
    id="0" * 32,
    at=NOW,
    request_id="req-1",
    api_key_id="key",
    account_id="account",
    account_name="work",
    route="/v1/messages",
    model_asked="claude-sonnet-4-5",
    model_served="claude-sonnet-4.5",
    status=200,
    stream=True,
    input_tokens=1200,
    output_tokens=34,
    cache_read_tokens=5,
    cache_write_tokens=6,
    credits=0.13,
    usage_source="measured",
    stop_reason="end_turn",
    first_token_ms=640,
    duration_ms=2100,
    retries=0,
    error_class=None,
)


def record(number: int) -> UsageRecord:
    return replace(RECORD, id=f"{number:032x}")


async def stored(database: Database) -> list[UsageRecord]:
    async with database.connect() as db:
        rows = await db.execute(select(usage_records).order_by(usage_records.c.id))
        return [UsageRecord(**row) for row in rows.mappings()]


class UnreliableDatabase:
    """Refuses as long as it is told to: the table is away."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def refuse(self) -> None:
        await self._rename("usage_records", "away")

    async def recover(self) -> None:
        await self._rename("away", "usage_records")

    async def _rename(self, old: str, new: str) -> None:
        async with self.database.begin() as db:
            await db.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")


async def test_a_record_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    failed = replace(
        record(1),
        credits=None,
        stop_reason=None,
        first_token_ms=None,
        error_class="UpstreamTimeout",
    )
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            await insert_usage(db, [])
            await insert_usage(db, [RECORD, failed])
        assert await stored(database) == [RECORD, failed]


async def test_storing_a_record_twice_counts_it_once(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        for batch in ([record(1), record(2)], [record(2), record(3)]):
            async with database.begin() as db:
                await insert_usage(db, batch)
        assert await stored(database) == [record(1), record(2), record(3)]


async def test_the_writer_stores_what_is_recorded_while_it_runs(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database, anyio.create_task_group() as tasks:
        writer = UsageWriter(database, gather=0)
        tasks.start_soon(writer.run)
        for number in (1, 2):
            writer.record(record(number))
            with anyio.fail_after(10):
                while len(await stored(database)) < number:
                    await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()


async def test_nothing_is_lost_when_the_writer_is_closed(tmp_path: Path) -> None:
    count = MAX_BATCH + 50
    async with open_sample(tmp_path) as database:
        writer = UsageWriter(database)
        for number in range(count):
            writer.record(record(number))
        with anyio.CancelScope() as scope:
            scope.cancel()
            await writer.aclose()
        assert len(await stored(database)) == count
        await writer.aclose()


async def test_the_keys_that_were_used_are_touched(tmp_path: Path) -> None:
    later = NOW + timedelta(seconds=5)
    async with open_sample(tmp_path) as database:
        await add_account(database, "work")
        async with database.begin() as db:
            key, _ = await create_api_key(db, name="laptop", allowed=["work"], now=NOW)
        writer = UsageWriter(database)
        writer.record(replace(record(1), api_key_id=key.id, at=later))
        writer.record(replace(record(2), api_key_id=key.id))
        await writer.flush()
        async with database.connect() as db:
            assert (await get_api_key(db, key.id)).last_used_at == later


async def test_records_wait_until_the_database_takes_them(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        unreliable = UnreliableDatabase(database)
        writer = UsageWriter(database)
        await unreliable.refuse()
        writer.record(record(1))
        with capture_logs() as logs:
            await writer.aclose()
        assert [entry["event"] for entry in logs] == ["usage lost at shutdown"]
        await unreliable.recover()
        writer.record(record(2))
        await writer.flush()
        assert await stored(database) == [record(1), record(2)]


async def test_the_running_writer_survives_a_database_that_refuses(
    tmp_path: Path,
) -> None:
    async with open_sample(tmp_path) as database, anyio.create_task_group() as tasks:
        unreliable = UnreliableDatabase(database)
        writer = UsageWriter(database, gather=0)
        await unreliable.refuse()
        writer.record(record(1))
        with capture_logs() as logs, anyio.fail_after(10):
            tasks.start_soon(writer.run)
            while not logs:
                await anyio.lowlevel.checkpoint()
        assert (logs[0]["event"], logs[0]["pending"]) == ("usage not stored", 1)
        await unreliable.recover()
        tasks.cancel_scope.cancel()
        await writer.aclose()
        assert await stored(database) == [record(1)]


async def test_beyond_its_bound_the_writer_gives_up_the_oldest_and_says_so(
    tmp_path: Path,
) -> None:
    async with open_sample(tmp_path) as database:
        writer = UsageWriter(database, max_pending=3)
        for number in range(5):
            writer.record(record(number))
        with capture_logs() as logs:
            await writer.flush()
        assert await stored(database) == [record(2), record(3), record(4)]
    assert (logs[0]["event"], logs[0]["records"]) == (
        "usage lost: the database refused for too long",
        2,
    )
