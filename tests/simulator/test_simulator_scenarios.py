import json
import zlib

import httpx
import pytest

from gateway.simulator.http_faults import HTTP_FAULTS
from gateway.simulator.scenarios import SCENARIOS
from tests.simulator.simulator_client import (
    ACCOUNTS,
    BUILDER,
    STOCK_TOOL,
    Body,
    Seen,
    answer,
    ask,
    calls_of,
    frames,
    headers_of,
    post,
    text_of,
    tool,
)

CLOSING = {"meteringEvent", "metadataEvent", "contextUsageEvent"}
CALL = 'call stock_count with {"item": "rye"}'


def arm(http: httpx.Client, name: str, **more: object) -> None:
    reply = http.put("/_sim/scenario", json={"name": name, **more})
    assert reply.status_code == 200, reply.text


def meet(http: httpx.Client, name: str, text: str = "[[say 20 words]]") -> httpx.Response:
    arm(http, name)
    return post(http, ask(text, tools=[STOCK_TOOL]))


def told(http: httpx.Client, name: str, text: str = "[[say 20 words]]") -> list[Seen]:
    return frames(meet(http, name, text).content)


def read_into(received: bytearray, reply: httpx.Response) -> None:
    for chunk in reply.iter_raw():
        received += chunk


def kinds(seen: list[Seen]) -> set[str]:
    return {frame.kind for frame in seen}


@pytest.mark.parametrize("name", HTTP_FAULTS)
def test_an_http_fault_is_answered_as_written(http: httpx.Client, name: str) -> None:
    refusal = HTTP_FAULTS[name][1]
    reply = meet(http, name)
    assert reply.status_code == refusal.status
    assert reply.content == refusal.body
    assert reply.headers.get("content-type", "") == refusal.content_type
    for header, value in refusal.headers:
        assert reply.headers[header] == value
    assert text_of(answer(http, ask("Hello"))) == "You said: Hello"


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("too-long", 400, "CONTENT_LENGTH_EXCEEDS_THRESHOLD"),
        ("no-capacity", 429, "INSUFFICIENT_MODEL_CAPACITY"),
        ("model-unavailable", 500, "MODEL_TEMPORARILY_UNAVAILABLE"),
        ("monthly-limit", 402, "MONTHLY_REQUEST_COUNT"),
        ("monthly-limit-400", 400, "MONTHLY_REQUEST_COUNT"),
        ("monthly-limit-429", 429, "MONTHLY_REQUEST_COUNT"),
        ("daily-limit", 429, "DAILY_REQUEST_COUNT"),
        ("overage-limit", 402, "OVERAGE_REQUEST_LIMIT_EXCEEDED"),
        ("rate-user", 429, "USER_REQUEST_RATE_EXCEEDED"),
        ("suspended", 403, "TEMPORARILY_SUSPENDED"),
        ("feature-not-supported", 403, "FEATURE_NOT_SUPPORTED"),
        ("model-unknown", 400, "INVALID_MODEL_ID"),
        ("conversation-invalid", 400, "INVALID_CONVERSATION_ID"),
        ("tool-schema-invalid", 400, "TOOL_SCHEMA_INVALID"),
        ("conversation-limit", 400, "CONVERSATION_LIMIT_EXCEEDED"),
        ("kms-conflict", 409, "CUSTOMER_KMS_KEY_DISABLED"),
        ("malformed", 400, None),
    ],
)
def test_the_documented_reasons_come_with_their_status(
    http: httpx.Client, name: str, status: int, reason: str | None
) -> None:
    reply = meet(http, name)
    assert (reply.status_code, reply.json().get("reason")) == (status, reason)


