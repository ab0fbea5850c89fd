"""The playground: a client's request, tried out by an admin, and what is noted of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from gateway.store.api_keys import set_columns
from gateway.web.timing import Timing
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

PATHS = ["/v1/messages", "/v1/chat/completions"]
both = pytest.mark.parametrize("path", PATHS)
streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])

# What a client cannot know beforehand: ids and moments.
NEW_EACH_TIME = ("msg_", "chatcmpl-", '"created":', '"id":"')


@pytest.fixture
async def own(kiro: Kiro, tmp_path: Path) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path, timing=Timing(slot_wait=0.0)) as gateway:
        yield gateway


def ask(text: str = "Hello", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "claude-sonnet-4-5", "max_tokens": 500, "messages": messages, **more}


async def play(gateway: AdminGateway, path: str = "/v1/messages", **order: Any) -> httpx.Response:
    order = {"path": path, "body": ask(), **order}
    return await gateway.call("POST", "/admin/playground", order)


async def limited(gateway: AdminGateway, **limits: Any) -> dict[str, Any]:
    """Another key of two accounts."""
    body = {"name": "limited", "kiro_accounts": ["social", "builder"], **limits}
    answer = await gateway.call("POST", "/admin/keys", body)
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


async def as_key(gateway: AdminGateway, key: dict[str, Any], path: str, body: Any) -> Any:
    headers = {"x-api-key": key["key"]}
    return await gateway.http.post(gateway.url + path, json=body, headers=headers)


async def rows(gateway: AdminGateway) -> list[dict[str, Any]]:
    await gateway.services.usage.flush()
    found: list[dict[str, Any]] = (await gateway.get("/admin/requests"))["requests"]
    return found


def shape(answer: httpx.Response) -> list[str]:
    """An answer, line by line, without what is new each time."""
    text = answer.text.replace(",", ",\n").replace("{", "{\n")
    return [line for line in text.splitlines() if not any(new in line for new in NEW_EACH_TIME)]


TOLD = ("content-type", "x-kiro-gateway-model", "x-kiro-gateway-account", "x-kiro-gateway-notes")


@both
@streamed_or_not
async def test_the_answer_is_the_one_that_a_client_gets(
    own: AdminGateway, path: str, stream: bool
) -> None:
    key = await limited(own, requests_per_minute=100)
    body = ask(stream=stream, top_k=5, temperature=0.5)
    played = await play(own, path, key_id=key["id"], body=body)
    asked = await as_key(own, key, path, body)
    assert played.status_code == asked.status_code == 200
    assert "You" in played.text
    assert shape(played) == shape(asked)
    for name in TOLD:
        assert played.headers.get(name) == asked.headers.get(name)
    assert played.headers["content-type"].startswith("text/event-stream") is stream
    limit = {name for name in asked.headers if "ratelimit" in name}
    assert limit
    assert limit <= set(played.headers)


@both
@streamed_or_not
async def test_an_account_is_tried_without_any_key(
    own: AdminGateway, path: str, stream: bool
) -> None:
    answer = await play(own, path, account="builder", body=ask(stream=stream))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-kiro-gateway-account"] == "builder"
    (row,) = await rows(own)
    assert (row["origin"], row["key_id"], row["key_name"]) == ("playground", "admin", "admin")
    assert (row["account"], row["route"], row["stream"]) == ("builder", path, stream)
    assert row["output_tokens"] > 0
    assert row["credits"] is not None


@pytest.mark.parametrize(
    "order",
    [
        {"account": "organisation"},
        {"provider": "organisation"},
        {"path": "/a/organisation/v1/messages"},
        {"path": "/a/organisation/v1/messages/?beta=true"},
    ],
)
async def test_an_account_may_be_named_in_each_of_the_usual_ways(
    own: AdminGateway, order: dict[str, Any]
) -> None:
    answer = await play(own, **order)
    assert answer.headers["x-kiro-gateway-account"] == "organisation", answer.text


async def test_a_key_is_tried_on_its_default_account_or_on_another_of_its_own(
    own: AdminGateway,
) -> None:
    await limited(own)
    default = await play(own, key_id="limited")
    other = await play(own, key_id="limited", account="builder")
    foreign = await play(own, key_id="limited", account="organisation")
    assert default.headers["x-kiro-gateway-account"] == "social"
    assert other.headers["x-kiro-gateway-account"] == "builder"
    assert foreign.status_code == 403
    assert foreign.json()["error"]["type"] == "permission_error"
    assert "not allowed for this API key" in foreign.json()["error"]["message"]


async def test_what_is_played_through_a_key_is_in_its_usage_and_marked(own: AdminGateway) -> None:
    key = await limited(own)
    await play(own, key_id=key["id"])
    await as_key(own, key, "/v1/messages", ask())
    client, played = await rows(own)
    assert (client["origin"], played["origin"]) == ("client", "playground")
    assert client["key_id"] == played["key_id"] == key["id"]
    usage = await own.get("/admin/usage?group_by=key")
    assert [(row["key_id"], row["total_requests"]) for row in usage["usage"]] == [(key["id"], 2)]
    detail = await own.get(f"/admin/requests/{played['id']}")
    assert detail["origin"] == "playground"
    assert [attempt["account"] for attempt in detail["attempts"]] == ["social"]


async def test_trying_a_key_does_not_make_it_look_used(own: AdminGateway) -> None:
    key = await limited(own)
    await play(own, key_id=key["id"])
    await rows(own)
    assert (await own.get(f"/admin/keys/{key['id']}"))["last_used_at"] is None
    await as_key(own, key, "/v1/messages", ask())
    await rows(own)
    assert (await own.get(f"/admin/keys/{key['id']}"))["last_used_at"] is not None


@both
async def test_a_key_keeps_its_limits(own: AdminGateway, kiro: Kiro, path: str) -> None:
    key = await limited(own, requests_per_minute=1)
    assert (await play(own, path, key_id=key["id"])).status_code == 200
    played = await play(own, path, key_id=key["id"])
    asked = await as_key(own, key, path, ask())
    assert played.status_code == asked.status_code == 429
    assert played.headers["x-should-retry"] == asked.headers["x-should-retry"]
    assert int(played.headers["retry-after"]) >= 1
    assert shape_of_error(played) == shape_of_error(asked)
    assert len(await kiro.log()) == 1


@both
async def test_an_expired_key_is_refused_as_its_holder_would_be(
    own: AdminGateway, path: str
) -> None:
    key = await limited(own)
    async with own.services.database.begin() as db:
        await set_columns(db, key["id"], {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)})
    played = await play(own, path, key_id=key["id"])
    assert played.status_code == 403
    assert "expired" in played.json()["error"]["message"]


def shape_of_error(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    return {name: value for name, value in error.items() if name != "message"}


async def test_an_account_keeps_its_cap(own: AdminGateway, kiro: Kiro) -> None:
    await own.call("PUT", "/admin/accounts/social", {"max_concurrent_requests": 1})
    await kiro.control("PUT", "/gate", {"point": "frame:2"})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: play(own, account="social"))
        await kiro.control("GET", "/connections?until=waiting:1")
        second = await play(own, account="social")
        await kiro.control("POST", "/release", {})
    assert second.status_code == 429
    assert second.json()["error"]["source"] == "account"
    assert len(await kiro.log()) == 1


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"enabled": False}, 403, "is disabled"),
        ({"allowed_models": ["claude-haiku-4.5"]}, 403, "is not allowed for API key"),
    ],
)
@both
async def test_a_key_that_may_not_is_refused_as_its_holder_would_be(
    own: AdminGateway, path: str, change: dict[str, Any], status: int, words: str
) -> None:
    key = await limited(own)
    changed = await own.call("PUT", f"/admin/keys/{key['id']}", change)
    assert changed.status_code == 200, changed.text
    played = await play(own, path, key_id=key["id"])
    asked = await as_key(own, key, path, ask())
    assert played.status_code == asked.status_code == status
    assert words in played.text
    assert shape_of_error(played) == shape_of_error(asked)


@pytest.mark.parametrize(
    ("scenario", "status"), [("suspended", 403), ("monthly-limit", 402), ("throttled", 429)]
)
@both
async def test_what_the_service_refuses_is_told_as_to_a_client(
    own: AdminGateway, kiro: Kiro, path: str, scenario: str, status: int
) -> None:
    await kiro.scenario(scenario, times=None)
    answer = await play(own, path, account="social")
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["source"]
    (row,) = await rows(own)
    assert (row["origin"], row["status"], row["failed"]) == ("playground", status, True)
    assert row["error_source"] == answer.json()["error"]["source"]


@pytest.mark.parametrize("body", [{}, [], None, "text", {"model": "auto", "messages": 1}])
@both
async def test_a_body_that_the_route_refuses_is_refused_in_its_words(
    own: AdminGateway, path: str, body: Any
) -> None:
    key = await limited(own)
    played = await play(own, path, key_id=key["id"], body=body)
    content = json.dumps(body).encode()
    asked = await own.http.post(own.url + path, content=content, headers={"x-api-key": key["key"]})
    assert (played.status_code, asked.status_code) == (400, 400)
    assert played.json()["error"] == asked.json()["error"]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({}, "account is required"),
        ({"account": "nobody"}, 'no Kiro account "nobody"'),
        ({"key_id": "nobody"}, 'no API key "nobody"'),
        ({"account": "social", "path": "/v1/models"}, "path: has to be one of"),
        ({"account": "social", "path": "/admin/keys"}, "path: has to be one of"),
        ({"account": "social", "path": "http://example.com/v1/messages"}, "path"),
        ({"account": "social", "model": "auto"}, "model"),
        ({"account": 1}, "account"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused_and_leaves_no_row(
    own: AdminGateway, kiro: Kiro, order: dict[str, Any], words: str
) -> None:
    answer = await play(own, **order)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert words in answer.json()["error"]["message"]
    assert list(answer.json()) == ["error"]
    assert await kiro.log() == []
    assert await rows(own) == []


async def test_an_account_that_cannot_serve_says_what_to_do(own: AdminGateway) -> None:
    await own.call("POST", "/admin/accounts", {"name": "new"})
    await own.call("PUT", "/admin/accounts/social", {"enabled": False})
    unsigned = await play(own, account="new")
    disabled = await play(own, account="social")
    assert (unsigned.status_code, disabled.status_code) == (503, 503)
    assert "accounts login new" in unsigned.json()["error"]["message"]
    assert "Enable it first" in disabled.json()["error"]["message"]


@pytest.mark.parametrize("through", [{"account": "social"}, {"key_id": "test"}])
@both
async def test_who_stops_listening_ends_the_call_of_the_service(
    own: AdminGateway, kiro: Kiro, path: str, through: dict[str, Any]
) -> None:
    await kiro.control("PUT", "/gate", {"point": "frame:3"})
    order = {"path": path, "body": ask(stream=True), **through}
    async with streaming(own, order) as answer:
        assert answer.status_code == 200
        assert "You" in await anext(answer.aiter_text())
    counts = await kiro.control("GET", "/connections?until=open:0,cancelled:1")
    assert counts["reached"], counts
    with anyio.fail_after(20):
        while True:
            if told := await rows(own):
                break
            await anyio.sleep(0.01)
    assert (told[0]["origin"], told[0]["error"]) == ("playground", "ClientDisconnected")


@asynccontextmanager
async def streaming(gateway: AdminGateway, order: object) -> AsyncIterator[httpx.Response]:
    headers = {"x-api-key": gateway.admin_key}
    url = gateway.url + "/admin/playground"
    async with (
        httpx.AsyncClient(timeout=30) as http,
        http.stream("POST", url, json=order, headers=headers) as answer,
    ):
        yield answer


async def test_a_cut_stream_ends_as_a_client_would_see_it(own: AdminGateway, kiro: Kiro) -> None:
    for path in PATHS:
        await kiro.scenario("cut-mid-frame")
        answer = await play(own, path, account="social", body=ask(stream=True))
        assert answer.status_code == 200
        assert "error" in answer.text.splitlines()[-2] + answer.text.splitlines()[-3]
        assert "[DONE]" not in answer.text


async def test_only_admins_play(own: AdminGateway, kiro: Kiro) -> None:
    url, order = own.url + "/admin/playground", {"path": "/v1/messages", "body": ask()}
    order["account"] = "social"
    refused = [
        await own.http.post(url, json=order),
        await own.http.post(url, json=order, headers={"x-api-key": own.key}),
        await own.http.post(url, json=order, headers={"x-api-key": own.admin_key + "x"}),
        await own.call("POST", "/admin/playground", order, origin="https://evil.example"),
        await own.call("POST", "/admin/playground", order, host="evil.example"),
        await own.call("POST", "/admin/playground", order, x_forwarded_for="127.0.0.1"),
    ]
    assert [answer.status_code for answer in refused] == [401, 401, 401, 403, 403, 403]
    assert (await own.call("GET", "/admin/playground")).status_code == 405
    assert await kiro.log() == []


async def test_bodies_are_stored_while_that_is_switched_on(own: AdminGateway) -> None:
    await play(own, account="social")
    await own.call("PUT", "/admin/settings/body-capture", {"minutes": 5})
    await play(own, account="social", body=ask("Keep this", stream=True))
    kept, not_kept = [await own.get(f"/admin/requests/{row['id']}") for row in await rows(own)]
    assert not_kept["bodies"] is None
    assert "Keep this" in kept["bodies"]["request"]
    assert "playground" not in kept["bodies"]["request"]
    assert "message_stop" in kept["bodies"]["response"]
