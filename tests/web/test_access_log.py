"""What operators read of requests, and what nobody may read there."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
import structlog

from gateway.logs import configure_logging
from gateway.simulator.accounts import DEMO_ACCOUNTS
from gateway.store.requests import get_request
from tests.harness import Gateway, Kiro, gateway_on
from tests.web.api_keys import make_key
from tests.web.listening import listening
from tests.web.replies import Dialect, ask
from tests.web.test_failover import failover_key
from tests.web.usage_rows import usage_of

pytestmark = pytest.mark.anyio

dialects = pytest.mark.parametrize("dialect", ["anthropic", "openai"])
streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
ROUTES: dict[Dialect, str] = {"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}

PROMPT = "Where did the heron hide its umbrella?"


class Log:
    """The lines written since a test began, as objects."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["message"] == "request"]

    async def request(self, request_id: str) -> dict[str, Any]:
        """The line of one request; it is written after the answer was sent."""
        with anyio.fail_after(20):
            while True:
                found = [line for line in self.requests() if line["request_id"] == request_id]
                if found:
                    (line,) = found
                    return line
                await anyio.sleep(0.01)


@pytest.fixture
def log_at() -> Iterator[Any]:
    root = logging.getLogger()
    handlers, level, config = list(root.handlers), root.level, structlog.get_config()

    def begin(name: str) -> Log:
        log = Log()
        configure_logging(name, "json", stream=log.stream)
        return log

    yield begin
    structlog.configure(**config)
    root.handlers[:] = handlers
    root.setLevel(level)


@streamed_or_not
@dialects
async def test_an_answered_request_is_one_line_at_info(
    gateway: Gateway, log_at: Any, dialect: Dialect, stream: bool
) -> None:
    log: Log = log_at("info")
    request_id = f"told-{dialect}-{stream}"
    headers = {"x-request-id": request_id}
    reply = await ask(
        gateway,
        dialect,
        PROMPT,
        stream=stream,
        headers=headers,
        model="claude-sonnet-4-5",
        path=f"/a/builder{ROUTES[dialect]}",
        top_k=3,
    )
    line = await log.request(request_id)
    row = await usage_of(gateway, request_id)
    (key,) = gateway.services.directory.api_keys
    assert reply.usage is not None
    tokens_in, tokens_out, cache_read = reply.usage
    told = {
        "level": "info",
        "message": "request",
        "request_id": request_id,
        "method": "POST",
        "route": ROUTES[dialect],
        "status": 200,
        "key_id": key.id,
        "key": "test",
        "account": "builder",
        "model": "claude-sonnet-4-5",
        "served": "claude-sonnet-4.5",
        "stream": stream,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "usage_source": "measured",
        "credits": row["credits"],
        "stop_reason": "end_turn",
        "retries": 0,
    }
    assert told.items() <= line.items()
    assert line.get("cache_read", 0) == cache_read
    assert 0 <= line["first_token_ms"] <= line["total_ms"]
    assert line["upstream_request_id"]
    assert "dropped:top_k" in line["notes"]
    assert "error" not in line
    assert log.requests() == [line]


@streamed_or_not
@dialects
@pytest.mark.parametrize(
    ("scenario", "error", "retries", "statuses"),
    [
        ("monthly-limit", "QuotaSpent", 0, {402}),
        ("internal", "UpstreamInternal", 2, {500, 503}),
        ("token-invalid", "AccountSignInFailed", 1, {502}),
    ],
)
async def test_a_refused_request_is_one_line_that_says_why(
    gateway: Gateway,
    log_at: Any,
    scenario: str,
    error: str,
    retries: int,
    statuses: set[int],
    dialect: Dialect,
    stream: bool,
) -> None:
    log: Log = log_at("info")
    request_id = f"{scenario}-{dialect}-{stream}"
    headers = {"x-request-id": request_id}
    await ask(gateway, dialect, f"[[scenario:{scenario}]]", stream=stream, headers=headers)
    line = await log.request(request_id)
    assert (line["error"], line["retries"]) == (error, retries)
    assert line["status"] in statuses
    assert line["upstream_request_id"]
    assert {"tokens_out", "first_token_ms", "stop_reason"}.isdisjoint(line)


