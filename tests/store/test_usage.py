from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from gateway.store.api_keys import create_api_key, get_api_key
from gateway.store.database import Database
from gateway.store.requests import RequestFilter, get_request, list_requests
from gateway.store.tables import usage_records
from gateway.store.usage import (
    MAX_BATCH,
    MAX_BODY,
    MAX_PENDING_BODIES,
    Attempt,
    Bodies,
    RequestDetail,
    UsageRecord,
    UsageWriter,
    insert_usage,
    new_record_id,
)
from gateway.store.usage_report import UsageQuestion, usage_report
from tests.sample_store import NOW, add_account, open_sample, stored_text
from tests.store.usage_samples import RECORD, record

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]


async def stored(database: Database) -> list[UsageRecord]:
    async with database.connect() as db:
        rows = await db.execute(select(usage_records).order_by(usage_records.c.id))
        return [
            UsageRecord(**{k: v for k, v in row.items() if k not in {"seq", "failed"}})
            for row in rows.mappings()
        ]


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


async def read_back(database: Database, row: UsageRecord) -> UsageRecord:
    async with database.begin() as db:
        await insert_usage(db, [row], database.secrets)
    async with database.connect() as db:
        return (await get_request(db, database.secrets, row.id, now=NOW)).record


async def test_storing_a_record_twice_adds_it_to_the_sums_once(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        for batch in ([1, 2, 2], [2, 3], [1, 2, 3]):
            async with database.begin() as db:
                await insert_usage(db, [record(number) for number in batch])
        async with database.connect() as db:
            (row,) = await usage_report(db, UsageQuestion())
    assert row.sums.requests == 3
    assert row.sums.input_tokens == 3 * RECORD.input_tokens


async def test_a_transaction_that_fails_leaves_the_sums_as_they_were(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        with suppress(RuntimeError):
            async with database.begin() as db:
                await insert_usage(db, [record(1)])
                raise RuntimeError
        async with database.connect() as db:
            assert await usage_report(db, UsageQuestion()) == ()


async def test_processes_that_add_to_the_same_sums_lose_nothing(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as one, open_sample(tmp_path) as other:

        async def write(database: Database, first: int) -> None:
            async with database.begin() as db:
                rows = [
                    replace(record(number), api_key_id=f"key-{number % 3}")
                    for number in range(first, first + 20)
                ]
                await insert_usage(db, rows if first % 40 else rows[::-1])

        async with anyio.create_task_group() as tasks:
            for first in range(0, 200, 20):
                tasks.start_soon(write, one if first % 40 else other, first)
        async with one.connect() as db:
            (row,) = await usage_report(db, UsageQuestion(group_by=()))
    assert row.sums.requests == 200


async def test_a_refused_request_has_no_account(tmp_path: Path) -> None:
    refused = replace(
        RECORD,
        account_id=None,
        model_asked="",
        model_served="",
        status=429,
        usage_source="none",
        error_class="RateLimitExceeded",
        error_source="key",
    )
    async with open_sample(tmp_path) as database:
        assert await read_back(database, refused) == refused
        async with database.connect() as db:
            (row,) = await usage_report(db, UsageQuestion(group_by=("account",)))
    assert (row.account_id, row.sums.requests, row.sums.errors) == (None, 1, 1)


async def test_the_detail_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    detail = RequestDetail(
        error_message="no\0pe ü",
        notes=("dropped:top_k",),
        attempts=(
            Attempt("work", "FirstEventTimeout", 12, 15000),
            Attempt("work", "answered", 15600, 900, 500, 200, 640, "aws-1", None),
        ),
        limit="tokens_per_day",
        queued_ms=1500,
        peer="127.0.0.1",
        client="claude-cli/2",
    )
    async with open_sample(tmp_path) as database:
        assert (await read_back(database, replace(RECORD, detail=detail))).detail == detail
        async with database.connect() as db:
            page = await list_requests(db, RequestFilter())
    assert page.items[0].record.detail is None


async def test_bodies_are_kept_sealed_and_for_a_while(tmp_path: Path) -> None:
    bodies = Bodies(NOW + timedelta(hours=1), b'{"top": "secret"}', b"\x00\xff", None)
    async with open_sample(tmp_path) as database:
        assert (await read_back(database, replace(RECORD, bodies=bodies))).bodies == bodies
        assert "top" not in await stored_text(database)
        async with database.connect() as db:
            late = await get_request(db, database.secrets, RECORD.id, now=bodies.expires_at)
        assert late.record.bodies is None


async def test_a_body_that_is_too_long_is_left_out(tmp_path: Path) -> None:
    bodies = Bodies(NOW + timedelta(hours=1), bytes(MAX_BODY + 1), bytes(MAX_BODY), b"")
    async with open_sample(tmp_path) as database:
        found = (await read_back(database, replace(RECORD, bodies=bodies))).bodies
    assert found == replace(bodies, request=None)


async def test_the_writer_holds_only_so_many_bytes_of_bodies(tmp_path: Path) -> None:
    large = Bodies(NOW + timedelta(hours=1), bytes(MAX_PENDING_BODIES // 8))
    async with open_sample(tmp_path) as database:
        writer = UsageWriter(database)
        for number in range(10):
            writer.record(replace(record(number), bodies=large))
        await writer.flush()
        writer.record(replace(record(10), bodies=large))
        await writer.flush()
        found = []
        for number in range(11):
            async with database.connect() as db:
                one = await get_request(db, database.secrets, f"{number:032x}", now=NOW)
                found.append(one.record.bodies is not None)
    assert found == [True] * 8 + [False] * 2 + [True]


@pytest.mark.parametrize(
    ("odd", "kept"),
    [
        ({"model_asked": "m" * 5000}, {"model_asked": "m" * 256}),
        ({"model_served": "nul\0 \ud800 ü"}, {"model_served": "nul? ? ü"}),
        ({"request_id": "r" * 5000}, {"request_id": "r" * 256}),
        ({"input_tokens": 2**40}, {"input_tokens": 2**31 - 1}),
        ({"output_tokens": -5}, {"output_tokens": 0}),
        ({"error_class": "E" * 100}, {"error_class": "E" * 64}),
        ({"detail": RequestDetail(client="\ud800")}, {}),
    ],
    ids=["long", "strange", "long id", "huge", "negative", "error", "detail"],
)
async def test_a_row_with_odd_values_is_stored_rather_than_holding_up_the_others(
    tmp_path: Path, odd: dict[str, Any], kept: dict[str, Any]
) -> None:
    async with open_sample(tmp_path) as database:
        writer = UsageWriter(database)
        writer.record(replace(RECORD, **odd))
        await writer.flush()
        (found,) = await stored(database)
    assert found == replace(RECORD, **kept)


def test_ids_sort_by_time_and_differ() -> None:
    times = [datetime(1970, 1, 1, tzinfo=UTC), NOW, NOW + timedelta(milliseconds=1)]
    ids = [new_record_id(at) for at in times]
    assert ids == sorted(ids)
    assert all(len(one) == 32 for one in ids)
    assert new_record_id(NOW) != new_record_id(NOW)
