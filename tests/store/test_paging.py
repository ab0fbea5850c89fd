from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.store.accounts import Account, create_account, delete_account, page_accounts
from gateway.store.database import Database
from gateway.store.paging import (
    Page,
    PageRequest,
    check_text,
    decode_cursor,
    encode_cursor,
    is_storable,
)
from tests.sample_store import BOX, NOW, open_sample

pytestmark = pytest.mark.anyio


async def add(database: Database, count: int) -> None:
    async with database.begin() as db:
        for number in range(count):
            await create_account(
                db,
                BOX,
                name=f"account-{number}",
                enabled=number % 2 == 0,
                now=NOW + timedelta(seconds=number // 3),
            )


async def page(database: Database, **request: object) -> Page[Account]:
    async with database.connect() as db:
        return await page_accounts(db, BOX, PageRequest(**request))  # type: ignore[arg-type]


@pytest.mark.usefixtures("both_stores")
@pytest.mark.parametrize("limit", [1, 2, 3, 10])
@pytest.mark.parametrize("sort", ["name", "-name", "created_at", "-created_at", "-enabled"])
async def test_the_pages_together_are_everything_in_order(
    tmp_path: Path, sort: str, limit: int
) -> None:
    async with open_sample(tmp_path) as database:
        await add(database, 7)
        found: list[Account] = []
        cursor = None
        while True:
            one = await page(database, sort=sort, limit=limit, cursor=cursor)
            found += one.items
            assert one.total == 7
            if (cursor := one.next_cursor) is None:
                break
    name = sort.lstrip("-")
    expected = sorted(
        found, key=lambda row: (getattr(row, name), row.id), reverse=sort.startswith("-")
    )
    assert found == expected
    assert len(set(found)) == 7


async def test_rows_that_come_and_go_leave_the_others_where_they_are(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        await add(database, 5)
        first = await page(database, limit=2)
        async with database.begin() as db:
            await delete_account(db, first.items[-1].id, now=NOW)
            await create_account(db, BOX, name="aaa", now=NOW)
        second = await page(database, limit=2, cursor=first.next_cursor)
    assert [row.name for row in second.items] == ["account-2", "account-3"]


@pytest.mark.parametrize(
    "request_",
    [
        {"limit": 0},
        {"limit": 1001},
        {"sort": "credentials_encrypted"},
        {"sort": "--name"},
        {"sort": ""},
        {"cursor": ""},
        {"cursor": "!"},
        {"cursor": "bm9uc2Vuc2U"},
        {"cursor": encode_cursor("-name", "x", "y")},
        {"cursor": encode_cursor("name", 3, "y")},
        {"cursor": encode_cursor("name", "x\0", "y")},
        {"cursor": encode_cursor("name", "x")},
        {"cursor": encode_cursor("created_at", "2026-11-22T08:30:00", "y"), "sort": "created_at"},
        {"cursor": encode_cursor("created_at", "yesterday", "y"), "sort": "created_at"},
        {"q": "\0"},
    ],
    ids=repr,
)
async def test_a_page_that_makes_no_sense_is_refused(
    tmp_path: Path, request_: dict[str, object]
) -> None:
    if request_ == {"sort": ""}:
        request_ = {"sort": "-"}
    async with open_sample(tmp_path) as database:
        with pytest.raises(InvalidRequest):
            await page(database, **request_)


@pytest.mark.usefixtures("both_stores")
async def test_a_search_takes_every_character_for_itself(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            for name in ("a_b", "axb", "A_B2"):
                await create_account(db, BOX, name=name, now=NOW)
        found = await page(database, q=" a_B ")
        nothing = await page(database, q="%")
    assert {row.name for row in found.items} == {"a_b", "A_B2"}
    assert (nothing.items, nothing.total) == ((), 0)


@given(st.text())
@settings(max_examples=100)
def test_what_may_be_stored_can_be_encoded(text: str) -> None:
    assert is_storable(text) == ("\0" not in text and not _surrogates(text))


def _surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


@given(st.tuples(st.datetimes(timezones=st.just(UTC)), st.integers(0, 2**53)))
@settings(max_examples=50)
def test_a_cursor_gives_back_what_it_was_made_of(values: tuple[datetime, int]) -> None:
    assert decode_cursor(encode_cursor(*values), tuple[datetime, int]) == values


def test_a_text_has_a_longest_length() -> None:
    assert check_text("x" * 10_000, "notes")
    with pytest.raises(InvalidRequest, match="notes: at most 10000"):
        check_text("x" * 10_001, "notes")
