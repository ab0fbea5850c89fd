import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from gateway.errors import InvalidRequest, NotFound
from gateway.store import tables
from gateway.store.api_keys import (
    ApiKey,
    Limits,
    create_api_key,
    find_api_key,
    get_api_key,
    hash_secret,
    list_api_keys,
    set_api_key_enabled,
    touch_api_keys,
)
from gateway.store.database import Database, read_revision
from tests.sample_store import NOW, add_account, open_sample, stored_text

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]


async def create(database: Database, name: str, *allowed: str) -> tuple[ApiKey, str]:
    async with database.begin() as db:
        return await create_api_key(db, name=name, allowed=allowed, now=NOW)


async def test_a_secret_has_the_documented_form_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        await add_account(database, "work")
        key, secret = await create(database, "laptop", "work")
        content = await stored_text(database)
    assert re.fullmatch(r"sk-kiro-[A-Za-z0-9_-]{43}", secret)
    assert key.key_prefix == secret[:16] + "…"
    assert key.key_hash == hash_secret(secret)
    assert secret not in content
    assert key.key_hash not in repr(key)


async def test_a_key_keeps_the_order_of_its_accounts_and_defaults_to_the_first(
    tmp_path: Path,
) -> None:
    async with open_sample(tmp_path) as database:
        a, b, c = [await add_account(database, name) for name in "abc"]
        key, _ = await create(database, "laptop", "c", a.id, "b", "c")
    assert key.account_ids == (c.id, a.id, b.id)
    assert key.default_account_id == c.id


async def test_everything_given_comes_back(tmp_path: Path) -> None:
    limits = Limits(
        requests_per_minute=60,
        max_concurrent_requests=4,
        tokens_per_day=1_000_000,
        credits_per_month=12.5,
        allowed_models=("claude-sonnet-4.5", "auto"),
    )
    async with open_sample(tmp_path) as database:
        await add_account(database, "a")
        b = await add_account(database, "b")
        async with database.begin() as db:
            key, _ = await create_api_key(
                db,
                name=" laptop ",
                allowed=["a", "b"],
                default="b",
                suppress_reasoning=True,
                failover=True,
                expires_at=NOW + timedelta(days=30),
                notes="for the train",
                limits=limits,
                now=NOW,
            )
        async with database.connect() as db:
            assert await get_api_key(db, key.id) == key
    assert (key.name, key.notes, key.enabled) == ("laptop", "for the train", True)
    assert key.default_account_id == b.id
    assert (key.suppress_reasoning, key.failover) == (True, True)
    assert (key.expires_at, key.last_used_at) == (NOW + timedelta(days=30), None)
    assert key.limits == limits


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "  "}, "needs a name"),
        ({"allowed": []}, "at least one account"),
        ({"allowed": ["work", "nowhere"]}, 'account "nowhere" does not exist'),
        ({"default": "other"}, "must be in kiro_accounts"),
        ({"default": "nowhere"}, 'account "nowhere" does not exist'),
        ({"expires_at": NOW}, "expired already"),
        ({"limits": Limits(requests_per_minute=0)}, "requests_per_minute has to be above zero"),
        ({"limits": Limits(credits_per_month=float("nan"))}, "credits_per_month"),
    ],
    ids=["name", "none", "unknown", "default", "no default", "expired", "zero", "nan"],
)
async def test_a_key_that_makes_no_sense_is_refused(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    async with open_sample(tmp_path) as database:
        await add_account(database, "work")
        await add_account(database, "other")
        async with database.begin() as db:
            given = {"name": "laptop", "allowed": ["work"], "now": NOW, **arguments}
            with pytest.raises(InvalidRequest, match=message):
                await create_api_key(db, **given)  # type: ignore[arg-type]  # a table of cases
        async with database.connect() as db:
            assert await list_api_keys(db) == ()


async def test_a_key_is_found_by_id_or_by_a_name_of_its_own(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        await add_account(database, "work")
        first, _ = await create(database, "laptop", "work")
        second, _ = await create(database, "laptop", "work")
        desk, _ = await create(database, "desk", "work")
        async with database.connect() as db:
            assert await find_api_key(db, first.id) == first
            assert await find_api_key(db, "desk") == desk
            assert await find_api_key(db, "phone") is None
            with pytest.raises(InvalidRequest, match=f"{first.id}.*{second.id}|{second.id}.*"):
                await find_api_key(db, "laptop")
            with pytest.raises(NotFound, match='no API key "phone"'):
                await get_api_key(db, "phone")
            assert [key.name for key in await list_api_keys(db)] == ["desk", "laptop", "laptop"]


async def test_a_key_can_be_disabled_and_other_processes_hear_of_it(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        await add_account(database, "work")
        key, _ = await create(database, "laptop", "work")
        async with database.begin() as db:
            before = await read_revision(db)
            await set_api_key_enabled(db, key.id, enabled=False, now=NOW)
            assert await read_revision(db) == before + 1
            assert not (await get_api_key(db, key.id)).enabled
            with pytest.raises(NotFound):
                await set_api_key_enabled(db, "laptop", enabled=False, now=NOW)


async def test_last_used_moves_forward_only_and_makes_no_noise(tmp_path: Path) -> None:
    later, earlier = NOW + timedelta(seconds=9), NOW - timedelta(seconds=9)
    async with open_sample(tmp_path) as database:
        await add_account(database, "work")
        one, _ = await create(database, "one", "work")
        two, _ = await create(database, "two", "work")
        async with database.begin() as db:
            before = await read_revision(db)
            await db.run_sync(touch_api_keys, {})
            await db.run_sync(touch_api_keys, {one.id: later, two.id: earlier, "gone": NOW})
            await db.run_sync(touch_api_keys, {one.id: NOW, two.id: NOW})
            assert await read_revision(db) == before
            assert (await get_api_key(db, one.id)).last_used_at == later
            assert (await get_api_key(db, two.id)).last_used_at == NOW


async def test_an_account_in_an_allow_list_cannot_be_deleted_unnoticed(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        await create(database, "laptop", "work")
        async with database.begin() as db:
            with pytest.raises(IntegrityError):
                await db.execute(delete(tables.accounts).where(tables.accounts.c.id == account.id))
