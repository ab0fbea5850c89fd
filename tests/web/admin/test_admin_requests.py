"""The request log: pages, filters, single requests, what is new, and replay."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from gateway.store.usage import Attempt, Bodies, RequestDetail, UsageRecord
from gateway.web.admin import tail
from gateway.web.timing import Timing
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.admin.request_rows import NOON, sample_of, store

pytestmark = pytest.mark.anyio


@pytest.fixture
async def own(kiro: Kiro, tmp_path: Path) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path, timing=Timing(ping_interval=0.01)) as gateway:
        gateway.services.admin.tail_interval = 0.01
        yield gateway


@pytest.fixture(scope="module")
async def filled(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AdminGateway]:
    """Three requests; the slow one an hour later, on another account."""
    async with admin_gateway(kiro, tmp_path_factory.mktemp("filled")) as gateway:
        social, builder = await sample_of(gateway), await sample_of(gateway, "builder")
        slow = replace(
            builder,
            request_id="slow",
            at=NOON + timedelta(hours=1),
            status=429,
            error_class="RateLimited",
        )
        streamed = replace(social, request_id="streamed", stream=True, model_served="auto")
        await store(gateway, [replace(social, request_id="fine"), streamed, slow])
        yield gateway


async def ids(gateway: AdminGateway, query: str) -> list[str]:
    found = (await gateway.get(f"/admin/requests?{query}"))["requests"]
    return [request["request_id"] for request in found]


async def test_an_empty_log_is_an_empty_list(own: AdminGateway) -> None:
    assert await own.get("/admin/requests") == {
        "requests": [],
        "total": 0,
        "total_is_exact": True,
        "next_cursor": None,
    }


async def test_a_request_is_shown_with_names_and_figures(own: AdminGateway) -> None:
    sample = await sample_of(own)
    (row_id,) = await store(own, [sample])
    (shown,) = (await own.get("/admin/requests"))["requests"]
    assert shown == {
        "id": row_id,
        "request_id": "req-1",
        "created_at": "2026-06-15T12:00:00Z",
        "key_id": sample.api_key_id,
        "key_name": "test",
        "account_id": sample.account_id,
        "account": "social",
        "route": "/v1/messages",
        "model": "claude-sonnet-4-5",
        "model_served": "claude-sonnet-4.5",
        "status": 200,
        "stream": False,
        "failed": False,
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_tokens": 2,
        "cache_write_tokens": 1,
        "usage_source": "measured",
        "credits": 0.5,
        "stop_reason": "end_turn",
        "first_token_ms": 100,
        "duration_ms": 1000,
        "retries": 0,
        "error": None,
        "error_source": None,
        "origin": "client",
    }


async def test_what_a_client_asked_is_in_the_log_within_a_second(own: AdminGateway) -> None:
    body = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"x-api-key": own.key, "x-request-id": "mine-1"}
    answer = await own.http.post(own.url + "/v1/messages", json=body, headers=headers)
    with anyio.fail_after(20):
        while True:
            if await ids(own, "q=mine-1") == ["mine-1"]:
                break
            await anyio.sleep(0.05)
    shown = await own.get("/admin/requests/mine-1")
    assert shown["output_tokens"] == answer.json()["usage"]["output_tokens"]
    assert (shown["status"], shown["account"], shown["key_name"]) == (200, "social", "test")


@pytest.mark.parametrize("sort", ["-created_at", "created_at"])
async def test_pages_hold_every_request_once_in_order(own: AdminGateway, sort: str) -> None:
    sample = await sample_of(own)
    # Several at the same moment, so that time alone does not order them.
    rows = [
        replace(sample, request_id=f"req-{n}", at=NOON + timedelta(seconds=n // 3))
        for n in range(10)
    ]
    await store(own, rows)
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await own.get(f"/admin/requests?limit=4&sort={sort}&cursor={cursor}")
        assert page["total"] == 10
        found += [request["request_id"] for request in page["requests"]]
        cursor = page["next_cursor"]
    wanted = [f"req-{n}" for n in range(10)]
    assert found == (wanted if sort == "created_at" else wanted[::-1])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=429", {"slow"}),
        ("status=4xx", {"slow"}),
        ("status=2xx", {"fine", "streamed"}),
        ("status=5", set()),
        ("failed=true", {"slow"}),
        ("failed=false", {"fine", "streamed"}),
        ("error=RateLimited", {"slow"}),
        ("stream=true", {"streamed"}),
        ("account=builder", {"slow"}),
        ("provider=social", {"fine", "streamed"}),
        ("key_id=test", {"fine", "streamed", "slow"}),
        ("key_id=nobody", set()),
        ("model=claude-sonnet-4-5", {"fine", "slow"}),
        ("model=auto", {"streamed"}),
        ("q=str", {"streamed"}),
        ("from=2026-06-15T12:30:00Z", {"slow"}),
        ("to=2026-06-15T12:30:00Z", {"fine", "streamed"}),
        ("status=2xx&stream=false", {"fine"}),
    ],
)
async def test_requests_are_chosen_by_what_is_known_of_them(
    filled: AdminGateway, query: str, found: set[str]
) -> None:
    assert set(await ids(filled, query)) == found


@pytest.mark.parametrize(
    "query",
    ["limit=0", "cursor=x", "sort=model", "status=600", "status=4x", "failed=maybe", "from=x",
     "status=-1", "stream=2"],
)  # fmt: skip
async def test_a_question_that_makes_no_sense_is_refused(admin: AdminGateway, query: str) -> None:
    answer = await admin.call("GET", f"/admin/requests?{query}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_single_request_tells_everything(own: AdminGateway) -> None:
    sample = await sample_of(own)
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    detail = RequestDetail(
        error_message="Kiro is busy.",
        notes=("dropped:top_k",),
        attempts=(
            Attempt("social", "RateLimited", 5, 100, status=429, message="Slow down."),
            Attempt("social", "answered", 600, 400, waited_ms=500, status=200, first_event_ms=700),
        ),
        peer="127.0.0.1",
        client="curl/8",
        sent_bytes=512,
    )
    bodies = Bodies(expires_at, b'{"model":"auto"}', b'{"kiro":1}', b"\xff")
    (row_id,) = await store(own, [replace(sample, detail=detail, bodies=bodies)])
    shown = await own.get(f"/admin/requests/{row_id}")
    assert await own.get("/admin/requests/req-1") == shown
    (listed,) = (await own.get("/admin/requests"))["requests"]
    assert listed.items() <= shown.items()
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["RateLimited", "answered"]
    assert shown["attempts"][1]["waited_ms"] == 500
    assert (shown["notes"], shown["client"], shown["sent_bytes"]) == (
        ["dropped:top_k"],
        "curl/8",
        512,
    )
    assert shown["bodies"]["request"] == '{"model":"auto"}'
    assert shown["bodies"]["response"] == "\ufffd"


@pytest.mark.parametrize("name", ["nobody", "%00", "💥"])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/replay")])
async def test_a_request_that_there_is_not_is_not_found(
    admin: AdminGateway, method: str, path: str, name: str
) -> None:
    answer = await admin.call(method, f"/admin/requests/{name}{path}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found")


# --- what is new


@asynccontextmanager
async def following(
    gateway: AdminGateway, query: str = "", **headers: str
) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of a tail; it has begun when this gives them."""
    headers = {"x-api-key": gateway.admin_key, "accept": "text/event-stream", **headers}
    url = f"{gateway.url}/admin/requests?{query}"
    async with gateway.http.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-cache"
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        yield lines