def test_the_odd_error_shapes_are_there(http: httpx.Client) -> None:
    assert meet(http, "monthly-limit-nested").json() == {
        "error": {"reason": "MONTHLY_REQUEST_COUNT"}
    }
    assert meet(http, "internal-empty").content == b""
    assert meet(http, "bad-gateway").text.startswith("<html>")
    assert meet(http, "internal-capital").json().keys() == {"Message"}
    named_by_header = meet(http, "header-only-type")
    assert named_by_header.json() == {}
    assert named_by_header.headers["x-amzn-errortype"].startswith("ThrottlingException:")
    assert meet(http, "throttled-retry-after").headers["retry-after"] == "1"


@pytest.mark.parametrize("name", ["cut-in-first-frame", "cut-mid-frame"])
def test_a_cut_ends_cleanly_inside_a_frame(http: httpx.Client, name: str) -> None:
    data = meet(http, name).content
    at = 0
    while at + 4 <= len(data) and at + int.from_bytes(data[at : at + 4], "big") <= len(data):
        at += int.from_bytes(data[at : at + 4], "big")
    assert 0 < len(data) - at < int.from_bytes(data[at : at + 4], "big")
    assert (at == 0) == (name == "cut-in-first-frame")


def test_an_end_without_closing_has_all_the_text(http: httpx.Client) -> None:
    seen = told(http, "end-without-closing", "Hello")
    assert text_of(seen) == "You said: Hello"
    assert not kinds(seen) & CLOSING


@pytest.mark.parametrize("name", ["close-mid-stream", "reset-mid-stream"])
def test_a_broken_connection_breaks_after_some_text(http: httpx.Client, name: str) -> None:
    arm(http, name)
    received = bytearray()
    body = ask("[[say 400 words]]")
    failure = httpx.ReadError if name == "reset-mid-stream" else httpx.RemoteProtocolError
    with http.stream("POST", "/", headers=headers_of(BUILDER), json=body) as reply:
        assert reply.status_code == 200
        with pytest.raises(failure):
            read_into(received, reply)
    assert b"alder" in received


def test_a_reset_before_events_comes_after_the_status(http: httpx.Client) -> None:
    arm(http, "reset-before-events")
    with http.stream("POST", "/", headers=headers_of(BUILDER), json=ask("Hello")) as reply:
        assert reply.status_code == 200
        with pytest.raises(httpx.ReadError):
            reply.read()


def test_a_reset_before_the_status_is_no_answer(http: httpx.Client) -> None:
    arm(http, "reset-before-status")
    with pytest.raises(httpx.ReadError):
        post(http, ask("Hello"))


@pytest.mark.parametrize("name", ["never-answers", "never-first-event", "stall-mid-stream"])
def test_a_silent_stream_waits_until_the_client_leaves(http: httpx.Client, name: str) -> None:
    arm(http, name)
    with pytest.raises(httpx.ReadTimeout):
        http.post("/", headers=headers_of(BUILDER), json=ask("Hello"), timeout=0.2)
    counts = http.get("/_sim/connections?until=open:0,cancelled:1").json()
    assert counts["reached"], counts


@pytest.mark.parametrize("name", ["slow-status", "slow-first-event", "pause-mid-stream"])
def test_a_slow_stream_is_complete_in_the_end(http: httpx.Client, name: str) -> None:
    arm(http, name, seconds=0.01)
    assert text_of(answer(http, ask("Hello"))) == "You said: Hello"


def test_a_bad_prelude_fails_its_own_checksum(http: httpx.Client) -> None:
    data = meet(http, "bad-prelude-checksum").content
    with pytest.raises(AssertionError):
        frames(data)


@pytest.mark.parametrize("name", ["bad-message-checksum", "bad-first-frame"])
def test_a_damaged_frame_has_a_good_prelude_and_a_bad_end(http: httpx.Client, name: str) -> None:
    data = meet(http, name).content
    checks = []
    while data:
        total = int.from_bytes(data[:4], "big")
        assert zlib.crc32(data[:8]) == int.from_bytes(data[8:12], "big")
        checks.append(
            zlib.crc32(data[: total - 4]) == int.from_bytes(data[total - 4 : total], "big")
        )
        data = data[total:]
    assert checks.count(False) == 1
    assert checks[0] == (name != "bad-first-frame")


