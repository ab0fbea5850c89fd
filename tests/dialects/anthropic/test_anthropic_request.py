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
from gateway.dialects.anthropic.request import parse, parse_count_tokens
from gateway.errors import InvalidRequest

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
LOOKUP = {
    "name": "lookup",
    "description": "Looks things up.",
    "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
}
LOOKUP_SCHEMA = b'{"type":"object","properties":{"q":{"type":"string"}}}'
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}


def body(**fields: Any) -> bytes:
    request = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hi"}]}
    return json.dumps({**request, **fields}, separators=(",", ":")).encode()


def ask(**fields: Any) -> Conversation:
    return parse(body(**fields))


def user(*blocks: object) -> Conversation:
    return ask(messages=[{"role": "user", "content": list(blocks)}])


def assistant(*blocks: object) -> Conversation:
    return ask(messages=[{"role": "assistant", "content": list(blocks)}])


def notes(conversation: Conversation) -> list[str]:
    return list(map(str, conversation.notes))


def refusal(raw: bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        parse(raw)
    return str(caught.value)


# The body as a whole


def test_the_smallest_request_asks_for_nothing_special() -> None:
    assert ask() == Conversation("claude-sonnet-4-5", (Turn("user", "Hi"),))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "The request body is not valid JSON: it ends too early, at position 0."),
        (b'{"model":', "The request body is not valid JSON: it ends too early, at position 9."),
        (b'{"a":1}}', "The request body is not valid JSON: trailing characters at position 8."),
        (b'{"a":nul}', "The request body is not valid JSON: invalid character at position 6."),
        (b'{"a":"\n"}', "The request body is not valid JSON: invalid character at position 6."),
        (b"[]", "The request body must be a JSON object."),
        (b"null", "The request body must be a JSON object."),
        (b'{"a":"\xff"}', "The request body is not valid UTF-8: unexpected byte at position 6."),
        (b'{"a":' + b"[" * 9_999, "The request body is nested too deeply."),
    ],
    ids=["empty", "cut", "trailing", "word", "line break", "array", "null", "bytes", "deep"],
)
def test_a_body_that_is_no_json_object_is_refused_with_the_place(raw: bytes, message: str) -> None:
    assert refusal(raw) == message


def test_half_a_surrogate_pair_is_mended_and_noted() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":"\\ud83d! \\ud83d\\ude00"}]}'
    conversation = parse(raw)
    assert conversation.turns == (Turn("user", "\ufffd! \U0001f600"),)
    assert notes(conversation) == ["mended:surrogate"]
    assert parse_count_tokens(raw).turns == conversation.turns


