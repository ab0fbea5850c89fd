"""What the gateway stored of requests, found by the ids that the clients gave them."""

from collections.abc import Mapping
from typing import Any

import anyio
from sqlalchemy import select

from gateway.store.tables import usage_records
from tests.harness import Gateway


async def usage_rows(gateway: Gateway) -> list[Mapping[str, Any]]:
    """Everything that is stored by now."""
    await gateway.services.usage.flush()
    async with gateway.services.database.connect() as db:
        return [dict(row) for row in (await db.execute(select(usage_records))).mappings()]


async def usage_of(gateway: Gateway, request_id: str) -> Mapping[str, Any]:
    """The one row of a request; a client that hung up may have to wait for it."""
    with anyio.fail_after(20):
        while True:
            rows = [row for row in await usage_rows(gateway) if row["request_id"] == request_id]
            if rows:
                (row,) = rows
                return row
            await anyio.sleep(0.01)
