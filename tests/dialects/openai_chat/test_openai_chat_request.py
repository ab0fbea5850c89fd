import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.conversation import (
    Conversation,
    Image,
    ResponseFormat,
    Thinking,
    ThinkingRequest,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Turn,
)
from gateway.dialects.openai_chat.request import parse
from gateway.errors import InvalidRequest

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 20).decode()
PICTURE = Image("png", PNG)
DATA_URL = f"data:image/png;base64,{PNG}"
HI = {"role": "user", "content": "Hi"}


def parsed(*messages: dict[str, Any], **members: Any) -> Conversation:
    return parse(json.dumps({"model": "m", "messages": messages, **members}).encode())


def asked(**members: Any) -> Conversation:
    return parsed(HI, **members)


def from_input(items: Any, **members: Any) -> Conversation:
    return parse(json.dumps({"model": "m", "input": items, **members}).encode())


def notes(conversation: Conversation) -> list[str]:
    return [str(note) for note in conversation.notes]


def function(name: str = "look", **members: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **members}}


def call(call_id: str | None = "c1", name: str = "look", arguments: Any = "{}") -> dict[str, Any]:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def test_a_plain_request_is_a_conversation_without_notes() -> None:
    conversation = parsed({"role": "system", "content": "Be brief."}, HI, max_tokens=9, stream=True)
    assert conversation == Conversation(
        model="m", turns=(Turn("user", "Hi"),), system="Be brief.", max_tokens=9, stream=True
    )


# Messages


@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_texts_anywhere_make_up_the_system_text_in_order(role: str) -> None:
    conversation = parsed(
        {"role": "system", "content": "One."},
        HI,
        {
            "role": role,
            "content": [{"type": "text", "text": "Two."}, {"type": "text", "text": "3"}],
        },
        {"role": "assistant", "content": "Yes?"},
        {"role": role, "content": "Four."},
    )
    assert conversation.system == "One.\nTwo.\n3\nFour."
    assert conversation.turns == (Turn("user", "Hi"), Turn("assistant", "Yes?"))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a", "a"),
        (None, ""),
        ([], ""),
        ([{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}], "a\nb"),
        ([{"type": "text", "text": ""}, {"type": "text", "text": "b"}], "b"),
        ([{"text": "a"}], "a"),
        (["a", "b"], "a\nb"),
        ([{"type": "refusal", "refusal": "no"}], "no"),
    ],
    ids=["string", "null", "none", "parts", "empty part", "no type", "bare strings", "refusal"],
)
def test_content_comes_as_text_nothing_or_parts(content: Any, text: str) -> None:
    assert parsed({"role": "user", "content": content}).turns == (Turn("user", text),)


def test_the_models_own_parts_are_joined_by_nothing() -> None:
    parts = [{"type": "output_text", "text": "a"}, {"type": "text", "text": "b"}]
    assert parsed(HI, {"role": "assistant", "content": parts}).turns[1] == Turn("assistant", "ab")


def test_the_name_of_a_speaker_is_left_out_and_noted() -> None:
    conversation = parsed({**HI, "name": "Ann"})
    assert conversation.turns == (Turn("user", "Hi"),)
    assert notes(conversation) == ["dropped:messages.name"]


def test_an_unknown_role_speaks_as_the_user() -> None:
    conversation = parsed({"role": "critic", "content": "Hm."})
    assert conversation.turns == (Turn("user", "Hm."),)
    assert notes(conversation) == ["renamed:role"]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "low"}},
        {"type": "image_url", "image_url": DATA_URL},
        {"type": "input_image", "image_url": DATA_URL},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": DATA_URL}},
    ],
    ids=["image_url", "bare url", "input_image", "Anthropic's", "Anthropic's by URL"],
)
def test_images_come_in_several_shapes(part: dict[str, Any]) -> None:
    content = [{"type": "text", "text": "See:"}, part]
    assert parsed({"role": "user", "content": content}).turns == (
        Turn("user", "See:", images=(PICTURE,)),
    )


def test_a_linked_image_becomes_a_line_of_text_and_a_note() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    conversation = parsed({"role": "user", "content": [part]})
    assert "https://example.org/a.png" in conversation.turns[0].text
    assert notes(conversation) == ["dropped:image_url"]


