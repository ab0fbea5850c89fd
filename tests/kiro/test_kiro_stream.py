import json

import pytest

from gateway import errors
from gateway.errors import FrameError, UpstreamError
from gateway.events import (
    ContentEvent,
    RedactedThinking,
    TextDelta,
    ThinkingDelta,
    ThinkingSignature,
    ToolUseDelta,
)
from gateway.kiro.stream import TokenUsage, new_tool_use_id
from gateway.protocol.eventstream import FrameParser, encode_frame
from tests.kiro.kiro_frames import (
    METERING,
    call,
    event,
    exception,
    feed,
    frames,
    new_decoder,
    read,
    text,
    tool,
)


def test_text_comes_as_it_was_sent() -> None:
    decoder = new_decoder()
    assert read(decoder, text("The rye "), text("shelf"), METERING) == [
        TextDelta("The rye "),
        TextDelta("shelf"),
    ]
    assert (decoder.started, decoder.visible, decoder.closed) == (True, True, True)
    assert (decoder.truncated, decoder.frames) == (False, 3)


def test_the_same_text_twice_comes_twice() -> None:
    assert read(new_decoder(), text("ha "), text("ha "), METERING) == [TextDelta("ha ")] * 2


def test_empty_text_says_nothing_and_starts_nothing() -> None:
    decoder = new_decoder()
    assert feed(decoder, text(""), event("assistantResponseEvent", content=None)) == []
    assert (decoder.started, decoder.frames) == (False, 2)


def test_white_space_starts_the_answer_but_shows_nothing() -> None:
    decoder = new_decoder()
    assert feed(decoder, text("\n\n"), text("\n")) == [TextDelta("\n\n"), TextDelta("\n")]
    assert (decoder.started, decoder.visible) == (True, False)
    feed(decoder, text("."))
    assert decoder.visible


@pytest.mark.parametrize(
    "frame",
    [
        event(
            "assistantResponseEvent", content="Hi", modelId="m", conversationId="c", new={"a": 1}
        ),
        event("assistantResponseEvent", {"assistantResponseEvent": {"content": "Hi"}}),
        event("codeEvent", content="Hi"),
        event("codeEvent", {"codeEvent": {"content": "Hi"}}),
        event("assistantResponseEvent", content="Hi", toolUseId="", name="", input="", stop=False),
        event("assistantResponseEvent", content="Hi", followupPrompt={"content": "More?"}),
        encode_frame({":event-type": "assistantResponseEvent"}, b'{"content":"Hi"}'),
    ],
    ids=[
        "unknown members",
        "wrapped",
        "code",
        "wrapped code",
        "empty tool members",
        "text beside a follow-up",
        "no message type",
    ],
)
def test_text_is_found_in_every_form(frame: bytes) -> None:
    assert read(new_decoder(), text("First. "), frame, METERING) == [
        TextDelta("First. "),
        TextDelta("Hi"),
    ]


@pytest.mark.parametrize(
    "frame",
    [
        event("assistantResponseEvent", followupPrompt={"content": "Shall I?"}),
        event("assistantResponseEvent", b""),
        event("assistantResponseEvent", {"other": {"content": "no"}}),
        event("messageMetadataEvent", conversationId="c"),
        event("supplementaryWebLinksEvent", supplementaryWebLinks=[{"url": "u"}]),
        event("codeReferenceEvent", references=[]),
        event("citationEvent", target={"location": 1}),
        event("followupPromptEvent", followupPrompt={"content": "Shall I?"}),
        event("intentsEvent"),
        event("interactionComponentsEvent", interactionComponentEntries=[]),
        event("dryRunSucceedEvent"),
        event("toolResultEvent", toolResult={}),
        event("initial-response"),
        event("somethingNew", content="no"),
        event("somethingNew", b"\xff"),
        encode_frame({}, b""),
        encode_frame({":message-type": "future", ":event-type": "assistantResponseEvent"}, b"{}"),
    ],
)
def test_what_is_no_content_is_passed_over(frame: bytes) -> None:
    decoder = new_decoder()
    assert feed(decoder, frame) == []
    assert (decoder.started, decoder.closed, decoder.frames) == (False, False, 1)


