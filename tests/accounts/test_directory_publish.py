from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from gateway.accounts.directory import Directory
from tests.sample_store import add_account, open_sample

pytestmark = pytest.mark.anyio


async def test_a_snapshot_begun_earlier_does_not_undo_what_was_published_meanwhile(
    tmp_path: Path,
) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        directory = Directory(database)
        await directory.reload()
        renewed = replace(account, generation=account.generation + 1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(directory.reload)
            await anyio.lowlevel.checkpoint()  # it waits for the database now
            directory.publish(renewed)
        assert directory.account(account.id) == renewed