@pytest.mark.parametrize("more", [{}, {"image_url": None}], ids=["absent", "null"])
def test_an_image_that_was_uploaded_elsewhere_becomes_a_line_of_text_and_a_note(more: Any) -> None:
    part = {"type": "input_image", "file_id": "file-1", **more}
    conversation = parsed({"role": "user", "content": [part]})
    assert conversation.turns == (Turn("user", "[Image not loaded]"),)
    assert notes(conversation) == ["dropped:image"]


def test_audio_becomes_a_placeholder() -> None:
    part = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    conversation = parsed({"role": "user", "content": [part]})
    assert conversation.turns[0].text == "[Audio not available]"
    assert notes(conversation) == ["dropped:input_audio"]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,SGk="}},
        {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,SGk="},
        {
            "type": "document",
            "title": "a.txt",
            "source": {"type": "base64", "media_type": "text/plain", "data": "SGk="},
        },
        {"type": "document", "title": "a.txt", "source": {"type": "text", "data": "Hi"}},
    ],
    ids=["file", "input_file", "Anthropic's base64", "Anthropic's text"],
)
def test_a_text_document_becomes_its_text_under_its_name(part: dict[str, Any]) -> None:
    conversation = parsed({"role": "user", "content": [part]})
    assert conversation.turns[0].text == "[Document: a.txt]\nHi"
    assert notes(conversation) == []


@pytest.mark.parametrize(
    "file",
    [{"file_id": "file-1"}, {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}],
    ids=["uploaded", "binary"],
)
def test_a_document_without_readable_text_becomes_a_placeholder(file: dict[str, Any]) -> None:
    conversation = parsed({"role": "user", "content": [{"type": "file", "file": file}]})
    assert conversation.turns[0].text.startswith("[Document")
    assert notes(conversation) == ["dropped:document"]


@pytest.mark.parametrize(
    ("part", "text", "note"),
    [
        ({"type": "search_result", "text": "found", "source": 7}, "found", "converted"),
        ({"type": "video_url", "video_url": {"url": "x"}, "text": {"a": 1}}, "", "dropped"),
    ],
    ids=["with text", "without"],
)
def test_a_part_of_an_unknown_type_gives_its_text_if_it_has_one(
    part: dict[str, Any], text: str, note: str
) -> None:
    conversation = parsed({"role": "user", "content": [part]})
    assert conversation.turns[0].text == text
    assert notes(conversation) == [f"{note}:{part['type']}"]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_echoed_reasoning_becomes_thinking_without_a_signature(field: str) -> None:
    message = {"role": "assistant", "content": "42", field: "Six times seven."}
    assert parsed(HI, message).turns[1] == Turn(
        "assistant", "42", thinking=(Thinking("Six times seven."),)
    )


def test_thinking_parts_keep_their_signature() -> None:
    part = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    turn = parsed(HI, {"role": "assistant", "content": [part]}).turns[1]
    assert turn.thinking == (Thinking("Hm.", "s"),)


# Tool calls and results


@pytest.mark.parametrize(
    ("arguments", "expected", "noted"),
    [
        ('{"a": [1, "ü"]}', '{"a": [1, "ü"]}'.encode(), False),
        (' {"a":1}\n', b'{"a":1}', False),
        ({"a": 1}, b'{"a":1}', False),
        ("", b"{}", False),
        (None, b"{}", False),
        ('{"a":"\\\\ud83d \\ud83d\\ude00"}', b'{"a":"\\\\ud83d \\ud83d\\ude00"}', False),
        ('{"a":', b"{}", True),
        ('{"a":"\\ud83d', b"{}", True),
        ("[1]", b"{}", True),
        ('"text"', b"{}", True),
        ("[" * 100_000, b"{}", True),
        (7, b"{}", True),
    ],
    ids=[
        "object",
        "blanks around",
        "not encoded",
        "empty",
        "null",
        "no half pair",
        "cut off",
        "cut off in a pair",
        "array",
        "string",
        "absurdly deep",
        "number",
    ],
)
def test_arguments_are_kept_as_they_came_if_they_are_an_object(
    arguments: Any, expected: bytes, noted: bool
) -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [call(arguments=arguments)]}
    conversation = parsed(HI, message)
    assert conversation.turns[1] == Turn("assistant", tool_uses=(ToolUse("c1", "look", expected),))
    assert notes(conversation) == (["dropped:tool_calls.arguments"] if noted else [])


