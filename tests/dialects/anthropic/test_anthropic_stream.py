import pytest
from anthropic.types import RawMessageStreamEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.conversation import OWN_SIGNATURE_PREFIX, Conversation, ThinkingRequest
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
from tests.dialects.anthropic.anthropic_events import STRAY, answers, gather, read_stream

ASKED = Conversation("claude-sonnet-4-5", ())
OMITTING = Conversation("claude-sonnet-4-5", (), thinking=ThinkingRequest("adaptive", show=False))
DONE = Stop("end_turn")
USAGE = Usage(812, 41, cache_read_tokens=7, cache_write_tokens=3)
CAPACITY = ErrorShape("overloaded_error", "No capacity.", source="upstream")

START, DELTA, STOP = "content_block_start", "content_block_delta", "content_block_stop"
SDK_EVENT: TypeAdapter[object] = TypeAdapter(RawMessageStreamEvent)


def stream(conversation: Conversation = ASKED, *, suppress: bool = False) -> AnthropicStream:
    return AnthropicStream("msg_01", conversation, suppress_reasoning=suppress)


def fed(*events: ContentEvent, by: AnthropicStream | None = None) -> bytes:
    translator = by or stream()
    return b"".join(map(translator.feed, events))


def replied(*events: ContentEvent, by: AnthropicStream | None = None, stop: Stop = DONE) -> bytes:
    translator = by or stream()
    return translator.start(812) + fed(*events, by=translator) + translator.finish(stop, USAGE)


def names(wire: bytes) -> list[str]:
    return [event["type"] for event in read_stream(wire)]


def content(wire: bytes) -> object:
    return gather(read_stream(wire))["content"]


def block(index: int, opening: bytes, *deltas: bytes) -> bytes:
    """The golden form of one whole block."""
    parts = [
        b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,'
        b'"content_block":%b}\n\n' % (index, opening)
    ]
    parts += [
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
        b'"delta":%b}\n\n' % (index, delta)
        for delta in deltas
    ]
    parts.append(
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % index
    )
    return b"".join(parts)


TEXT_BLOCK = b'{"type":"text","text":""}'
THINKING_BLOCK = b'{"type":"thinking","thinking":"","signature":""}'
OWN_SIGNATURE = b'{"type":"signature_delta","signature":"kiro-gateway:msg_01"}'


def test_a_reply_with_everything_is_byte_for_byte_this() -> None:
    wire = replied(
        ThinkingDelta("A stock question."),
        ThinkingSignature("EqkBCkgIARAB"),
        TextDelta("Let me "),
        TextDelta('look: "rye"\n'),
        ToolUseStart("tooluse_8hK2", "stock_count"),
        ToolUseDelta("tooluse_8hK2", '{"item": '),
        ToolUseDelta("tooluse_8hK2", '"rye"}'),
        ToolUseEnd("tooluse_8hK2"),
        stop=Stop("tool_use"),
    )
    assert wire == (
        b"event: message_start\n"
        b'data: {"type":"message_start","message":{"id":"msg_01","type":"message",'
        b'"role":"assistant","content":[],"model":"claude-sonnet-4-5","stop_reason":null,'
        b'"stop_sequence":null,"usage":{"input_tokens":812,"output_tokens":1,'
        b'"cache_creation_input_tokens":0,"cache_read_input_tokens":0}}}\n\n'
        + block(
            0,
            THINKING_BLOCK,
            b'{"type":"thinking_delta","thinking":"A stock question."}',
            b'{"type":"signature_delta","signature":"EqkBCkgIARAB"}',
        )
        + block(
            1,
            TEXT_BLOCK,
            b'{"type":"text_delta","text":"Let me "}',
            b'{"type":"text_delta","text":"look: \\"rye\\"\\n"}',
        )
        + block(
            2,
            b'{"type":"tool_use","id":"tooluse_8hK2","name":"stock_count","input":{}}',
            b'{"type":"input_json_delta","partial_json":"{\\"item\\": "}',
            b'{"type":"input_json_delta","partial_json":"\\"rye\\"}"}',
        )
        + b"event: message_delta\n"
        b'data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},'
        b'"usage":{"input_tokens":812,"output_tokens":41,"cache_creation_input_tokens":3,'
        b'"cache_read_input_tokens":7}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )


def test_a_ping_is_an_event() -> None:
    assert stream().ping == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_it_is_a_translator() -> None:
    translator: Translator = stream()
    assert translator.ping


def test_redacted_reasoning_is_a_block_of_its_own() -> None:
    wire = fed(ThinkingDelta("Hm."), RedactedThinking("b64=="), TextDelta("Yes."))
    redacted = b'{"type":"redacted_thinking","data":"b64=="}'
    assert block(1, redacted) in wire
    assert names(wire) == [START, DELTA, DELTA, STOP, START, STOP, START, DELTA]


def test_an_error_closes_the_open_block_and_is_the_last_event() -> None:
    translator = stream()
    translator.feed(TextDelta("Let me"))
    assert translator.error(CAPACITY) == (
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
        b'"message":"No capacity.","source":"upstream"}}\n\n'
    )


def test_an_error_between_blocks_closes_nothing() -> None:
    translator = stream()
    fed(ToolUseStart("t", "look"), ToolUseEnd("t"), by=translator)
    assert names(translator.error(CAPACITY)) == ["error"]


def test_an_error_signs_the_reasoning_it_cuts_short() -> None:
    translator = stream()
    translator.feed(ThinkingDelta("Hm"))
    assert names(translator.error(CAPACITY)) == [DELTA, STOP, "error"]


def test_an_error_lets_nothing_out_that_was_waiting() -> None:
    translator = stream()
    fed(ToolUseStart("a", "look"), TextDelta("later"), by=translator)
    assert names(translator.error(CAPACITY)) == [STOP, "error"]


# Blocks


def test_a_tool_use_after_text_closes_the_text_block_first() -> None:
    wire = fed(TextDelta("Let me look."), ToolUseStart("t", "look"), ToolUseDelta("t", "{}"))
    assert names(wire) == [START, DELTA, STOP, START, DELTA]


def test_text_after_a_tool_use_opens_a_new_block() -> None:
    wire = replied(
        TextDelta("a"), ToolUseStart("t", "look"), ToolUseEnd("t"), TextDelta("b"), TextDelta("c")
    )
    assert content(wire) == [
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "t", "name": "look", "input": {}},
        {"type": "text", "text": "bc"},
    ]


