"""Usage as several people leave it behind in a month, for pages that show it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from gateway.store.usage import UsageRecord
from tests.web.admin.admin_gateway import AdminGateway
from tests.web.admin.request_rows import SAMPLE, store

MODELS = ("claude-sonnet-4.5", "claude-haiku-4.5", "auto")
SOURCES = ("measured", "measured", "measured", "derived", "estimated")


async def leave_usage(gateway: AdminGateway, keys: list[str], *, count: int = 400) -> None:
    """Store requests of the last 29 days and of the last minutes, the same ones every time."""
    rows = await records(gateway, keys, count)
    await store(gateway, list(rows))


async def records(gateway: AdminGateway, keys: list[str], count: int) -> Iterator[UsageRecord]:
    """Requests of these keys (ids), on the accounts that are signed in and on none."""
    accounts = [
        (await gateway.get(f"/admin/accounts/{name}"))["id"] for name in ("social", "builder")
    ]
    return _records(keys, accounts, count, datetime.now(UTC))


def _records(
    keys: list[str], accounts: list[str], count: int, now: datetime
) -> Iterator[UsageRecord]:
    random = Random(11)
    for number in range(count):
        # Half of them today, a tenth in the last half hour.
        age = random.choice([29 * 86_400, 80_000]) if number % 10 else 1800
        row = replace(
            SAMPLE,
            at=now - timedelta(seconds=random.random() * age),
            request_id=f"req-{number}",
            api_key_id=keys[min(random.randrange(len(keys)), random.randrange(len(keys)))],
            account_id=random.choice(accounts),
            model_served=random.choice(MODELS),
            input_tokens=random.randrange(200, 9000),
            output_tokens=random.randrange(10, 2000),
            credits=random.randrange(400) / 100,
            usage_source=random.choice(SOURCES),
            first_token_ms=random.randrange(300, 2500),
            duration_ms=random.randrange(2500, 20_000),
        )
        if number % 17 == 0:
            row = replace(
                row,
                status=429,
                account_id=None,
                error_class="RateLimited",
                usage_source="none",
                input_tokens=0,
                output_tokens=0,
                cache_read_tokens=0,
                cache_write_tokens=0,
                credits=None,
                first_token_ms=None,
            )
        yield row