def test_a_body_with_half_a_pair_and_another_fault_is_refused_with_its_place() -> None:
    message = "The request body is not valid JSON: invalid character at position 19."
    assert refusal(b'{"a":"\\ud83d","b":nul}') == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": 5}, "model: expected a string, got an integer"),
        ({"model": None}, "model: expected a string, got null"),
        ({"model": " "}, "model: must not be blank"),
        ({"messages": "Hi"}, "messages: expected an array, got a string"),
        ({"messages": None}, "messages: expected an array, got null"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": ["Hi"]}, "messages.0: expected an object, got a string"),
        ({"messages": [{"content": "Hi"}]}, "messages.0.role: Field required"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ({"messages": [{"role": 1, "content": ""}]}, "messages.0.role: expected a string, got"),
        ({"messages": [{"role": "user", "content": {}}]}, "messages.0.content: expected a string"),
        ({"system": 5}, "system: expected a string or an array, got an integer"),
        ({"system": [{"type": "text"}]}, "system.0.text: Field required"),
        ({"max_tokens": "9"}, "max_tokens: expected an integer, got a string"),
        ({"max_tokens": 1.5}, "max_tokens: expected an integer, got a number"),
        ({"max_tokens": True}, "max_tokens: expected an integer, got a boolean"),
        ({"max_tokens": 0}, "max_tokens: must be at least 1"),
        ({"stream": "yes"}, "stream: expected a boolean, got a string"),
        ({"stop_sequences": "END"}, "stop_sequences: expected an array, got a string"),
        ({"stop_sequences": ["a", 1]}, "stop_sequences.1: expected a string, got an integer"),
        ({"metadata": {"user_id": 1}}, "metadata.user_id: expected a string, got an integer"),
        ({"tools": {}}, "tools: expected an array, got an object"),
        ({"tools": [{}]}, "tools.0.name: Field required"),
        ({"tools": [{"name": ""}]}, "tools.0.name: must not be empty"),
        ({"tools": [LOOKUP, {"name": 1}]}, "tools.1.name: expected a string, got an integer"),
        ({"tool_choice": 1}, "tool_choice: expected a string or an object, got an integer"),
        ({"tool_choice": {}}, "tool_choice.type: Field required"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type: expected auto, any, tool or none"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name: Field required"),
        ({"thinking": True}, "thinking: expected an object, got a boolean"),
        ({"thinking": {}}, "thinking.type: Field required"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": "many"}},
            "thinking.budget_tokens: expected an integer, got a string",
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 0}},
            "thinking.budget_tokens: must be at least 1",
        ),
        ({"output_config": []}, "output_config: expected an object, got an array"),
        ({"output_config": {"effort": 3}}, "output_config.effort: expected a string, got an int"),
        (
            {"output_config": {"format": {"type": "json_schema"}}},
            "output_config.format.schema: Field required",
        ),
        (
            {"output_format": {"type": "json_schema", "schema": "{}"}},
            "output_format.schema: expected an object",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_value_is_refused_with_its_path(fields: dict[str, object], message: str) -> None:
    assert refusal(body(**fields)).startswith(message)


@pytest.mark.parametrize("name", ["model", "messages"])
def test_what_every_request_needs_is_asked_for(name: str) -> None:
    fields = json.loads(body())
    del fields[name]
    assert refusal(json.dumps(fields).encode()) == f"{name}: Field required"


def test_null_means_absent_in_optional_fields() -> None:
    optional = (
        "system max_tokens stop_sequences stream metadata tools tool_choice thinking "
        "output_config output_format temperature anything"
    )
    assert ask(**dict.fromkeys(optional.split())) == ask()


def test_limits_stop_sequences_and_streaming_are_kept() -> None:
    conversation = ask(max_tokens=64, stop_sequences=["END", "", "\n\n"], stream=True)
    assert conversation.max_tokens == 64
    assert conversation.stop_sequences == ("END", "\n\n")
    assert conversation.stream


def test_the_user_id_is_the_session_id_as_it_came() -> None:
    user_id = '{"device_id":"d","session_id":"8f"}'
    assert ask(metadata={"user_id": user_id}).session_id == user_id
    assert ask(metadata={"user_id": ""}).session_id is None


def test_fields_that_cannot_be_honoured_are_noted() -> None:
    conversation = ask(
        temperature=0.5,
        top_p=1,
        top_k=5,
        service_tier="auto",
        container="c",
        context_management={"edits": []},
        mcp_servers=[],
        inference_geo="eu",
    )
    assert notes(conversation) == [
        "dropped:temperature",
        "dropped:top_p",
        "dropped:top_k",
        "dropped:service_tier",
        "dropped:container",
        "dropped:context_management",
        "dropped:mcp_servers",
        "dropped:inference_geo",
    ]


def test_fields_without_effect_leave_no_note() -> None:
    fields = {"cache_control": {"type": "ephemeral"}, "anthropic_version": "2023-06-01"}
    assert ask(stream=True, betas=["x"], **fields).notes == ()


def test_a_name_that_could_say_something_never_gets_into_a_note() -> None:
    assert ask(**{"My secret, in a key": 1, "x" * 41: 2, "UPPER": 3, "a-b": 4}).notes == ()


def test_made_up_fields_cannot_fill_the_notes() -> None:
    made_up = {f"field_{letter}{other}": 1 for letter in "abcdefgh" for other in "abcdefgh"}
    assert len(ask(**made_up).notes) == 24


# System text


@pytest.mark.parametrize(
    ("system", "text"),
    [
        ("Be brief.", "Be brief."),
        ([{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}],
         "Be brief.\nBe kind."),
        ([{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
         "Be brief."),
        ("", ""),
        ([], ""),
    ],
    ids=["string", "blocks", "cache control", "empty", "no blocks"],
)  # fmt: skip
def test_system_text_is_joined_by_newlines(system: object, text: str) -> None:
    conversation = ask(system=system)
    assert conversation.system == text
    assert conversation.notes == ()


def test_system_blocks_other_than_text_are_left_out_and_noted() -> None:
    conversation = ask(system=[IMAGE, {"type": "text", "text": "Be brief."}, {"type": "new"}])
    assert conversation.system == "Be brief."
    assert notes(conversation) == ["dropped:system_block"]


def test_the_attribution_block_of_claude_code_is_left_out() -> None:
    attribution = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=1;"}
    rest = {"type": "text", "text": "You are a coding agent."}
    conversation = ask(system=[attribution, rest])
    assert conversation.system == "You are a coding agent."
    assert notes(conversation) == ["dropped:attribution"]
    # Only the first block is that; later ones may quote it.
    assert "billing" in ask(system=[rest, attribution]).system


@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_messages_move_behind_the_system_text(role: str) -> None:
    conversation = ask(
        system="First.",
        messages=[
            {"role": "user", "content": "Hi"},
            {"role": role, "content": "Second."},
            {"role": "assistant", "content": "Hello"},
            {"role": role, "content": [{"type": "text", "text": "Third."}]},
        ],
    )
    assert conversation.system == "First.\nSecond.\nThird."
    assert conversation.turns == (Turn("user", "Hi"), Turn("assistant", "Hello"))


def test_a_system_text_alone_is_enough() -> None:
    conversation = ask(messages=[{"role": "system", "content": "Say hello."}])
    assert (conversation.system, conversation.turns) == ("Say hello.", ())
    assert ask(system="Say hello.", messages=[]).turns == ()


def test_an_unknown_role_speaks_as_the_user() -> None:
    conversation = ask(messages=[{"role": "critic", "content": "Hm."}])
    assert conversation.turns == (Turn("user", "Hm."),)
    assert notes(conversation) == ["renamed:role"]


# Text, calls, results


def test_user_texts_are_joined_by_newlines_and_the_models_by_nothing() -> None:
    texts = [{"type": "text", "text": "a"}, {"type": "text", "text": ""}] * 2
    assert user(*texts).turns == (Turn("user", "a\na"),)
    assert assistant(*texts).turns == (Turn("assistant", "aa"),)


def test_null_content_is_an_empty_turn() -> None:
    assert ask(messages=[{"role": "assistant", "content": None}]).turns == (Turn("assistant"),)


def test_the_order_of_turns_is_kept_even_when_roles_repeat() -> None:
    roles = ["assistant", "user", "user", "assistant"]
    turns = ask(messages=[{"role": role, "content": role} for role in roles]).turns
    assert [turn.role for turn in turns] == roles


def test_a_tool_input_keeps_every_byte() -> None:
    given = b'{ "n": 1.0, "big": 12345678901234567890123, "s": "\\u00e9" }'
    raw = (
        b'{"model":"m","messages":[{"role":"assistant","content":'
        b'[{"type":"tool_use","id":"tu_1","name":"lookup","input":' + given + b"}]}]}"
    )
    assert parse(raw).turns[0].tool_uses == (ToolUse("tu_1", "lookup", given),)


@pytest.mark.parametrize("given", ["text", None, [], 5, ...], ids=repr)
def test_a_tool_input_that_is_no_object_becomes_an_empty_one(given: object) -> None:
    block = {"type": "tool_use", "id": "tu_1", "name": "lookup"}
    if given is not ...:
        block["input"] = given  # type: ignore[assignment]  # whatever JSON allows
    assert assistant(block).turns[0].tool_uses == (ToolUse("tu_1", "lookup"),)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("done", "done"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([], ""),
        (None, ""),
        ([{"type": "tool_reference", "tool_name": "Read"}],
         '{"type":"tool_reference","tool_name":"Read"}'),
        ([{"type": "json_thing", "value": {"n": 1}}], '{"type":"json_thing","value":{"n":1}}'),
        ([{"type": "search_result", "title": "T", "source": "https://e.org",
           "content": [{"type": "text", "text": "Found."}]}], "T\nhttps://e.org\nFound."),
        ([{"type": "document", "source": {"type": "text", "data": "page"}}], "[Document]\npage"),
        (["a", {"n": 1}, {"type": None, "text": "b"}, 7, [True], None],
         'a\n{"n":1}\nb\n7\n[true]\nnull'),
    ],
    ids=["string", "texts", "empty", "null", "reference", "unknown", "search", "document", "JSON"],
)  # fmt: skip
def test_a_tool_result_is_text(content: object, text: str) -> None:
    conversation = user({"type": "tool_result", "tool_use_id": "tu_1", "content": content})
    assert conversation.turns[0].tool_results == (ToolResult("tu_1", text),)


def test_a_tool_result_without_content_is_empty() -> None:
    conversation = user({"type": "tool_result", "tool_use_id": "tu_1"})
    assert conversation.turns[0].tool_results == (ToolResult("tu_1", ""),)


def test_an_error_result_says_so() -> None:
    block = {"type": "tool_result", "tool_use_id": "t", "content": "boom", "is_error": True}
    assert user(block).turns[0].tool_results == (ToolResult("t", "boom", is_error=True),)


def test_text_beside_tool_results_is_kept() -> None:
    conversation = user(
        {"type": "tool_result", "tool_use_id": "a", "content": "1"},
        {"type": "text", "text": "Go on."},
        {"type": "tool_result", "tool_use_id": "b", "content": "2"},
    )
    results = (ToolResult("a", "1"), ToolResult("b", "2"))
    assert conversation.turns == (Turn("user", "Go on.", tool_results=results),)


def test_images_in_a_tool_result_are_lifted_to_the_turn() -> None:
    block = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "text", "text": "Here:"}, IMAGE],
    }
    turn = user(block, IMAGE).turns[0]
    assert turn.images == (Image("png", PNG), Image("png", PNG))
    assert turn.tool_results == (ToolResult("t", "Here:"),)