def test_half_a_surrogate_pair_in_arguments_is_mended_and_noted() -> None:
    message = {"role": "assistant", "tool_calls": [call(arguments='{"a":"\\uD83D \\udc00"}')]}
    conversation = parsed(HI, message)
    assert conversation.turns[1].tool_uses[0].input == b'{"a":"\\ufffd \\ufffd"}'
    assert notes(conversation) == ["mended:surrogate"]


def test_half_a_surrogate_pair_in_the_body_is_mended_and_noted() -> None:
    conversation = parse(b'{"model":"m","messages":[{"role":"user","content":"\\udc00!"}]}')
    assert conversation.turns == (Turn("user", "\ufffd!"),)
    assert notes(conversation) == ["mended:surrogate"]


def test_tool_messages_in_a_row_are_one_turn_with_results_in_order() -> None:
    conversation = parsed(
        HI,
        {"role": "assistant", "content": "So:", "tool_calls": [call("c1"), call("c2")]},
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "system", "content": "Aside."},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "one"}]},
        HI,
        {"role": "tool", "tool_call_id": "c3", "content": None},
    )
    assert conversation.turns[2:] == (
        Turn("user", tool_results=(ToolResult("c2", "two"), ToolResult("c1", "one"))),
        Turn("user", "Hi"),
        Turn("user", tool_results=(ToolResult("c3", ""),)),
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('[{"type":"text","text":"a"},{"type":"text","text":"b"}]', "a\nb"),
        ('[{"type":"text","text":"a","annotations":null}]', "a"),
        ('[{"type":"text","text":"a","score":1}]', None),
        ('[{"type":"dir","text":"a"}]', None),
        ('[{"type":"text","text":1}]', None),
        ('[{"type":"image","source":"a.png"}]', None),
        ('["type"]', None),
        ('[{"type":"text"', None),
        ("[]", None),
        ("[" * 100_000 + '"type"', None),
        ("[x] done", None),
    ],
    ids=[
        "parts",
        "marginal members",
        "more to say",
        "other type",
        "number",
        "no picture",
        "strings",
        "cut off",
        "empty",
        "deep",
        "no JSON",
    ],
)
def test_a_result_that_is_json_of_text_parts_is_unwrapped(content: str, text: str | None) -> None:
    turn = parsed({"role": "tool", "tool_call_id": "c", "content": content}).turns[0]
    assert turn.tool_results == (ToolResult("c", content if text is None else text),)
    assert turn.images == ()


@pytest.mark.parametrize("is_text", [False, True], ids=["parts", "JSON text"])
def test_images_of_a_tool_go_to_its_turn(is_text: bool) -> None:
    parts = [
        {"type": "text", "text": "Here:"},
        {"type": "image_url", "image_url": {"url": DATA_URL}},
    ]
    content = json.dumps(parts) if is_text else parts
    assert parsed({"role": "tool", "tool_call_id": "c", "content": content}).turns == (
        Turn("user", images=(PICTURE,), tool_results=(ToolResult("c", "Here:"),)),
    )


def test_deprecated_function_calls_become_tool_uses_with_stable_ids() -> None:
    messages = (
        HI,
        {"role": "assistant", "content": None, "function_call": {"name": "a", "arguments": "{}"}},
        {"role": "function", "name": "a", "content": "one"},
        {"role": "assistant", "content": None, "function_call": {"name": "a", "arguments": "{}"}},
        {"role": "function", "name": "a", "content": "two"},
        {"role": "function", "name": "lost", "content": "three"},
    )
    conversation = parsed(*messages)
    calls = [use.id for turn in conversation.turns for use in turn.tool_uses]
    results = [result.tool_use_id for turn in conversation.turns for result in turn.tool_results]
    assert len(set(calls)) == 2
    assert results == [*calls, "call_of_lost"]
    assert parsed(*messages) == conversation


def test_calls_without_ids_meet_their_results() -> None:
    conversation = parsed(
        HI,
        {"role": "assistant", "tool_calls": [call(None, "a"), call(None, "b")]},
        {"role": "tool", "content": "for a"},
        {"role": "tool", "name": "b", "content": "for b"},
    )
    uses, results = conversation.turns[1].tool_uses, conversation.turns[2].tool_results
    assert [use.id for use in uses] == [result.tool_use_id for result in results]