@pytest.mark.parametrize(
    "frame",
    [
        event("assistantResponseEvent", b"{"),
        event("assistantResponseEvent", b'{"content":"\xff"}'),
        event("assistantResponseEvent", content=5),
        event("assistantResponseEvent", [1]),
        event("assistantResponseEvent", b'{"content":"a","x":' + b"[" * 100_000),
        event("codeEvent", b"text"),
        event("toolUseEvent", b'{"toolUseId":"a","name":"n","input":"{'),
        event("toolUseEvent", toolUseId=5, name="n"),
        event("reasoningContentEvent", b"["),
        event("reasoningContentEvent", text={"a": 1}),
    ],
)
def test_content_that_cannot_be_read_fails_instead_of_being_lost(frame: bytes) -> None:
    decoder = new_decoder()
    feed(decoder, text("before"), tool("t", "n"))
    with pytest.raises(FrameError, match="cannot be read"):
        feed(decoder, frame)


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    frame = event("assistantResponseEvent", b'{"content":"a\\ud83d\\ude00\\ud83d!"}')
    assert feed(new_decoder(), text("x"), frame)[1:] == [TextDelta("a😀\ufffd!")]


# Reasoning


def test_reasoning_keeps_its_text_signature_and_redacted_parts() -> None:
    decoder = new_decoder()
    sent = (
        event("reasoningContentEvent", text="The user wants "),
        event("reasoningContentEvent", {"reasoningContentEvent": {"text": "a number."}}),
        event("reasoningContentEvent", text="", signature="EqkBCkgIARABGAIiQ"),
        event("reasoningContentEvent", redactedContent="ZW5jcnlwdGVk"),
        event("reasoningContentEvent"),
        text("42"),
        METERING,
    )
    assert read(decoder, *sent) == [
        ThinkingDelta("The user wants "),
        ThinkingDelta("a number."),
        ThinkingSignature("EqkBCkgIARABGAIiQ"),
        RedactedThinking("ZW5jcnlwdGVk"),
        TextDelta("42"),
    ]


def test_reasoning_starts_the_answer_but_shows_nothing() -> None:
    decoder = new_decoder()
    feed(decoder, event("reasoningContentEvent", text="hm"))
    assert (decoder.started, decoder.visible) == (True, False)


TAGGED = "<thinking>why</thinking>\n\nBecause."


def test_tags_are_thinking_where_it_was_requested() -> None:
    for at in range(len(TAGGED)):
        events = read(new_decoder(thinking=True), text(TAGGED[:at]), text(TAGGED[at:]), METERING)
        assert joined(events, ThinkingDelta) == "why"
        assert joined(events, TextDelta) == "Because."


def test_tags_are_text_where_thinking_was_not_requested() -> None:
    assert read(new_decoder(), text(TAGGED), METERING) == [TextDelta(TAGGED)]


def test_tags_are_text_after_a_native_reasoning_event() -> None:
    native = event("reasoningContentEvent", text="hm")
    events = read(new_decoder(thinking=True), native, text(TAGGED), METERING)
    assert events == [ThinkingDelta("hm"), TextDelta(TAGGED)]


def test_text_held_back_comes_before_native_reasoning() -> None:
    native = event("reasoningContentEvent", text="hm")
    events = read(new_decoder(thinking=True), text("<thin"), native, text("k>"), METERING)
    assert events == [TextDelta("<thin"), ThinkingDelta("hm"), TextDelta("k>")]


def test_a_tool_call_closes_the_thinking_before_it() -> None:
    sent = (text("<thinking>call it</thinking>"), tool("t1", "count", stop=True), text("<think>"))
    assert read(new_decoder(thinking=True), *sent, METERING) == [
        ThinkingDelta("call it"),
        *call("t1", "count", "{}"),
        TextDelta("<think>"),
    ]