@pytest.mark.parametrize(
    ("block", "path"),
    [
        (5, "messages.0.content.1: expected an object, got an integer"),
        ({}, "messages.0.content.1.type: Field required"),
        ({"type": 5}, "messages.0.content.1.type: expected a string, got an integer"),
        ({"type": "text"}, "messages.0.content.1.text: Field required"),
        ({"type": "text", "text": 5}, "messages.0.content.1.text: expected a string"),
        ({"type": "tool_use", "name": "a"}, "messages.0.content.1.id: Field required"),
        ({"type": "tool_result"}, "messages.0.content.1.tool_use_id: Field required"),
        ({"type": "tool_result", "tool_use_id": "t", "content": 5},
         "messages.0.content.1.content: expected a string or an array, got an integer"),
        ({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text"}]},
         "messages.0.content.1.content.0.text: Field required"),
        ({"type": "tool_result", "tool_use_id": "t", "is_error": "no"},
         "messages.0.content.1.is_error: expected a boolean, got a string"),
        ({"type": "image"}, "messages.0.content.1.source: Field required"),
        ({"type": "image", "source": {"type": "base64"}},
         "messages.0.content.1.source.data: Field required"),
        ({"type": "image", "source": {"type": "url"}},
         "messages.0.content.1.source.url: Field required"),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "*"}},
         "messages.0.content.1.source: the data is not valid base64"),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": PNG}},
         "messages.0.content.1.source: media type image/bmp is not supported"),
        ({"type": "image", "source": {"type": "url", "url": "data:image/png;base64,*"}},
         "messages.0.content.1.source.url: the data is not valid base64"),
        ({"type": "document", "source": {"type": "text"}},
         "messages.0.content.1.source.data: Field required"),
        ({"type": "document",
          "source": {"type": "base64", "media_type": "text/plain", "data": "*"}},
         "messages.0.content.1.source: the data is not valid base64"),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "text"}]}},
         "messages.0.content.1.source.content.0.text: Field required"),
        ({"type": "redacted_thinking"}, "messages.0.content.1.data: Field required"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_wrong_block_is_refused_with_its_path(block: object, path: str) -> None:
    content = [{"type": "text", "text": "a"}, block, {"type": "unknown"}]
    raw = body(messages=[{"role": "user", "content": content}])
    assert refusal(raw).startswith(path)


# Media


def test_a_linked_image_becomes_a_line_and_a_note() -> None:
    url = "https://example.com/a.png"
    conversation = user({"type": "image", "source": {"type": "url", "url": url}})
    assert conversation.turns[0].text == f"[Image not loaded: {url}]"
    assert notes(conversation) == ["dropped:image_url"]


def test_an_image_in_a_data_link_is_an_image() -> None:
    url = f"data:image/png;base64,{PNG}"
    conversation = user({"type": "image", "source": {"type": "url", "url": url}})
    assert conversation.turns[0].images == (Image("png", PNG),)


def test_an_uploaded_image_becomes_a_line_and_a_note() -> None:
    conversation = user({"type": "image", "source": {"type": "file", "file_id": "f_1"}})
    assert conversation.turns[0].text == "[Image not loaded]"
    assert notes(conversation) == ["dropped:image"]


@pytest.mark.parametrize(
    ("source", "text", "noted"),
    [
        ({"type": "text", "media_type": "text/plain", "data": "page"},
         "[Document: T]\npage", []),
        ({"type": "base64", "media_type": "text/csv", "data": "YSxi"},
         "[Document: T]\na,b", []),
        ({"type": "content", "content": "page"}, "[Document: T]\npage", []),
        ({"type": "content", "content": [{"type": "text", "text": "p1"},
                                         {"type": "text", "text": "p2"}]},
         "[Document: T]\np1\np2", []),
        ({"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
         "[Document: T: content not available (application/pdf)]", ["dropped:document"]),
        ({"type": "url", "url": "https://e.org/a.pdf"},
         "[Document: T: content not available]", ["dropped:document"]),
        ({"type": "file", "file_id": "f_1"},
         "[Document: T: content not available]", ["dropped:document"]),
    ],
    ids=["text", "base64 text", "content string", "content blocks", "PDF", "link", "upload"],
)  # fmt: skip
def test_a_document_becomes_text_or_says_that_it_could_not(
    source: object, text: str, noted: list[str]
) -> None:
    conversation = user({"type": "document", "title": "T", "source": source})
    assert conversation.turns[0].text == text
    assert notes(conversation) == noted


def test_the_context_of_a_document_follows_it() -> None:
    source = {"type": "text", "data": "page"}
    conversation = user({"type": "document", "source": source, "context": "From 1999."})
    assert conversation.turns[0].text == "[Document]\npage\nFrom 1999."


@pytest.mark.parametrize(
    ("wish", "noted"), [({"enabled": True}, True), ({"enabled": False}, False)]
)
def test_citations_that_are_asked_for_are_noted(wish: object, noted: bool) -> None:
    source = {"type": "text", "data": "page"}
    conversation = user({"type": "document", "source": source, "citations": wish})
    assert notes(conversation) == (["dropped:citations"] if noted else [])


def test_images_inside_a_document_are_lifted_to_the_turn() -> None:
    conversation = user({"type": "document", "source": {"type": "content", "content": [IMAGE]}})
    assert conversation.turns[0].images == (Image("png", PNG),)


# Reasoning


def test_reasoning_keeps_text_and_signature_byte_for_byte() -> None:
    turn = assistant(
        {"type": "thinking", "thinking": "Hm.\u2028", "signature": "EqkB+/="},
        {"type": "thinking", "thinking": "", "signature": "sig"},
        {"type": "redacted_thinking", "data": "b64=="},
        {"type": "text", "text": "Yes."},
    ).turns[0]
    assert turn.thinking == (
        Thinking("Hm.\u2028", "EqkB+/="),
        Thinking("", "sig"),
        Thinking(redacted="b64=="),
    )
    assert turn.text == "Yes."


def test_reasoning_without_anything_in_it_is_skipped() -> None:
    assert assistant({"type": "thinking", "thinking": None}).turns == (Turn("assistant"),)


def test_reasoning_of_a_user_is_left_out_and_noted() -> None:
    conversation = user({"type": "thinking", "thinking": "Hm.", "signature": "s"})
    assert conversation.turns == (Turn("user"),)
    assert notes(conversation) == ["dropped:thinking"]


@pytest.mark.parametrize(
    ("thinking", "asked"),
    [
        ({"type": "disabled"}, ThinkingRequest()),
        ({"type": "enabled", "budget_tokens": 9000}, ThinkingRequest("enabled", budget=9000)),
        ({"type": "enabled"}, ThinkingRequest("enabled")),
        ({"type": "adaptive"}, ThinkingRequest("adaptive")),
        ({"type": "adaptive", "display": "omitted"}, ThinkingRequest("adaptive", show=False)),
        ({"type": "adaptive", "display": "summarized"}, ThinkingRequest("adaptive")),
    ],
    ids=["disabled", "budget", "no budget", "adaptive", "omitted", "summarized"],
)
def test_thinking_is_understood(thinking: object, asked: ThinkingRequest) -> None:
    conversation = ask(thinking=thinking)
    assert conversation.thinking == asked
    assert conversation.notes == ()


def test_a_kind_of_thinking_yet_to_come_is_noted_and_off() -> None:
    conversation = ask(thinking={"type": "telepathic"})
    assert conversation.thinking == ThinkingRequest()
    assert notes(conversation) == ["dropped:thinking"]


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max"])
def test_effort_goes_with_any_mode_of_thinking(effort: str) -> None:
    config = {"effort": effort}
    assert ask(output_config=config).thinking.effort == effort
    assert ask(output_config=config, thinking={"type": "adaptive"}).thinking.effort == effort


def test_unknown_parts_of_the_output_config_are_noted() -> None:
    conversation = ask(output_config={"effort": "heroic", "task_budget": {"total": 5}})
    assert conversation.thinking.effort is None
    assert notes(conversation) == [
        "dropped:output_config.task_budget",
        "dropped:output_config.effort",
    ]


# Unknown blocks


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "hologram", "text": "A cat.", "depth": 3}, "A cat."),
        ({"type": "hologram", "depth": 3}, '{"type":"hologram","depth":3}'),
        ({"type": "hologram", "text": {"odd": True}}, '{"type":"hologram","text":{"odd":true}}'),
        ({"type": "audio", "source": {"type": "base64", "media_type": "audio/wav", "data": "AAAA"}},
         '{"type":"audio","source":{"type":"base64","media_type":"audio/wav"}}'),
        ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "cats"}},
         '[web_search {"query":"cats"}]'),
        ({"type": "web_search_tool_result", "tool_use_id": "s", "content": [
            {"type": "web_search_result", "title": "Cats", "url": "https://e.org",
             "encrypted_content": "zzz"},
            {"type": "web_search_result", "url": "https://e.net"}]},
         "Cats - https://e.org\nhttps://e.net"),
        ({"type": "web_search_tool_result",
          "content": {"type": "an_error", "error_code": "max_uses"}},
         '{"type":"web_search_tool_result","content":{"type":"an_error","error_code":"max_uses"}}'),
        ({"type": "search_result", "source": "s", "title": "t", "cache_control": {},
          "content": [{"type": "text", "text": "x"}]}, "t\ns\nx"),
    ],
    ids=["text", "no text", "odd text", "binary", "call", "links", "failed search", "result"],
)  # fmt: skip
def test_an_unknown_block_becomes_text(block: dict[str, object], text: str) -> None:
    conversation = user({"type": "text", "text": "Look:"}, block)
    assert conversation.turns == (Turn("user", f"Look:\n{text}"),)
    assert notes(conversation) == [f"textualised:{block['type']}"]


