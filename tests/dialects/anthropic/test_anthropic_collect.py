import json
from typing import Any

import pytest
from anthropic.types import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.conversation import Conversation, ThinkingRequest
from gateway.dialects.anthropic.collect import AnthropicAnswer
from gateway.dialects.anthropic.stream import AnthropicStream
from gateway.events import (
    ContentEvent,
    ErrorShape,
    RedactedThinking,
    Stop,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingSignature,
    ToolUseDelta,
    ToolUseEnd,
    ToolUseStart,
    Translator,
    Usage,
)
from tests.dialects.anthropic.anthropic_events import answers, gather, read_stream

ASKED = Conversation("claude-sonnet-4-5", ())
OMITTING = Conversation("claude-sonnet-4-5", (), thinking=ThinkingRequest("adaptive", show=False))
DONE = Stop("end_turn")
USAGE = Usage(812, 41, cache_read_tokens=7, cache_write_tokens=3)


def body(
    *events: ContentEvent,
    stop: Stop = DONE,
    conversation: Conversation = ASKED,
    suppress: bool = False,
) -> bytes:
    answer: Translator = AnthropicAnswer("msg_01", conversation, suppress_reasoning=suppress)
    assert answer.start(500) == b""
    assert b"".join(map(answer.feed, events)) == b""
    return answer.finish(stop, USAGE)


def content(*events: ContentEvent, **options: Any) -> Any:
    return json.loads(body(*events, **options))["content"]


def test_an_answer_with_everything_is_byte_for_byte_this() -> None:
    given = body(
        ThinkingDelta("A stock "),
        ThinkingDelta("question."),
        ThinkingSignature("EqkB"),
        RedactedThinking("b64=="),
        TextDelta("Let me "),
        TextDelta("look."),
        ToolUseStart("tooluse_8hK2", "stock_count"),
        ToolUseDelta("tooluse_8hK2", '{ "item": '),
        ToolUseDelta("tooluse_8hK2", '"rye", "n": 1.0 }'),
        ToolUseEnd("tooluse_8hK2"),
        TextDelta("Wait."),
        stop=Stop("tool_use"),
    )
    assert given == (
        b'{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-5",'
        b'"content":[{"type":"thinking","thinking":"A stock question.","signature":"EqkB"},'
        b'{"type":"redacted_thinking","data":"b64=="},'
        b'{"type":"text","text":"Let me look."},'
        b'{"type":"tool_use","id":"tooluse_8hK2","name":"stock_count",'
        b'"input":{ "item": "rye", "n": 1.0 }},'
        b'{"type":"text","text":"Wait."}],'
        b'"stop_reason":"tool_use","stop_sequence":null,'
        b'"usage":{"input_tokens":812,"output_tokens":41,"cache_creation_input_tokens":3,'
        b'"cache_read_input_tokens":7}}'
    )


def test_an_answer_is_never_without_content() -> None:
    assert content() == [{"type": "text", "text": " "}]


def test_reasoning_alone_ran_out_of_room() -> None:
    answer = json.loads(body(ThinkingDelta("Hm.")))
    assert [block["type"] for block in answer["content"]] == ["thinking", "text"]
    assert answer["stop_reason"] == "max_tokens"


def test_white_space_behind_reasoning_shows_nothing() -> None:
    answer = json.loads(body(ThinkingDelta("Hm."), TextDelta("\n\n")))
    assert answer["content"][1:] == [{"type": "text", "text": "\n\n"}]
    assert answer["stop_reason"] == "max_tokens"


def test_suppressed_reasoning_alone_ran_out_of_room_too() -> None:
    answer = json.loads(body(ThinkingDelta("Hm."), suppress=True))
    assert answer["content"] == [{"type": "text", "text": " "}]
    assert answer["stop_reason"] == "max_tokens"


def test_a_call_without_input_has_an_empty_object() -> None:
    events: list[ContentEvent] = [ToolUseStart("t", "look"), ToolUseEnd("t")]
    assert content(*events) == [{"type": "tool_use", "id": "t", "name": "look", "input": {}}]


def test_a_call_that_never_ended_is_left_out() -> None:
    events: list[ContentEvent] = [
        TextDelta("a"),
        ToolUseStart("t", "rm"),
        ToolUseDelta("t", '{"path": "/'),
    ]
    answer = json.loads(body(*events, stop=Stop("max_tokens")))
    assert answer["content"] == [{"type": "text", "text": "a"}]
    assert answer["stop_reason"] == "max_tokens"


def test_interleaved_calls_stand_in_the_order_they_began() -> None:
    events: list[ContentEvent] = [
        ToolUseStart("a", "look"),
        ToolUseStart("b", "count"),
        ToolUseDelta("b", '{"n":'),
        ToolUseDelta("a", '{"m":1}'),
        ToolUseDelta("b", "2}"),
        ToolUseEnd("b"),
        ToolUseEnd("a"),
        ToolUseDelta("a", "late"),
    ]
    blocks = content(*events)
    assert [(block["id"], block["input"]) for block in blocks] == [("a", {"m": 1}), ("b", {"n": 2})]


def test_an_error_is_not_told_in_an_answer() -> None:
    answer = AnthropicAnswer("msg_01", ASKED)
    assert answer.error(ErrorShape("api_error", "Broken.")) == b""
    assert answer.ping == b""


STOPS = st.builds(
    Stop,
    st.sampled_from(
        ["end_turn", "tool_use", "max_tokens", "stop_sequence", "context_window_exceeded"]
    ),
    st.none() | st.just("END"),
)


@settings(max_examples=200)
@given(events=answers(), stop=STOPS, suppress=st.booleans(), show=st.booleans())
def test_an_answer_is_what_its_stream_adds_up_to(
    events: list[ContentEvent], stop: Stop, suppress: bool, show: bool
) -> None:
    conversation = ASKED if show else OMITTING
    translator = AnthropicStream("msg_01", conversation, suppress_reasoning=suppress)
    wire = translator.start(500) + b"".join(map(translator.feed, events))
    wire += translator.finish(stop, USAGE)
    answer = body(*events, stop=stop, conversation=conversation, suppress=suppress)
    assert json.loads(answer) == gather(read_stream(wire))
    Message.model_validate_json(answer)


@pytest.mark.parametrize("reason", ["max_tokens", "stop_sequence"])
def test_a_reason_that_says_more_is_kept_without_visible_text(reason: StopReason) -> None:
    assert json.loads(body(ThinkingDelta("Hm."), stop=Stop(reason)))["stop_reason"] == reason