@dialects
async def test_a_stream_that_fails_is_told_with_what_it_had_produced(
    gateway: Gateway, log_at: Any, dialect: Dialect
) -> None:
    log: Log = log_at("info")
    request_id = f"failed-{dialect}"
    headers = {"x-request-id": request_id}
    prompt = "[[scenario:exception-later-throttling]] and some more"
    await ask(gateway, dialect, prompt, stream=True, headers=headers)
    line = await log.request(request_id)
    assert (line["status"], line["error"]) == (200, "RateLimited")
    assert line["tokens_out"] > 0
    assert line["usage_source"] == "estimated"
    assert "stop_reason" not in line


@dialects
async def test_a_client_that_left_is_told_as_that(
    kiro: Kiro, gateway: Gateway, log_at: Any, dialect: Dialect
) -> None:
    log: Log = log_at("info")
    await kiro.control("PUT", "/gate", {"point": "closing"})
    request_id = f"left-{dialect}"
    headers = {"x-request-id": request_id}
    async with listening(gateway, dialect, PROMPT, headers=headers) as listener:
        await listener.until(lambda one: b"You" in one.data)
    line = await log.request(request_id)
    assert (line["status"], line["error"]) == (200, "ClientDisconnected")
    assert line["tokens_out"] > 0
    assert not [one for one in log.lines if one["level"] in {"warning", "error"}]


async def test_requests_without_a_key_or_a_route_are_told_too(
    gateway: Gateway, log_at: Any
) -> None:
    log: Log = log_at("info")
    for path, status in (("/v1/models", 401), ("/no\nwhere/" + "x" * 300, 404)):
        response = await gateway.http.get(gateway.url + path.replace("\n", "%0A"))
        assert response.status_code == status
        line = await log.request(response.headers["request-id"])
        assert line["status"] == status
        assert len(line["route"]) < 160
        assert line["error"] in {"NotAuthenticated", "NotFound"}
        assert {"key_id", "account", "model", "stream", "retries"}.isdisjoint(line)
    assert len(log.text.splitlines()) == 2, "a path cannot make a line of its own"


async def test_load_balancers_are_not_told_at_info(gateway: Gateway, log_at: Any) -> None:
    log: Log = log_at("info")
    for path in ("/health", "/ready"):
        assert (await gateway.http.get(gateway.url + path)).status_code == 200
    assert log.text == ""


def secrets_of(kiro: Kiro, gateway: Gateway, *more: str) -> set[str]:
    """Everything that opens something here."""
    found = {gateway.key, *more}
    for account in DEMO_ACCOUNTS:
        found |= {account.access_token or "", account.refresh_token or ""}
        found |= {account.client_secret or "", account.api_key or ""}
    for row in gateway.services.directory.accounts:
        credentials = row.credentials
        if credentials is not None:
            found |= {credentials.access_token or "", credentials.refresh_token or ""}
    return found - {""}


async def busy_time(kiro: Kiro, gateway: Gateway) -> str:
    """A bit of everything: every kind of account, refreshes, failures. Returns one more key."""
    key = await make_key(gateway, f"busy {len(gateway.services.directory.api_keys)}")
    await kiro.control("POST", "/expire-tokens", {})
    for account in ("social", "builder", "organisation", "external", "key"):
        for dialect, route in ROUTES.items():
            path = f"/a/{account}{route}"
            for stream in (True, False):
                reply = await ask(gateway, dialect, PROMPT, stream=stream, path=path)
                assert reply.text == f"You said: {PROMPT}"
        await gateway.get(f"/a/{account}/v1/models")
        await gateway.get(f"/a/{account}/v1/kiro/usage-limits?refresh=true")
    for scenario in ("token-invalid", "internal", "malformed", "exception-later-internal"):
        await ask(gateway, "anthropic", f"[[scenario:{scenario}]] {PROMPT}", stream=True)
    await gateway.messages(PROMPT, headers={"authorization": f"Bearer {key}"})
    await gateway.messages(PROMPT, headers={"x-api-key": "sk-kiro-" + "w" * 43})
    # Somebody talks about secrets, as people do.
    await gateway.messages(f"My key is {key}, keep it")
    return key