def test_an_unknown_block_of_the_models_stands_on_lines_of_its_own() -> None:
    conversation = assistant(
        {"type": "text", "text": "I searched."},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "text", "text": "Done."},
    )
    assert conversation.turns[0].text == "I searched.\n[web_search {}]\nDone."


def test_an_unknown_type_that_is_no_word_stays_out_of_the_notes() -> None:
    conversation = user({"type": "My secret, in a type"})
    assert notes(conversation) == ["textualised:block"]


def test_blocks_in_the_wrong_role_become_text() -> None:
    called = user({"type": "tool_use", "id": "t", "name": "lookup", "input": {"q": 1}})
    assert called.turns == (Turn("user", '[lookup {"q":1}]'),)
    answered = assistant({"type": "tool_result", "tool_use_id": "t", "content": "42"})
    assert answered.turns == (Turn("assistant", "\n42\n"),)


def test_a_block_nested_beyond_reason_does_no_harm() -> None:
    nested: object = "bottom"
    for _ in range(200):
        nested = [nested]
    text = user({"type": "onion", "layers": nested}).turns[0].text
    assert text.startswith('{"type":"onion","layers":[[')
    assert "…" in text


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KNOWN: frozenset[str] = frozenset(
    {
        *("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"),
        *("output_format", "max_tokens", "stop_sequences", "stream", "metadata"),
    }
)
# What no type of ours is named like.
NEW_TYPES = st.text(min_size=1).map(lambda name: f"new_{name}")


