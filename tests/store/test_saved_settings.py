from datetime import timedelta
from pathlib import Path

import pytest

from gateway.accounts.directory import Directory
from gateway.errors import StoreError
from gateway.store.database import read_revision
from gateway.store.saved_settings import (
    read_body_capture,
    read_setting,
    save_setting,
    set_body_capture,
)
from tests.sample_store import NOW, open_sample

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]


async def test_a_setting_comes_back_as_it_was_saved_last(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database, database.begin() as db:
        assert await read_setting(db, "channels") is None
        for value in ([{"type": "slack"}], {"a": None}, False, None):
            await save_setting(db, "channels", value, now=NOW)
            assert await read_setting(db, "channels") == value
        assert await read_revision(db) == 4


async def test_bodies_are_captured_until_the_time_is_over(tmp_path: Path) -> None:
    now = NOW
    until = NOW + timedelta(minutes=10)
    async with open_sample(tmp_path) as database:
        directory = Directory(database, clock=lambda: now)
        await directory.reload()
        assert not directory.captures_bodies()
        async with database.begin() as db:
            await set_body_capture(db, until, now=NOW)
            assert await read_body_capture(db) == until
        await directory.reload()
        assert directory.captures_bodies()
        now = until
        assert not directory.captures_bodies()
        now = NOW
        async with database.begin() as db:
            await set_body_capture(db, None, now=NOW)
        await directory.reload()
        assert not directory.captures_bodies()


async def test_a_time_that_is_none_is_an_error(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database, database.begin() as db:
        await save_setting(db, "body_capture_until", "soon", now=NOW)
        with pytest.raises(StoreError, match="is no time"):
            await read_body_capture(db)
