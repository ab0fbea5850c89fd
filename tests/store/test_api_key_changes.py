from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.accounts.directory import Directory
from gateway.errors import InvalidRequest, NotFound
from gateway.store.accounts import get_account
from gateway.store.api_key_changes import (
    LONGEST_OVERLAP,
    delete_api_key,
    rotate_api_key,
    update_api_key,
)
from gateway.store.api_keys import (
    ApiKey,
    Limits,
    create_api_key,
    get_api_key,
    hash_secret,
    list_api_keys,
    page_api_keys,
)
from gateway.store.database import Database, read_revision
from gateway.store.former_names import names_by_id
from gateway.store.paging import PageRequest
from gateway.store.tables import api_key_accounts, retired_secrets
from tests.sample_store import NOW, add_account, open_sample

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

LATER = NOW + timedelta(hours=1)


async def laptop(database: Database, **more: Any) -> tuple[ApiKey, str]:
    """A key for accounts a and b; c is there, too."""
    for name in "abc":
        await add_account(database, name)
    async with database.begin() as db:
        return await create_api_key(db, name="laptop", allowed=["a", "b"], now=NOW, **more)


async def change(database: Database, key: ApiKey, **changes: Any) -> ApiKey:
    async with database.begin() as db:
        return await update_api_key(db, key.id, now=LATER, **changes)