@settings(max_examples=100)
@given(
    block=st.dictionaries(
        st.sampled_from(["text", "content", "source", "data", "input", "name", "title"]),
        JSON_VALUES,
    ),
    kind=NEW_TYPES,
    role=st.sampled_from(["user", "assistant", "system"]),
)
def test_no_unknown_block_ever_fails(block: dict[str, object], kind: str, role: str) -> None:
    inner = {**block, "type": kind}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [inner]}
    ask(system="s", messages=[{"role": role, "content": [inner, result]}])


@settings(max_examples=100)
@given(fields=st.dictionaries(st.text(), JSON_VALUES))
def test_no_unknown_field_ever_fails(fields: dict[str, object]) -> None:
    unknown = {name: value for name, value in fields.items() if name not in KNOWN}
    assert ask(**unknown).turns == (Turn("user", "Hi"),)


# Tools


def test_a_tool_keeps_its_schema_as_it_came() -> None:
    schema = b'{ "type": "object", "$defs": {"n": {"const": 1.0}} }'
    raw = body(tools=[]).replace(
        b'"tools":[]', b'"tools":[{"name":"lookup","input_schema":' + schema + b"}]"
    )
    assert parse(raw).tools == (Tool("lookup", "", schema),)


@pytest.mark.parametrize(
    "tool",
    [
        {"name": "lookup"},
        {"name": "lookup", "description": None, "input_schema": None},
        {"type": "custom", "name": "lookup"},
        {"type": None, "name": "lookup", "cache_control": {}, "eager_input_streaming": True},
    ],
    ids=["bare", "null", "custom", "extras"],
)
def test_a_tool_needs_only_a_name(tool: object) -> None:
    conversation = ask(tools=[tool])
    assert conversation.tools == (Tool("lookup"),)
    assert conversation.notes == ()


