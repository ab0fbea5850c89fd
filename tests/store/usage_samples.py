"""Requests for tests of what is stored of them."""

from dataclasses import replace

from gateway.store.usage import UsageRecord
from tests.sample_store import NOW

RECORD = UsageRecord(
    id="0" * 32,
    at=NOW,
    request_id="req-1",
    api_key_id="key",
    account_id="account",
    route="/v1/messages",
    model_asked="claude-sonnet-4-5",
    model_served="claude-sonnet-4.5",
    status=200,
    stream=True,
    input_tokens=1200,
    output_tokens=34,
    cache_read_tokens=5,
    cache_write_tokens=6,
    credits=0.13,
    usage_source="measured",
    stop_reason="end_turn",
    first_token_ms=640,
    duration_ms=2100,
    retries=0,
    error_class=None,
)


def record(number: int) -> UsageRecord:
    """One of many."""
    return replace(RECORD, id=f"{number:032x}")
