"""What channels were told outlives the process, and not for ever."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.store.notification_channels import (
    ChannelRecord,
    prune_channels,
    read_channels,
    save_channel,
)
from tests.sample_store import NOW, open_sample

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

RECORD = ChannelRecord(
    "c" * 64,
    '{"total":{"level":90}}',
    failures=2,
    retry_at=NOW + timedelta(minutes=5),
    last_error="It answers 500.",
    failed_at=NOW,
    delivered_at=NOW - timedelta(days=1),
)


async def test_a_record_is_read_as_it_was_saved_last(tmp_path: Path) -> None:
    later = replace(RECORD, failures=0, retry_at=None, last_error=None, state="{}")
    async with open_sample(tmp_path) as database:
        for record in (RECORD, later):
            async with database.begin() as db:
                await save_channel(db, record, now=NOW)
            async with database.connect() as db:
                assert await read_channels(db, [RECORD.id, "other"]) == {RECORD.id: record}


async def test_records_that_nobody_uses_go_in_time(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            for name, at in (("kept", 0), ("old", 0), ("young", 5)):
                await save_channel(db, ChannelRecord(name, "{}"), now=NOW + timedelta(days=at))
            gone = await prune_channels(db, keep=["kept"], unused_since=NOW + timedelta(days=1))
        assert gone == 1
        async with database.connect() as db:
            assert set(await read_channels(db, ["kept", "old", "young"])) == {"kept", "young"}
