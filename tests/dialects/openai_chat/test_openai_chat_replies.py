import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway.conversation import Conversation
from gateway.dialects.openai_chat.collect import ChatAnswer
from gateway.dialects.openai_chat.errors import error_body
from gateway.dialects.openai_chat.stream import ChatStream
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

ID, CREATED = "chatcmpl-9f2c", 1767225600
ASKED = Conversation("claude-sonnet-4-5", (), stream=True)
END = Stop("end_turn")
USAGE = Usage(800, 41, cache_read_tokens=10, cache_write_tokens=2)
HEAD = (
    f'data: {{"id":"{ID}","object":"chat.completion.chunk","created":{CREATED},'
    '"model":"claude-sonnet-4-5","choices":['
)
ROLE = (
    f'{HEAD}{{"index":0,"delta":{{"role":"assistant","content":""}},"finish_reason":null}}]}}\n\n'
)
DONE = "data: [DONE]\n\n"


def call(tool_use_id: str, name: str, *fragments: str) -> list[ContentEvent]:
    deltas: list[ContentEvent] = [ToolUseDelta(tool_use_id, fragment) for fragment in fragments]
    return [ToolUseStart(tool_use_id, name), *deltas, ToolUseEnd(tool_use_id)]


def run(translator: Translator, events: list[ContentEvent], stop: Stop, usage: Usage) -> str:
    wire = [translator.start(5), *map(translator.feed, events), translator.finish(stop, usage)]
    return b"".join(wire).decode()


def streamed(
    *events: ContentEvent,
    stop: Stop = END,
    include_usage: bool = False,
    suppress_reasoning: bool = False,
) -> str:
    asked = Conversation(ASKED.model, (), stream=True, include_usage=include_usage)
    translator = ChatStream(ID, CREATED, asked, suppress_reasoning=suppress_reasoning)
    return run(translator, list(events), stop, USAGE)


def chunks(wire: str) -> list[dict[str, Any]]:
    lines = wire.removesuffix(DONE).split("\n\n")[:-1]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def deltas(wire: str) -> list[dict[str, Any]]:
    return [chunk["choices"][0]["delta"] for chunk in chunks(wire) if chunk["choices"]]


def collected(
    *events: ContentEvent, stop: Stop = END, suppress_reasoning: bool = False
) -> dict[str, Any]:
    translator = ChatAnswer(ID, CREATED, ASKED, suppress_reasoning=suppress_reasoning)
    answer: dict[str, Any] = json.loads(run(translator, list(events), stop, USAGE))
    return answer


def message(*events: ContentEvent) -> dict[str, Any]:
    answer: dict[str, Any] = collected(*events)["choices"][0]["message"]
    return answer


# Streams


def test_a_stream_reads_like_one_of_openais_byte_for_byte() -> None:
    wire = streamed(
        ThinkingDelta("A stock question."),
        ThinkingSignature("c2ln"),
        TextDelta('Let me "look".\n'),
        *call("tooluse_8hK2", "stock_count", '{"item":', ' "rye"}'),
        stop=Stop("tool_use"),
        include_usage=True,
    )

    def delta(text: str) -> str:
        return f'{HEAD}{{"index":0,"delta":{{{text}}},"finish_reason":null}}]}}\n\n'

    assert wire == "".join(
        (
            ROLE,
            delta('"reasoning_content":"A stock question."'),
            delta(r'"content":"Let me \"look\".\n"'),
            delta(
                '"tool_calls":[{"index":0,"id":"tooluse_8hK2","type":"function",'
                '"function":{"name":"stock_count","arguments":""}}]'
            ),
            delta(r'"tool_calls":[{"index":0,"function":{"arguments":"{\"item\":"}}]'),
            delta(r'"tool_calls":[{"index":0,"function":{"arguments":" \"rye\"}"}}]'),
            f'{HEAD}{{"index":0,"delta":{{}},"finish_reason":"tool_calls"}}]}}\n\n',
            HEAD + '],"usage":{"prompt_tokens":812,"completion_tokens":41,"total_tokens":853,',
            '"prompt_tokens_details":{"cached_tokens":10}}}\n\n',
            DONE,
        )
    )


def test_the_role_comes_first_and_alone() -> None:
    assert ChatStream(ID, CREATED, ASKED).start(5).decode() == ROLE