def test_an_impossible_length_has_a_good_checksum(http: httpx.Client) -> None:
    data = meet(http, "impossible-length").content
    prelude = data[data.index(b"\x7f\xff\xff\xff") :][:12]
    assert zlib.crc32(prelude[:8]) == int.from_bytes(prelude[8:], "big")


def test_an_empty_body_is_a_success_without_bytes(http: httpx.Client) -> None:
    reply = meet(http, "empty-body")
    assert (reply.status_code, reply.content) == (200, b"")


EXCEPTIONS = sorted(name.removeprefix("exception-first-") for name in SCENARIOS
                    if name.startswith("exception-first-"))  # fmt: skip


@pytest.mark.parametrize("place", ["first", "later"])
@pytest.mark.parametrize("name", EXCEPTIONS)
def test_an_exception_frame_ends_the_stream(http: httpx.Client, name: str, place: str) -> None:
    seen = told(http, f"exception-{place}-{name}")
    assert seen[-1].headers[":message-type"] == "exception"
    assert seen[-1].headers[":exception-type"]
    assert seen[-1].payload["message"]
    assert ("assistantResponseEvent" in kinds(seen)) == (place == "later")
    assert not kinds(seen) & CLOSING


@pytest.mark.parametrize("place", ["first", "later"])
def test_an_error_frame_says_everything_in_its_headers(http: httpx.Client, place: str) -> None:
    last = told(http, f"error-frame-{place}")[-1]
    assert last.headers[":message-type"] == "error"
    assert last.headers[":error-code"] == "InternalServerException"
    assert last.headers[":error-message"]
    assert last.raw == b""


@pytest.mark.parametrize("place", ["first", "later"])
def test_an_invalid_state_is_an_event(http: httpx.Client, place: str) -> None:
    seen = told(http, f"invalid-state-{place}")
    assert seen[-1].kind == "invalidStateEvent"
    assert ("assistantResponseEvent" in kinds(seen)) == (place == "later")


