from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import delete

from gateway.errors import InvalidRequest
from gateway.store.database import Database
from gateway.store.roll_ups import Sums
from gateway.store.tables import usage_records
from gateway.store.usage import UsageRecord, insert_usage
from gateway.store.usage_report import (
    Dimension,
    UsageQuestion,
    UsageRow,
    parse_group_by,
    usage_report,
)
from tests.sample_store import NOW, open_sample
from tests.store.usage_samples import record

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

DIMENSIONS: tuple[Dimension, ...] = ("key", "account", "model", "source")
PERIODS: tuple[Dimension, ...] = ("day", "minute")
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def some_requests(count: int = 300) -> list[UsageRecord]:
    """Over four days, with every kind of row."""
    random = Random(7)
    found = []
    for number in range(count):
        failed = random.random() < 0.2
        found.append(
            replace(
                record(number),
                at=NOW - timedelta(seconds=random.randrange(4 * 86400)),
                api_key_id=random.choice(["k1", "k2", "k3"]),
                account_id=random.choice(["a1", "a2", None]),
                model_served=random.choice(["auto", "claude-sonnet-4.5", "Ω"]),
                usage_source=random.choice(["measured", "derived", "estimated", "none"]),
                input_tokens=random.randrange(2**31),
                output_tokens=random.randrange(1000),
                credits=random.choice([None, 0.5, 0.25]),
                first_token_ms=random.choice([None, 0, 640]),
                status=500 if failed else 200,
                error_class="UpstreamInternal" if failed else None,
            )
        )
    return found


def expected(rows: list[UsageRecord], question: UsageQuestion) -> dict[tuple[object, ...], Sums]:
    """The same by adding up one request after the other."""
    found: dict[tuple[object, ...], Sums] = {}
    for row in rows:
        if question.since is not None and row.at < question.since:
            continue
        if question.until is not None and row.at >= question.until:
            continue
        if question.key_ids and row.api_key_id not in question.key_ids:
            continue
        if question.account_ids and row.account_id not in question.account_ids:
            continue
        if question.models and row.model_served not in question.models:
            continue
        by = question.group_by
        day = row.at.replace(hour=0, minute=0, second=0, microsecond=0)
        begins = {
            "day": day,
            "hour": row.at.replace(minute=0, second=0, microsecond=0),
            "minute": row.at.replace(second=0, microsecond=0),
        }
        group = (
            row.api_key_id if "key" in by else None,
            row.account_id if "account" in by else None,
            row.model_served if "model" in by else None,
            row.usage_source if "source" in by else None,
            next((begins[period] for period in begins if period in by), None),
        )
        found.setdefault(group, Sums()).add(
            Sums(
                requests=1,
                errors=int(row.failed),
                input_tokens=row.input_tokens,
                output_tokens=row.output_tokens,
                cache_read_tokens=row.cache_read_tokens,
                cache_write_tokens=row.cache_write_tokens,
                credits=row.credits or 0.0,
                duration_ms=row.duration_ms,
                first_token_ms=row.first_token_ms or 0,
                first_tokens=int(row.first_token_ms is not None),
            )
        )
    return found


async def store(database: Database, rows: list[UsageRecord]) -> None:
    async with database.begin() as db:
        for start in range(0, len(rows), 50):
            await insert_usage(db, rows[start : start + 50])


async def ask(database: Database, question: UsageQuestion) -> tuple[UsageRow, ...]:
    async with database.connect() as db:
        return await usage_report(db, question)


def by_group(rows: tuple[UsageRow, ...]) -> dict[tuple[object, ...], Sums]:
    return {
        (row.key_id, row.account_id, row.model, row.source, row.period): row.sums for row in rows
    }


async def test_every_choice_of_dimensions_adds_up_to_the_same_as_the_requests(
    tmp_path: Path,
) -> None:
    rows = some_requests()
    choices = [
        (*told_apart, *period)
        for size in range(5)
        for told_apart in combinations(DIMENSIONS, size)
        for period in ((), ("day",), ("hour",), ("minute",))
    ]
    async with open_sample(tmp_path) as database:
        await store(database, rows)
        for group_by in choices:
            question = UsageQuestion(group_by=group_by)
            assert by_group(await ask(database, question)) == expected(rows, question), group_by


async def test_any_stretch_of_time_is_exact(tmp_path: Path) -> None:
    rows = some_requests()
    random = Random(3)
    moments = [None, NOW, MIDNIGHT, MIDNIGHT - timedelta(days=2), rows[0].at]
    moments += [NOW - timedelta(seconds=random.randrange(5 * 86400)) for _ in range(8)]
    moments += [NOW - timedelta(minutes=30), NOW - timedelta(minutes=29), NOW - timedelta(days=90)]
    async with open_sample(tmp_path) as database:
        await store(database, rows)
        for since in moments:
            for until in moments:
                if since is not None and until is not None and since > until:
                    continue
                for period in PERIODS:
                    question = UsageQuestion(since=since, until=until, group_by=("model", period))
                    found = by_group(await ask(database, question))
                    assert found == expected(rows, question), question


