"""What an API key may be told of itself."""

from datetime import UTC, datetime, timedelta

import msgspec

from gateway.store.api_keys import ApiKey
from gateway.store.database import Database
from gateway.store.limit_book import LimitBook
from gateway.store.limits import owner_of_key, start_of_month
from gateway.store.usage import UsageWriter
from gateway.store.usage_report import UsageQuestion, usage_report


class Used(msgspec.Struct, frozen=True):
    """Sums over some time; tokens, credits, requests."""

    since: datetime
    requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    credits: float


class LimitStanding(msgspec.Struct, frozen=True):
    """How one limit stands; `resets_at` is when all of it is free again if nothing more is used."""

    name: str
    limit: float
    used: float
    remaining: float
    resets_at: datetime | None


class OwnUsage(msgspec.Struct, frozen=True):
    """The answer of GET /v1/usage."""

    key_id: str
    key_name: str
    expires_at: datetime | None
    allowed_models: list[str]
    last_24_hours: Used
    this_month: Used
    limits: list[LimitStanding]
    object: str = "usage"


async def usage_of_key(
    database: Database, writer: UsageWriter, book: LimitBook, api_key: ApiKey
) -> OwnUsage:
    """What a key has used up to this moment, its own last request included.

    Raises:
        StoreError: the database fails.
    """
    await writer.flush()
    now = datetime.now(UTC)
    owner = owner_of_key(api_key)
    standings = await book.read(owner) if owner is not None else ()
    return OwnUsage(
        key_id=api_key.id,
        key_name=api_key.name,
        expires_at=api_key.expires_at,
        allowed_models=list(api_key.limits.allowed_models),
        last_24_hours=await _used(database, api_key, now - timedelta(hours=24), now),
        this_month=await _used(database, api_key, start_of_month(now), now),
        limits=[
            LimitStanding(one.name, one.limit, one.used, one.remaining, one.resets_at)
            for one in standings
        ],
    )


async def _used(database: Database, api_key: ApiKey, since: datetime, now: datetime) -> Used:
    question = UsageQuestion(
        since=since, until=now + timedelta(seconds=1), key_ids=(api_key.id,), group_by=()
    )
    async with database.connect() as db:
        rows = await usage_report(db, question)
    if not rows:
        return Used(since, 0, 0, 0, 0, 0, 0, 0.0)
    sums = rows[0].sums
    return Used(
        since,
        sums.requests,
        sums.errors,
        sums.input_tokens,
        sums.output_tokens,
        sums.cache_read_tokens,
        sums.cache_write_tokens,
        sums.credits,
    )