@pytest.mark.parametrize("schema", [True, False, [], ["a"], "text", 5], ids=repr)
def test_a_schema_of_any_type_is_taken_as_it_came(schema: object) -> None:
    conversation = ask(tools=[{"name": "lookup", "input_schema": schema}])
    assert conversation.tools == (Tool("lookup", "", json.dumps(schema).encode()),)


def test_a_typed_tool_with_a_schema_is_the_clients_own() -> None:
    conversation = ask(tools=[{**LOOKUP, "type": "function"}])
    assert conversation.tools == (Tool("lookup", "Looks things up.", LOOKUP_SCHEMA),)


def test_a_client_tool_named_like_a_server_tool_is_kept() -> None:
    assert ask(tools=[{**LOOKUP, "name": "web_search"}]).tools[0].name == "web_search"


@pytest.mark.parametrize(
    "kind",
    [
        "web_search_20250305",
        "web_fetch_20250910",
        "code_execution_20250825",
        "computer_20250124",
        "bash_20250124",
        "text_editor_20250728",
        "memory_20250818",
        "advisor_20260301",
    ],
)
def test_server_tools_are_left_out_and_noted(kind: str) -> None:
    conversation = ask(tools=[{"type": kind, "name": "x"}, LOOKUP])
    assert [tool.name for tool in conversation.tools] == ["lookup"]
    assert notes(conversation) == [f"dropped:tool:{kind}"]


