import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream
from sqlalchemy import select

from gateway.errors import RateLimitExceeded
from gateway.store.api_keys import Limits, create_api_key
from gateway.store.database import Database
from gateway.store.limit_book import LEASE, LimitBook
from gateway.store.limits import LimitOwner, owner_of_key
from gateway.store.tables import usage_records
from gateway.store.usage_report import UsageQuestion, usage_report
from tests.sample_store import NOW, add_account, open_sample, sample_target

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

ROOT = Path(__file__).parents[2]


class Child:
    """A process of `tests.store.processes`, read line by line."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self.process = process
        self._chunks = TextReceiveStream(process.stdout)
        self._buffer = ""

    async def line(self) -> str:
        """The next line; raises EndOfStream after the last."""
        while "\n" not in self._buffer:
            self._buffer += await self._chunks.receive()
        line, _, self._buffer = self._buffer.partition("\n")
        return line

    async def begin(self) -> None:
        """Give the word."""
        assert self.process.stdin is not None
        await self.process.stdin.send(b"\n")


@asynccontextmanager
async def child(order: str, target: str, count: int) -> AsyncIterator[Child]:
    command = [sys.executable, "-m", "tests.store.processes", order, target, str(count)]
    async with await anyio.open_process(command, cwd=ROOT, stderr=subprocess.STDOUT) as process:
        try:
            one = Child(process)
            assert await one.line() == "ready"
            yield one
        finally:
            if process.returncode is None:
                process.kill()


async def limited_owner(database: Database, limits: Limits) -> LimitOwner:
    await add_account(database, "work")
    async with database.begin() as db:
        key, _ = await create_api_key(db, name="laptop", allowed=["work"], limits=limits, now=NOW)
    owner = owner_of_key(key)
    assert owner is not None
    return owner


@pytest.mark.parametrize(
    "limits",
    [
        Limits(requests_per_minute=100),
        Limits(max_concurrent_requests=100),
        Limits(tokens_per_day=1000),
    ],
    ids=["minute", "slots", "tokens"],
)
async def test_two_processes_let_exactly_the_limit_pass(tmp_path: Path, limits: Limits) -> None:
    async with open_sample(tmp_path) as database:
        await limited_owner(database, limits)
        target = await sample_target(tmp_path)
        async with AsyncExitStack() as stack:
            children = [
                await stack.enter_async_context(child("reserve", target, 500)) for _ in range(2)
            ]
            for one in children:
                await one.begin()
            with anyio.fail_after(60):
                passed = [int(await one.line()) for one in children]
    assert sum(passed) == 100


async def test_a_process_that_is_killed_gives_its_slots_back_in_time(tmp_path: Path) -> None:
    ahead = LEASE * 0
    async with open_sample(tmp_path) as database:
        limits = Limits(max_concurrent_requests=2, tokens_per_day=20)
        owner = await limited_owner(database, limits)
        book = LimitBook(database, clock=lambda: datetime.now(UTC) + ahead)
        async with child("hold", await sample_target(tmp_path), 2) as one:
            await one.begin()
            assert await one.line() == "held"
            one.process.kill()
            await one.process.wait()
        with pytest.raises(RateLimitExceeded):
            await book.reserve(owner, tokens=10)
        ahead = LEASE
        await book.reserve(owner, tokens=20)


async def test_a_kill_costs_the_last_requests_at_most_and_doubles_none(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        recorded: list[str] = []
        async with child("write", await sample_target(tmp_path), 100_000) as one:
            await one.begin()
            with anyio.fail_after(60):
                while len(await stored_ids(database)) < 100:
                    recorded += [await one.line() for _ in range(50)]
            one.process.kill()
            try:
                while True:
                    recorded.append(await one.line())
            except anyio.EndOfStream:
                pass
    async with open_sample(tmp_path) as database:
        stored = await stored_ids(database)
        async with database.connect() as db:
            (row,) = await usage_report(db, UsageQuestion(group_by=()))
    # What is missing is missing at the end.
    assert stored == recorded[: len(stored)] or stored[: len(recorded)] == recorded
    assert row.sums.requests == len(stored) == len(set(stored))


async def stored_ids(database: Database) -> list[str]:
    async with database.connect() as db:
        rows = await db.execute(select(usage_records.c.id).order_by(usage_records.c.seq))
        return list(rows.scalars())