def test_reasoning_between_texts_makes_three_blocks() -> None:
    wire = replied(TextDelta("a"), ThinkingDelta("b"), TextDelta("c"))
    assert names(wire).count(START) == 3


def test_a_call_without_input_gets_an_empty_object() -> None:
    wire = fed(ToolUseStart("t", "look"), ToolUseEnd("t"))
    opening = b'{"type":"tool_use","id":"t","name":"look","input":{}}'
    assert wire == block(0, opening, b'{"type":"input_json_delta","partial_json":"{}"}')


def test_equal_deltas_in_a_row_are_both_sent() -> None:
    assert names(fed(TextDelta("ha"), TextDelta("ha"))) == [START, DELTA, DELTA]


@pytest.mark.parametrize("text", ["\u2028", "\u2029", "\x85", "\r\n", "\x0b\x0c\x1c\x1d\x1e"])
def test_no_line_break_of_unicode_breaks_a_line(text: str) -> None:
    wire = replied(ThinkingDelta(text), TextDelta(text), TextDelta(text), ToolUseStart(text, text))
    assert len(wire.decode().splitlines()) == wire.count(b"\n")
    assert content(wire)[1] == {"type": "text", "text": text * 2}  # type: ignore[index]


# Interleaved calls


def test_a_call_that_begins_inside_another_waits_for_its_end() -> None:
    translator = stream()
    assert names(fed(ToolUseStart("a", "look"), ToolUseDelta("a", "{"), by=translator)) == [
        START,
        DELTA,
    ]
    assert fed(ToolUseStart("b", "count"), ToolUseDelta("b", '{"n"'), by=translator) == b""
    assert names(translator.feed(ToolUseDelta("a", "}"))) == [DELTA]
    assert names(translator.feed(ToolUseEnd("a"))) == [STOP, START, DELTA]
    assert names(translator.feed(ToolUseDelta("b", ":1}"))) == [DELTA]
    assert names(translator.feed(ToolUseEnd("b"))) == [STOP]


def test_three_calls_at_once_come_out_one_after_the_other() -> None:
    ids = "abc"
    events: list[ContentEvent] = [ToolUseStart(each, f"tool_{each}") for each in ids]
    events += [ToolUseDelta(each, '{"n":') for each in ids]
    events += [ToolUseDelta(each, f"{n}}}") for n, each in enumerate(ids)]
    events += [ToolUseEnd(each) for each in reversed(ids)]
    assert content(replied(*events)) == [
        {"type": "tool_use", "id": each, "name": f"tool_{each}", "input": {"n": n}}
        for n, each in enumerate(ids)
    ]