def test_a_freeform_call_becomes_a_call_with_one_string() -> None:
    tool_call = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}
    turn = parsed(HI, {"role": "assistant", "tool_calls": [tool_call]}).turns[1]
    assert turn.tool_uses == (ToolUse("c", "patch", b'{"input":"*** Begin"}'),)


def test_anthropic_blocks_of_calls_and_results_are_understood() -> None:
    use = {"type": "tool_use", "id": "t", "name": "look", "input": {"a": 1}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": "no", "is_error": True}
    conversation = parsed(
        HI, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}
    )
    assert conversation.turns[1].tool_uses == (ToolUse("t", "look", b'{"a": 1}'),)
    assert conversation.turns[2].tool_results == (ToolResult("t", "no", is_error=True),)


# Tools and the choice among them

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
SCHEMA_TEXT = json.dumps(SCHEMA).encode()


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}},
        {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA},
        {"type": "function", "name": "f", "description": "d", "input_schema": SCHEMA},
        {"name": "f", "description": "d", "input_schema": SCHEMA},
        {"type": "custom", "name": "f", "description": "d", "input_schema": SCHEMA},
        {"function": {"name": "f", "description": "d", "parameters": SCHEMA}},
    ],
    ids=["standard", "flat", "flat input_schema", "Anthropic's", "Anthropic's typed", "no type"],
)
def test_tools_are_declared_in_several_shapes(definition: dict[str, Any]) -> None:
    conversation = asked(tools=[definition])
    assert conversation.tools == (Tool("f", "d", SCHEMA_TEXT),)
    assert notes(conversation) == []


def test_deprecated_functions_are_tools() -> None:
    conversation = asked(functions=[{"name": "f", "parameters": SCHEMA}], function_call="none")
    assert conversation.tools == (Tool("f", "", SCHEMA_TEXT),)
    assert conversation.tool_choice == ToolChoice("none")


@pytest.mark.parametrize("members", [{}, {"parameters": None}], ids=["missing", "null"])
def test_a_tool_without_parameters_takes_an_empty_object(members: dict[str, Any]) -> None:
    assert asked(tools=[function(**members)]).tools == (Tool("look"),)


@pytest.mark.parametrize(
    ("definition", "note"),
    [
        ({"type": "web_search"}, "dropped:tool:web_search"),
        ({"type": "custom", "custom": {"name": "patch"}}, "dropped:tool:custom"),
        ({"type": "custom", "name": "patch", "format": {"type": "text"}}, "dropped:tool:custom"),
        ({"type": "My own, private!"}, "dropped:tool:unknown"),
    ],
    ids=["server tool", "freeform", "flat freeform", "odd type"],
)
def test_tools_of_other_types_are_dropped_with_a_note(
    definition: dict[str, Any], note: str
) -> None:
    conversation = asked(tools=[definition, function()])
    assert conversation.tools == (Tool("look"),)
    assert notes(conversation) == [note]


def test_strict_tools_are_noted() -> None:
    assert notes(asked(tools=[function(strict=True)])) == ["dropped:tools.strict"]
    assert notes(asked(tools=[function(strict=False)])) == []


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice()),
        ("auto", ToolChoice()),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ("any", ToolChoice("required")),
        ({"type": "auto"}, ToolChoice()),
        ({"type": "any"}, ToolChoice("required")),
        ({"type": "function", "function": {"name": "look"}}, ToolChoice("named", "look")),
        ({"type": "function", "name": "look"}, ToolChoice("named", "look")),
        ({"type": "tool", "name": "look"}, ToolChoice("named", "look")),
    ],
    ids=str,
)
def test_a_tool_choice_may_be_a_word_or_an_object(choice: Any, expected: ToolChoice) -> None:
    conversation = asked(tools=[function(), function("other")], tool_choice=choice)
    assert conversation.tool_choice == expected
    assert len(conversation.tools) == 2
    assert notes(conversation) == []


@pytest.mark.parametrize(
    "choice",
    [
        {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [function("other")]},
        },
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "other"}],
        },
    ],
    ids=["nested", "flat"],
)
def test_only_allowed_tools_are_left(choice: dict[str, Any]) -> None:
    conversation = asked(tools=[function(), function("other")], tool_choice=choice)
    assert conversation.tools == (Tool("other"),)
    assert conversation.tool_choice == ToolChoice("required")


