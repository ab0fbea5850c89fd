"""What HTTP brings along before and beside the answers: paths, methods, headers, bodies, keys."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update

from gateway import __version__
from gateway.store.tables import api_key_accounts, api_keys
from gateway.web.auth import FailureDelay
from gateway.web.timing import Timing
from tests.harness import Gateway, Kiro, gateway_on
from tests.web.api_keys import make_account, make_key, switch_account
from tests.web.listening import listening
from tests.web.pauses import Pauses
from tests.web.raw_client import post, raw_client
from tests.web.replies import PATHS, Dialect, ask, body_for
from tests.web.usage_rows import usage_of

pytestmark = pytest.mark.anyio

dialects = pytest.mark.parametrize("dialect", ["anthropic", "openai"])

ANTHROPIC = {"anthropic-version": "2023-06-01"}
ORIGIN = {"origin": "https://chat.example"}


def check_shape(response: httpx.Response, dialect: Dialect) -> dict[str, Any]:
    """The error object, after a look at what is around it."""
    body = response.json()
    error: dict[str, Any] = body["error"]
    if dialect == "anthropic":
        assert body["type"] == "error"
        assert body["request_id"] == response.headers["request-id"]
    else:
        assert body.keys() == {"error"}
        assert error["param"] is None
        assert "code" in error
    assert error["message"]
    assert error["source"]
    return error


# Paths and methods


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1", "/v1/nowhere", "/a/social", "/a/social/health", "/a//v1/models"]
)
@pytest.mark.parametrize(("headers", "dialect"), [(ANTHROPIC, "anthropic"), ({}, "openai")])
async def test_an_unknown_path_is_404_in_the_shape_that_the_client_reads(
    gateway: Gateway, path: str, headers: dict[str, str], dialect: Dialect
) -> None:
    response = await gateway.get(path, **headers)
    assert response.status_code == 404
    error = check_shape(response, dialect)
    kind = {"anthropic": "not_found_error", "openai": "invalid_request_error"}[dialect]
    assert (error["type"], error["source"]) == (kind, "client")


@pytest.mark.parametrize(
    ("method", "path", "headers", "dialect", "allow"),
    [
        ("GET", "/v1/messages", {}, "anthropic", "POST, OPTIONS"),
        ("PUT", "/a/social/v1/messages", {}, "anthropic", "POST, OPTIONS"),
        ("GET", "/v1/messages/count_tokens", {}, "anthropic", "POST, OPTIONS"),
        ("GET", "/v1/chat/completions", ANTHROPIC, "openai", "POST, OPTIONS"),
        ("POST", "/v1/models", ANTHROPIC, "anthropic", "GET, HEAD, OPTIONS"),
        ("POST", "/v1/models", {}, "openai", "GET, HEAD, OPTIONS"),
        ("DELETE", "/v1/models/auto", {}, "openai", "GET, HEAD, OPTIONS"),
        ("POST", "/health", {}, "openai", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_405_with_the_right_ones(
    gateway: Gateway,
    method: str,
    path: str,
    headers: dict[str, str],
    dialect: Dialect,
    allow: str,
) -> None:
    response = await gateway.http.request(method, gateway.url + path, headers=headers)
    assert response.status_code == 405
    assert response.headers["allow"] == allow
    assert check_shape(response, dialect)["type"] == "invalid_request_error"


@dialects
@pytest.mark.parametrize("tail", ["/", "//", "?beta=true", "/?beta=true&%ff=&&", "?"])
async def test_trailing_slashes_and_queries_change_nothing(
    gateway: Gateway, tail: str, dialect: Dialect
) -> None:
    reply = await ask(gateway, dialect, "Hello", stream=False, path=PATHS[dialect] + tail)
    assert (reply.status, reply.text) == (200, "You said: Hello")


async def test_head_is_get_without_a_body(gateway: Gateway) -> None:
    for path in ("/", "/health", "/ready", "/v1/models", "/v1/models/auto"):
        whole = await gateway.get(path)
        head = await gateway.http.head(gateway.url + path, headers={"x-api-key": gateway.key})
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["content-length"] == whole.headers["content-length"], path


async def test_a_head_of_a_route_that_is_posted_to_has_no_body(gateway: Gateway) -> None:
    response = await gateway.http.head(gateway.url + "/v1/messages")
    assert (response.status_code, response.content) == (405, b"")


# Other origins


async def test_pages_of_any_origin_may_ask_for_the_runtime_api(gateway: Gateway) -> None:
    asked = {**ORIGIN, "access-control-request-headers": "authorization, x-stainless-os"}
    response = await gateway.http.options(gateway.url + "/v1/messages", headers=asked)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-headers"] == "authorization, x-stainless-os"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in response.headers


async def test_header_names_that_are_none_are_not_echoed(gateway: Gateway) -> None:
    asked = {**ORIGIN, "access-control-request-headers": "authorization, <script>"}
    response = await gateway.http.options(gateway.url + "/v1/messages", headers=asked)
    assert response.headers["access-control-allow-headers"] == "*"


@dialects
async def test_pages_of_any_origin_may_read_answers_and_errors(
    gateway: Gateway, dialect: Dialect
) -> None:
    for prompt in ("Hello", "[[scenario:throttled]]"):
        for stream in (True, False):
            reply = await ask(gateway, dialect, prompt, stream=stream, headers=ORIGIN)
            assert reply.headers["access-control-allow-origin"] == "*"
            assert "request-id" in reply.headers["access-control-expose-headers"]
    refused = await gateway.http.get(gateway.url + "/v1/models", headers=ORIGIN)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/api/hello", "/admin/keys"])
async def test_nothing_else_is_for_other_origins(gateway: Gateway, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        response = await gateway.http.request(method, gateway.url + path, headers=ORIGIN)
        assert not [name for name in response.headers if name.startswith("access-control")]


async def test_who_sends_no_origin_is_told_of_none(gateway: Gateway) -> None:
    response = await gateway.get("/v1/models")
    assert not [name for name in response.headers if name.startswith("access-control")]


# What every answer carries


@pytest.mark.parametrize("given", ["abc", "A-1._z", "x" * 128])
async def test_a_plain_request_id_is_kept(gateway: Gateway, given: str) -> None:
    for path in ("/health", "/nowhere", "/v1/models"):
        response = await gateway.get(path, **{"x-request-id": given})
        assert response.headers["request-id"] == given
        assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a/b", "a\tb", "<b>", "é"])
async def test_any_other_request_id_is_replaced(gateway: Gateway, given: str) -> None:
    headers = [(b"x-request-id", given.encode())]
    response = await gateway.http.get(gateway.url + "/health", headers=headers)
    found = response.headers["request-id"]
    assert found != given
    assert found.startswith("req_")
    assert response.headers["x-request-id"] == found


@dialects
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_an_answer_names_model_account_and_what_was_changed(
    gateway: Gateway, dialect: Dialect, stream: bool
) -> None:
    name = "a_name_that_is_longer_than_the_service_can_stand_" + "x" * 40
    reply = await ask(
        gateway,
        dialect,
        "Hello",
        stream=stream,
        model="claude-haiku-4-5" if dialect == "anthropic" else "openai/claude-haiku-4-5",
        tools=[(name, {})],
        top_k=5,
    )
    assert reply.status == 200
    assert reply.headers["x-kiro-gateway-account"] == "social"
    assert reply.headers["x-kiro-gateway-model"].startswith("claude-")
    notes = reply.headers["x-kiro-gateway-notes"].split(",")
    assert {"dropped:top_k", "renamed:tool"} <= set(notes)
    assert reply.headers["request-id"]


async def test_what_a_client_makes_up_gets_into_no_header_unharmed(gateway: Gateway) -> None:
    model = 'é\r\nx-evil: 1 "' + "m" * 400
    response = await gateway.messages("Hello", model=model)
    assert response.status_code in {400, 404}
    assert "x-evil" not in response.headers
    served = response.headers["x-kiro-gateway-model"]
    assert served.isascii()
    assert len(served) <= 256


# Bodies


@dialects
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_no_json_object_is_400_in_our_own_words(
    gateway: Gateway, body: bytes, dialect: Dialect
) -> None:
    headers = {"x-api-key": gateway.key}
    url = gateway.url + PATHS[dialect]
    response = await gateway.http.post(url, content=body, headers=headers)
    check_refusal(response, dialect)


GOOD = {"model": "claude-sonnet-4.5", "messages": [{"role": "user", "content": "Hello"}]}


@dialects
@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"model": ""},
        {"model": 7},
        {"messages": None},
        {"messages": []},
        {"messages": "Hello"},
        {"messages": [7]},
        {"messages": [{"role": 7, "content": "Hello"}]},
        {"max_tokens": "many"},
        {"max_tokens": -1},
        {"stream": "yes"},
        {"tools": "none"},
    ],
    ids=json.dumps,
)
async def test_a_request_that_makes_no_sense_is_400_in_our_own_words(
    kiro: Kiro, gateway: Gateway, change: dict[str, Any], dialect: Dialect
) -> None:
    body = {**GOOD, "max_tokens": 100, **change}
    body = {name: value for name, value in body.items() if value is not None}
    response = await gateway.post(PATHS[dialect], body)
    error = check_refusal(response, dialect)
    assert next(iter(change)).removeprefix("max_") in error["message"]
    assert kiro.state.log.entries("generate") == []


def check_refusal(response: httpx.Response, dialect: Dialect) -> dict[str, Any]:
    assert response.status_code == 400
    error = check_shape(response, dialect)
    assert (error["type"], error["source"]) == ("invalid_request_error", "client")
    for foreign in ("msgspec", "Traceback", "Error:", "Exception", "object at 0x", "`$"):
        assert foreign not in error["message"]
    return error


async def test_a_bad_conversation_id_is_400(gateway: Gateway) -> None:
    response = await gateway.messages("Hello", headers={"x-kiro-conversation-id": "a b"})
    assert "x-kiro-conversation-id" in check_refusal(response, "anthropic")["message"]


@dialects
async def test_a_body_up_to_the_limit_is_read(small: Gateway, dialect: Dialect) -> None:
    body = sized_body(dialect, 2000)
    response = await small.http.post(
        small.url + PATHS[dialect], content=body, headers={"x-api-key": small.key}
    )
    assert response.status_code == 200


@dialects
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
async def test_a_body_beyond_the_limit_is_413(
    small: Gateway, announced: bool, dialect: Dialect
) -> None:
    body = sized_body(dialect, 2001)

    async def chunks() -> AsyncIterator[bytes]:
        yield body[:1500]
        yield body[1500:]

    response = await small.http.post(
        small.url + PATHS[dialect],
        content=body if announced else chunks(),
        headers={"x-api-key": small.key},
    )
    assert response.status_code == 413
    error = check_shape(response, dialect)
    kind = {"anthropic": "request_too_large", "openai": "invalid_request_error"}[dialect]
    assert error["type"] == kind
    assert "2000" in error["message"]
    assert response.headers["connection"] == "close"


async def test_who_asks_before_sending_too_much_need_not_send_it(small: Gateway) -> None:
    headers = {"content-length": "2001", "expect": "100-continue"}
    async with raw_client(small) as client:
        await client.send(post(small, "/v1/messages", b"", headers))
        answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_stops_coming_is_not_waited_for(small: Gateway) -> None:
    headers = {"content-length": "1000"}
    async with raw_client(small) as client:
        await client.send(post(small, "/v1/messages", b'{"model"', headers))
        answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"stopped coming" in answer


async def test_a_client_that_leaves_while_sending_is_no_error(kiro: Kiro, gateway: Gateway) -> None:
    headers = {"content-length": "1000", "x-request-id": "left-sending"}
    async with raw_client(gateway) as client:
        await client.send(post(gateway, "/v1/messages", b'{"model"', headers))
    assert (await gateway.messages()).status_code == 200
    assert len(kiro.state.log.entries("generate")) == 1


async def test_the_rest_of_a_body_that_nobody_wants_is_not_waited_for(small: Gateway) -> None:
    headers = {"content-length": "1000", "x-api-key": "wrong"}
    async with raw_client(small) as client:
        await client.send(post(small, "/v1/messages", b'{"model"', headers))
        answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 401 ")


def sized_body(dialect: Dialect, size: int) -> bytes:
    body = json.dumps(body_for(dialect, "Hello", stream=False)).encode()
    return body + b" " * (size - len(body))


@pytest.fixture(scope="module")
async def small(
    kiro: Kiro, pauses: Pauses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """A gateway with a small limit for bodies and little patience for who is slow to send."""
    timing = Timing(sleep=pauses, header_timeout=0.2, body_silence=0.2)
    folder = tmp_path_factory.mktemp("small")
    async with gateway_on(kiro, folder, timing=timing, max_request_bytes=2000) as gateway:
        yield gateway


# Connections


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"rubbish\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 40_000 + b"\r\nc: " + b"d" * 30_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 300_000, 431),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /" + b"a" * 20_000, 414),
    ],
    ids=[
        "rubbish",
        "TLS",
        "many headers",
        "a long header",
        "long headers",
        "an endless header",
        "a long address",
        "an endless address",
    ],
)
async def test_what_is_no_request_or_beyond_bounds_is_refused_in_json(
    gateway: Gateway, request_bytes: bytes, status: int
) -> None:
    async with raw_client(gateway) as client:
        await client.send(request_bytes)
        answer = await client.rest()
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0].startswith(f"HTTP/1.1 {status} ")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    assert headers["request-id"] == headers["x-request-id"]
    told = json.loads(body)
    assert told["type"] == "error"
    assert (told["error"]["type"], told["error"]["source"]) == ("invalid_request_error", "client")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\nslow"])
async def test_who_is_slow_to_send_headers_is_cut(small: Gateway, sent: bytes) -> None:
    async with raw_client(small) as client:
        if sent:
            await client.send(sent)
        assert await client.rest() == b""


async def test_a_second_request_on_a_connection_has_its_own_deadline(small: Gateway) -> None:
    async with raw_client(small) as client:
        await client.send(b"GET /api/hello HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await client.receive()).startswith(b"HTTP/1.1 200 ")
        await client.send(b"GET /api/hello HT")
        assert await client.rest() == b""


# Keys


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR "])
async def test_a_bearer_is_known_in_any_case(gateway: Gateway, scheme: str) -> None:
    headers = {"authorization": f"{scheme} {gateway.key}"}
    response = await gateway.http.get(gateway.url + "/v1/models", headers=headers)
    assert response.status_code == 200


async def test_of_two_keys_the_bearer_counts_first(gateway: Gateway) -> None:
    other = await make_key(gateway, "other", allowed=["builder"])
    for bearer, key, account in (
        (gateway.key, other, "social"),
        (other, gateway.key, "builder"),
        ("wrong", other, "builder"),
        (other, "wrong", "builder"),
    ):
        headers = {"authorization": f"Bearer {bearer}", "x-api-key": key}
        response = await gateway.messages("Hello", headers=headers)
        assert response.headers["x-kiro-gateway-account"] == account


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": "sk-kiro-wrong"},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": "Basic KEY"},
        {"authorization": "KEY"},
        {"x-api-key": ""},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/messages", "anthropic"),
        ("/v1/messages/count_tokens", "anthropic"),
        ("/v1/chat/completions", "openai"),
        ("/a/social/v1/chat/completions", "openai"),
    ],
)
async def test_without_a_known_key_there_is_401(
    gateway: Gateway, headers: dict[str, str], path: str, dialect: Dialect
) -> None:
    headers = {name: value.replace("KEY", gateway.key) for name, value in headers.items()}
    response = await gateway.http.post(gateway.url + path, json=GOOD, headers=headers)
    assert response.status_code == 401
    error = check_shape(response, dialect)
    assert (error["type"], error["source"]) == ("authentication_error", "key")
    assert error["code"] == "invalid_api_key"
    assert response.headers["www-authenticate"] == "Bearer"
    assert gateway.key not in response.text


@dialects
@pytest.mark.parametrize("trouble", ["disabled", "expired"])
async def test_a_key_that_is_good_no_more_is_403(
    kiro: Kiro, gateway: Gateway, trouble: str, dialect: Dialect
) -> None:
    key = await make_key(
        gateway, f"{trouble} {dialect}", enabled=trouble != "disabled", expired=trouble == "expired"
    )
    # Before the body, and before any other rule.
    response = await gateway.http.post(
        gateway.url + "/a/nobody" + PATHS[dialect], content=b"{", headers={"x-api-key": key}
    )
    assert response.status_code == 403
    error = check_shape(response, dialect)
    assert (error["type"], error["source"]) == ("permission_error", "key")
    assert trouble in error["message"]
    assert kiro.state.log.entries("generate") == []


async def test_failed_attempts_are_slowed_after_the_first_few(
    gateway: Gateway, pauses: Pauses
) -> None:
    gateway.services.failures = FailureDelay()
    for _ in range(12):
        response = await gateway.http.get(gateway.url + "/v1/models")
        assert response.status_code == 401
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert (await gateway.get("/v1/models")).status_code == 200, "a good key is not held back"
    assert len(pauses) == 7


def test_failures_are_forgotten_and_counted_for_each_peer() -> None:
    now = [0.0]
    delay = FailureDelay(clock=lambda: now[0])
    assert [delay.fail("a") for _ in range(6)] == [0, 0, 0, 0, 0, 0.25]
    assert delay.fail("b") == 0
    now[0] = 301.0
    assert delay.fail("a") == 0


def test_peers_are_remembered_in_bounded_number() -> None:
    delay = FailureDelay(clock=lambda: 0.0)
    for _ in range(6):
        delay.fail("first")
    for number in range(5000):
        delay.fail(str(number))
    assert delay.fail("first") == 0


# Accounts


async def test_the_keys_default_account_serves(gateway: Gateway) -> None:
    key = await make_key(gateway, "two", allowed=["builder", "external"], default="external")
    response = await gateway.messages("Hello", headers={"x-api-key": key})
    assert response.headers["x-kiro-gateway-account"] == "external"


async def test_the_address_can_name_another_allowed_account(kiro: Kiro, gateway: Gateway) -> None:
    response = await gateway.messages("Hello", path="/a/builder/v1/messages")
    assert response.headers["x-kiro-gateway-account"] == "builder"
    assert [entry.account for entry in kiro.state.log.entries("generate")] == ["builder"]


@pytest.mark.parametrize(
    ("method", "path", "dialect"),
    [
        ("POST", "/v1/messages", "anthropic"),
        ("POST", "/v1/messages/count_tokens", "anthropic"),
        ("POST", "/v1/chat/completions", "openai"),
        ("GET", "/v1/models", "openai"),
        ("GET", "/v1/models/auto", "openai"),
        ("GET", "/v1/kiro/usage-limits", "openai"),
    ],
)
@pytest.mark.parametrize("account", ["builder", "nobody", "Social"])
async def test_an_account_that_the_key_may_not_use_is_403_whether_it_exists_or_not(
    gateway: Gateway, account: str, method: str, path: str, dialect: Dialect
) -> None:
    key = await make_key(gateway, f"only social {account} {method} {path}")
    response = await gateway.http.request(
        method, f"{gateway.url}/a/{account}{path}", json=GOOD, headers={"x-api-key": key}
    )
    assert response.status_code == 403
    error = check_shape(response, dialect)
    assert error["message"] == f'Kiro account "{account}" not allowed for this API key'
    assert (error["type"], error["source"]) == ("permission_error", "key")


@dialects
async def test_a_key_without_accounts_is_403(gateway: Gateway, dialect: Dialect) -> None:
    key = await make_key(gateway, f"bereft {dialect}")
    database = gateway.services.database
    (row,) = [one for one in gateway.services.directory.api_keys if one.name == f"bereft {dialect}"]
    async with database.begin() as db:
        await db.execute(delete(api_key_accounts).where(api_key_accounts.c.key_id == row.id))
        await db.execute(
            update(api_keys).where(api_keys.c.id == row.id).values(default_account_id=None)
        )
    await gateway.services.directory.reload()
    response = await gateway.post(f"/a/social{PATHS[dialect]}", GOOD, {"x-api-key": key})
    assert response.status_code == 403
    error = check_shape(response, dialect)
    assert "no Kiro accounts" in error["message"]


@dialects
async def test_a_disabled_account_is_503_that_names_it_and_the_remedy(
    kiro: Kiro, gateway: Gateway, dialect: Dialect
) -> None:
    await switch_account(gateway, "external", enabled=False)
    try:
        path = f"/a/external{PATHS[dialect]}"
        reply = await ask(gateway, dialect, "Hello", stream=True, path=path)
        limits = await gateway.get("/a/external/v1/kiro/usage-limits")
    finally:
        await switch_account(gateway, "external", enabled=True)
    assert reply.error is not None
    kind = {"anthropic": "api_error", "openai": "server_error"}[dialect]
    assert (reply.status, reply.error["type"]) == (503, kind)
    assert (reply.error["code"], reply.error["source"]) == ("no_account", "account")
    assert '"external" is disabled' in reply.error["message"]
    assert "nable it" in reply.error["message"]
    assert limits.status_code == 503
    assert kiro.state.log.entries() == []


@dialects
async def test_an_account_without_a_sign_in_is_503_that_names_it_and_the_remedy(
    gateway: Gateway, dialect: Dialect
) -> None:
    await make_account(gateway, f"new-{dialect}")
    key = await make_key(gateway, f"for new {dialect}", allowed=[f"new-{dialect}"])
    reply = await ask(gateway, dialect, "Hello", stream=True, headers={"x-api-key": key})
    models = await gateway.get("/v1/models", **{"x-api-key": key})
    assert reply.error is not None
    assert reply.status == models.status_code == 503
    assert f'"new-{dialect}" is not signed in' in reply.error["message"]
    assert f"accounts import new-{dialect}" in reply.error["message"]


async def test_what_is_answered_here_needs_no_account_in_working_order(
    kiro: Kiro, gateway: Gateway
) -> None:
    assert (await gateway.get("/v1/models")).status_code == 200
    await switch_account(gateway, "social", enabled=False)
    try:
        models = await gateway.get("/v1/models")
        count = await gateway.post("/v1/messages/count_tokens", GOOD)
    finally:
        await switch_account(gateway, "social", enabled=True)
    assert (models.status_code, count.status_code) == (200, 200)
    assert kiro.state.log.entries() == []


@dialects
async def test_reasoning_is_kept_from_keys_that_do_not_want_it(
    gateway: Gateway, dialect: Dialect
) -> None:
    key = await make_key(gateway, f"silent {dialect}", suppress_reasoning=True)
    for stream in (True, False):
        reply = await ask(
            gateway, dialect, "Why?", stream=stream, thinking=True, headers={"x-api-key": key}
        )
        assert reply.thinking == ""
        assert reply.text == "You said: Why?"


# Public routes


async def test_public_routes_need_no_key_and_name_no_account(gateway: Gateway) -> None:
    for path in ("/", "/health", "/ready", "/api/hello", "/health/", "/?x=1"):
        response = await gateway.http.get(gateway.url + path)
        assert response.status_code == 200, path
        for account in gateway.services.directory.accounts:
            assert f'"{account.name}"' not in response.text
    info = (await gateway.http.get(gateway.url)).json()
    assert info["version"] == __version__
    assert "/v1/messages" in info["endpoints"]
    health = (await gateway.http.get(gateway.url + "/health")).json()
    assert health == {"status": "ok", "version": __version__}


@pytest.mark.parametrize("path", ["/", "/api/hello"])
async def test_client_probes_get_200_and_nothing(gateway: Gateway, path: str) -> None:
    response = await gateway.http.head(gateway.url + path)
    assert (response.status_code, response.content) == (200, b"")


@pytest.fixture
def draining(gateway: Gateway) -> Iterator[None]:
    gateway.services.draining = True
    yield
    gateway.services.draining = False


@pytest.mark.usefixtures("draining")
async def test_a_gateway_on_its_way_out_is_not_ready_but_alive(gateway: Gateway) -> None:
    ready = await gateway.http.get(gateway.url + "/ready")
    assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
    assert (await gateway.http.get(gateway.url + "/health")).status_code == 200
    assert (await gateway.messages()).status_code == 200


# Models


async def test_one_list_of_models_serves_clients_of_both_dialects(
    kiro: Kiro, gateway: Gateway
) -> None:
    page = (await gateway.get("/v1/models")).json()
    assert page["object"] == "list"
    assert page["has_more"] is False
    assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
    for model in page["data"]:
        assert model["id"].startswith(("claude", "anthropic."))
        assert (model["object"], model["type"]) == ("model", "model")
        assert model["display_name"]
        assert model["created_at"].endswith("Z")
        assert model["created"] > 0
        assert model["owned_by"]
        assert model["max_input_tokens"] > 0
        assert model["id"] in (model["kiro_model_id"], f"anthropic.{model['kiro_model_id']}")
    assert {"description", "max_tokens"} <= page["data"][0].keys()
    assert kiro.state.log.entries("models") == [], "known since the gateway started"


async def test_models_come_in_pages(gateway: Gateway) -> None:
    everything = [model["id"] for model in (await gateway.get("/v1/models")).json()["data"]]
    assert len(everything) > 4
    forward: list[str] = []
    query = "limit=2"
    while True:
        page = (await gateway.get(f"/v1/models?{query}")).json()
        forward += [model["id"] for model in page["data"]]
        if not page["has_more"]:
            break
        query = f"limit=2&after_id={page['last_id']}"
    assert forward == everything
    before = (await gateway.get(f"/v1/models?limit=2&before_id={everything[4]}")).json()
    assert [model["id"] for model in before["data"]] == everything[2:4]
    assert before["has_more"] is True


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "after_id=no", "before_id=no"]
)
async def test_a_page_that_cannot_be_is_400(gateway: Gateway, query: str) -> None:
    response = await gateway.get(f"/v1/models?{query}", **ANTHROPIC)
    assert query.partition("=")[0] in check_refusal(response, "anthropic")["message"]


async def test_codex_gets_its_own_list(gateway: Gateway) -> None:
    for path in ("/v1/models", "/models"):
        answer = (await gateway.get(f"{path}?client_version=0.169.0")).json()
        assert answer.keys() == {"models"}
        assert all(model["slug"] for model in answer["models"])


async def test_models_are_found_without_the_version_in_the_path(gateway: Gateway) -> None:
    assert (await gateway.get("/models")).json() == (await gateway.get("/v1/models")).json()
    assert (await gateway.get("/a/builder/models")).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("claude-sonnet-4.5", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4.5"),
        ("anthropic/claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("anthropic%2Fclaude-sonnet-4-5", "claude-sonnet-4.5"),
        ("anthropic.auto", "anthropic.auto"),
        ("auto", "anthropic.auto"),
        ("auto/", "anthropic.auto"),
    ],
)
async def test_a_model_is_found_by_any_of_its_names(
    gateway: Gateway, wanted: str, found: str
) -> None:
    response = await gateway.get(f"/v1/models/{wanted}")
    assert response.status_code == 200
    assert response.json()["id"] == found


async def test_a_model_that_the_account_does_not_have_is_404(gateway: Gateway) -> None:
    response = await gateway.get("/v1/models/gpt-oss", **ANTHROPIC)
    assert response.status_code == 404
    assert check_shape(response, "anthropic")["type"] == "not_found_error"


async def test_accounts_have_lists_of_their_own(gateway: Gateway) -> None:
    free = (await gateway.get("/a/builder/v1/models")).json()["data"]
    paid = (await gateway.get("/a/social/v1/models")).json()["data"]
    assert len(free) < len(paid)


# Quota and token counts


async def test_usage_limits_tell_neither_address_nor_profile(kiro: Kiro, gateway: Gateway) -> None:
    await kiro.control("PUT", "/credits", {"account": "social", "used": 510.5})
    response = await gateway.get("/v1/kiro/usage-limits?refresh=true")
    assert response.status_code == 200
    limits = response.json()
    assert limits["account"] == "social"
    assert limits["usage"]["used_precise"] == 10.5
    assert limits["usage"]["limit"] == 1000
    assert limits["exhausted"] is False
    assert "@" not in response.text
    assert "arn:" not in response.text


async def test_usage_limits_are_asked_for_once_until_somebody_wants_them_new(
    kiro: Kiro, gateway: Gateway
) -> None:
    for path, asked in (
        ("/a/builder/v1/kiro/usage-limits", 1),
        ("/a/builder/v1/kiro/usage-limits", 1),
        ("/a/builder/v1/kiro/usage-limits?refresh=true", 2),
    ):
        assert (await gateway.get(path)).status_code == 200
        assert len(kiro.state.log.entries("usage")) == asked


@pytest.mark.parametrize("account", ["social", "builder", "organisation", "external", "key"])
async def test_usage_limits_are_known_for_every_kind_of_account(
    gateway: Gateway, account: str
) -> None:
    response = await gateway.get(f"/a/{account}/v1/kiro/usage-limits")
    assert response.status_code == 200
    assert response.json()["account"] == account


@pytest.mark.parametrize(
    ("more", "least"),
    [
        ({}, 1),
        ({"system": "Speak slowly. " * 10}, 25),
        ({"tools": [{"name": "lookup", "input_schema": {"type": "object"}}]}, 10),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, 1),
    ],
    ids=["text", "system", "tools", "thinking"],
)
async def test_tokens_are_counted_here(
    kiro: Kiro, gateway: Gateway, more: dict[str, Any], least: int
) -> None:
    response = await gateway.post("/v1/messages/count_tokens?beta=true", {**GOOD, **more})
    assert response.status_code == 200
    assert response.json().keys() == {"input_tokens"}
    assert response.json()["input_tokens"] >= least
    assert kiro.state.log.entries() == []


# The payload guard


@dialects
async def test_a_prompt_over_the_guard_is_refused_in_the_words_that_make_clients_compact(
    kiro: Kiro, guarded: Gateway, dialect: Dialect
) -> None:
    reply = await ask(guarded, dialect, "word " * 2000, stream=True)
    assert reply.error is not None
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")
    assert reply.error["code"] == "context_length_exceeded"
    assert reply.error["message"].startswith("prompt is too long")
    assert reply.error["source"] == "client"
    assert kiro.state.log.entries("generate") == []


@pytest.fixture(scope="module")
async def guarded(kiro: Kiro, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that sends no large bodies."""
    folder = tmp_path_factory.mktemp("guarded")
    async with gateway_on(kiro, folder, {"max_payload_bytes": 5000}) as gateway:
        yield gateway


# Rows


async def test_a_refused_request_that_reached_an_account_is_counted(gateway: Gateway) -> None:
    headers = {"x-request-id": "refused"}
    await ask(gateway, "openai", "[[scenario:monthly-limit]]", stream=True, headers=headers)
    row = await usage_of(gateway, "refused")
    assert (row["status"], row["error_class"]) == (402, "QuotaSpent")
    assert (row["input_tokens"], row["output_tokens"]) == (0, 0)


async def test_many_requests_share_a_connection(gateway: Gateway) -> None:
    async with raw_client(gateway) as client:
        for _ in range(3):
            await client.send(b"GET /api/hello HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await client.receive()).startswith(b"HTTP/1.1 200 ")


async def test_listening_without_a_word_keeps_its_headers_to_itself(
    kiro: Kiro, gateway: Gateway
) -> None:
    await kiro.control("PUT", "/gate", {"point": "frame:3"})
    async with listening(gateway, "openai", "Hello", headers=ORIGIN) as listener:
        await listener.until(lambda one: one.status == 200)
        assert listener.headers["access-control-allow-origin"] == "*"
        assert listener.headers["x-content-type-options"] == "nosniff"
        assert listener.headers["x-accel-buffering"] == "no"