@pytest.mark.parametrize(
    ("changes", "member", "expected"),
    [
        ({"name": " desk "}, "name", "desk"),
        ({"enabled": False}, "enabled", False),
        ({"suppress_reasoning": True}, "suppress_reasoning", True),
        ({"failover": True}, "failover", True),
        ({"notes": "for the train"}, "notes", "for the train"),
        ({"expires_at": LATER + timedelta(days=1)}, "expires_at", LATER + timedelta(days=1)),
        ({"limits": Limits(tokens_per_day=2**40)}, "limits", Limits(tokens_per_day=2**40)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_one_member_changes_and_the_others_stay(
    tmp_path: Path, changes: dict[str, Any], member: str, expected: object
) -> None:
    async with open_sample(tmp_path) as database:
        before, _ = await laptop(database)
        after = await change(database, before, **changes)
        async with database.connect() as db:
            assert await get_api_key(db, before.id) == after
    assert getattr(after, member) == expected
    assert after.updated_at == LATER
    for name in ("name", "enabled", "account_ids", "default_account_id", "limits", "key_hash"):
        if name != member:
            assert getattr(after, name) == getattr(before, name)


async def test_an_end_can_be_lifted_and_one_that_has_passed_may_stay(tmp_path: Path) -> None:
    end = NOW + timedelta(minutes=1)
    async with open_sample(tmp_path) as database:
        key, _ = await laptop(database, expires_at=end)
        assert (await change(database, key, expires_at=end, name="x")).expires_at == end
        with pytest.raises(InvalidRequest, match="expired already"):
            await change(database, key, expires_at=LATER)
        assert (await change(database, key, expires_at=None)).expires_at is None


async def test_a_new_list_without_a_default_makes_its_first_account_the_default(
    tmp_path: Path,
) -> None:
    async with open_sample(tmp_path) as database:
        key, _ = await laptop(database, default="b")
        key = await change(database, key, allowed=["c", "b"])
        async with database.connect() as db:
            names = await names_by_id(db)
    assert [names[one] for one in key.account_ids] == ["c", "b"]
    assert names[key.default_account_id or ""] == "c"


async def test_a_default_alone_has_to_be_in_the_list_that_is_there(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        key, _ = await laptop(database)
        changed = await change(database, key, default="b")
        assert changed.default_account_id == key.account_ids[1]
        assert changed.account_ids == key.account_ids
        with pytest.raises(InvalidRequest, match='"c" is not'):
            await change(database, key, default="c")


@pytest.mark.parametrize(
    "changes",
    [
        {"allowed": []},
        {"allowed": ["nowhere"]},
        {"name": " "},
        {"name": "nul\0"},
        {"notes": "\ud800"},
        {"notes": "x" * 10_001},
        {"limits": Limits(requests_per_minute=0)},
        {"limits": Limits(requests_per_minute=2**31)},
        {"limits": Limits(credits_per_month=float("inf"))},
        {"limits": Limits(allowed_models=("a\0",))},
    ],
    ids=repr,
)
async def test_a_change_that_makes_no_sense_changes_nothing(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    async with open_sample(tmp_path) as database:
        key, _ = await laptop(database)
        with pytest.raises(InvalidRequest):
            await change(database, key, enabled=False, **changes)
        async with database.connect() as db:
            assert await get_api_key(db, key.id) == key


async def test_changing_a_key_that_is_gone_is_an_error(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        key, _ = await laptop(database)
        async with database.begin() as db:
            await delete_api_key(db, key.id, now=NOW)
            with pytest.raises(NotFound):
                await update_api_key(db, key.id, name="x", now=NOW)
            with pytest.raises(NotFound):
                await rotate_api_key(db, key.id, overlap=timedelta(), now=NOW)
            with pytest.raises(NotFound):
                await delete_api_key(db, key.id, now=NOW)


async def test_other_processes_hear_of_every_change(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        key, _ = await laptop(database)
        async with database.begin() as db:
            seen = [await read_revision(db)]
            await update_api_key(db, key.id, notes="x", now=NOW)
            seen.append(await read_revision(db))
            await rotate_api_key(db, key.id, overlap=timedelta(), now=NOW)
            seen.append(await read_revision(db))
            await delete_api_key(db, key.id, now=NOW)
            seen.append(await read_revision(db))
    assert seen == sorted(set(seen))


async def test_after_a_rotation_both_secrets_work_until_the_overlap_is_over(
    tmp_path: Path,
) -> None:
    now = NOW
    async with open_sample(tmp_path) as database:
        directory = Directory(database, clock=lambda: now)
        key, old = await laptop(database)
        async with database.begin() as db:
            rotated, new = await rotate_api_key(db, key.id, overlap=timedelta(days=1), now=NOW)
        await directory.reload()
        assert new != old
        assert rotated.key_prefix == new[:16] + "…"
        assert rotated.key_hash == hash_secret(new)
        assert directory.key_presented(old) == directory.key_presented(new) == rotated
        now = NOW + timedelta(days=1) - timedelta(microseconds=1)
        assert directory.key_presented(old) == rotated
        now += timedelta(microseconds=1)
        assert directory.key_presented(old) is None
        assert directory.key_presented(new) == rotated


async def test_without_an_overlap_every_older_secret_ends_at_once(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        directory = Directory(database, clock=lambda: NOW)
        key, first = await laptop(database)
        async with database.begin() as db:
            _, second = await rotate_api_key(db, key.id, overlap=LONGEST_OVERLAP, now=NOW)
        await directory.reload()
        assert directory.key_presented(first) is not None
        async with database.begin() as db:
            _, third = await rotate_api_key(db, key.id, overlap=timedelta(), now=NOW)
        await directory.reload()
    assert [directory.key_presented(one) for one in (first, second)] == [None, None]
    assert directory.key_presented(third) is not None


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), LONGEST_OVERLAP + timedelta(1)])
async def test_an_overlap_has_bounds(tmp_path: Path, overlap: timedelta) -> None:
    async with open_sample(tmp_path) as database:
        key, _ = await laptop(database)
        async with database.begin() as db:
            with pytest.raises(InvalidRequest, match="from 0 to 30 days"):
                await rotate_api_key(db, key.id, overlap=overlap, now=NOW)


async def test_a_deleted_key_leaves_its_name_and_nothing_else(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        key, _ = await laptop(database)
        async with database.begin() as db:
            await rotate_api_key(db, key.id, overlap=timedelta(days=1), now=NOW)
            await delete_api_key(db, key.id, now=NOW)
            assert (await names_by_id(db))[key.id] == "laptop"
            for table in (api_key_accounts, retired_secrets):
                assert (await db.execute(select(func.count()).select_from(table))).scalar() == 0


async def test_keys_are_listed_in_pages(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        await laptop(database)
        async with database.begin() as db:
            for number in range(4):
                await create_api_key(
                    db,
                    name=f"phone {number % 2}",
                    allowed=["b", "a"],
                    notes="100% mine" if number else "",
                    expires_at=NOW + timedelta(days=number) if number else None,
                    now=NOW,
                )
        async with database.connect() as db:
            everything = await list_api_keys(db)
            found = await page_api_keys(db, PageRequest(q="0% MINE", limit=2))
            second = await page_api_keys(
                db, PageRequest(q="0% mine", limit=2, cursor=found.next_cursor)
            )
            by_end = await page_api_keys(db, PageRequest(sort="-expires_at"))
    assert [key.name for key in found.items] == ["phone 0", "phone 1"]
    assert [key.name for key in second.items] == ["phone 1"]
    assert (found.total, second.total, second.next_cursor) == (3, 3, None)
    assert [key.expires_at for key in by_end.items[:3]] == [
        NOW + timedelta(days=days) for days in (3, 2, 1)
    ]
    assert set(by_end.items) == set(everything)


async def test_the_keys_that_may_use_an_account_are_listed(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        key, _ = await laptop(database)
        async with database.begin() as db:
            for number in range(3):
                await create_api_key(db, name=f"phone {number}", allowed=["c", "b"], now=NOW)
            first = await get_account(db, database.secrets, "b")
            second = await get_account(db, database.secrets, "c")
        async with database.connect() as db:
            of_both = await page_api_keys(db, PageRequest(limit=3), account_id=first.id)
            rest = await page_api_keys(
                db, PageRequest(limit=3, cursor=of_both.next_cursor), account_id=first.id
            )
            found = await page_api_keys(db, PageRequest(q="1"), account_id=second.id)
            none = await page_api_keys(db, PageRequest(), account_id="gone")
    names = [one.name for one in (*of_both.items, *rest.items)]
    assert names == [key.name, "phone 0", "phone 1", "phone 2"]
    assert (of_both.total, rest.next_cursor) == (4, None)
    assert [one.name for one in found.items] == ["phone 1"]
    assert (none.items, none.total) == ((), 0)