@pytest.mark.parametrize(
    "question",
    [
        UsageQuestion(key_ids=("k1",)),
        UsageQuestion(key_ids=("k1", "k3"), group_by=("model",)),
        UsageQuestion(account_ids=("a2",), group_by=("day",)),
        UsageQuestion(models=("auto", "Ω"), group_by=("account", "hour")),
        UsageQuestion(key_ids=("k2",), account_ids=("a1",), models=("auto",), group_by=()),
        UsageQuestion(since=NOW - timedelta(hours=30.5), key_ids=("k2",), models=("auto",)),
        UsageQuestion(key_ids=("nobody", "nul\0")),
    ],
)
async def test_rows_can_be_chosen(tmp_path: Path, question: UsageQuestion) -> None:
    rows = some_requests()
    async with open_sample(tmp_path) as database:
        await store(database, rows)
        assert by_group(await ask(database, question)) == expected(rows, question)


async def test_a_group_says_where_its_figures_come_from(tmp_path: Path) -> None:
    sources = ["measured", "measured", "estimated", "none"]
    rows = [replace(record(i), usage_source=source) for i, source in enumerate(sources)]
    async with open_sample(tmp_path) as database:
        await store(database, rows)
        (row,) = await ask(database, UsageQuestion(group_by=("key",)))
    assert row.sources == {"estimated": 1, "measured": 2, "none": 1}
    assert (row.key_id, row.account_id, row.model, row.period) == ("key", None, None, None)


async def test_time_comes_first_and_then_the_number_of_requests(tmp_path: Path) -> None:
    keys = ["rare", "often", "often", "rare", "rare"]
    days = [0, 0, 0, 1, 1]
    rows = [
        replace(record(i), api_key_id=key, at=MIDNIGHT - timedelta(days=day))
        for i, (key, day) in enumerate(zip(keys, days, strict=True))
    ]
    async with open_sample(tmp_path) as database:
        await store(database, rows)
        found = await ask(database, UsageQuestion(group_by=("day", "key")))
        total = await ask(database, UsageQuestion())
    assert [(row.period, row.key_id) for row in found] == [
        (MIDNIGHT - timedelta(days=1), "rare"),
        (MIDNIGHT, "often"),
        (MIDNIGHT, "rare"),
    ]
    assert [row.key_id for row in total] == ["rare", "often"]


async def test_where_the_log_has_ended_the_hours_at_the_ends_count_whole(tmp_path: Path) -> None:
    rows = some_requests()
    cut = MIDNIGHT - timedelta(days=1)
    since, until = NOW - timedelta(hours=70.4), NOW - timedelta(hours=60.6)
    async with open_sample(tmp_path) as database:
        await store(database, rows)
        async with database.begin() as db:
            await db.execute(delete(usage_records).where(usage_records.c.at < cut))
        whole = UsageQuestion(
            since=since.replace(minute=0, second=0),
            until=until.replace(minute=0, second=0) + timedelta(hours=1),
        )
        found = by_group(await ask(database, UsageQuestion(since=since, until=until)))
        assert found == expected(rows, whole)
        later = UsageQuestion(since=since, until=NOW - timedelta(minutes=7))
        exact_end = replace(whole, until=later.until)
        assert by_group(await ask(database, later)) == expected(rows, exact_end)


async def test_nothing_gives_nothing(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        assert await ask(database, UsageQuestion(since=NOW)) == ()
        assert await ask(database, UsageQuestion(since=NOW, until=NOW)) == ()
        with pytest.raises(InvalidRequest, match="lies before"):
            await ask(database, UsageQuestion(since=NOW, until=NOW - timedelta(seconds=1)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key", ("key",)),
        ("key,model", ("key", "model")),
        (" Day , MODEL ", ("day", "model")),
        ("provider", ("account",)),
        ("key_model", ("key", "model")),
        ("key_provider,hour", ("key", "account", "hour")),
        ("key_account,account", ("key", "account")),
        ("source", ("source",)),
        ("minute", ("minute",)),
    ],
)
def test_group_by_reads_words_and_their_pairs(text: str, expected: tuple[str, ...]) -> None:
    assert parse_group_by(text) == expected


@pytest.mark.parametrize("text", ["", "keys", "key,", "day,hour", "hour,minute", "api_key_id"])
def test_group_by_refuses_other_words(text: str) -> None:
    with pytest.raises(InvalidRequest, match="group_by"):
        parse_group_by(text)
