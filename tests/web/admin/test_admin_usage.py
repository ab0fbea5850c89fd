"""What was used, as operators ask for it."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.admin.request_rows import NOON, sample_of, store

pytestmark = pytest.mark.anyio


async def fill(gateway: AdminGateway) -> None:
    """Three requests: two of one account and model, one that failed on another, a day later."""
    social, builder = await sample_of(gateway), await sample_of(gateway, "builder")
    failed = replace(
        builder,
        at=NOON + timedelta(days=1),
        model_served="=cmd",
        status=429,
        error_class="RateLimited",
        input_tokens=0,
        output_tokens=0,
        cache_read_tokens=0,
        cache_write_tokens=0,
        credits=None,
        usage_source="none",
        first_token_ms=None,
        duration_ms=50,
    )
    await store(gateway, [social, replace(social, at=NOON + timedelta(hours=1)), failed])


@pytest.fixture(scope="module")
async def used(kiro: Kiro, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path_factory.mktemp("used")) as gateway:
        await fill(gateway)
        yield gateway


@pytest.fixture
async def own(kiro: Kiro, tmp_path: Path) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path) as gateway:
        yield gateway


async def usage(gateway: AdminGateway, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await gateway.get(f"/admin/usage?{query}"))["usage"]
    return found


async def test_without_requests_there_is_an_empty_list(admin: AdminGateway) -> None:
    for query in ("", "group_by=day,model", "key_id=nobody"):
        assert await usage(admin, query) == []


async def test_by_default_usage_is_told_per_key(used: AdminGateway) -> None:
    (row,) = await usage(used)
    key = await used.get("/admin/keys/test")
    assert row == {
        "key_id": key["id"],
        "key_name": "test",
        "total_requests": 3,
        "errors": 1,
        "input_tokens": 20,
        "output_tokens": 10,
        "cache_read_tokens": 4,
        "cache_write_tokens": 2,
        "total_tokens": 36,
        "credits": 1.0,
        "average_duration_ms": 683.3,
        "average_first_token_ms": 100.0,
        "first_token_requests": 2,
        "sources": {"measured": 2, "none": 1},
    }


@pytest.mark.parametrize("word", ["account", "provider"])
async def test_accounts_have_two_names_for_their_column(used: AdminGateway, word: str) -> None:
    rows = await usage(used, f"group_by={word}")
    told = [(row["account"], row["provider"], row["total_requests"]) for row in rows]
    assert told == [("social", "social", 2), ("builder", "builder", 1)]
    assert "key_id" not in rows[0]


@pytest.mark.parametrize(
    ("group_by", "told"),
    [
        ("model", [("claude-sonnet-4.5", 2), ("=cmd", 1)]),
        ("key_model", [("claude-sonnet-4.5", 2), ("=cmd", 1)]),
        ("day", [("2026-06-15T00:00:00Z", 2), ("2026-06-16T00:00:00Z", 1)]),
        (
            "hour",
            [(f"2026-06-{hour}:00:00Z", 1) for hour in ("15T12", "15T13", "16T12")],
        ),
        ("day,model", [("2026-06-15T00:00:00Z", 2), ("2026-06-16T00:00:00Z", 1)]),
        ("source", [("measured", 2), ("none", 1)]),
    ],
)
async def test_usage_is_told_apart_as_asked(
    used: AdminGateway, group_by: str, told: list[tuple[str, int]]
) -> None:
    by = "period" if group_by.startswith(("day", "hour")) else group_by.rpartition("_")[2]
    rows = await usage(used, f"group_by={group_by}")
    assert [(row[by], row["total_requests"]) for row in rows] == told


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ("from=2026-06-16T00:00:00Z", 1),
        ("to=2026-06-16T00:00:00Z", 2),
        ("from=2026-06-15T12:30:00Z&to=2026-06-15T13:30:00Z", 1),
        ("from=2026-06-15T14:30:00%2B02:00&to=2026-06-15T15:30:00%2B02:00", 1),
        ("account=social", 2),
        ("provider=builder", 1),
        ("account=social,builder", 3),
        ("account=social&model=claude-sonnet-4-5-20250929", 2),
        ("model=%3Dcmd", 1),
        ("key_id=test", 3),
    ],
)
async def test_usage_is_chosen_by_time_key_account_and_model(
    used: AdminGateway, query: str, requests: int
) -> None:
    rows = await usage(used, query)
    assert sum(row["total_requests"] for row in rows) == requests


@pytest.mark.parametrize(
    "query",
    [
        "group_by=nobody",
        "group_by=key,nobody",
        "group_by=",
        "group_by=day,hour",
        "from=yesterday",
        "from=2026-06-16T00:00:00",
        "from=0001-01-01T00:00:00%2B14:00",
        "from=2026-06-16T00:00:00Z&to=2026-06-15T00:00:00Z",
        "group_by=minute",
        "group_by=minute&to=2026-06-15T13:00:00Z",
        "group_by=minute&from=2026-06-15T13:00:00Z",
        "group_by=minute&from=2026-06-15T13:00:00Z&to=2026-06-15T19:00:01Z",
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(admin: AdminGateway, query: str) -> None:
    answer = await admin.call("GET", f"/admin/usage?{query}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_few_hours_are_told_by_the_minute(used: AdminGateway) -> None:
    hours = "from=2026-06-15T07:30:00Z&to=2026-06-15T13:30:00Z"
    rows = await usage(used, f"group_by=minute,account&{hours}")
    assert [(row["period"], row["account"], row["total_requests"]) for row in rows] == [
        ("2026-06-15T12:00:00Z", "social", 1),
        ("2026-06-15T13:00:00Z", "social", 1),
    ]


async def test_usage_comes_as_csv_for_those_who_accept_it(used: AdminGateway) -> None:
    answer = await used.call("GET", "/admin/usage?group_by=model", accept="text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename=usage.csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0])[:8] == [
        "key_id",
        "key_name",
        "model",
        "provider",
        "total_requests",
        "input_tokens",
        "output_tokens",
        "total_tokens",
    ]
    assert [(row["model"], row["total_requests"]) for row in rows] == [
        ("claude-sonnet-4.5", "2"),
        ("'=cmd", "1"),  # a spreadsheet would take it for a formula
    ]
    assert [(row["measured_requests"], row["none_requests"]) for row in rows] == [
        ("2", "0"),
        ("0", "1"),
    ]


async def test_usage_keeps_the_names_of_what_is_gone(own: AdminGateway) -> None:
    await fill(own)
    await own.call("DELETE", "/admin/keys/test")
    await own.call("DELETE", "/admin/accounts/social")
    rows = await usage(own, "group_by=key_account")
    assert {(row["key_name"], row["account"]) for row in rows} == {
        ("test", "social"),
        ("test", "builder"),
    }


async def test_what_clients_are_told_is_what_is_added_up(own: AdminGateway) -> None:
    told: list[int] = []
    for text in ("Hello", "Tell me more of it", "Goodbye"):
        body = {"model": "auto", "max_tokens": 99, "messages": [{"role": "user", "content": text}]}
        answer = await own.http.post(
            own.url + "/v1/messages", json=body, headers={"x-api-key": own.key}
        )
        used = answer.json()["usage"]
        told.append(used["input_tokens"] + used["output_tokens"])
    await own.services.usage.flush()
    (row,) = await usage(own)
    assert (row["total_requests"], row["total_tokens"]) == (3, sum(told))