@pytest.mark.parametrize("choice", ["required", "sometimes", {"type": "web_search_preview"}])
def test_a_choice_that_cannot_be_made_is_dropped_with_a_note(choice: Any) -> None:
    conversation = asked(tool_choice=choice)
    assert conversation.tool_choice == ToolChoice()
    assert notes(conversation) == ["dropped:tool_choice"]


# How the model shall think and answer


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, ThinkingRequest()),
        ({"reasoning_effort": "none"}, ThinkingRequest()),
        ({"reasoning_effort": None}, ThinkingRequest()),
        ({"reasoning_effort": "minimal"}, ThinkingRequest("adaptive", effort="low")),
        ({"reasoning_effort": "low"}, ThinkingRequest("adaptive", effort="low")),
        ({"reasoning_effort": "Medium"}, ThinkingRequest("adaptive", effort="medium")),
        ({"reasoning_effort": "xhigh"}, ThinkingRequest("adaptive", effort="xhigh")),
        ({"reasoning_effort": "max"}, ThinkingRequest("adaptive", effort="max")),
        ({"reasoning_effort": "extreme"}, ThinkingRequest("adaptive", effort="high")),
        ({"reasoning": {"effort": "low"}}, ThinkingRequest("adaptive", effort="low")),
        ({"reasoning": {"enabled": True}}, ThinkingRequest("enabled")),
        ({"reasoning": {"enabled": False, "effort": "high"}}, ThinkingRequest()),
        ({"reasoning": {"max_tokens": 2000}}, ThinkingRequest("enabled", budget=2000)),
        ({"thinking": True}, ThinkingRequest("enabled")),
        ({"thinking": False, "reasoning_effort": "high"}, ThinkingRequest()),
        ({"thinking": "adaptive"}, ThinkingRequest("adaptive")),
        ({"thinking": "disabled"}, ThinkingRequest()),
        ({"thinking": "high"}, ThinkingRequest("adaptive", effort="high")),
        ({"thinking": {"type": "disabled"}}, ThinkingRequest()),
        ({"thinking": {"type": "adaptive"}}, ThinkingRequest("adaptive")),
        (
            {"thinking": {"type": "adaptive"}, "reasoning_effort": "low"},
            ThinkingRequest("adaptive", effort="low"),
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 4000}},
            ThinkingRequest("enabled", budget=4000),
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 9}, "reasoning_effort": "low"},
            ThinkingRequest("enabled", budget=9, effort="low"),
        ),
        ({"thinking": True, "reasoning_effort": "none"}, ThinkingRequest("enabled")),
    ],
    ids=str,
)
def test_thinking_is_asked_for_in_several_ways(
    members: dict[str, Any], expected: ThinkingRequest
) -> None:
    assert asked(**members).thinking == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, ResponseFormat()),
        ({"type": "json_schema", "json_schema": {"name": "any"}}, ResponseFormat()),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
            ResponseFormat(SCHEMA_TEXT),
        ),
    ],
    ids=["text", "object", "no schema", "schema"],
)
def test_a_response_format_asks_for_json(
    wanted: dict[str, Any], expected: ResponseFormat | None
) -> None:
    assert asked(response_format=wanted).response_format == expected


@pytest.mark.parametrize(
    ("stop", "expected"),
    [(None, ()), ("END", ("END",)), (["a", "", "b"], ("a", "b")), ("", ())],
    ids=["null", "string", "list", "empty"],
)
def test_stop_sequences_come_alone_or_in_a_list(stop: Any, expected: tuple[str, ...]) -> None:
    assert asked(stop=stop).stop_sequences == expected


def test_the_newer_name_of_the_token_limit_counts_first() -> None:
    assert asked(max_tokens=5, max_completion_tokens=7).max_tokens == 7
    assert asked(max_tokens=5, max_completion_tokens=None).max_tokens == 5


