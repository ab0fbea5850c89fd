from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import InvalidRequest, NotFound
from gateway.store.database import Database
from gateway.store.paging import Page, encode_cursor
from gateway.store.requests import (
    MAX_NEWS,
    RequestFilter,
    RequestTail,
    StoredRequest,
    get_request,
    list_requests,
)
from gateway.store.usage import UsageRecord, insert_usage
from tests.sample_store import NOW, open_sample
from tests.store.usage_samples import record

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]


def some(number: int) -> UsageRecord:
    """Ten a second, the newest first; every third one failed."""
    failed = number % 3 == 0
    return replace(
        record(number),
        at=NOW - timedelta(seconds=number // 10),
        request_id=f"req_{number % 5}{number:04}",
        api_key_id=f"key-{number % 2}",
        account_id=[None, "a", "b"][number % 3],
        model_served=f"model-{number % 4}",
        stream=number % 7 != 0,
        status=(429 if number % 2 else 500) if failed else 200,
        error_class=("RateLimited" if number % 2 else "UpstreamInternal") if failed else None,
        error_source="upstream" if failed else None,
    )


ROWS = [some(number) for number in range(60)]


async def store(database: Database, rows: list[UsageRecord]) -> None:
    async with database.begin() as db:
        await insert_usage(db, rows)


async def page(database: Database, wanted: RequestFilter, **more: Any) -> Page[StoredRequest]:
    async with database.connect() as db:
        return await list_requests(db, wanted, **more)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 7, 59, 60, 100])
async def test_the_pages_together_are_the_whole_log_by_time(
    tmp_path: Path, limit: int, newest_first: bool
) -> None:
    async with open_sample(tmp_path) as database:
        await store(database, ROWS)
        found: list[StoredRequest] = []
        cursor = None
        while True:
            more = {"limit": limit, "cursor": cursor, "newest_first": newest_first}
            one = await page(database, RequestFilter(), **more)
            found += one.items
            assert (one.total, one.total_is_exact) == (60, True)
            if (cursor := one.next_cursor) is None:
                break
    order = sorted(found, key=lambda row: (row.record.at, row.seq), reverse=newest_first)
    assert found == order
    assert {row.record for row in found} == set(ROWS)


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ({"key_ids": ("key-1",)}, lambda row: row.api_key_id == "key-1"),
        ({"account_ids": ("a", "b")}, lambda row: row.account_id in {"a", "b"}),
        ({"models": ("model-3",)}, lambda row: row.model_served == "model-3"),
        ({"status": 429}, lambda row: row.status == 429),
        ({"status": 5}, lambda row: row.status == 500),
        ({"status": 2}, lambda row: row.status == 200),
        ({"failed": True}, lambda row: row.failed),
        ({"failed": False}, lambda row: not row.failed),
        ({"error_class": "RateLimited"}, lambda row: row.error_class == "RateLimited"),
        ({"stream": False}, lambda row: not row.stream),
        ({"stream": True, "status": 500}, lambda row: row.stream and row.status == 500),
        ({"since": NOW - timedelta(seconds=2)}, lambda row: row.at >= NOW - timedelta(seconds=2)),
        ({"until": NOW - timedelta(seconds=2)}, lambda row: row.at < NOW - timedelta(seconds=2)),
        ({"until": NOW - timedelta(days=9)}, lambda row: False),
        ({"since": NOW, "until": NOW - timedelta(days=9)}, lambda row: False),
        ({"request_id": "req_4"}, lambda row: row.request_id.startswith("req_4")),
        ({"request_id": "req_40004"}, lambda row: row.request_id == "req_40004"),
        ({"request_id": f"{7:032x}"}, lambda row: row.id == f"{7:032x}"),
        ({"request_id": "REQ"}, lambda row: False),
        ({"request_id": "nul\0"}, lambda row: False),
        ({"error_class": "nul\0"}, lambda row: False),
        ({"models": ("\ud800",)}, lambda row: False),
        (
            {"key_ids": ("key-0",), "failed": True, "models": ("model-0", "model-2")},
            lambda row: row.api_key_id == "key-0" and row.failed,
        ),
    ],
    ids=lambda one: repr(one) if isinstance(one, dict) else "rows",
)
async def test_a_filter_finds_what_it_says_and_counts_it(
    tmp_path: Path, wanted: dict[str, Any], matches: Any
) -> None:
    expected = {row for row in ROWS if matches(row)}
    async with open_sample(tmp_path) as database:
        await store(database, ROWS)
        everything = await page(database, RequestFilter(**wanted))
        first = await page(database, RequestFilter(**wanted), limit=1)
    assert {row.record for row in everything.items} == expected
    assert everything.total == first.total == len(expected)
    assert first.total_is_exact


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": 0},
        {"limit": 1001},
        {"cursor": "nonsense"},
        {"cursor": encode_cursor("2026-11-22T08:30:00", 1)},
        {"cursor": encode_cursor("2026-11-22T08:30:00Z", -1)},
        {"cursor": encode_cursor("2026-11-22T08:30:00Z", 2**64)},
    ],
    ids=repr,
)
async def test_a_page_that_makes_no_sense_is_refused(tmp_path: Path, asked: dict[str, Any]) -> None:
    async with open_sample(tmp_path) as database:
        with pytest.raises(InvalidRequest):
            await page(database, RequestFilter(), **asked)


async def test_a_request_is_found_by_its_own_id_and_by_the_clients(tmp_path: Path) -> None:
    twice = [replace(some(1), id="a" * 32), replace(some(1), id="b" * 32, at=NOW)]
    async with open_sample(tmp_path) as database:
        await store(database, twice)
        async with database.connect() as db:
            by_id = await get_request(db, database.secrets, "a" * 32, now=NOW)
            newest = await get_request(db, database.secrets, twice[0].request_id, now=NOW)
            for unknown in ("c" * 32, "nul\0", "\ud800"):
                with pytest.raises(NotFound):
                    await get_request(db, database.secrets, unknown, now=NOW)
    assert by_id.record == twice[0]
    assert newest.record == twice[1]


async def test_a_tail_gives_each_new_request_once_whoever_stored_it(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database, open_sample(tmp_path) as other:
        await store(database, ROWS[:5])
        tail = RequestTail(database, RequestFilter(key_ids=("key-1",)), since=NOW)
        polls = [await tail.poll()]
        now = [replace(row, at=NOW) for row in ROWS]
        await store(database, now[5:10])
        polls += [await tail.poll(), await tail.poll()]
        await store(other, now[10:13])
        await store(database, [now[13], replace(now[15], at=NOW - timedelta(days=30))])
        polls += [await tail.poll(), await tail.poll()]
    found = [[row.record.id for row in poll] for poll in polls]
    assert found == [
        [],
        [ROWS[number].id for number in (5, 7, 9)],
        [],
        [ROWS[number].id for number in (11, 13)],
        [],
    ]


async def test_a_tail_that_lags_behind_catches_up(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        tail = RequestTail(database, RequestFilter(), since=NOW)
        await tail.poll()
        await store(database, [record(number) for number in range(MAX_NEWS + 10)])
        polls = [await tail.poll() for _ in range(3)]
    assert [len(poll) for poll in polls] == [MAX_NEWS, 10, 0]
    assert len({row.seq for poll in polls for row in poll}) == MAX_NEWS + 10