WHOLE = {
    "bare-headers", "context-full", "context-usage-only", "empty-deltas", "extra-events",
    "metadata-empty", "metering-only", "odd-headers", "pause-mid-stream",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_an_oddly_told_answer_has_the_same_text(http: httpx.Client, name: str) -> None:
    arm(http, name, seconds=0.0)
    assert text_of(answer(http, ask("Hello"))) == "You said: Hello"


def test_repeated_deltas_are_equal_events(http: httpx.Client) -> None:
    assert text_of(told(http, "repeated-deltas")) == "ha ha ha \n\n\n"


def test_wrapped_payloads_have_one_member_named_as_the_event(http: httpx.Client) -> None:
    for frame in told(http, "wrapped-payloads"):
        assert frame.payload.keys() == {frame.kind}


def test_a_full_context_is_a_hundred_percent(http: httpx.Client) -> None:
    assert told(http, "context-full")[-1].payload == {"contextUsagePercentage": 100.0}


def tool_events(seen: list[Seen]) -> list[Body]:
    return [frame.payload for frame in seen if frame.kind == "toolUseEvent"]


def test_a_cut_tool_input_stops_but_does_not_parse(http: httpx.Client) -> None:
    for name in ("tool-input-cut", "tool-input-cut-only"):
        seen = told(http, name, CALL)
        events = tool_events(seen)
        assert events[-1]["stop"] is True
        with pytest.raises(ValueError, match="line 1"):
            json.loads("".join(event.get("input", "") for event in events))
        assert bool(text_of(seen)) == (name == "tool-input-cut")


def test_a_tool_without_stop_is_whole_and_followed_by_the_accounting(http: httpx.Client) -> None:
    seen = told(http, "tool-without-stop", CALL)
    assert calls_of(seen) == [("stock_count", {"item": "rye"})]
    assert not any("stop" in event for event in tool_events(seen))
    assert kinds(seen) >= CLOSING


def test_an_open_tool_ends_the_stream(http: httpx.Client) -> None:
    seen = told(http, "tool-open-at-end", CALL)
    assert seen[-1].kind == "toolUseEvent"
    assert "stop" not in seen[-1].payload


def test_two_tools_share_one_stop(http: httpx.Client) -> None:
    seen = told(http, "tools-without-stops", CALL)
    assert calls_of(seen) == [("stock_count", {"item": "rye"})] * 2
    assert sum("stop" in event for event in tool_events(seen)) == 1


def test_interleaved_tools_alternate(http: httpx.Client) -> None:
    seen = told(http, "tools-interleaved", CALL)
    assert calls_of(seen) == [("stock_count", {"item": "rye"})] * 2
    order = [event["toolUseId"] for event in tool_events(seen)]
    assert order[0] == order[2] != order[1] == order[3]


def test_an_object_input_is_preceded_by_an_empty_one(http: httpx.Client) -> None:
    inputs = [event.get("input") for event in tool_events(told(http, "tool-input-as-object", CALL))]
    assert inputs == [{}, {"item": "rye"}, None]


def test_the_other_tool_shapes_are_what_they_say(http: httpx.Client) -> None:
    assert len(tool_events(told(http, "tool-in-one-event", CALL))) == 1
    empty = tool_events(told(http, "tool-input-empty", CALL))
    assert not any("input" in event for event in empty)
    no_object = tool_events(told(http, "tool-input-no-object", CALL))
    assert json.loads("".join(e.get("input", "") for e in no_object)) == ["not", "an", "object"]
    twice = tool_events(told(http, "tool-twice", CALL))
    assert len({event["toolUseId"] for event in twice}) == 1
    assert sum("stop" in event for event in twice) == 2
    assert calls_of(told(http, "tools-equal", CALL)) == [("stock_count", {"item": "rye"})] * 2
    assert told(http, "tool-then-text", CALL)[-4].kind == "assistantResponseEvent"
    whole = [f.payload for f in told(http, "tool-whole-event", CALL) if f.kind == "toolUse"]
    assert [(event["name"], event["input"]) for event in whole] == [
        ("stock_count", {"item": "rye"})
    ]
    as_text = text_of(told(http, "tool-as-text", CALL))
    assert as_text == '[Called stock_count with args: {"item": "rye"}]'


@pytest.mark.parametrize(
    ("name", "call"),
    [("builtin-read", "readFile"), ("builtin-shell", "executeBash"),
     ("builtin-search", "grepSearch"), ("builtin-browser", "browser_click")],
)  # fmt: skip
def test_a_builtin_call_is_made_without_a_declaration(
    http: httpx.Client, name: str, call: str
) -> None:
    assert [made for made, _ in calls_of(told(http, name))] == [call]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("only-thinking", ""),
        ("nothing-but-accounting", ""),
        ("only-tagged-thinking", "<thinking>\nHmm.\n</thinking>\n\n"),
        ("thinking-unclosed", "<thinking>\nHmm, and on and on"),
        ("thinking-then-tool", "<thinking>\nI need the tool.</thinking>"),
        ("thinking-both-ways", "<thinking>plain</thinking> text"),
        ("thinking-sealed", "You said: Hello"),
        ("thinking-unsigned", "You said: Hello"),
    ],
)
def test_odd_thinking_leaves_this_text(http: httpx.Client, name: str, text: str) -> None:
    seen = told(http, name, "Hello")
    assert text_of(seen) == text
    natively = {"only-thinking", "thinking-both-ways", "thinking-sealed", "thinking-unsigned"}
    assert ("reasoningContentEvent" in kinds(seen)) == (name in natively)