def test_a_server_tool_needs_no_name() -> None:
    conversation = ask(tools=[{"type": "mcp_toolset", "mcp_server_name": "files"}])
    assert (conversation.tools, notes(conversation)) == ((), ["dropped:tool:mcp_toolset"])


def test_options_of_tools_that_cannot_be_honoured_are_noted_once() -> None:
    tool = {**LOOKUP, "strict": True, "defer_loading": True, "input_examples": [{}]}
    conversation = ask(tools=[tool, {**tool, "name": "other"}, {"name": "c", "strict": False}])
    assert notes(conversation) == [
        "dropped:tools.strict",
        "dropped:tools.defer_loading",
        "dropped:tools.input_examples",
    ]


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "any"}, ToolChoice("required")),
        ({"type": "none"}, ToolChoice("none")),
        ({"type": "tool", "name": "lookup"}, ToolChoice("named", "lookup")),
        ("auto", ToolChoice("auto")),
        ("any", ToolChoice("required")),
        ("required", ToolChoice("required")),
        ("none", ToolChoice("none")),
    ],
    ids=str,
)
def test_tool_choice_is_an_object_or_a_word(choice: object, meant: ToolChoice) -> None:
    assert ask(tools=[LOOKUP], tool_choice=choice).tool_choice == meant