async def test_neither_prompts_nor_secrets_are_told_at_info(
    kiro: Kiro, gateway: Gateway, log_at: Any
) -> None:
    log: Log = log_at("info")
    before = secrets_of(kiro, gateway)
    key = await busy_time(kiro, gateway)
    assert len(log.requests()) > 20
    assert "umbrella" not in log.text
    for secret in before | secrets_of(kiro, gateway, key, "w" * 43):
        assert secret not in log.text


async def test_traffic_is_told_at_debug_without_its_secrets(
    kiro: Kiro, gateway: Gateway, log_at: Any
) -> None:
    log: Log = log_at("debug")
    before = secrets_of(kiro, gateway)
    key = await busy_time(kiro, gateway)
    for secret in before | secrets_of(kiro, gateway, key, "w" * 43):
        assert secret not in log.text
    by_message: dict[str, str] = {}
    for line in log.lines:
        by_message[line["message"]] = by_message.get(line["message"], "") + json.dumps(line)
    for message in ("client request", "upstream request"):
        assert PROMPT in by_message[message]
    for message in ("upstream sent", "sent"):
        assert "You" in by_message[message]
    assert "anthropic-version" not in by_message["upstream request"]
    assert '"authorization": "***"' in by_message["upstream request"]
    assert '"x-api-key": "***"' in by_message["client request"]
    assert {"answer begins", "upstream answer"} <= by_message.keys()


async def test_a_key_that_was_sent_in_the_wrong_place_is_not_kept(gateway: Gateway) -> None:
    services = gateway.services
    places = {"x-request-id": gateway.key, "user-agent": gateway.key}
    places["x-kiro-conversation-id"] = gateway.key
    reply = await gateway.messages(PROMPT, model=gateway.key, headers=places)
    assert gateway.key not in reply.headers["request-id"]
    await services.usage.flush()
    async with services.database.connect() as db:
        stored = await get_request(
            db, services.database.secrets, reply.headers["request-id"], now=datetime.now(UTC)
        )
    assert stored.record.model_asked == "***"
    assert gateway.key not in repr(stored)


async def test_behind_a_trusted_proxy_the_client_is_told_and_not_the_proxy(
    kiro: Kiro, tmp_path: Path
) -> None:
    seen = []
    for trusted in ((), ("127.0.0.1",)):
        folder = tmp_path / str(len(trusted))
        folder.mkdir()
        async with gateway_on(kiro, folder, trusted_proxies=trusted) as gateway:
            reply = await gateway.messages(headers={"x-forwarded-for": "198.51.100.7, 203.0.113.9"})
            services = gateway.services
            await services.usage.flush()
            async with services.database.connect() as db:
                stored = await get_request(
                    db,
                    services.database.secrets,
                    reply.headers["request-id"],
                    now=datetime.now(UTC),
                )
        assert stored.record.detail is not None
        seen.append(stored.record.detail.peer)
    assert seen == ["127.0.0.1", "203.0.113.9"]


async def test_the_line_names_the_account_that_served_and_those_that_did_not(
    kiro: Kiro, gateway: Gateway, log_at: Any
) -> None:
    log: Log = log_at("info")
    client = await failover_key(gateway, "social", "organisation")
    await kiro.scenario("suspended", account="social")
    for number in range(2):
        headers = {"x-request-id": f"over-{number}"}
        assert (await ask(client, "anthropic", PROMPT, stream=True, headers=headers)).status == 200
        line = await log.request(f"over-{number}")
        assert (line["account"], line["failed_over"]) == ("organisation", "social")
        # The second time it was passed over without a call, for the same reason.
        assert line["retries"] == 1 - number
        row = await usage_of(gateway, f"over-{number}")
        database = gateway.services.database
        async with database.connect() as db:
            stored = await get_request(db, database.secrets, row["id"], now=datetime.now(UTC))
        assert stored.record.detail is not None
        assert [(one.account, one.outcome) for one in stored.record.detail.attempts] == [
            ("social", "AccountSuspended"),
            ("organisation", "answered"),
        ]