def test_a_scenario_is_met_as_often_as_it_was_armed(http: httpx.Client) -> None:
    arm(http, "throttled", times=2)
    assert [post(http, ask("Hello")).status_code for _ in range(3)] == [429, 429, 200]


def test_an_endless_scenario_lasts_until_reset(http: httpx.Client) -> None:
    arm(http, "throttled", times=None)
    assert [post(http, ask("Hello")).status_code for _ in range(3)] == [429] * 3
    http.post("/_sim/reset")
    assert post(http, ask("Hello")).status_code == 200


def test_scenarios_are_met_in_the_order_they_were_armed(http: httpx.Client) -> None:
    arm(http, "throttled")
    arm(http, "internal")
    assert [post(http, ask("Hello")).status_code for _ in range(3)] == [429, 500, 200]


def test_a_scenario_can_wait_for_one_account(http: httpx.Client) -> None:
    arm(http, "suspended", account="builder")
    assert post(http, ask("Hello")).status_code == 200
    assert post(http, ask("Hello"), ACCOUNTS["builder"]).status_code == 403


def test_a_scenario_can_wait_for_a_marker(http: httpx.Client) -> None:
    arm(http, "unavailable", marker="ticket 17")
    assert post(http, ask("Hello")).status_code == 200
    assert post(http, ask("Hello, ticket 17")).status_code == 503


def test_a_refused_body_uses_no_scenario_up(http: httpx.Client) -> None:
    arm(http, "throttled")
    assert post(http, ask("")).status_code == 400
    assert post(http, ask("Hello")).status_code == 429


def test_a_text_can_name_its_scenario_and_how_often(http: httpx.Client) -> None:
    body = ask("Hello [[scenario:throttled x2]]")
    assert [post(http, body).status_code for _ in range(3)] == [429, 429, 200]
    other = ask("Hi [[scenario:bad-gateway]]")
    assert [post(http, other).status_code for _ in range(3)] == [502] * 3


@pytest.mark.parametrize(
    ("operation", "method", "path"),
    [
        ("models", "GET", "/ListAvailableModels?origin=AI_EDITOR"),
        ("usage", "GET", "/getUsageLimits"),
        ("profiles", "POST", "/"),
    ],
)
def test_other_operations_have_scenarios_of_their_own(
    http: httpx.Client, operation: str, method: str, path: str
) -> None:
    arm(http, "internal", operation=operation)
    assert post(http, ask("Hello")).status_code == 200
    account = ACCOUNTS["social"]
    headers = headers_of(account, None)
    if method == "POST":
        headers["x-amz-target"] = "AmazonCodeWhispererService.ListAvailableProfiles"
    content = b"{}" if method == "POST" else None
    replies = [http.request(method, path, headers=headers, content=content) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [500, 200]


@pytest.mark.parametrize(
    "order",
    [
        {"name": "no-such-scenario"},
        {"name": "throttled", "account": "nobody"},
        {"name": "stall-mid-stream", "operation": "models"},
        {"name": "throttled", "often": 3},
        {"name": 1},
        {},
    ],
    ids=["name", "account", "operation", "member", "type", "nothing"],
)
def test_a_senseless_order_is_refused_with_a_reason(http: httpx.Client, order: Body) -> None:
    reply = http.put("/_sim/scenario", json=order)
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_the_list_of_scenarios_has_a_line_on_each(http: httpx.Client) -> None:
    listed = http.get("/_sim/scenarios").json()["scenarios"]
    assert {one["name"] for one in listed} == SCENARIOS.keys()
    assert all(one["summary"] and "\n" not in one["summary"] for one in listed)


def test_a_scenario_for_tools_works_without_declared_tools(http: httpx.Client) -> None:
    arm(http, "tools-interleaved")
    calls = calls_of(answer(http, ask("Hello", tools=[tool("unused")])))
    assert [name for name, _ in calls] == ["lookup", "lookup"]
