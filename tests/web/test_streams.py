"""Answers as they come: what is sent when, and how they end."""

from collections.abc import AsyncIterator
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from gateway.web.server import listen
from gateway.web.timing import Timing
from tests.harness import Gateway, Kiro, gateway_on
from tests.web.listening import listening
from tests.web.pauses import Pauses
from tests.web.raw_client import raw_client, raw_stream
from tests.web.replies import Dialect, ask
from tests.web.usage_rows import usage_of

pytestmark = pytest.mark.anyio

dialects = pytest.mark.parametrize("dialect", ["anthropic", "openai"])
streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])

KEPT_ALIVE = {"anthropic": b"event: ping\n", "openai": b": keep-alive\n\n"}


async def until(kiro: Kiro, condition: str) -> None:
    counts = await kiro.control("GET", f"/connections?until={condition}")
    assert counts["reached"], counts


async def let_time_pass(gateway: Gateway) -> None:
    """Long enough for whatever was sent before to arrive."""
    for _ in range(3):
        assert (await gateway.http.get(gateway.url + "/health")).status_code == 200


# Before the answer


@streamed_or_not
@dialects
@pytest.mark.parametrize("point", ["headers", "frame:1", "frame:2"])
async def test_no_status_line_goes_out_before_the_first_event_with_content(
    kiro: Kiro, gateway: Gateway, point: str, dialect: Dialect, stream: bool
) -> None:
    await kiro.control("PUT", "/gate", {"point": point})
    async with listening(gateway, dialect, "Hello", stream=stream) as listener:
        await until(kiro, "waiting:1")
        await let_time_pass(gateway)
        assert listener.status is None
        await kiro.control("POST", "/release", {})
        reply = await listener.reply()
    assert (reply.status, reply.text, reply.ended) == (200, "You said: Hello", True)


@dialects
async def test_the_status_line_and_the_text_go_out_with_the_first_event_with_content(
    kiro: Kiro, gateway: Gateway, dialect: Dialect
) -> None:
    await kiro.control("PUT", "/gate", {"point": "frame:3"})
    async with listening(gateway, dialect, "Hello") as listener:
        await listener.until(lambda one: b"You" in one.data)
        assert listener.status == 200
        assert listener.headers["content-type"].startswith("text/event-stream")
        assert listener.headers["cache-control"] == "no-cache"


@dialects
async def test_the_status_line_goes_out_with_the_first_event_of_a_tool(
    kiro: Kiro, gateway: Gateway, dialect: Dialect
) -> None:
    # Frame 1 is metadata, 2 the call's name; its input is handed on when it is complete.
    await kiro.control("PUT", "/gate", {"point": "frame:3"})
    prompt = '[[scenario:tool-input-cut-only]] [[call lookup {"text": "x"}]]'
    async with listening(gateway, dialect, prompt, tools=[("lookup", {})]) as listener:
        await listener.until(lambda one: one.status == 200)
        assert b"lookup" not in listener.data


# While it lasts


@dialects
async def test_a_silent_stream_is_kept_alive(kiro: Kiro, lively: Gateway, dialect: Dialect) -> None:
    await kiro.control("PUT", "/gate", {"point": "frame:4"})
    async with listening(lively, dialect, "Good morning to you") as listener:
        await listener.until(lambda one: one.data.count(KEPT_ALIVE[dialect]) >= 3)
        await kiro.control("POST", "/release", {})
        reply = await listener.reply()
    assert reply.text == "You said: Good morning to you"
    assert reply.ended
    assert reply.events.index("ping") > 0


@streamed_or_not
@dialects
async def test_nothing_is_kept_alive_before_the_status_line(
    kiro: Kiro, lively: Gateway, dialect: Dialect, stream: bool
) -> None:
    waiting = "[[scenario:never-first-event]]"
    await kiro.control("PUT", "/gate", {"point": "frame:4"})
    async with (
        listening(lively, dialect, waiting, stream=stream) as silent,
        listening(lively, dialect, "Good morning to you") as other,
    ):
        await other.until(lambda one: one.data.count(KEPT_ALIVE[dialect]) >= 3)
        assert silent.status is None


