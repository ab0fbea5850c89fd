"""Limits of keys and accounts, as clients meet them."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import aiohttp
import anyio
import httpx
import pytest

from gateway.store.accounts import update_account
from gateway.store.api_keys import Limits, create_api_key
from gateway.store.limits import start_of_next_month
from gateway.store.requests import get_request
from tests.harness import Gateway

pytestmark = pytest.mark.anyio


async def limited_key(gateway: Gateway, name: str, **limits: Any) -> str:
    """A key for the account `social` with these limits; returns its secret."""
    services = gateway.services
    async with services.database.begin() as db:
        _, secret = await create_api_key(
            db, name=name, allowed=["social"], limits=Limits(**limits), now=datetime.now(UTC)
        )
    await services.directory.reload()
    return secret


async def ask(gateway: Gateway, secret: str, text: str = "Hello", **more: Any) -> httpx.Response:
    return await gateway.messages(text, headers={"x-api-key": secret}, **more)


async def settled(gateway: Gateway) -> None:
    await gateway.services.limits.flush()


async def test_requests_per_minute_are_told_before_and_after_they_run_out(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "two a minute", requests_per_minute=2)
    answers = [await ask(gateway, secret) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    left = [answer.headers["anthropic-ratelimit-requests-remaining"] for answer in answers]
    assert left == ["1", "0", "0"]
    assert [answer.headers["x-ratelimit-limit-requests"] for answer in answers] == ["2"] * 3
    refusal = answers[2]
    assert 1 <= int(refusal.headers["retry-after"]) <= 60
    assert refusal.headers["x-should-retry"] == "true"
    assert refusal.json()["error"]["type"] == "rate_limit_error"
    assert refusal.json()["error"]["source"] == "key"
    assert "two a minute" in refusal.json()["error"]["message"]
    assert len(await gateway.kiro.log()) == 2


async def test_a_thousand_at_once_and_exactly_a_hundred_pass(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "a hundred", requests_per_minute=100)
    statuses: Counter[int] = Counter()
    # httpx's own pool takes a minute for this, and the minute is what is tested.
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        anyio.create_task_group() as tasks,
    ):

        async def one() -> None:
            body = {
                "model": "claude-sonnet-4.5",
                "max_tokens": 10,
                "messages": [{"role": "user", "content": "Hi"}],
            }
            url, headers = gateway.url + "/v1/messages", {"x-api-key": secret}
            async with http.post(url, json=body, headers=headers) as answer:
                statuses[answer.status] += 1

        for _ in range(1000):
            tasks.start_soon(one)
    assert statuses == {200: 100, 429: 900}


async def test_a_request_waits_a_moment_for_another_one_to_end(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "one at a time", max_concurrent_requests=1)
    await gateway.kiro.control("PUT", "/gate", {"point": "closing"})
    answers: list[httpx.Response] = []

    async def one() -> None:
        answers.append(await ask(gateway, secret))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        tasks.start_soon(one)
        await gateway.kiro.control("GET", "/connections?until=open:1")
        await gateway.kiro.control("POST", "/release", {})
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_failed_request_gives_its_place_back(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "once", requests_per_minute=1)
    failed = await ask(gateway, secret, "[[scenario:malformed]]")
    await settled(gateway)
    good = await ask(gateway, secret)
    assert (failed.status_code, good.status_code) == (400, 200)


async def test_tokens_per_day_are_spent_by_what_was_really_used(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "few tokens", tokens_per_day=300)
    used = 0
    statuses: list[int] = []
    for _ in range(60):
        answer = await ask(gateway, secret, "[[say 20 words]]", max_tokens=50)
        statuses.append(answer.status_code)
        if answer.status_code != 200:
            break
        usage = answer.json()["usage"]
        used += usage["input_tokens"] + usage["output_tokens"]
        used += usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"]
        await settled(gateway)
    assert statuses[-1] == 429
    assert len(statuses) > 3
    # Back tomorrow: clients are told so, and not to try again before.
    assert 86_000 < int(answer.headers["retry-after"]) <= 86_400
    assert answer.headers["x-should-retry"] == "false"
    # Hard, but for the tenth by which an answer may go over its end.
    assert 200 <= used <= 305
    assert answer.json()["error"]["type"] == "rate_limit_error"


async def test_an_answer_ends_where_the_days_tokens_do(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "short", tokens_per_day=100)
    answer = await ask(gateway, secret, "[[say 2000 words]]", max_tokens=5000)
    assert answer.status_code == 200
    assert answer.json()["stop_reason"] == "max_tokens"
    assert answer.json()["usage"]["output_tokens"] <= 110
    assert "capped:max_tokens" in answer.headers["x-kiro-gateway-notes"]


async def test_credits_run_out_with_402(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "poor", credits_per_month=0.01)
    first = await ask(gateway, secret)
    await settled(gateway)
    second = await ask(gateway, secret)
    assert (first.status_code, second.status_code) == (200, 402)
    assert second.headers["x-should-retry"] == "false"
    assert second.json()["error"]["type"] == "billing_error"
    now = datetime.now(UTC)
    rest_of_month = (start_of_next_month(now) - now).total_seconds()
    assert abs(int(second.headers["retry-after"]) - rest_of_month) < 60


async def test_a_request_that_never_fits_is_not_to_come_back(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "tiny", tokens_per_day=10)
    answer = await ask(gateway, secret, "word " * 100)
    assert answer.status_code == 429
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers


async def test_pages_of_other_origins_may_read_how_the_limits_stand(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "page", requests_per_minute=5, tokens_per_day=100_000)
    headers = {"x-api-key": secret, "origin": "https://page.example"}
    answer = await gateway.messages("Hello", headers=headers)
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    limits = {name for name in answer.headers if "ratelimit" in name}
    assert len(limits) == 12
    assert limits <= exposed


async def test_a_key_uses_only_the_models_on_its_list(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "haiku only", allowed_models=("claude-haiku-4-5",))
    good = await ask(gateway, secret, model="claude-haiku-4-5-20251001")
    bad = await ask(gateway, secret, model="claude-sonnet-4-5")
    assert (good.status_code, bad.status_code) == (200, 403)
    assert "claude-haiku-4-5" in bad.json()["error"]["message"]
    assert bad.headers["x-should-retry"] == "false"
    listed = await gateway.get("/v1/models", **{"x-api-key": secret})
    assert [model["kiro_model_id"] for model in listed.json()["data"]] == ["claude-haiku-4.5"]


async def test_a_key_holder_sees_usage_limits_and_reset_times(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "curious", requests_per_minute=5, tokens_per_day=100_000)
    answer = await ask(gateway, secret)
    await settled(gateway)
    usage = answer.json()["usage"]
    told = (await gateway.get("/v1/usage", **{"x-api-key": secret})).json()
    assert told["key_name"] == "curious"
    day = told["last_24_hours"]
    assert (day["requests"], day["input_tokens"], day["output_tokens"]) == (
        1,
        usage["input_tokens"],
        usage["output_tokens"],
    )
    assert day["credits"] > 0
    limits = {limit["name"]: limit for limit in told["limits"]}
    assert limits["requests_per_minute"]["remaining"] == 4
    assert limits["requests_per_minute"]["resets_at"] is not None
    assert limits["tokens_per_day"]["used"] == sum(
        day[name]
        for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    )
    assert secret not in (await gateway.get("/v1/usage", **{"x-api-key": secret})).text


async def test_an_account_serves_only_so_many_at_once(gateway: Gateway) -> None:
    services = gateway.services
    account = services.directory.account_named("builder")
    assert account is not None
    async with services.database.begin() as db:
        await update_account(
            db,
            services.database.secrets,
            account.id,
            max_concurrent_requests=1,
            now=datetime.now(UTC),
        )
    await services.directory.reload()
    await gateway.kiro.control("PUT", "/gate", {"point": "closing"})
    statuses: list[int] = []

    async def one() -> None:
        answer = await gateway.messages(path="/a/builder/v1/messages")
        statuses.append(answer.status_code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        await gateway.kiro.control("GET", "/connections?until=open:1")
        async with anyio.create_task_group() as second:
            second.start_soon(one)
        assert statuses == [429]
        await gateway.kiro.control("POST", "/release", {})
    assert statuses == [429, 200]


async def test_a_refusal_is_in_the_request_log_with_the_limit(gateway: Gateway) -> None:
    secret = await limited_key(gateway, "logged", requests_per_minute=1)
    await ask(gateway, secret)
    refusal = await ask(gateway, secret)
    await gateway.services.usage.flush()
    async with gateway.services.database.connect() as db:
        stored = await get_request(
            db,
            gateway.services.database.secrets,
            refusal.headers["request-id"],
            now=datetime.now(UTC),
        )
    assert stored.record.status == 429
    assert stored.record.detail is not None
    assert stored.record.detail.limit == "requests_per_minute"