def test_usage_in_a_stream_is_sent_on_request_only() -> None:
    assert asked(stream=True, stream_options={"include_usage": True}).include_usage
    assert not asked(stream=True, stream_options={}).include_usage
    assert not asked(stream=True, stream_options=None).include_usage


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, None),
        ({"user": "u"}, "u"),
        ({"user": "u", "prompt_cache_key": "k"}, "k"),
        ({"user": "u", "metadata": {"user_id": "m"}}, "m"),
        ({"user": "u", "metadata": {"user_id": 7}}, "u"),
        ({"metadata": {"topic": "tea"}}, None),
        ({"metadata": None, "user": ""}, None),
    ],
    ids=str,
)
def test_the_finest_id_names_the_session(members: dict[str, Any], expected: str | None) -> None:
    assert asked(**members).session_id == expected


def test_what_cannot_be_honoured_is_noted_in_the_order_it_came() -> None:
    conversation = asked(temperature=0.2, top_p=None, seed=7, logit_bias={"50256": -100})
    assert notes(conversation) == ["dropped:temperature", "dropped:seed", "dropped:logit_bias"]


def test_members_that_change_nothing_are_not_noted() -> None:
    conversation = asked(parallel_tool_calls=True, store=False, logprobs=False, n=1)
    assert notes(conversation) == []
    assert notes(asked(parallel_tool_calls=False)) == ["dropped:parallel_tool_calls"]


def test_names_that_might_be_a_users_words_are_not_noted() -> None:
    names = ["My Secret", "x" * 41, "Ünïcode", "ok_name"]
    assert notes(asked(**dict.fromkeys(names, 1))) == ["dropped:ok_name"]


def test_made_up_members_do_not_make_the_notes_grow() -> None:
    made_up = {f"field_{'abcdefghij'[at // 10]}{'abcdefghij'[at % 10]}": 1 for at in range(100)}
    assert len(asked(**made_up).notes) == 24


# Bodies in the Responses API's shape


def test_a_responses_body_is_understood() -> None:
    conversation = from_input(
        [
            {"role": "developer", "content": "Use metres."},
            {"role": "user", "content": [{"type": "input_text", "text": "How far?"}]},
            {
                "type": "reasoning",
                "id": "r",
                "summary": [{"type": "summary_text", "text": "Look."}],
            },
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "I look."}],
            },
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"a":1}'},
            {"type": "function_call", "call_id": "c2", "name": "look", "arguments": ""},
            {"type": "function_call_output", "call_id": "c1", "output": "10"},
            {
                "type": "function_call_output",
                "call_id": "c2",
                "output": [{"type": "input_text", "text": "20"}],
            },
            {"type": "item_reference", "id": "x"},
        ],
        instructions="Be exact.",
        tools=[{"type": "function", "name": "look", "parameters": SCHEMA}],
        max_output_tokens=50,
        reasoning={"effort": "high", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}},
        prompt_cache_key="k",
    )
    assert conversation.system == "Be exact.\nUse metres."
    assert conversation.turns == (
        Turn("user", "How far?"),
        Turn(
            "assistant",
            "I look.",
            tool_uses=(ToolUse("c1", "look", b'{"a":1}'), ToolUse("c2", "look", b"{}")),
            thinking=(Thinking("Look."),),
        ),
        Turn("user", tool_results=(ToolResult("c1", "10"), ToolResult("c2", "20"))),
    )
    assert conversation.tools == (Tool("look", "", SCHEMA_TEXT),)
    assert conversation.max_tokens == 50
    assert conversation.thinking == ThinkingRequest("adaptive", effort="high")
    assert conversation.response_format == ResponseFormat(SCHEMA_TEXT)
    assert conversation.session_id == "k"
    assert notes(conversation) == ["dropped:input:item_reference"]


def test_input_may_be_a_string() -> None:
    assert from_input("Hi").turns == (Turn("user", "Hi"),)


def test_freeform_items_become_a_call_and_its_result() -> None:
    conversation = from_input(
        [
            HI,
            {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "*** Begin"},
            {"type": "custom_tool_call_output", "call_id": "c", "output": "ok"},
        ]
    )
    assert conversation.turns[1].tool_uses == (ToolUse("c", "patch", b'{"input":"*** Begin"}'),)
    assert conversation.turns[2].tool_results == (ToolResult("c", "ok"),)


def test_messages_count_where_both_shapes_come() -> None:
    conversation = asked(input="other", instructions="other")
    assert conversation.turns == (Turn("user", "Hi"),)
    assert conversation.system == ""
    assert notes(conversation) == ["dropped:input", "dropped:instructions"]