@dialects
async def test_a_whole_answer_is_not_kept_alive(
    kiro: Kiro, lively: Gateway, dialect: Dialect
) -> None:
    await kiro.control("PUT", "/gate", {"point": "frame:4"})
    async with (
        listening(lively, dialect, "Good morning to you", stream=False) as silent,
        listening(lively, dialect, "Good morning to you") as other,
    ):
        await other.until(lambda one: one.data.count(KEPT_ALIVE[dialect]) >= 3)
        assert silent.status is None
        await kiro.control("POST", "/release", {})
        reply = await silent.reply()
    assert reply.text == "You said: Good morning to you"


@pytest.fixture(scope="module")
async def lively(kiro: Kiro, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that lets no silence get old."""
    timing = Timing(ping_interval=0.02)
    async with gateway_on(kiro, tmp_path_factory.mktemp("lively"), timing=timing) as gateway:
        yield gateway


# How it ends

OVERLOADED = ("server_error", "overloaded_error")
SERVER = ("server_error", "api_error")
FAILURES_LATER: dict[str, tuple[str, str]] = {
    "exception-later-throttling": ("rate_limit_error", "rate_limit_error"),
    "exception-later-capacity": OVERLOADED,
    "exception-later-model-unavailable": OVERLOADED,
    "exception-later-unavailable": OVERLOADED,
    "exception-later-monthly-limit": ("insufficient_quota", "billing_error"),
    "exception-later-validation": ("invalid_request_error", "invalid_request_error"),
    "exception-later-access-denied": ("permission_error", "permission_error"),
    "exception-later-suspended": ("permission_error", "permission_error"),
    "exception-later-token-invalid": SERVER,
    "exception-later-internal": SERVER,
    "exception-later-union-error": SERVER,
    "error-frame-later": SERVER,
    "invalid-state-later": SERVER,
    "cut-mid-frame": SERVER,
    "close-mid-stream": SERVER,
    "reset-mid-stream": SERVER,
    "bad-prelude-checksum": SERVER,
    "bad-message-checksum": SERVER,
    "impossible-length": SERVER,
}


@dialects
@pytest.mark.parametrize("scenario", FAILURES_LATER)
async def test_a_failure_in_the_middle_of_a_stream_is_its_last_event(
    kiro: Kiro, gateway: Gateway, scenario: str, dialect: Dialect
) -> None:
    reply = await ask(gateway, dialect, f"[[scenario:{scenario}]] and more", stream=True)
    assert reply.status == 200
    assert f"You said: [[scenario:{scenario}]] and more".startswith(reply.text)
    assert reply.text
    assert reply.error is not None
    assert reply.error["type"] == FAILURES_LATER[scenario][dialect == "anthropic"]
    assert reply.error["source"] in {"upstream", "account"}
    assert reply.error["message"]
    assert reply.events[-1] == "error"
    assert reply.stop is None
    assert not {"done", "message_delta", "message_stop"} & set(reply.events)
    assert len(kiro.state.log.entries("generate")) == 1


@dialects
@pytest.mark.parametrize("scenario", FAILURES_LATER)
async def test_a_failure_in_the_middle_of_a_whole_answer_is_a_status(
    kiro: Kiro, gateway: Gateway, scenario: str, dialect: Dialect
) -> None:
    reply = await ask(gateway, dialect, f"[[scenario:{scenario}]] and more", stream=False)
    assert reply.status >= 400
    assert reply.error is not None
    assert reply.error["type"] == FAILURES_LATER[scenario][dialect == "anthropic"]
    assert reply.text == ""
    assert len(kiro.state.log.entries("generate")) == 1


@streamed_or_not
@dialects
@pytest.mark.parametrize(
    ("scenario", "text"),
    [
        ("end-without-closing", "You said: [[scenario:end-without-closing]] and more"),
        ("exception-later-content-length", None),
        ("exception-later-too-long", None),
    ],
)
async def test_an_answer_that_the_service_cuts_short_ends_at_its_limit(
    gateway: Gateway, scenario: str, text: str | None, dialect: Dialect, stream: bool
) -> None:
    prompt = f"[[scenario:{scenario}]] and more"
    reply = await ask(gateway, dialect, prompt, stream=stream)
    assert (reply.status, reply.ended) == (200, True)
    assert reply.stop == {"anthropic": "max_tokens", "openai": "length"}[dialect]
    if text is None:
        assert f"You said: {prompt}".startswith(reply.text)
        assert reply.text
    else:
        assert reply.text == text


WORD: dict[str, dict[str, str]] = {
    "end": {"anthropic": "end_turn", "openai": "stop"},
    "tool": {"anthropic": "tool_use", "openai": "tool_calls"},
    "limit": {"anthropic": "max_tokens", "openai": "length"},
    "window": {"anthropic": "model_context_window_exceeded", "openai": "length"},
}


@streamed_or_not
@dialects
@pytest.mark.parametrize(
    ("scenario", "stop"),
    [
        ("metering-only", "end"),
        ("context-usage-only", "end"),
        ("metadata-empty", "end"),
        ("context-full", "window"),
        ("wrapped-payloads", "end"),
        ("bare-headers", "end"),
        ("odd-headers", "end"),
        ("extra-events", "end"),
        ("empty-deltas", "end"),
    ],
)
async def test_an_answer_told_in_an_unusual_way_is_a_whole_answer(
    gateway: Gateway, scenario: str, stop: str, dialect: Dialect, stream: bool
) -> None:
    reply = await ask(gateway, dialect, f"[[scenario:{scenario}]] and more", stream=stream)
    assert reply.text == f"You said: [[scenario:{scenario}]] and more"
    assert reply.stop == WORD[stop][dialect]
    assert reply.ended
    assert reply.usage is not None
    assert min(reply.usage[:2]) > 0


@streamed_or_not
@dialects
async def test_equal_deltas_are_all_passed_on(
    gateway: Gateway, dialect: Dialect, stream: bool
) -> None:
    reply = await ask(gateway, dialect, "[[scenario:repeated-deltas]]", stream=stream)
    assert reply.text == "ha ha ha \n\n\n"


@streamed_or_not
@dialects
async def test_an_answer_without_anything_in_it_is_an_answer(
    gateway: Gateway, dialect: Dialect, stream: bool
) -> None:
    reply = await ask(gateway, dialect, "[[scenario:nothing-but-accounting]]", stream=stream)
    assert reply.text.strip() == ""
    assert reply.calls == []
    assert reply.stop == WORD["end"][dialect]
    assert reply.ended


# Tool calls

LOOKUP = ("lookup", {"type": "object", "properties": {"text": {"type": "string"}}})
GIVEN = {"text": 'a "quoted" } and an ü', "count": 2}
CALL = '[[call lookup {"text": "a \\"quoted\\" } and an ü", "count": 2}]]'
SAID = "I will call lookup."


@streamed_or_not
@dialects
@pytest.mark.parametrize(
    ("scenario", "inputs", "stop"),
    [
        ("usual", [GIVEN], "tool"),
        ("tool-input-empty", [{}], "tool"),
        ("tool-input-as-object", [GIVEN], "tool"),
        ("tool-in-one-event", [GIVEN], "tool"),
        ("tool-without-stop", [GIVEN], "tool"),
        ("tool-whole-event", [GIVEN], "tool"),
        ("tools-without-stops", [GIVEN, GIVEN], "tool"),
        ("tools-interleaved", [GIVEN, GIVEN], "tool"),
        ("tools-equal", [GIVEN, GIVEN], "tool"),
        ("tool-twice", [GIVEN], "tool"),
        ("tool-input-cut", [], "limit"),
        ("tool-input-no-object", [], "limit"),
        ("tool-open-at-end", [], "limit"),
    ],
)
async def test_tool_calls_come_whole_or_not_at_all(
    gateway: Gateway,
    scenario: str,
    inputs: list[Any],
    stop: str,
    dialect: Dialect,
    stream: bool,
) -> None:
    told = "" if scenario == "usual" else f"[[scenario:{scenario}]] "
    reply = await ask(gateway, dialect, told + CALL, stream=stream, tools=[LOOKUP])
    assert reply.text == SAID
    assert [(call.name, call.input) for call in reply.calls] == [("lookup", i) for i in inputs]
    assert len({call.id for call in reply.calls}) == len(inputs)
    assert reply.stop == WORD[stop][dialect]
    assert reply.ended


@streamed_or_not
@dialects
async def test_a_cut_call_that_is_the_whole_answer_is_explained(
    gateway: Gateway, dialect: Dialect, stream: bool
) -> None:
    prompt = f"[[scenario:tool-input-cut-only]] {CALL}"
    reply = await ask(gateway, dialect, prompt, stream=stream, tools=[LOOKUP])
    assert reply.calls == []
    assert "cut off" in reply.text
    assert reply.stop == WORD["limit"][dialect]


@streamed_or_not
@dialects
async def test_text_after_a_call_is_kept(gateway: Gateway, dialect: Dialect, stream: bool) -> None:
    prompt = f"[[scenario:tool-then-text]] {CALL}"
    reply = await ask(gateway, dialect, prompt, stream=stream, tools=[LOOKUP])
    assert reply.text == SAID + "And so on."
    assert [call.input for call in reply.calls] == [GIVEN]
    assert reply.stop == WORD["tool"][dialect]
    if dialect == "anthropic":
        assert reply.blocks == ["text", "tool_use", "text"]


@streamed_or_not
@dialects
@pytest.mark.parametrize(
    ("scenario", "declared", "called"),
    [
        ("builtin-read", "Read", ("Read", {"file_path": "/tmp/a file.txt"})),
        ("builtin-shell", "Bash", ("Bash", {"command": "echo hello"})),
        ("builtin-search", "Bash", ("Bash", {"command": "grep -rn -e 'it\"s $HOME' src"})),
        ("builtin-read", "readFile", ("readFile", {"path": "/tmp/a file.txt"})),
        ("builtin-read", "Bash", None),
        ("builtin-browser", "Bash", None),
    ],
)
async def test_the_services_own_tools_become_the_clients(
    gateway: Gateway,
    scenario: str,
    declared: str,
    called: tuple[str, Any] | None,
    dialect: Dialect,
    stream: bool,
) -> None:
    prompt = f"[[scenario:{scenario}]]"
    reply = await ask(gateway, dialect, prompt, stream=stream, tools=[(declared, {})])
    assert [(call.name, call.input) for call in reply.calls] == ([called] if called else [])
    assert reply.stop == WORD["tool" if called else "end"][dialect]
    assert reply.text == f"You said: {prompt}"


# Thinking


@streamed_or_not
@dialects
@pytest.mark.parametrize(
    ("scenario", "thinking", "text", "stop"),
    [
        ("only-thinking", "Hmm.", "", "limit"),
        ("only-tagged-thinking", "Hmm.", "", "limit"),
        ("thinking-unclosed", "Hmm, and on and on", "", "limit"),
        ("thinking-quotes-its-tag", "I must not write `</thinking>` yet.", "Done.", "end"),
        ("thinking-both-ways", "Native.", "<thinking>plain</thinking> text", "end"),
        ("thinking-unsigned", "Unsigned.", None, "end"),
        ("thinking-sealed", "", None, "end"),
    ],
)
async def test_reasoning_is_told_apart_from_the_answer(
    gateway: Gateway,
    scenario: str,
    thinking: str,
    text: str | None,
    stop: str,
    dialect: Dialect,
    stream: bool,
) -> None:
    prompt = f"[[scenario:{scenario}]]"
    # The simulator thinks in tags of its own where it is asked to think; these scenarios write
    # theirs instead, except for those that come with native reasoning.
    native = scenario in {"only-thinking", "thinking-both-ways", "thinking-unsigned"}
    asked = not native and scenario != "thinking-sealed"
    reply = await ask(gateway, dialect, prompt, stream=stream, thinking=asked)
    assert reply.thinking.strip() == thinking
    assert reply.text.strip() == (f"You said: {prompt}" if text is None else text)
    assert reply.stop == WORD[stop][dialect]
    assert reply.ended
    if dialect == "anthropic":
        first = "redacted_thinking" if scenario == "thinking-sealed" else "thinking"
        assert reply.blocks == [first, "text"]


@streamed_or_not
@dialects
async def test_a_call_right_after_reasoning_is_a_call(
    gateway: Gateway, dialect: Dialect, stream: bool
) -> None:
    prompt = f"[[scenario:thinking-then-tool]] {CALL}"
    reply = await ask(gateway, dialect, prompt, stream=stream, thinking=True, tools=[LOOKUP])
    assert reply.thinking.strip() == "I need the tool."
    assert [call.input for call in reply.calls] == [GIVEN]
    assert reply.stop == WORD["tool"][dialect]


# Limits of time


async def test_any_frame_stops_the_first_event_limit(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory
) -> None:
    defaults = {"first_token_timeout_seconds": 1, "first_token_max_retries": 0}
    await kiro.control("PUT", "/gate", {"point": "frame:2"})
    folder = tmp_path_factory.mktemp("limit")
    async with (
        gateway_on(kiro, folder, defaults) as gateway,
        listening(gateway, "anthropic", "Hello") as listener,
    ):
        # What opens the answer, and says nothing of it, has come.
        await until(kiro, "waiting:1")
        await let_time_pass(gateway)
        # Begun later, and over its limit: so the first one has been over it for longer.
        late = await ask(gateway, "openai", "[[scenario:never-first-event]]", stream=True)
        assert late.status == 504
        assert listener.status is None
        await kiro.control("POST", "/release", {})
        reply = await listener.reply()
    assert (reply.status, reply.text) == (200, "You said: Hello")
    assert len(kiro.state.log.entries("generate")) == 2


@dialects
@pytest.mark.parametrize("scenario", ["slow-status", "slow-first-event"])
async def test_what_comes_after_a_first_event_that_was_late_is_one_answer(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory, scenario: str, dialect: Dialect
) -> None:
    defaults = {"first_token_timeout_seconds": 0.3, "first_token_max_retries": 10}
    await kiro.scenario(scenario, seconds=20)
    folder = tmp_path_factory.mktemp("late")
    async with gateway_on(kiro, folder, defaults) as gateway:
        reply = await ask(gateway, dialect, "Hello", stream=True)
    assert (reply.status, reply.text, reply.ended) == (200, "You said: Hello", True)
    assert reply.events.count("message_start") == (dialect == "anthropic")
    assert len(kiro.state.log.entries("generate")) >= 2
    await until(kiro, "open:0")


@streamed_or_not
@dialects
async def test_silence_in_the_middle_ends_an_answer(
    kiro: Kiro, hasty: Gateway, dialect: Dialect, stream: bool
) -> None:
    prompt = "[[scenario:stall-mid-stream]] and more"
    reply = await ask(hasty, dialect, prompt, stream=stream)
    assert reply.status == (200 if stream else 504)
    assert reply.error is not None
    kind = {"anthropic": "timeout_error", "openai": "server_error"}[dialect]
    assert (reply.error["type"], reply.error["code"]) == (kind, "timeout")
    assert reply.stop is None
    assert len(kiro.state.log.entries("generate")) == 1
    await until(kiro, "open:0,cancelled:1")


@streamed_or_not
@dialects
async def test_a_pause_in_the_middle_is_no_end(
    gateway: Gateway, kiro: Kiro, dialect: Dialect, stream: bool
) -> None:
    await kiro.scenario("pause-mid-stream", seconds=0.05)
    reply = await ask(gateway, dialect, "Hello", stream=stream)
    assert (reply.status, reply.text, reply.ended) == (200, "You said: Hello", True)


@pytest.mark.parametrize(("dialect", "stream"), [("anthropic", True), ("openai", False)])
async def test_silence_after_the_opening_is_tried_again_and_then_a_timeout(
    kiro: Kiro, hasty: Gateway, pauses: Pauses, dialect: Dialect, stream: bool
) -> None:
    await kiro.control("PUT", "/gate", {"point": "frame:2"})
    headers = {"x-request-id": f"silence-{dialect}-{stream}"}
    reply = await ask(hasty, dialect, "Hello", stream=stream, headers=headers)
    assert reply.error is not None
    assert (reply.status, reply.error["code"]) == (504, "timeout")
    assert (await usage_of(hasty, headers["x-request-id"]))["retries"] == 2
    assert len(pauses) == 2
    await until(kiro, "open:0")


@dialects
async def test_a_client_that_is_slow_to_read_does_not_make_the_service_silent(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory, dialect: Dialect
) -> None:
    folder = tmp_path_factory.mktemp("slow")
    sock = listen("127.0.0.1", 0)
    sock.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
    async with (
        gateway_on(kiro, folder, {"idle_timeout_seconds": 0.2}, sock=sock) as gateway,
        raw_stream(gateway, dialect, "[[say 8000 words]]", {}) as client,
    ):
        await client.receive()
        # Silence of somebody else, begun later: so the first has not been read for longer.
        late = await ask(gateway, dialect, "[[scenario:stall-mid-stream]]", stream=True)
        assert late.error is not None
        rest = b""
        while not rest.endswith(b"0\r\n\r\n") and (more := await client.receive()):
            rest += more
    assert b'"error"' not in rest
    assert {"anthropic": b"message_stop", "openai": b"[DONE]"}[dialect] in rest[-200:]


@pytest.fixture(scope="module")
async def hasty(
    kiro: Kiro, pauses: Pauses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """A gateway without patience for silence in the middle of an answer."""
    folder = tmp_path_factory.mktemp("hasty")
    timing = Timing(sleep=pauses)
    async with gateway_on(kiro, folder, {"idle_timeout_seconds": 0.4}, timing=timing) as gateway:
        yield gateway


# Clients that leave


@streamed_or_not
@dialects
@pytest.mark.parametrize("point", ["headers", "frame:1", "frame:2"])
async def test_a_client_that_leaves_before_the_answer_ends_the_upstream_call(
    kiro: Kiro, gateway: Gateway, point: str, dialect: Dialect, stream: bool
) -> None:
    await kiro.control("PUT", "/gate", {"point": point})
    request_id = f"left-before-{point.replace(':', '-')}-{dialect}-{stream}"
    headers = {"x-request-id": request_id}
    async with listening(gateway, dialect, "Hello", stream=stream, headers=headers):
        await until(kiro, "waiting:1")
        await let_time_pass(gateway)
    await until(kiro, "open:0,cancelled:1")
    row = await usage_of(gateway, request_id)
    assert row["error_class"] == "ClientDisconnected"
    assert row["output_tokens"] == 0
    assert len(kiro.state.log.entries("generate")) == 1


@streamed_or_not
@dialects
async def test_what_was_produced_for_a_client_that_left_is_counted(
    kiro: Kiro, gateway: Gateway, dialect: Dialect, stream: bool
) -> None:
    await kiro.control("PUT", "/gate", {"point": "closing"})
    request_id = f"left-during-{dialect}-{stream}"
    headers = {"x-request-id": request_id}
    async with listening(
        gateway, dialect, "[[say 200 words]]", stream=stream, headers=headers
    ) as listener:
        await until(kiro, "waiting:1")
        if stream:
            await listener.until(lambda one: len(one.data) > 1000)
        else:
            await let_time_pass(gateway)
    await until(kiro, "open:0,cancelled:1")
    row = await usage_of(gateway, request_id)
    assert row["error_class"] == "ClientDisconnected"
    assert row["usage_source"] == "estimated"
    assert row["output_tokens"] > 20
    assert row["input_tokens"] > 0


async def test_a_client_that_leaves_between_attempts_stops_them(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory
) -> None:
    paused = anyio.Event()

    async def pause(_seconds: float) -> None:
        paused.set()
        await anyio.sleep_forever()

    folder = tmp_path_factory.mktemp("between")
    headers = {"x-request-id": "left-between"}
    async with gateway_on(kiro, folder, timing=Timing(sleep=pause)) as gateway:
        prompt = "[[scenario:throttled]]"
        async with listening(gateway, "anthropic", prompt, headers=headers) as listener:
            with anyio.fail_after(20):
                await paused.wait()
            assert listener.status is None
        row = await usage_of(gateway, "left-between")
    assert row["error_class"] == "ClientDisconnected"
    assert len(kiro.state.log.entries("generate")) == 1


@dialects
async def test_a_client_that_takes_nothing_is_gone(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory, dialect: Dialect
) -> None:
    timing = Timing(stalled_client=0.3)
    folder = tmp_path_factory.mktemp("stalled")
    sock = listen("127.0.0.1", 0)
    sock.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)  # connections inherit it
    async with gateway_on(kiro, folder, timing=timing, sock=sock) as gateway:
        headers = {"x-request-id": "stalled"}
        async with raw_stream(gateway, dialect, "[[say 8000 words]]", headers):
            row = await usage_of(gateway, "stalled")
            await until(kiro, "open:0")
    assert row["error_class"] == "ClientDisconnected"
    assert row["output_tokens"] > 0


@dialects
async def test_leaving_while_the_next_request_is_sent_already_ends_both(
    kiro: Kiro, lively: Gateway, dialect: Dialect
) -> None:
    await kiro.control("PUT", "/gate", {"point": "frame:4"})
    headers = {"x-request-id": f"pipelined-{dialect}"}
    prompt = "Good morning to you"
    async with raw_stream(lively, dialect, prompt, headers) as client:
        await until(kiro, "waiting:1")
        await client.send(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        await let_time_pass(lively)
    await until(kiro, "open:0,cancelled:1")
    row = await usage_of(lively, f"pipelined-{dialect}")
    assert row["error_class"] == "ClientDisconnected"


@dialects
async def test_rubbish_after_a_request_never_looks_like_the_end_of_its_answer(
    kiro: Kiro, gateway: Gateway, dialect: Dialect
) -> None:
    await kiro.control("PUT", "/gate", {"point": "frame:4"})
    async with raw_stream(gateway, dialect, "Good morning to you", {}) as client:
        await until(kiro, "waiting:1")
        await client.receive()
        await client.send(b"\x00\x01 rubbish\r\n\r\n")
        rest = await client.rest()
    assert b"HTTP/1.1" not in rest
    assert b"0\r\n\r\n" not in rest
    await until(kiro, "open:0,cancelled:1")


async def test_an_answer_at_the_third_attempt_leaves_no_trace_of_the_others(
    kiro: Kiro, gateway: Gateway, pauses: Pauses
) -> None:
    headers = {"x-request-id": "third-time"}
    prompt = "[[scenario:internal x2]]"
    reply = await ask(gateway, "anthropic", prompt, stream=True, headers=headers)
    assert reply.events.count("message_start") == 1
    assert len(pauses) == 2
    row = await usage_of(gateway, "third-time")
    assert (row["retries"], row["error_class"], row["stop_reason"]) == (2, None, "end_turn")
    assert reply.usage == (row["input_tokens"], row["output_tokens"], row["cache_read_tokens"])


# The end of the gateway


@dialects
async def test_a_stream_may_finish_while_the_gateway_ends(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory, dialect: Dialect
) -> None:
    folder = tmp_path_factory.mktemp("ending")
    ending = anyio.Event()
    started: list[Gateway] = []
    running = anyio.Event()

    async def serve() -> None:
        async with gateway_on(kiro, folder) as gateway:
            started.append(gateway)
            running.set()
            await ending.wait()

    await kiro.control("PUT", "/gate", {"point": "frame:4"})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await running.wait()
        (gateway,) = started
        async with raw_stream(gateway, dialect, "Good morning to you", {}) as client:
            await until(kiro, "waiting:1")
            ending.set()
            # Nobody gets in any more, which shows that the end has begun.
            with anyio.fail_after(20):
                while await is_listening(gateway):
                    await anyio.lowlevel.checkpoint()
            await kiro.control("POST", "/release", {})
            answer = await client.rest()
    assert {"anthropic": b"message_stop", "openai": b"[DONE]"}[dialect] in answer
    assert answer.endswith(b"0\r\n\r\n")


async def is_listening(gateway: Gateway) -> bool:
    try:
        async with raw_client(gateway):
            return True
    except ConnectionRefusedError:
        return False
