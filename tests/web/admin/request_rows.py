"""Requests put into the log without anybody having asked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from gateway.store.api_keys import get_api_key
from gateway.store.usage import UsageRecord, new_record_id
from tests.web.admin.admin_gateway import AdminGateway

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)

SAMPLE = UsageRecord(
    id="",
    at=NOON,
    request_id="req-1",
    api_key_id="",
    account_id="",
    route="/v1/messages",
    model_asked="claude-sonnet-4-5",
    model_served="claude-sonnet-4.5",
    status=200,
    stream=False,
    input_tokens=10,
    output_tokens=5,
    cache_read_tokens=2,
    cache_write_tokens=1,
    credits=0.5,
    usage_source="measured",
    stop_reason="end_turn",
    first_token_ms=100,
    duration_ms=1000,
    retries=0,
    error_class=None,
)


async def sample_of(gateway: AdminGateway, account: str = "social") -> UsageRecord:
    """The sample, of the gateway's own key and one of its accounts."""
    async with gateway.services.database.connect() as db:
        key = await get_api_key(db, "test")
    account_id = (await gateway.get(f"/admin/accounts/{account}"))["id"]
    return replace(SAMPLE, api_key_id=key.id, account_id=account_id)


async def store(gateway: AdminGateway, rows: Sequence[UsageRecord]) -> list[str]:
    """Store requests; gives their ids."""
    stored = [replace(row, id=new_record_id(row.at)) for row in rows]
    for row in stored:
        gateway.services.usage.record(row)
    await gateway.services.usage.flush()
    return [row.id for row in stored]