def test_one_call_at_a_time_cannot_be_asked_for_and_is_noted() -> None:
    conversation = ask(tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert notes(conversation) == ["dropped:tool_choice.disable_parallel_tool_use"]


@pytest.mark.parametrize(
    ("tools", "choice", "message"),
    [
        ([LOOKUP, SEARCH], {"type": "tool", "name": "web_search"}, "tool_choice.name: this server"),
        ([LOOKUP], {"type": "tool", "name": "other"}, "tool_choice.name: no such tool"),
        ([SEARCH], {"type": "any"}, "tool_choice: server tools are not available"),
    ],
    ids=["server tool", "undeclared", "only server tools"],
)
def test_a_forced_tool_has_to_be_one_that_can_be_called(
    tools: object, choice: object, message: str
) -> None:
    assert refusal(body(tools=tools, tool_choice=choice)).startswith(message)


def test_a_call_of_any_tool_without_tools_forces_nothing() -> None:
    conversation = ask(tool_choice={"type": "any"})
    assert conversation.tool_choice == ToolChoice("auto")
    assert notes(conversation) == ["dropped:tool_choice"]


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_a_schema_for_the_answer_is_kept_as_it_came(place: str) -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object", "title": "T"}}
    fields = {place: {"format": wanted} if place == "output_config" else wanted}
    assert ask(**fields).response_format == ResponseFormat(b'{"type":"object","title":"T"}')


@pytest.mark.parametrize(
    ("wanted", "asked", "noted"),
    [
        (None, None, []),
        ({"type": "text"}, None, []),
        ({"type": "json_object"}, ResponseFormat(), []),
        ({"type": "grammar"}, None, ["dropped:output_config.format"]),
    ],
    ids=str,
)
def test_other_formats_of_the_answer(
    wanted: object, asked: ResponseFormat | None, noted: list[str]
) -> None:
    conversation = ask(output_config={"format": wanted})
    assert conversation.response_format == asked
    assert notes(conversation) == noted


# Counting


def test_counting_reads_the_same_conversation() -> None:
    fields = {
        "system": "s",
        "tools": [LOOKUP],
        "messages": [
            {"role": "user", "content": [IMAGE, {"type": "new", "text": "x"}]},
            {"role": "system", "content": "more"},
        ],
    }
    assert parse_count_tokens(body(**fields)) == ask(**fields)


def test_counting_does_not_mind_what_only_shapes_the_reply() -> None:
    counted = parse_count_tokens(
        body(max_tokens=0, stream=5, stop_sequences=1, tool_choice={"type": "tool"})
    )
    assert counted == ask()


def test_counting_refuses_what_it_cannot_count() -> None:
    with pytest.raises(InvalidRequest, match="messages: Field required"):
        parse_count_tokens(b'{"model":"m"}')
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        parse_count_tokens(b'{"a":' + b"[" * 9_999)
