"""What clients are told of each way in which the service fails before it says anything."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from gateway.simulator.http_faults import HTTP_FAULTS
from gateway.simulator.scenarios import SCENARIOS
from gateway.web.timing import Timing
from tests.harness import Gateway, Kiro, gateway_on
from tests.web.pauses import Pauses
from tests.web.replies import Dialect, Reply, ask
from tests.web.usage_rows import usage_of

pytestmark = pytest.mark.anyio

dialects = pytest.mark.parametrize("dialect", ["anthropic", "openai"])
streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


@dataclass(frozen=True)
class Told:
    """What a client gets: (status, type) by dialect, and how it came to that.

    Attributes:
        code: what `error.code` says.
        calls: how often the service was asked.
        retry_after: the header, as (least, most) seconds.
        should_retry: the header `x-should-retry`.
        names_account: the message says which account is concerned.
        refreshes: how often its token was renewed.
    """

    openai: tuple[int, str]
    anthropic: tuple[int, str]
    code: str | None
    source: str = "upstream"
    calls: int = 1
    retry_after: tuple[int, int] | None = None
    should_retry: str | None = None
    names_account: bool = False
    refreshes: int = 0


def both(status: int, kind: str, code: str | None, **more: object) -> Told:
    return Told((status, kind), (status, kind), code, **more)  # type: ignore[arg-type]


INVALID = "invalid_request_error"

TOO_LONG = both(400, INVALID, "context_length_exceeded")
NO_CAPACITY = Told((503, "server_error"), (529, "overloaded_error"), "model_overloaded", calls=3)
SPENT = Told(
    (402, "insufficient_quota"),
    (402, "billing_error"),
    "insufficient_quota",
    source="account",
    should_retry="false",
    retry_after=(1, 366 * 24 * 3600),
    names_account=True,
)
RATE = both(429, "rate_limit_error", "rate_limit_exceeded", calls=3, retry_after=(1, 60))
SUSPENDED = both(403, "permission_error", "account_suspended", source="account", names_account=True)
REFUSED_TOKEN = Told(
    (502, "server_error"),
    (502, "api_error"),
    "upstream_auth",
    source="account",
    calls=2,
    names_account=True,
    refreshes=1,
)
DENIED = both(
    403, "permission_error", "upstream_access_denied", source="account", names_account=True
)
NO_MODEL = Told((404, INVALID), (404, "not_found_error"), "model_not_found")
PROFILE = Told(
    (502, "server_error"),
    (502, "api_error"),
    "upstream_profile",
    source="account",
    names_account=True,
)
CONVERSATION = Told((502, "server_error"), (502, "api_error"), "upstream_error", calls=2)
UNAVAILABLE = Told((503, "server_error"), (529, "overloaded_error"), None, calls=3)
INTERNAL = Told((503, "server_error"), (500, "api_error"), None, calls=3)
BAD_GATEWAY = Told((503, "server_error"), (502, "api_error"), None, calls=3)
UNREACHABLE = Told((502, "server_error"), (502, "api_error"), "upstream_unreachable", calls=3)
TIMEOUT = Told((504, "server_error"), (504, "timeout_error"), "timeout", calls=3)


def malformed(code: str) -> Told:
    return both(400, INVALID, code)


FAILURES: dict[str, Told] = {
    "too-long": TOO_LONG,
    "too-long-by-message": TOO_LONG,
    "too-long-413": TOO_LONG,
    "exception-first-too-long": TOO_LONG,
    "exception-first-content-length": TOO_LONG,
    "no-capacity": NO_CAPACITY,
    "high-load": NO_CAPACITY,
    "model-unavailable": NO_CAPACITY,
    "exception-first-capacity": NO_CAPACITY,
    "exception-first-model-unavailable": NO_CAPACITY,
    "monthly-limit": SPENT,
    "monthly-limit-nested": SPENT,
    "monthly-limit-400": SPENT,
    "monthly-limit-429": SPENT,
    "daily-limit": SPENT,
    "overage-limit": SPENT,
    "payment-required": SPENT,
    "exception-first-monthly-limit": SPENT,
    "throttled": RATE,
    "throttled-retry-after": RATE,
    "throttled-retry-after-long": both(
        429, "rate_limit_error", "rate_limit_exceeded", calls=1, retry_after=(45, 45)
    ),
    "throttled-400": RATE,
    "rate-user": RATE,
    "rate-service": RATE,
    "rate-credits": RATE,
    "header-only-type": RATE,
    "exception-first-throttling": RATE,
    "suspicious-activity": SUSPENDED,
    "suspended": SUSPENDED,
    "suspended-by-message": SUSPENDED,
    "suspended-423": SUSPENDED,
    "exception-first-suspended": SUSPENDED,
    "token-invalid": REFUSED_TOKEN,
    "token-expired": REFUSED_TOKEN,
    "unauthorized": REFUSED_TOKEN,
    "exception-first-token-invalid": REFUSED_TOKEN,
    "access-denied": DENIED,
    "feature-not-supported": DENIED,
    "exception-first-access-denied": DENIED,
    "model-unknown": NO_MODEL,
    "profile-needed": PROFILE,
    "profile-invalid": PROFILE,
    "conversation-invalid": CONVERSATION,
    "malformed": malformed("bad_request"),
    "tool-schema-invalid": malformed("tool_schema_invalid"),
    "body-invalid": malformed("request_body_invalid"),
    "tool-use-format": malformed("bad_request"),
    "unprocessable": malformed("bad_request"),
    "exception-first-validation": malformed("bad_request"),
    "conversation-limit": both(400, INVALID, "bad_request", calls=2),
    "kms-conflict": malformed("bad_request"),
    "internal": INTERNAL,
    "internal-empty": INTERNAL,
    "internal-capital": INTERNAL,
    "exception-first-internal": INTERNAL,
    "exception-first-union-error": INTERNAL,
    "error-frame-first": INTERNAL,
    "invalid-state-first": INTERNAL,
    "unavailable": UNAVAILABLE,
    "unavailable-500": UNAVAILABLE,
    "exception-first-unavailable": UNAVAILABLE,
    "bad-gateway": BAD_GATEWAY,
    "gateway-timeout": TIMEOUT,
    "request-timeout": TIMEOUT,
    "redirect": Told((502, "server_error"), (502, "api_error"), "upstream_unreachable"),
    "reset-before-status": UNREACHABLE,
    "reset-before-events": UNREACHABLE,
    "empty-body": UNREACHABLE,
    "cut-in-first-frame": UNREACHABLE,
    "bad-first-frame": UNREACHABLE,
}

RETRIED = [name for name, told in FAILURES.items() if told.calls == 3]


def test_the_table_has_every_failure_that_the_simulator_can_play() -> None:
    first = {name for name in SCENARIOS if name.startswith("exception-first-")}
    assert {*HTTP_FAULTS, *first} <= FAILURES.keys()


def check_error(reply: Reply, dialect: Dialect, told: Told) -> None:
    error = reply.error
    assert error is not None
    assert (reply.status, error["type"]) == getattr(told, dialect)
    assert error.get("code") == told.code
    assert error["source"] == told.source
    assert ('"social"' in error["message"]) == told.names_account
    assert reply.headers["x-kiro-gateway-account"] == "social"
    assert reply.headers["request-id"] == reply.headers["x-request-id"]
    assert reply.headers.get("x-should-retry") == told.should_retry
    if told.retry_after is None:
        assert "retry-after" not in reply.headers
    else:
        least, most = told.retry_after
        assert least <= int(reply.headers["retry-after"]) <= most


@streamed_or_not
@dialects
@pytest.mark.parametrize("scenario", FAILURES)
async def test_a_failure_before_the_answer_is_a_status(
    kiro: Kiro, gateway: Gateway, scenario: str, dialect: Dialect, stream: bool
) -> None:
    told = FAILURES[scenario]
    before = kiro.state.desk.refreshes["social"]
    reply = await ask(gateway, dialect, f"[[scenario:{scenario}]]", stream=stream)
    check_error(reply, dialect, told)
    assert len(kiro.state.log.entries("generate")) == told.calls
    assert kiro.state.desk.refreshes["social"] - before == told.refreshes
    assert kiro.state.desk.reuses["social"] == 0
    assert kiro.state.streams.open == 0


@dialects
async def test_an_overlong_prompt_is_told_in_the_words_that_make_clients_compact(
    gateway: Gateway, dialect: Dialect
) -> None:
    reply = await ask(gateway, dialect, "[[scenario:too-long]]", stream=True)
    assert reply.error is not None
    assert reply.error["message"].startswith("prompt is too long")


@dialects
@pytest.mark.parametrize("scenario", HTTP_FAULTS)
async def test_nothing_of_what_the_service_wrote_is_passed_on(
    gateway: Gateway, scenario: str, dialect: Dialect
) -> None:
    _, refusal = HTTP_FAULTS[scenario]
    reply = await ask(gateway, dialect, f"[[scenario:{scenario}]]", stream=False)
    assert reply.error is not None
    message = reply.error["message"].lower()
    written = refusal.body.decode()
    try:
        members = json.loads(written or "{}")
    except ValueError:
        sentences = [written]
    else:
        sentences = [members.get("message", ""), members.get("Message", "")]
    for sentence in filter(None, sentences):
        assert sentence.lower().rstrip(".") not in message
    assert "{" not in message
    assert "<" not in message


@pytest.mark.parametrize("scenario", [name for name in RETRIED if "retry-after" not in name])
async def test_waits_between_attempts_grow_with_jitter(
    gateway: Gateway, pauses: Pauses, scenario: str
) -> None:
    await ask(gateway, "anthropic", f"[[scenario:{scenario}]]", stream=True)
    first, second = pauses
    assert 0.25 <= first <= 0.5
    assert 0.5 <= second <= 1.0


async def test_a_short_retry_after_of_the_service_is_waited(
    gateway: Gateway, pauses: Pauses
) -> None:
    await ask(gateway, "openai", "[[scenario:throttled-retry-after]]", stream=True)
    assert pauses == [1.0, 1.0]


async def test_a_long_retry_after_of_the_service_is_left_to_the_client(
    gateway: Gateway, pauses: Pauses
) -> None:
    await ask(gateway, "openai", "[[scenario:throttled-retry-after-long]]", stream=True)
    assert pauses == []


@streamed_or_not
@dialects
@pytest.mark.parametrize("scenario", RETRIED)
async def test_an_answer_at_the_second_attempt_is_like_any_other(
    kiro: Kiro, gateway: Gateway, scenario: str, dialect: Dialect, stream: bool
) -> None:
    reply = await ask(gateway, dialect, f"[[scenario:{scenario} x1]]", stream=stream)
    assert reply.status == 200
    assert reply.ended
    assert reply.text == f"You said: [[scenario:{scenario} x1]]"
    bodies = [entry.body for entry in kiro.state.log.entries("generate")]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("scenario", ["conversation-invalid", "conversation-limit"])
async def test_a_refused_conversation_is_tried_under_another_id(
    kiro: Kiro, gateway: Gateway, scenario: str
) -> None:
    headers = {"x-kiro-conversation-id": "mine"}
    prompt = f"[[scenario:{scenario} x1]]"
    reply = await ask(gateway, "anthropic", prompt, stream=False, headers=headers)
    assert reply.status == 200
    first, second = (
        json.loads(entry.body)["conversationState"]["conversationId"]
        for entry in kiro.state.log.entries("generate")
    )
    assert first == "mine"
    assert second not in {"mine", ""}


@streamed_or_not
@dialects
@pytest.mark.parametrize(
    ("url", "message"),
    [("http://127.0.0.1:9", "no connection"), ("http://nowhere.invalid", "does not resolve")],
    ids=["refused", "no such name"],
)
async def test_a_service_that_cannot_be_reached_is_a_status(
    nowhere: dict[str, Gateway],
    pauses: Pauses,
    url: str,
    message: str,
    dialect: Dialect,
    stream: bool,
) -> None:
    reply = await ask(nowhere[url], dialect, "Hello", stream=stream)
    check_error(reply, dialect, UNREACHABLE)
    assert reply.error is not None
    assert message in reply.error["message"]
    assert len(pauses) == 2


@streamed_or_not
@dialects
async def test_a_service_that_does_not_speak_tls_is_not_tried_again(
    kiro: Kiro,
    nowhere: dict[str, Gateway],
    pauses: Pauses,
    dialect: Dialect,
    stream: bool,
) -> None:
    reply = await ask(nowhere["tls"], dialect, "Hello", stream=stream)
    check_error(reply, dialect, UNREACHABLE)
    assert pauses == []


@pytest.fixture(scope="module")
async def nowhere(
    kiro: Kiro, pauses: Pauses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Gateway]]:
    """Gateways whose runtime address leads nowhere, by address."""
    timing = Timing(sleep=pauses)
    urls = {
        "http://127.0.0.1:9": "http://127.0.0.1:9",
        "http://nowhere.invalid": "http://nowhere.invalid",
        "tls": kiro.url.replace("http://", "https://"),
    }
    folder = tmp_path_factory.mktemp
    async with (
        gateway_on(kiro, folder("a"), timing=timing, runtime_url=urls["http://127.0.0.1:9"]) as a,
        gateway_on(
            kiro, folder("b"), timing=timing, runtime_url=urls["http://nowhere.invalid"]
        ) as b,
        gateway_on(kiro, folder("c"), timing=timing, runtime_url=urls["tls"]) as c,
    ):
        yield dict(zip(urls, (a, b, c), strict=True))


@streamed_or_not
@dialects
@pytest.mark.parametrize("scenario", ["never-answers", "never-first-event"])
async def test_silence_is_tried_again_and_then_a_timeout(
    kiro: Kiro,
    impatient: Gateway,
    pauses: Pauses,
    scenario: str,
    dialect: Dialect,
    stream: bool,
) -> None:
    headers = {"x-request-id": f"{scenario}-{dialect}-{stream}"}
    prompt = f"[[scenario:{scenario}]]"
    reply = await ask(impatient, dialect, prompt, stream=stream, headers=headers)
    told = Told((504, "server_error"), (504, "timeout_error"), "timeout")
    check_error(reply, dialect, told)
    # On a busy machine an attempt may be over before the service has heard of it.
    row = await usage_of(impatient, headers["x-request-id"])
    assert row["retries"] == 2
    assert 1 <= len(kiro.state.log.entries("generate")) <= 3
    assert pauses == []
    counts = await kiro.control("GET", "/connections?until=open:0")
    assert counts["reached"]


@pytest.fixture(scope="module")
async def impatient(
    kiro: Kiro, pauses: Pauses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """A gateway that asks three times and waits a moment for the first event of each."""
    defaults = {"first_token_timeout_seconds": 0.05, "first_token_max_retries": 2}
    folder = tmp_path_factory.mktemp("impatient")
    async with gateway_on(kiro, folder, defaults, timing=Timing(sleep=pauses)) as gateway:
        yield gateway