async def events(lines: AsyncIterator[str], number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with anyio.fail_after(20):
        async for line in lines:
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == number:
                break
    return found


def now(sample: UsageRecord, request_id: str, **more: Any) -> UsageRecord:
    return replace(sample, request_id=request_id, at=datetime.now(UTC), **more)


async def test_a_tail_tells_each_new_request_once_and_no_old_one(own: AdminGateway) -> None:
    sample = await sample_of(own)
    await store(own, [now(sample, "old")])
    async with following(own) as lines:
        await store(own, [now(sample, "one"), now(sample, "two")])
        await store(own, [now(sample, "three")])
        told = await events(lines, 3)
    assert [event["request_id"] for event in told] == ["one", "two", "three"]
    assert told[0]["key_name"] == "test"


async def last_id(lines: AsyncIterator[str]) -> str:
    with anyio.fail_after(20):
        async for line in lines:
            if line.startswith("id: "):
                return line.removeprefix("id: ")
    raise AssertionError("the stream has ended")


async def test_who_was_cut_off_goes_on_where_the_tail_ended(own: AdminGateway) -> None:
    sample = await sample_of(own)
    async with following(own) as lines:
        begun = await last_id(lines)
    # Cut off before anything came, and once more after it.
    await store(own, [now(sample, "one"), now(sample, "two")])
    async with following(own, **{"last-event-id": begun}) as lines:
        first = await last_id(lines)
        told = await events(lines, 1)
    await store(own, [now(sample, "three")])
    async with following(own, **{"last-event-id": begun}) as lines:
        everything = await events(lines, 3)
    assert first == begun
    assert [event["request_id"] for event in told] == ["one"]
    assert [event["request_id"] for event in everything] == ["one", "two", "three"]


async def test_an_event_is_told_to_be_the_last_one_only_once_it_was(own: AdminGateway) -> None:
    sample = await sample_of(own)
    async with following(own) as lines:
        await last_id(lines)
        await store(own, [now(sample, "one"), now(sample, "two")])
        # Pings tell an id as well.
        with anyio.fail_after(20):
            assert "event: request" in [line async for line in _until(lines, "event: request")]
        after_one = await last_id(lines)
    async with following(own, **{"last-event-id": after_one}) as lines:
        (told,) = await events(lines, 1)
    assert told["request_id"] == "two"


@pytest.mark.parametrize("position", ["nonsense", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwxXQ"])
async def test_a_position_that_was_never_told_is_refused(own: AdminGateway, position: str) -> None:
    answer = await own.call(
        "GET", "/admin/requests", accept="text/event-stream", **{"last-event-id": position}
    )
    assert answer.status_code == 400
    assert "Last-Event-ID" in answer.json()["error"]["message"]


async def test_a_tail_tells_only_what_is_asked_for(own: AdminGateway) -> None:
    sample = await sample_of(own)
    async with following(own, "status=5xx") as lines:
        await store(own, [now(sample, "fine"), now(sample, "broken", status=502)])
        (told,) = await events(lines, 1)
    assert told["request_id"] == "broken"


async def test_a_silent_tail_says_that_it_is_there(own: AdminGateway) -> None:
    async with following(own) as lines:
        with anyio.fail_after(20):
            assert ": ping" in [line async for line in _until(lines, ": ping")]


async def _until(lines: AsyncIterator[str], last: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line == last:
            return


async def test_a_tail_that_is_left_is_given_up(own: AdminGateway) -> None:
    async with following(own):
        assert own.services.admin.tails == 1
    with anyio.fail_after(20):
        while True:
            if own.services.admin.tails == 0:
                break
            await anyio.sleep(0.01)


async def test_a_tail_ends_when_the_gateway_stops(own: AdminGateway) -> None:
    async with following(own) as lines:
        own.services.draining = True
        with anyio.fail_after(20):
            assert not [line async for line in lines if line.startswith("data")]


async def test_a_tail_ends_with_its_session(own: AdminGateway) -> None:
    own.services.admin.tail_recheck = 0.0
    signed_in = await own.call("POST", "/admin/session")
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    own.http.cookies.clear()
    headers = {"cookie": cookie, "accept": "text/event-stream"}
    async with own.http.stream("GET", own.url + "/admin/requests", headers=headers) as answer:
        assert answer.status_code == 200
        await own.anonymous("DELETE", "/admin/session", cookie=cookie)
        with anyio.fail_after(20):
            await answer.aread()


async def test_the_number_of_tails_is_bounded(own: AdminGateway) -> None:
    own.services.admin.tails = tail.MAX_TAILS
    answer = await own.call("GET", "/admin/requests", accept="text/event-stream")
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate_limit_error")
    own.services.admin.tails = 0


@pytest.mark.parametrize("query", ["status=nonsense", "limit=0"])
async def test_a_tail_of_nonsense_is_refused(own: AdminGateway, query: str) -> None:
    answer = await own.call("GET", f"/admin/requests?{query}", accept="text/event-stream")
    assert answer.status_code == 400
    assert own.services.admin.tails == 0


# --- replay

MESSAGES = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 99,
    "messages": [{"role": "user", "content": "Say it again"}],
}


async def replayed(
    gateway: AdminGateway, body: dict[str, Any] | None, route: str, order: object
) -> httpx.Response:
    sample = await sample_of(gateway)
    bodies = None
    if body is not None:
        bodies = Bodies(datetime.now(UTC) + timedelta(hours=1), json.dumps(body).encode())
    (row_id,) = await store(gateway, [replace(sample, route=route, bodies=bodies)])
    return await gateway.call("POST", f"/admin/requests/{row_id}/replay", order)


async def test_a_replay_asks_again_on_the_account_that_is_chosen(
    own: AdminGateway, kiro: Kiro
) -> None:
    answer = await replayed(own, MESSAGES, "/v1/messages", {"account": "builder"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["content"][0]["text"] == "You said: Say it again"
    assert answer.headers["x-kiro-gateway-account"] == "builder"
    assert len(await kiro.log()) == 1


async def test_a_replay_takes_the_account_it_ran_on_when_none_is_chosen(own: AdminGateway) -> None:
    answer = await replayed(own, MESSAGES, "/v1/messages", None)
    assert answer.headers["x-kiro-gateway-account"] == "social"


async def test_a_streamed_request_is_replayed_as_a_stream(own: AdminGateway) -> None:
    answer = await replayed(own, {**MESSAGES, "stream": True}, "/v1/chat/completions", None)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_what_the_service_refuses_is_told_in_the_admin_s_words(
    own: AdminGateway, kiro: Kiro
) -> None:
    await kiro.scenario("suspended")
    answer = await replayed(own, MESSAGES, "/v1/messages", None)
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "upstream_error")


async def test_a_request_without_its_body_cannot_be_replayed(own: AdminGateway) -> None:
    answer = await replayed(own, None, "/v1/messages", None)
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "conflict")
    assert "body-capture" in answer.text


async def test_a_replay_is_noted_as_the_admin_s_and_not_as_the_key_s(own: AdminGateway) -> None:
    await replayed(own, MESSAGES, "/v1/messages", None)
    await own.services.usage.flush()
    replay, original = (await own.get("/admin/requests"))["requests"]
    assert (replay["origin"], replay["key_name"]) == ("replay", "admin")
    assert (original["origin"], original["key_name"]) == ("client", "test")
    assert replay["output_tokens"] > 0
    usage = (await own.get("/admin/usage?group_by=key"))["usage"]
    assert sorted(row["total_requests"] for row in usage) == [1, 1]