def test_every_chunk_is_one_the_official_client_reads() -> None:
    wire = streamed(
        ThinkingDelta("Hm."),
        TextDelta("你好 😀"),
        *call("t1", "a"),
        include_usage=True,
    )
    for chunk in chunks(wire):
        ChatCompletionChunk.model_validate(chunk, strict=True)
    assert {(chunk["id"], chunk["created"]) for chunk in chunks(wire)} == {(ID, CREATED)}


@pytest.mark.parametrize("text", ["\u2028", "\u2029", "\x85", "\r\n", "\x0b\x0c\x1c\x1d\x1e"])
def test_no_line_break_of_unicode_breaks_a_line(text: str) -> None:
    wire = streamed(ThinkingDelta(text), TextDelta(text), *call(text, text, text))
    assert len(wire.splitlines()) == wire.count("\n")
    assert deltas(wire)[2] == {"content": text}


def test_interleaved_calls_are_told_apart_by_their_index() -> None:
    wire = streamed(
        ToolUseStart("t1", "a"),
        ToolUseStart("t2", "b"),
        ToolUseDelta("t2", '{"x":'),
        ToolUseDelta("t1", "{}"),
        ToolUseDelta("t2", "1}"),
        ToolUseEnd("t2"),
        ToolUseEnd("t1"),
        stop=Stop("tool_use"),
    )
    calls = [delta["tool_calls"][0] for delta in deltas(wire) if "tool_calls" in delta]
    assert [call["index"] for call in calls] == [0, 1, 1, 0, 1]
    arguments = ["", ""]
    for tool_call in calls:
        arguments[tool_call["index"]] += tool_call["function"]["arguments"]
    assert arguments == ["{}", '{"x":1}']


def test_a_call_without_input_still_has_arguments_that_parse() -> None:
    wire = streamed(*call("t1", "a"), stop=Stop("tool_use"))
    fragments = [
        delta["tool_calls"][0]["function"]["arguments"]
        for delta in deltas(wire)
        if "tool_calls" in delta
    ]
    assert "".join(fragments) == "{}"


def test_usage_is_left_out_unless_asked_for() -> None:
    assert "usage" not in streamed(TextDelta("Hi"))
    last = chunks(streamed(TextDelta("Hi"), include_usage=True))[-1]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 853


def test_suppressed_reasoning_leaves_no_trace() -> None:
    wire = streamed(ThinkingDelta("Secret."), TextDelta("Hi"), suppress_reasoning=True)
    assert "reasoning_content" not in wire
    assert "Secret" not in wire


@pytest.mark.parametrize(
    "event",
    [ThinkingSignature("s"), RedactedThinking("r")],
    ids=lambda event: type(event).__name__,
)
def test_what_the_api_has_no_place_for_gives_no_bytes(event: ContentEvent) -> None:
    assert ChatStream(ID, CREATED, ASKED).feed(event) == b""


def test_an_error_is_one_object_and_no_end_follows() -> None:
    translator = ChatStream(ID, CREATED, ASKED)
    wire = translator.error(ErrorShape("server_error", "Try again.", "upstream", "upstream"))
    assert wire == (
        b'data: {"error":{"message":"Try again.","type":"server_error","param":null,'
        b'"code":"upstream","source":"upstream"}}\n\n'
    )


def test_a_ping_is_a_comment() -> None:
    assert ChatStream.ping == b": keep-alive\n\n"


REASONS: list[tuple[StopReason, str]] = [
    ("end_turn", "stop"),
    ("stop_sequence", "stop"),
    ("tool_use", "tool_calls"),
    ("max_tokens", "length"),
    ("context_window_exceeded", "length"),
]


@pytest.mark.parametrize(("reason", "expected"), REASONS)
def test_stop_reasons_have_their_finish_reasons(reason: StopReason, expected: str) -> None:
    stop = Stop(reason)
    events = (TextDelta("Hi"), *call("t", "a", "{}"))
    assert chunks(streamed(*events, stop=stop))[-1]["choices"][0]["finish_reason"] == expected
    assert collected(*events, stop=stop)["choices"][0]["finish_reason"] == expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((ThinkingDelta("Hm."),), "length"),
        ((RedactedThinking("r"),), "length"),
        ((ThinkingDelta("Hm."), TextDelta("\n"), TextDelta("\n")), "length"),
        ((ThinkingDelta("Hm."), TextDelta("\n"), TextDelta("Hi")), "stop"),
        ((ThinkingDelta("Hm."), TextDelta("Hi")), "stop"),
        ((ThinkingDelta("Hm."), *call("t", "a")), "stop"),
        ((), "stop"),
    ],
    ids=[
        "thinking only",
        "redacted only",
        "white space",
        "text behind white space",
        "with text",
        "with a call",
        "nothing",
    ],
)
@pytest.mark.parametrize("suppress", [False, True], ids=["shown", "suppressed"])
def test_a_reply_that_only_thought_was_cut_short(
    events: tuple[ContentEvent, ...], expected: str, suppress: bool
) -> None:
    wire = streamed(*events, suppress_reasoning=suppress)
    answer = collected(*events, suppress_reasoning=suppress)
    assert chunks(wire)[-1]["choices"][0]["finish_reason"] == expected
    assert answer["choices"][0]["finish_reason"] == expected