def test_text_that_comes_during_a_call_follows_it() -> None:
    wire = replied(ToolUseStart("t", "look"), TextDelta("b"), ToolUseEnd("t"), TextDelta("c"))
    assert content(wire) == [
        {"type": "tool_use", "id": "t", "name": "look", "input": {}},
        {"type": "text", "text": "bc"},
    ]


def test_what_waits_for_a_call_that_never_ends_comes_at_the_end() -> None:
    wire = replied(
        ToolUseStart("a", "look"),
        ToolUseDelta("a", '{"path": "/et'),
        ToolUseStart("b", "count"),
        TextDelta("c"),
        stop=Stop("max_tokens"),
    )
    names_and_indices = [
        (event["type"], event["index"]) for event in read_stream(wire) if "index" in event
    ]
    assert names_and_indices == [
        *[(START, 0), (DELTA, 0), (STOP, 0)],
        *[(START, 1), (STOP, 1)],
        *[(START, 2), (DELTA, 2), (STOP, 2)],
    ]


def test_very_many_calls_at_once_are_no_trouble() -> None:
    ids = [f"tu_{number}" for number in range(400)]
    events: list[ContentEvent] = [ToolUseStart(each, "look") for each in ids]
    events += [ToolUseEnd(each) for each in ids]
    assert names(replied(*events)).count(STOP) == len(ids)


@pytest.mark.parametrize(
    "stray",
    [
        [ToolUseDelta("x", "{}")],
        [ToolUseEnd("x")],
        [ToolUseStart("x", "a"), ToolUseEnd("x"), ToolUseDelta("x", "{}")],
    ],
    ids=["delta", "end", "delta after the end"],
)
def test_a_delta_of_no_open_call_is_not_sent(stray: list[ContentEvent]) -> None:
    translator = stream()
    fed(*stray[:-1], by=translator)
    assert translator.feed(stray[-1]) == b""


def test_a_call_that_starts_twice_is_one_call() -> None:
    wire = fed(ToolUseStart("x", "a"), ToolUseStart("x", "a"), ToolUseEnd("x"))
    assert names(wire) == [START, DELTA, STOP]


# Reasoning


def test_unsigned_reasoning_gets_a_signature_of_ours() -> None:
    wire = fed(ThinkingDelta("Hm."), TextDelta("Yes."))
    hm = b'{"type":"thinking_delta","thinking":"Hm."}'
    assert wire.startswith(block(0, THINKING_BLOCK, hm, OWN_SIGNATURE))
    assert OWN_SIGNATURE_PREFIX.encode() in OWN_SIGNATURE


def test_the_services_signature_comes_last_in_its_block() -> None:
    wire = replied(ThinkingDelta("a"), ThinkingSignature("s1"), ThinkingSignature("s2"))
    assert content(wire) == [
        {"type": "thinking", "thinking": "a", "signature": "s2"},
        {"type": "text", "text": " "},
    ]


def test_each_block_of_reasoning_has_its_own_signature() -> None:
    wire = replied(ThinkingDelta("a"), ThinkingSignature("s1"), TextDelta("b"), ThinkingDelta("c"))
    assert content(wire) == [
        {"type": "thinking", "thinking": "a", "signature": "s1"},
        {"type": "text", "text": "b"},
        {"type": "thinking", "thinking": "c", "signature": "kiro-gateway:msg_01"},
    ]


def test_a_signature_alone_is_reasoning_that_upstream_left_out() -> None:
    wire = replied(ThinkingSignature("s1"), TextDelta("b"))
    assert content(wire) == [
        {"type": "thinking", "thinking": "", "signature": "s1"},
        {"type": "text", "text": "b"},
    ]


def test_a_signature_that_comes_after_its_block_is_too_late() -> None:
    wire = replied(ThinkingDelta("a"), TextDelta("b"), ThinkingSignature("s1"), TextDelta("c"))
    assert content(wire) == [
        {"type": "thinking", "thinking": "a", "signature": "kiro-gateway:msg_01"},
        {"type": "text", "text": "bc"},
    ]