# What is refused

BAD_IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,!!"}}


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"model": None}, "model is required"),
        ({"model": " "}, "model is required"),
        ({"model": 5}, "model: expected a string, got an integer"),
        ({"messages": {}}, "messages: expected an array, got an object"),
        ({"messages": []}, "messages: at least one"),
        ({"messages": ["Hi"]}, "messages[0]: expected an object, got a string"),
        ({"messages": [HI, {"content": "x"}]}, "messages[1].role is required"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content: expected a string"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]},
            "messages[0].content[0].text: expected a string",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text: expected a string",
        ),
        (
            {"messages": [HI, {"role": "user", "content": ["x", BAD_IMAGE]}]},
            "messages[1].content[1].image_url.url: ",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].image_url.url is required",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0]: the data of this image_url part is missing",
        ),
        (
            {"messages": [{"role": "tool", "tool_call_id": "c", "content": [BAD_IMAGE]}]},
            "messages[0].content[0].image_url.url: ",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [call(), call(name="")]}]},
            "messages[0].tool_calls[1].function.name is required",
        ),
        ({"tools": [function("")]}, "tools[0].function.name is required"),
        ({"tools": [function(), {"type": "function"}]}, "tools[1].name is required"),
        ({"tool_choice": 5}, "tool_choice: expected"),
        ({"tool_choice": {"type": "function"}}, "tool_choice: the name"),
        (
            {"tool_choice": {"type": "function", "function": {"name": "x"}}},
            "tool_choice: no such function",
        ),
        ({"n": 2}, "n: only one choice"),
        ({"max_tokens": 0}, "max_tokens: must be at least 1"),
        ({"max_completion_tokens": "many"}, "max_completion_tokens: expected an integer, got a"),
        ({"stop": 5}, "stop: expected a string or an array, got an integer"),
        ({"stop": ["a", 5]}, "stop[1]: expected a string, got an integer"),
        ({"stream": "yes"}, "stream: expected a boolean, got a string"),
        ({"thinking": {"budget_tokens": 0}}, "thinking.budget_tokens: must be"),
        ({"response_format": {"type": "json_schema"}}, "response_format.schema is required"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": []}}},
            "response_format.json_schema.schema: expected an object",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_refusal_names_the_path_of_what_is_wrong(members: dict[str, Any], where: str) -> None:
    body = json.dumps({"model": "m", "messages": [HI], **members}).encode()
    with pytest.raises(InvalidRequest) as caught:
        parse(body)
    assert str(caught.value).startswith(where)
    assert ".." not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The request body is not valid JSON"),
        (b"{", "The request body is not valid JSON"),
        (b'{"model": Tea}', "The request body is not valid JSON: invalid character (byte 10)."),
        (b'{"model": "\xff"}', "The request body is not valid UTF-8 (byte 11)"),
        (b"[]", "The request body must be a JSON object."),
        (b'{"model":"m"}', "messages is required."),
        (b'{"a":' + b"[" * 100_000, "The request body is nested too deeply."),
    ],
    ids=["empty", "cut off", "no JSON", "no UTF-8", "array", "no messages", "too deep"],
)
def test_a_body_that_is_no_request_is_refused_in_plain_words(body: bytes, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(body)
    assert str(caught.value).startswith(message)


def test_a_system_prompt_alone_is_a_request() -> None:
    conversation = parsed({"role": "system", "content": "Say something."})
    assert conversation.system == "Say something."
    assert conversation.turns == (Turn("user"),)


MEMBERS = [
    *("role", "content", "type", "text", "name", "tool_calls", "function", "arguments"),
    *("image_url", "source", "data", "file", "tools", "input", "output", "summary"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(MEMBERS),
            inner | st.sampled_from(["user", "assistant", "tool", "function", "image_url", "text"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(
            ["messages", "input", "tools", "tool_choice", "thinking", "metadata", "stop"]
        ),
        JSON | st.lists(JSON, max_size=3),
        max_size=4,
    )
)
def test_any_json_object_is_either_understood_or_refused(members: dict[str, Any]) -> None:
    try:
        conversation = parse(json.dumps({"model": "m", **members}).encode())
    except InvalidRequest:
        return
    assert conversation.turns