# Answers in one piece


def test_an_answer_reads_like_one_of_openais_byte_for_byte() -> None:
    events = [
        ThinkingDelta("A stock "),
        ThinkingDelta("question."),
        TextDelta("Let me "),
        TextDelta("look."),
        *call("tooluse_8hK2", "stock_count", '{"item":', ' "rye"}'),
    ]
    assert run(ChatAnswer(ID, CREATED, ASKED), events, Stop("tool_use"), USAGE) == (
        f'{{"id":"{ID}","object":"chat.completion","created":{CREATED},'
        '"model":"claude-sonnet-4-5","choices":[{"index":0,"message":{"role":"assistant",'
        '"content":"Let me look.","reasoning_content":"A stock question.","tool_calls":['
        '{"id":"tooluse_8hK2","type":"function","function":{"name":"stock_count",'
        r'"arguments":"{\"item\": \"rye\"}"}}]},"finish_reason":"tool_calls"}],'
        '"usage":{"prompt_tokens":812,"completion_tokens":41,"total_tokens":853,'
        '"prompt_tokens_details":{"cached_tokens":10}}}'
    )


def test_an_answer_is_one_the_official_client_reads() -> None:
    events = (ThinkingDelta("Hm."), TextDelta("Hi"), *call("t1", "a"), *call("t2", "b", '{"x":1}'))
    completion = ChatCompletion.model_validate(collected(*events), strict=True)
    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    assert [tool_call.id for tool_call in calls] == ["t1", "t2"]


def test_content_is_null_where_there_are_only_calls_and_text_elsewhere() -> None:
    assert message(*call("t1", "a"))["content"] is None
    assert message(ThinkingDelta("Hm."))["content"] == ""
    assert message()["content"] == ""


def test_collected_calls_have_no_index_and_always_arguments_that_parse() -> None:
    (tool_call,) = message(*call("t1", "a"))["tool_calls"]
    assert tool_call == {
        "id": "t1",
        "type": "function",
        "function": {"name": "a", "arguments": "{}"},
    }


def test_a_call_that_never_ended_is_not_collected() -> None:
    start, fragment, _ = call("a", "stock_count", '{"item":')
    assert message(start, fragment) == {"role": "assistant", "content": ""}
    answer = message(start, fragment, *call("b", "stock_count", "{}"))
    assert [each["id"] for each in answer["tool_calls"]] == ["b"]


def test_suppressed_reasoning_is_not_collected() -> None:
    answer = collected(ThinkingDelta("Secret."), TextDelta("Hi"), suppress_reasoning=True)
    assert "reasoning_content" not in answer["choices"][0]["message"]


def test_reasoning_tokens_are_told_only_where_there_were_none() -> None:
    assert collected(TextDelta("Hi"))["usage"]["completion_tokens_details"] == {
        "reasoning_tokens": 0
    }
    thought = collected(ThinkingDelta("Hm."), TextDelta("Hi"))
    assert "completion_tokens_details" not in thought["usage"]


def test_nothing_is_told_before_the_end() -> None:
    translator = ChatAnswer(ID, CREATED, ASKED)
    assert translator.start(5) == b""
    assert translator.feed(TextDelta("Hi")) == b""


def test_an_answer_that_fails_becomes_an_error_body() -> None:
    shape = ErrorShape("server_error", "Try again.")
    assert ChatAnswer(ID, CREATED, ASKED).error(shape) == error_body(shape)
    assert json.loads(error_body(shape)) == {
        "error": {
            "message": "Try again.",
            "type": "server_error",
            "param": None,
            "code": None,
            "source": "gateway",
        }
    }
