"""What tests run in processes of their own: `python -m tests.store.processes ORDER TARGET …`.

Each opens the database, says `ready` on standard output, and begins when it is told to by a line on
standard input.
"""

import sys
from dataclasses import replace
from datetime import UTC, datetime

import anyio

from gateway.errors import LimitExceeded
from gateway.store.api_keys import get_api_key
from gateway.store.database import Database, open_database
from gateway.store.limit_book import LimitBook
from gateway.store.limits import owner_of_key
from gateway.store.usage import UsageWriter, new_record_id
from tests.sample_store import BOX
from tests.store.usage_samples import RECORD


async def reserve(database: Database, count: int) -> None:
    """Ask for `count` requests at once with the key `laptop`; prints how many were let in."""
    async with database.connect() as db:
        owner = owner_of_key(await get_api_key(db, "laptop"))
    assert owner is not None
    book = LimitBook(database)
    passed = 0

    async def one() -> None:
        nonlocal passed
        try:
            await book.reserve(owner, tokens=10)
        except LimitExceeded:
            return
        passed += 1

    await begin()
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(one)
    print(passed, flush=True)  # noqa: T201


async def hold(database: Database, count: int) -> None:
    """Reserve and keep until killed."""
    async with database.connect() as db:
        owner = owner_of_key(await get_api_key(db, "laptop"))
    assert owner is not None
    book = LimitBook(database)
    await begin()
    for _ in range(count):
        await book.reserve(owner, tokens=10)
    print("held", flush=True)  # noqa: T201
    await anyio.sleep_forever()


async def write(database: Database, count: int) -> None:
    """Record requests as fast as it goes until killed; prints each one's id once it is recorded."""
    writer = UsageWriter(database, gather=0.05)
    await begin()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.run)
        for _ in range(count):
            now = datetime.now(UTC)
            row = replace(RECORD, id=new_record_id(now), at=now)
            writer.record(row)
            print(row.id, flush=True)  # noqa: T201
            await anyio.sleep(0.001)


async def begin() -> None:
    """Wait for the word."""
    print("ready", flush=True)  # noqa: T201
    await anyio.to_thread.run_sync(sys.stdin.readline)


async def main(order: str, target: str, count: int) -> None:
    """Open the database and carry out the order."""
    orders = {"reserve": reserve, "hold": hold, "write": write}
    async with open_database(target, BOX) as database:
        await orders[order](database, count)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]))