def test_thinking_that_is_never_closed_is_thinking() -> None:
    events = read(new_decoder(thinking=True), text("<thinking>why</thin"), METERING)
    assert joined(events, ThinkingDelta) == "why</thin"
    assert joined(events, TextDelta) == ""


# Figures


def test_the_services_own_count_is_kept() -> None:
    decoder = new_decoder()
    usage = {
        "uncachedInputTokens": 812,
        "cacheReadInputTokens": 6400,
        "cacheWriteInputTokens": 7,
        "outputTokens": 96,
        "totalTokens": 7315,
    }
    feed(decoder, event("metadataEvent", tokenUsage=usage))
    assert decoder.token_usage == TokenUsage(812, 96, 6400, 7)
    assert decoder.closed


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"uncachedInputTokens": 10.0, "outputTokens": 2}, TokenUsage(10, 2)),
        ({"totalTokens": 20, "outputTokens": 2, "cacheReadInputTokens": 8}, TokenUsage(10, 2, 8)),
        ({"uncachedInputTokens": "10", "outputTokens": 2}, TokenUsage(0, 2)),
        ({"uncachedInputTokens": 5, "outputTokens": True}, TokenUsage(5, 0)),
        ({"uncachedInputTokens": 0, "outputTokens": 0, "totalTokens": 0}, None),
        ({"uncachedInputTokens": -4}, None),
        ({}, None),
        (None, None),
        ([1], None),
    ],
)
def test_counts_of_a_bad_type_or_all_zero_are_ignored(
    usage: object, expected: TokenUsage | None
) -> None:
    decoder = new_decoder()
    feed(decoder, event("metadataEvent", tokenUsage=usage))
    assert decoder.token_usage == expected
    assert decoder.closed


def test_a_count_is_not_forgotten_for_an_empty_one() -> None:
    decoder = new_decoder()
    feed(decoder, event("metadataEvent", tokenUsage={"outputTokens": 5}), event("metadataEvent"))
    assert decoder.token_usage == TokenUsage(0, 5)


@pytest.mark.parametrize(
    ("payload", "percentage"),
    [
        (b'{"contextUsagePercentage":3.41}', 3.41),
        (b'{"contextUsagePercentage":100}', 100.0),
        (b'{"contextUsageEvent":{"contextUsagePercentage":7}}', 7.0),
        (b'{"contextUsagePercentage":"3"}', None),
        (b'{"contextUsagePercentage":true}', None),
        (b'{"contextUsagePercentage":-1}', None),
        (b'{"contextUsagePercentage":0.0}', None),
        (b'{"contextUsagePercentage":1e999}', None),
        (b'{"contextUsagePercentage":null}', None),
        (b"{}", None),
        (b"", None),
        (b"[]", None),
    ],
)
def test_the_context_percentage_is_a_number_above_zero(
    payload: bytes, percentage: float | None
) -> None:
    decoder = new_decoder()
    feed(decoder, event("contextUsageEvent", payload))
    assert decoder.context_percentage == percentage
    assert decoder.closed


@pytest.mark.parametrize(
    ("members", "credit"),
    [
        ({"unit": "credit", "usage": 0.0731}, 0.0731),
        ({"usage": 2}, 2.0),
        ({"unit": None, "usage": 2}, 2.0),
        ({"unit": "CREDITS", "usage": 0}, 0.0),
        ({"unit": "token", "usage": 812}, None),
        ({"unit": "credit", "usage": "0.1"}, None),
        ({"unit": "credit"}, None),
        ({"usage": {"inputTokens": 3}}, None),
    ],
)
def test_credits_are_what_metering_says_in_credits(
    members: dict[str, object], credit: float | None
) -> None:
    decoder = new_decoder()
    feed(decoder, event("meteringEvent", members))
    assert decoder.credits == credit
    assert decoder.closed


