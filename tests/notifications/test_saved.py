"""Saved settings win over configured ones, and their URLs are kept encrypted."""

from pathlib import Path

import msgspec
import pytest

from gateway.errors import StoreError
from gateway.notifications.saved import FIELDS, NAME, channel_id, read_effective, save
from gateway.settings import NotificationChannel, NotificationSettings
from gateway.store.saved_settings import save_setting
from gateway.store.secrets import SecretBox
from tests.sample_store import BOX, NOW, open_sample, stored_text

pytestmark = pytest.mark.anyio

URL = "https://hooks.slack.com/services/T0/B0/xyzzy"
CONFIGURED = NotificationSettings(
    enabled=True,
    language="zh",
    channels=(NotificationChannel(type="teams", url="https://teams.example.com/a"),),
)


@pytest.mark.usefixtures("both_stores")
async def test_what_was_saved_wins_member_by_member(tmp_path: Path) -> None:
    wanted = msgspec.structs.replace(
        CONFIGURED,
        language="en",
        channels=(NotificationChannel(type="slack", url=URL, name="ops"),),
        account_thresholds=(),
    )
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            names = {"language", "channels", "account_thresholds"}
            await save(db, BOX, wanted, names, now=NOW)
        async with database.connect() as db:
            found = await read_effective(db, BOX, CONFIGURED)
        assert (found.settings, set(found.saved)) == (wanted, names)
        assert "xyzzy" not in await stored_text(database)


async def test_what_is_taken_back_counts_no_more(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            await save(db, BOX, NotificationSettings(), FIELDS, now=NOW)
            await save(db, BOX, NotificationSettings(), (), now=NOW)
        async with database.connect() as db:
            found = await read_effective(db, BOX, CONFIGURED)
        assert (found.settings, found.saved) == (CONFIGURED, frozenset())


@pytest.mark.parametrize("name", FIELDS)
async def test_each_setting_can_be_saved(tmp_path: Path, name: str) -> None:
    others = NotificationSettings(
        enabled=False,
        timezone="Asia/Tokyo",
        check_interval_seconds=61.5,
        account_thresholds=(50,),
        total_thresholds=(70, 80),
        daily_times=("09:00",),
    )
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            await save(db, BOX, others, [name], now=NOW)
        async with database.connect() as db:
            found = (await read_effective(db, BOX, CONFIGURED)).settings
    assert getattr(found, name) == getattr(others, name)
    assert {other for other in FIELDS if getattr(found, other) != getattr(CONFIGURED, other)} == {
        name
    }


@pytest.mark.parametrize(
    "value", [{"enabled": 5}, [], {"channels": [{"type": "teams", "url_encrypted": "v1:x:y"}]}]
)
async def test_what_cannot_be_read_is_an_error_of_the_store(tmp_path: Path, value: object) -> None:
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            await save_setting(db, NAME, value, now=NOW)
        async with database.connect() as db:
            with pytest.raises(StoreError):
                await read_effective(db, BOX, CONFIGURED)


def test_a_channel_is_known_by_type_and_url_and_not_by_its_name() -> None:
    one = NotificationChannel(type="slack", url=URL)
    renamed = NotificationChannel(type="slack", url=URL, name="ops")
    assert channel_id(one, BOX) == channel_id(renamed, BOX)
    assert channel_id(one, BOX) != channel_id(NotificationChannel(type="teams", url=URL), BOX)
    assert channel_id(one, BOX) != channel_id(one, SecretBox(b"x" * 32))
    assert "xyzzy" not in channel_id(one, BOX)