def test_omitted_reasoning_keeps_its_signature_only() -> None:
    wire = replied(
        ThinkingDelta("a"),
        ThinkingDelta("b"),
        ThinkingSignature("s1"),
        TextDelta("c"),
        by=stream(OMITTING),
    )
    assert content(wire) == [
        {"type": "thinking", "thinking": "", "signature": "s1"},
        {"type": "text", "text": "c"},
    ]
    assert b"thinking_delta" not in wire


def test_suppressed_reasoning_leaves_no_trace() -> None:
    wire = replied(
        ThinkingDelta("a"),
        ThinkingSignature("s"),
        RedactedThinking("r"),
        TextDelta("b"),
        by=stream(suppress=True),
    )
    assert content(wire) == [{"type": "text", "text": "b"}]


# Ends


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("end_turn", "end_turn"),
        ("tool_use", "tool_use"),
        ("max_tokens", "max_tokens"),
        ("stop_sequence", "stop_sequence"),
        ("context_window_exceeded", "model_context_window_exceeded"),
    ],
)
def test_stop_reasons_have_the_apis_names(reason: StopReason, word: str) -> None:
    message = gather(read_stream(replied(TextDelta("a"), stop=Stop(reason))))
    assert message["stop_reason"] == word
    assert message["stop_sequence"] is None


def test_the_stop_sequence_that_matched_is_told() -> None:
    stop = Stop("stop_sequence", "END")
    message = gather(read_stream(replied(TextDelta("a"), stop=stop)))
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "END")


@pytest.mark.parametrize(
    ("suppress", "conversation"),
    [(False, ASKED), (True, ASKED), (False, OMITTING)],
    ids=["shown", "suppressed", "omitted"],
)
def test_reasoning_alone_ran_out_of_room(suppress: bool, conversation: Conversation) -> None:
    by = stream(conversation, suppress=suppress)
    message = gather(read_stream(replied(ThinkingDelta("Hm."), by=by)))
    assert message["content"][-1] == {"type": "text", "text": " "}
    assert message["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    ("texts", "reason"), [(["\n", "\n"], "max_tokens"), (["\n", " Hi"], "end_turn")]
)
def test_white_space_behind_reasoning_shows_nothing(texts: list[str], reason: str) -> None:
    message = gather(read_stream(replied(ThinkingDelta("Hm."), *map(TextDelta, texts))))
    assert message["content"][1:] == [{"type": "text", "text": "".join(texts)}]
    assert message["stop_reason"] == reason


@pytest.mark.parametrize("reason", ["stop_sequence", "context_window_exceeded"])
def test_reasoning_alone_keeps_a_reason_that_says_more(reason: StopReason) -> None:
    message = gather(read_stream(replied(ThinkingDelta("Hm."), stop=Stop(reason))))
    assert message["content"][-1] == {"type": "text", "text": " "}
    assert message["stop_reason"] in {reason, f"model_{reason}"}


def test_an_empty_answer_is_one_space() -> None:
    message = gather(read_stream(replied()))
    assert message["content"] == [{"type": "text", "text": " "}]
    assert message["stop_reason"] == "end_turn"


# Whatever happens


@settings(max_examples=150)
@given(events=answers(), suppress=st.booleans(), show=st.booleans())
def test_no_answer_breaks_the_protocol(
    events: list[ContentEvent], suppress: bool, show: bool
) -> None:
    by = stream(ASKED if show else OMITTING, suppress=suppress)
    wire = read_stream(replied(*events, by=by))
    gather(wire)
    for event in wire:
        SDK_EVENT.validate_python(event)


@settings(max_examples=150)
@given(events=st.lists(STRAY, max_size=20))
def test_no_disorder_of_events_breaks_the_protocol(events: list[ContentEvent]) -> None:
    wire = read_stream(replied(*events))
    opened = [event["index"] for event in wire if event["type"] == START]
    closed = [event["index"] for event in wire if event["type"] == STOP]
    assert opened == closed == list(range(len(opened)))
    assert names(replied(*events))[-2:] == ["message_delta", "message_stop"]


@settings(max_examples=100)
@given(events=st.lists(STRAY, max_size=20))
def test_an_error_at_any_point_leaves_no_block_open(events: list[ContentEvent]) -> None:
    translator = stream()
    wire = read_stream(fed(*events, by=translator) + translator.error(CAPACITY))
    kinds = [event["type"] for event in wire]
    assert kinds.count(START) == kinds.count(STOP)
    assert kinds[-1] == "error"