def test_a_low_context_percentage_cuts_nothing() -> None:
    decoder = new_decoder()
    read(decoder, text("Hi"), event("contextUsageEvent", contextUsagePercentage=3.4))
    assert not decoder.truncated


# Failures


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (exception("ThrottlingException", message="slow down"), "RateLimited"),
        (exception("ThrottlingException", reason="MONTHLY_REQUEST_COUNT"), "QuotaSpent"),
        (exception("error", message="x"), "UpstreamInternal"),
        (
            encode_frame({":message-type": "error", ":error-code": "InternalFailure"}, b""),
            "UpstreamInternal",
        ),
        (
            encode_frame(
                {
                    ":message-type": "error",
                    ":error-code": "AccessDeniedException",
                    ":error-message": "The bearer token included in the request is invalid.",
                }
            ),
            "AccountSignInFailed",
        ),
        (
            event("invalidStateEvent", reason="INVALID_TASK_ASSIST_PLAN", message="no plan"),
            "UpstreamInternal",
        ),
        (exception("ContentLengthExceededException", message="x"), "UpstreamPromptTooLong"),
    ],
)
def test_an_exception_ends_the_answer(frame: bytes, expected: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        feed(new_decoder(), frame)
    assert type(caught.value) is getattr(errors, expected)


def test_an_exception_after_text_ends_the_answer_too() -> None:
    decoder = new_decoder()
    feed(decoder, text("So "))
    with pytest.raises(errors.RateLimited):
        feed(decoder, exception("ThrottlingException", message="slow down"))


def test_an_invalid_state_keeps_its_reason() -> None:
    with pytest.raises(UpstreamError) as caught:
        feed(new_decoder(), event("invalidStateEvent", reason="INVALID_TASK_ASSIST_PLAN"))
    assert caught.value.reason == "INVALID_TASK_ASSIST_PLAN"


@pytest.mark.parametrize(
    "first",
    [text("So far"), event("reasoningContentEvent", text="hm"), tool("t", "count", '{"a')],
    ids=["text", "reasoning", "tool"],
)
def test_too_long_in_the_middle_of_an_answer_cuts_it(first: bytes) -> None:
    decoder = new_decoder()
    feed(decoder, first, text("more"))
    too_long = exception("ContentLengthExceededException", message="too long")
    assert feed(decoder, too_long, text("later"), exception("ThrottlingException")) == []
    assert decoder.finish() == ()
    assert decoder.truncated
    assert decoder.frames == 5


# The end


def test_an_end_without_a_closing_event_is_a_cut() -> None:
    decoder = new_decoder()
    assert read(decoder, text("So far")) == [TextDelta("So far")]
    assert (decoder.closed, decoder.truncated) == (False, True)


@pytest.mark.parametrize(
    "closing",
    [
        METERING,
        event("metadataEvent"),
        event("contextUsageEvent", contextUsagePercentage=1.5),
    ],
)
def test_any_closing_event_makes_it_a_normal_end(closing: bytes) -> None:
    decoder = new_decoder()
    read(decoder, text("Done."), closing)
    assert (decoder.closed, decoder.truncated) == (True, False)


def test_text_after_a_closing_event_is_still_text() -> None:
    events = read(new_decoder(), text("One "), METERING, text("two"))
    assert events == [TextDelta("One "), TextDelta("two")]


def test_nothing_but_a_cut_call_is_explained() -> None:
    decoder = new_decoder()
    [explanation] = read(decoder, tool("t", "Write", '{"file_path": "a", "cont'), METERING)
    assert isinstance(explanation, TextDelta)
    assert "`Write`" in explanation.text
    assert (decoder.truncated, decoder.visible, decoder.delivered_tools) == (True, True, 0)


def test_a_cut_call_beside_text_is_left_out_without_a_word() -> None:
    decoder = new_decoder()
    assert read(decoder, text("I write."), tool("t", "Write", '{"a": "'), METERING) == [
        TextDelta("I write.")
    ]
    assert decoder.truncated


def test_nothing_but_a_discarded_call_is_explained() -> None:
    decoder = new_decoder(declared=["Bash"])
    sent = (tool("t", "browser_click", stop=True), tool("u", "useAws", '{"a":1}', stop=True))
    [explanation] = read(decoder, *sent, METERING)
    assert isinstance(explanation, TextDelta)
    assert "`browser_click`, `useAws`" in explanation.text
    assert (decoder.truncated, decoder.delivered_tools) == (False, 0)


def test_a_discarded_call_beside_text_is_left_out_without_a_word() -> None:
    sent = (text("I click."), tool("t", "browser_click", stop=True), METERING)
    assert read(new_decoder(), *sent) == [TextDelta("I click.")]


def test_an_empty_answer_stays_empty() -> None:
    decoder = new_decoder()
    assert read(decoder, METERING) == []
    assert (decoder.started, decoder.visible, decoder.truncated) == (False, False, False)


# Everything together

RECORDING = b"".join(
    (
        event("messageMetadataEvent", conversationId="c"),
        text("<think>count</think>\n"),
        text("Let me "),
        text("look: 東京 😀."),
        tool("tooluse_8hK2", "stock_count"),
        tool("tooluse_8hK2", "stock_count", '{"item": "r'),
        tool("tooluse_8hK2", "stock_count", 'ye \\u6771"}'),
        tool("tooluse_8hK2", "stock_count", stop=True),
        text("And "),
        tool("tooluse_9", "Bash", {"command": "ls"}, stop=True),
        METERING,
        event("contextUsageEvent", contextUsagePercentage=3.41),
    )
)


def cut_and_read(data: bytes, size: int, *, live: bool) -> list[ContentEvent]:
    parser, decoder = FrameParser(), new_decoder(thinking=True, live=live)
    events: list[ContentEvent] = []
    for at in range(0, len(data), size):
        parser.receive_data(data[at : at + size])
        for frame in parser.frames():
            events += decoder.decode(frame)
    parser.receive_eof()
    return [*events, *decoder.finish()]


@pytest.mark.parametrize("live", [False, True], ids=["buffered", "live"])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_stream_reads_the_same_however_cut(size: int, live: bool) -> None:
    expected = cut_and_read(RECORDING, len(RECORDING), live=live)
    assert cut_and_read(RECORDING, size, live=live) == expected
    assert joined(expected, ThinkingDelta) == "count"
    assert joined(expected, TextDelta) == "Let me look: 東京 😀.And "
    assert inputs(expected) == {
        "tooluse_8hK2": {"item": "rye 東"},
        "tooluse_9": {"command": "ls"},
    }


def test_frequent_events_are_read_alike_by_the_short_way_and_the_long_one() -> None:
    sent = (text("a"), text("b"), text(" "), tool("t", "n", '{"a'), tool("t", "n", '":1}'))
    short, long = new_decoder(), new_decoder()
    read_frames = frames(*sent, *sent[:2], tool("t", "n", stop=True), METERING)
    expected = [event for frame in read_frames for event in long._decode_any(frame)]
    assert [event for frame in read_frames for event in short.decode(frame)] == expected
    assert short.finish() == long.finish()
    for name in ("started", "visible", "closed", "truncated", "delivered_tools"):
        assert getattr(short, name) == getattr(long, name)


def test_generated_ids_are_not_repeated() -> None:
    ids = {new_tool_use_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(len(each) == 30 and each.startswith("toolu_") for each in ids)


def joined(events: list[ContentEvent], kind: type[TextDelta | ThinkingDelta]) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))


def inputs(events: list[ContentEvent]) -> dict[str, object]:
    fragments: dict[str, str] = {}
    for each in events:
        if isinstance(each, ToolUseDelta):
            fragments[each.tool_use_id] = fragments.get(each.tool_use_id, "") + each.fragment
    return {tool_use_id: json.loads(whole) for tool_use_id, whole in fragments.items()}
