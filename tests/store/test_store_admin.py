from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from sqlalchemy import func, insert, select

from gateway.store.admin import (
    MAX_LINKS,
    MAX_SESSIONS,
    AdminSession,
    end_session,
    find_session,
    is_admin_key,
    make_admin_key,
    make_sign_in_link,
    note_configured_key,
    reset_admin_key,
    start_session,
    touch_session,
    use_sign_in_link,
)
from gateway.store.database import Database
from gateway.store.tables import admin_sessions, sign_in_links
from tests.sample_store import BOX, NOW, open_sample, stored_text

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

HOUR = timedelta(hours=1)


async def session(database: Database) -> str:
    async with database.begin() as db:
        token, _ = await start_session(db, lifetime=HOUR, now=NOW)
    return token


async def is_open(database: Database, token: str) -> bool:
    async with database.connect() as db:
        return await find_session(db, token, now=NOW) is not None


async def test_the_key_is_made_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            assert not await is_admin_key(db, "")
            key = await make_admin_key(db, now=NOW)
            assert key is not None
            assert await make_admin_key(db, now=NOW) is None
            assert await is_admin_key(db, key)
            assert not await is_admin_key(db, key + "x")
            assert not await is_admin_key(db, "\ud800")
        stored = await stored_text(database)
    assert key not in stored
    assert len(key) >= 43


async def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    made: list[str | None] = []

    async def start() -> None:
        async with open_sample(tmp_path) as database, database.begin() as db:
            made.append(await make_admin_key(db, now=NOW))

    async with open_sample(tmp_path), anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(start)
    assert len([key for key in made if key is not None]) == 1


async def test_a_reset_replaces_the_key_and_signs_everybody_out(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        token = await session(database)
        async with database.begin() as db:
            old = await make_admin_key(db, now=NOW)
            link = await make_sign_in_link(db, lifetime=HOUR, now=NOW)
            new = await reset_admin_key(db, now=NOW)
            assert not await is_admin_key(db, old or "")
            assert await is_admin_key(db, new)
            assert not await use_sign_in_link(db, link, now=NOW)
        assert not await is_open(database, token)


async def test_a_reset_also_makes_the_first_key(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database, database.begin() as db:
        assert await is_admin_key(db, await reset_admin_key(db, now=NOW))


async def test_another_key_in_the_settings_ends_the_sessions(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:

        async def note(key: str | None) -> bool:
            """Whether a session that was open before still is."""
            token = await session(database)
            async with database.begin() as db:
                await note_configured_key(db, BOX, key, now=NOW)
            return await is_open(database, token)

        keys = ["hush", "hush", "hush!", None, None, "hush"]
        assert [await note(key) for key in keys] == [False, True, False, False, True, False]
        async with database.begin() as db:
            made = await make_admin_key(db, now=NOW)
            assert made is not None
        assert await note("hush")
        assert "hush" not in await stored_text(database)


async def test_a_session_lasts_as_long_as_it_was_said(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        token = await session(database)
        async with database.begin() as db:
            found = await find_session(db, token, now=NOW + HOUR - timedelta(microseconds=1))
            assert found is not None
            assert (found.created_at, found.expires_at) == (NOW, NOW + HOUR)
            assert await find_session(db, token, now=NOW + HOUR) is None
            assert await find_session(db, token + "x", now=NOW) is None
            later = NOW + timedelta(minutes=30)
            await touch_session(db, token, expires_at=later + HOUR, now=later)
            found = await find_session(db, token, now=NOW + HOUR)
            assert found is not None
            assert (found.last_seen_at, found.expires_at) == (later, later + HOUR)
        assert token not in await stored_text(database)


async def test_a_session_that_has_expired_is_not_woken(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        token = await session(database)
        async with database.begin() as db:
            late = NOW + HOUR
            await touch_session(db, token, expires_at=late + HOUR, now=late)
            assert await find_session(db, token, now=late) is None


async def test_signing_out_ends_one_session(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        one, other = await session(database), await session(database)
        async with database.begin() as db:
            await end_session(db, one)
            await end_session(db, one)
        assert [await is_open(database, token) for token in (one, other)] == [False, True]


async def test_sessions_and_links_do_not_grow_without_bound(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database, database.begin() as db:
        first, _ = await start_session(db, lifetime=HOUR, now=NOW - HOUR / 2)
        many = [
            AdminSession(f"{number:064x}", NOW, NOW + HOUR, NOW) for number in range(MAX_SESSIONS)
        ]
        await db.execute(insert(admin_sessions), [asdict(one) for one in many[1:]])
        await start_session(db, lifetime=HOUR, now=NOW)
        for number in range(MAX_LINKS + 5):
            await make_sign_in_link(db, lifetime=HOUR, now=NOW + timedelta(seconds=number))
        counts = [
            (await db.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (admin_sessions, sign_in_links)
        ]
        assert await find_session(db, first, now=NOW) is None
    assert counts == [MAX_SESSIONS, MAX_LINKS]


async def test_a_link_is_good_once_and_not_for_long(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            used, late = [await make_sign_in_link(db, lifetime=HOUR, now=NOW) for _ in range(2)]
            assert not await use_sign_in_link(db, "nonsense", now=NOW)
            assert await use_sign_in_link(db, used, now=NOW)
            assert not await use_sign_in_link(db, used, now=NOW)
            assert not await use_sign_in_link(db, late, now=NOW + HOUR)
        assert used not in await stored_text(database)


async def test_of_several_who_follow_one_link_at_once_one_gets_in(tmp_path: Path) -> None:
    let_in: list[bool] = []
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            link = await make_sign_in_link(db, lifetime=HOUR, now=NOW)

        async def follow() -> None:
            async with open_sample(tmp_path) as other, other.begin() as db:
                let_in.append(await use_sign_in_link(db, link, now=NOW))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(follow)
    assert sorted(let_in) == [False] * 4 + [True]
