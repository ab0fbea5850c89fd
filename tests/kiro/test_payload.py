import base64
import json
import uuid
from dataclasses import replace

import pytest
from hypothesis import given, settings

from gateway.conversation import (
    OWN_SIGNATURE_PREFIX,
    Conversation,
    Image,
    Note,
    ResponseFormat,
    Role,
    Thinking,
    ThinkingRequest,
    Tool,
    ToolChoice,
    Turn,
)
from gateway.errors import InvalidRequest, PromptTooLong
from gateway.kiro import texts
from gateway.kiro.payload import BuildOptions, build_request, conversation_id_of
from tests.kiro.payload_parts import (
    MODEL,
    OPTIONS,
    PICTURE,
    READ,
    Json,
    assistant,
    build,
    built,
    call,
    contents,
    kinds,
    result,
    state_of,
    talk,
    user,
)
from tests.strategies import ANY_SPEED, conversations


@settings(ANY_SPEED, max_examples=200)
@given(conversations())
def test_every_body_keeps_every_rule(conversation: Conversation) -> None:
    request = build(conversation)
    assert len(set(request.notes)) == len(request.notes)
    # A current message that is ours, behind a prefill, is the one we know.
    current = request.body.conversation_state.current_message.user_input_message.content
    assert not request.is_prefilled or current == texts.CONTINUE


def test_the_smallest_request_makes_the_smallest_body() -> None:
    request = build(talk(user("Hello"), tools=()))
    continuation = str(uuid.uuid5(uuid.NAMESPACE_OID, "c1\nHello"))
    assert request.encode(None) == (
        b'{"conversationState":{"conversationId":"c1","agentContinuationId":"'
        + continuation.encode()
        + b'","chatTriggerType":"MANUAL","agentTaskType":"vibe","currentMessage":'
        b'{"userInputMessage":{"content":"Hello","modelId":"claude-sonnet-4.5",'
        b'"origin":"AI_EDITOR"}}}}'
    )


def test_only_the_profile_arn_differs_between_accounts() -> None:
    request = build(talk(user("Hello")))
    without, first = json.loads(request.encode(None)), json.loads(request.encode("arn:a"))
    assert first.pop("profileArn") == "arn:a"
    assert first == without
    assert request.encode("") == request.encode(None)


def test_the_origin_is_the_one_configured_everywhere() -> None:
    options = BuildOptions("c1", origin="KIRO_CLI")
    encoded = build(talk(user("a"), assistant("b"), user("c"), system="s"), options).encode(None)
    assert encoded.count(b'"origin":"KIRO_CLI"') == encoded.count(b'"origin"') == 3


def test_tool_inputs_go_up_byte_for_byte() -> None:
    given = b'{ "n": 1.0, "big": 123456789012345678901234567890, "u": "\\u00e9" }'
    request = build(talk(user("q"), assistant("", call(given=given)), user("", result())))
    assert given in request.encode(None)


def test_tools_ride_on_the_current_message_only() -> None:
    history, current = built(talk(user("a"), assistant("b"), user("c")))
    assert "userInputMessageContext" not in history[0]
    assert current["userInputMessageContext"]["tools"] == [
        {
            "toolSpecification": {
                "name": "Read",
                "description": "Reads a file.",
                "inputSchema": {"json": {"type": "object", "properties": {}}},
            }
        }
    ]


def test_one_alias_serves_the_definition_and_the_history() -> None:
    long = "mcp__server__" + "x" * 60
    conversation = talk(
        user("q"),
        assistant("", call("t1", long), call("t2", "gone.tool")),
        user("", result("t1"), result("t2")),
        tools=(Tool(long, "d"),),
    )
    request = build(conversation)
    history, current = built(conversation)
    used = [use["name"] for use in history[1]["toolUses"]]
    declared = [
        entry["toolSpecification"]["name"] for entry in current["userInputMessageContext"]["tools"]
    ]
    assert used == declared
    assert [request.names.to_client(name) for name in used] == [long, "gone.tool"]
    assert request.names.declared == {long}
    assert kinds(request) == ["added:tool", "renamed:tool"]


def test_of_tools_whose_names_differ_in_case_the_first_is_declared() -> None:
    request = build(talk(user("q"), tools=(READ, Tool("READ", "Other."))))
    assert b"Other." not in request.encode(None)
    assert kinds(request) == ["dropped:duplicate_tool"]


def test_a_client_tool_called_websearch_is_declared_as_it_is() -> None:
    request = build(talk(user("q"), tools=(Tool("WebSearch", "d"), Tool("web_search", "d"))))
    assert b'"name":"WebSearch"' in request.encode(None)
    assert b'"name":"web_search"' not in request.encode(None)
    assert request.names.to_client(request.names.to_kiro("web_search")) == "web_search"


def test_what_a_schema_loses_is_noted_once() -> None:
    schema = b'{"type":"object","properties":{},"additionalProperties":false}'
    tools = (Tool("A", "d", schema), Tool("B", "d", schema))
    assert kinds(build(talk(user("q"), tools=tools))) == ["dropped:additionalProperties"]


def test_the_conversations_own_notes_come_first() -> None:
    conversation = talk(user("q"), assistant("a", call()), notes=(Note("dropped", "top_k"),))
    assert kinds(build(conversation)) == ["dropped:top_k", "dropped:tool_use"]


def system_of(conversation: Conversation) -> str:
    history, _ = built(conversation)
    return str(history[0]["content"])


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (ToolChoice("required"), texts.CALL_ANY),
        (ToolChoice("named", "Read"), "Answer by calling the tool Read."),
    ],
    ids=["any", "one"],
)
def test_a_forced_tool_is_asked_for_behind_the_clients_text(
    choice: ToolChoice, sentence: str
) -> None:
    conversation = talk(user("q"), system="Be kind.", tool_choice=choice)
    assert system_of(conversation) == f"Be kind.\n\n{sentence}"
    assert system_of(replace(conversation, system="")) == sentence


def test_a_forced_tool_is_named_as_the_service_knows_it() -> None:
    conversation = talk(
        user("q"), tools=(Tool("a.b", "d"),), tool_choice=ToolChoice("named", "a.b")
    )
    alias = build(conversation).names.to_kiro("a.b")
    assert system_of(conversation) == texts.CALL_ONE.format(name=alias)


def test_forcing_a_tool_that_is_not_declared_is_refused() -> None:
    conversation = talk(user("q"), tool_choice=ToolChoice("named", "Gone"))
    with pytest.raises(InvalidRequest, match="'Gone', which is not declared"):
        build_request(conversation, MODEL, OPTIONS)


def test_forcing_any_tool_without_tools_is_noted() -> None:
    conversation = talk(user("q"), tools=(), tool_choice=ToolChoice("required"))
    assert kinds(build(conversation)) == ["dropped:tool_choice"]


def test_a_wanted_response_format_is_one_sentence() -> None:
    schema = b'{"type":"object","properties":{"{x}":{}}}'
    anything = talk(user("q"), response_format=ResponseFormat())
    shaped = talk(user("q"), response_format=ResponseFormat(schema))
    assert system_of(anything) == texts.ANSWER_JSON
    assert system_of(shaped) == texts.ANSWER_SCHEMA.format(schema=schema.decode())


def test_long_descriptions_stand_between_the_clients_text_and_the_wishes() -> None:
    conversation = talk(
        user("q"),
        system="Be kind.",
        tools=(Tool("Read", "w" * 10_001),),
        tool_choice=ToolChoice("required"),
    )
    documented = f"## Tool: Read\n{'w' * 10_001}"
    assert system_of(conversation) == f"Be kind.\n\n{documented}\n\n{texts.CALL_ANY}"


def test_thinking_tags_stand_in_front_of_the_system_text() -> None:
    conversation = talk(user("q"), system="Be kind.", thinking=ThinkingRequest("enabled", 5000))
    tags = "<thinking_mode>enabled</thinking_mode><max_thinking_length>5000</max_thinking_length>"
    assert system_of(conversation) == f"{tags}\nBe kind."
    assert system_of(replace(conversation, system="")) == tags
    assert build(conversation).thinking_requested


def test_native_fields_are_members_of_the_root() -> None:
    schema = b'{"properties":{"thinking":{"properties":{"type":{"const":"adaptive"}}}}}'
    conversation = talk(user("q"), thinking=ThinkingRequest("adaptive"))
    request = build(conversation, BuildOptions("c1", fields_schema=schema))
    assert json.loads(request.encode("arn"))["additionalModelRequestFields"] == {
        "thinking": {"type": "adaptive"}
    }
    assert not request.has_system_pair


SIGNED = Thinking("because", "c2ln")
OWN = Thinking("because", f"{OWN_SIGNATURE_PREFIX}1")


@pytest.mark.parametrize(
    ("blocks", "sent", "notes"),
    [
        ((SIGNED,), {"reasoningText": {"text": "because", "signature": "c2ln"}}, []),
        ((Thinking("", "c2ln"),), None, ["dropped:thinking"]),
        ((Thinking(redacted="cmVk"),), {"redactedContent": "cmVk"}, []),
        ((OWN,), None, ["dropped:thinking"]),
        ((Thinking("unsigned"),), None, ["dropped:thinking"]),
        (
            (SIGNED, Thinking("then", "c2ln2"), OWN, Thinking(redacted="cmVk")),
            {"reasoningText": {"text": "then", "signature": "c2ln2"}},
            ["dropped:thinking"],
        ),
    ],
    ids=["signed", "text left out", "redacted", "ours", "unsigned", "the last signed of several"],
)
def test_reasoning_goes_back_up_only_under_the_services_signature(
    blocks: tuple[Thinking, ...], sent: Json | None, notes: list[str]
) -> None:
    conversation = talk(user("q"), assistant("a", thinking=blocks), user("r"))
    request = build(conversation)
    assert built(conversation)[0][1].get("reasoningContent") == sent
    assert request.has_history_thinking is (sent is not None)
    assert kinds(request) == notes


def test_reasoning_can_be_left_out() -> None:
    conversation = talk(user("q"), assistant("a", thinking=(SIGNED,)), user("r"))
    request = build(conversation, BuildOptions("c1", history_thinking="drop"))
    assert not request.has_history_thinking
    assert b"reasoningContent" not in request.encode(None)
    assert kinds(request) == ["dropped:thinking"]


def test_a_turn_of_reasoning_only_stays() -> None:
    conversation = talk(user("q"), assistant("", thinking=(SIGNED,)), user("r"))
    assert contents(conversation) == ["q", texts.EMPTY_ASSISTANT, "r"]


def test_images_stay_with_their_turns_beside_tool_results_too() -> None:
    turns = (
        user("q", images=(PICTURE,)),
        assistant("", call()),
        user("", result(), images=(PICTURE, Image("webp", "QUFB"))),
    )
    history, current = built(talk(*turns))
    block = {"format": "png", "source": {"bytes": PICTURE.data}}
    assert history[0]["images"] == [block]
    assert current["images"] == [block, {"format": "webp", "source": {"bytes": "QUFB"}}]
    assert "images" not in current["userInputMessageContext"]


def test_of_more_images_than_the_service_takes_the_newest_stay() -> None:
    pictures = tuple(Image("gif", base64.b64encode(bytes([n])).decode()) for n in range(13))
    request = build(
        talk(user("", images=pictures[:6]), assistant("a"), user("b", images=pictures[6:]))
    )
    state = state_of(request)
    kept = [
        block["source"]["bytes"]
        for entry in [*state["history"], state["currentMessage"]]
        for block in entry.get("userInputMessage", {}).get("images", [])
    ]
    assert kept == [picture.data for picture in pictures[3:]]
    assert kinds(request) == ["dropped:image"]


BAD_IMAGES = {
    "not base64": (Image("png", "not base64!!"), "is not valid base64"),
    "too large": (Image("png", "A" * 14_000_000), "is larger than 10485760 bytes"),
    "a format it does not know": (Image("bmp", "QUFB"), "has a format other than"),  # type: ignore[arg-type]  # wrong on purpose
}


@pytest.mark.parametrize(("image", "complaint"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_an_impossible_image_is_refused_now_and_dropped_later(image: Image, complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        build_request(talk(user("look", images=(image,))), MODEL, OPTIONS)
    request = build(talk(user("look", images=(image, PICTURE)), assistant("a"), user("b")))
    assert kinds(request) == ["dropped:image"]
    assert request.encode(None).count(b'"format"') == 1


def test_an_image_of_the_models_is_dropped() -> None:
    turn = Turn("assistant", "a", images=(PICTURE,))
    assert kinds(build(talk(user("q"), turn, user("b")))) == ["dropped:image"]


HUGE = {
    "a text": (talk(user("x" * 600_001)), "600001 bytes in one message, limit 600000"),
    "wide characters": (talk(user("长" * 200_001)), "600003 bytes in one message"),
    "an old text": (talk(user("x" * 600_001), assistant("a"), user("b")), "in one message"),
    "the system prompt": (talk(user("a"), system="x" * 600_001), "in one message"),
    "results together": (
        talk(
            user("q"),
            assistant("", call("t1"), call("t2")),
            user("", result("t1", "x" * 400_000), result("t2", "x" * 400_001)),
        ),
        "800001 bytes of tool results in one message, limit 800000",
    ),
    "the history": (talk(*[user("a"), assistant("b")] * 5_001, user("c")), "10002 messages"),
}


@pytest.mark.parametrize(("conversation", "message"), HUGE.values(), ids=HUGE)
def test_what_is_over_a_limit_of_the_service_is_too_long(
    conversation: Conversation, message: str
) -> None:
    with pytest.raises(PromptTooLong, match=rf"^prompt is too long: .*{message}") as raised:
        build_request(conversation, MODEL, OPTIONS)
    assert raised.value.code == "context_length_exceeded"


def test_what_is_just_within_the_limits_goes() -> None:
    build(talk(user("长" * 200_000), assistant("", call()), user("", result(text="x" * 800_000))))


def test_the_continuation_lasts_over_the_tool_rounds_of_what_the_user_said() -> None:
    said = user("fix it")
    round_one = (assistant("", call()), user("hook output", result()))

    def continuation(*turns: Turn, options: BuildOptions = OPTIONS) -> str:
        return str(state_of(build(talk(*turns), options))["agentContinuationId"])

    first = continuation(said)
    assert uuid.UUID(first).version == 5
    assert continuation(said, *round_one) == first
    assert continuation(said, *round_one, assistant("done"), user("next")) != first
    assert continuation(said, options=BuildOptions("c2")) != first


SESSION = "0c3b7f0e-6a3e-4d0e-9c55-1f2e3d4c5b6a"


@pytest.mark.parametrize(
    ("session_id", "expected"),
    [
        (f"user_abc_account__session_{SESSION}", SESSION),
        (f"user_session_x_account__session_{SESSION}_more", SESSION),
        (json.dumps({"device_id": "d", "account_uuid": "", "session_id": SESSION}), SESSION),
        (SESSION, SESSION),
        (None, None),
        ("", None),
        ("user-17", None),
        ("user_1_session_short", None),
        (f"session_{SESSION[:-1]}", None),
        ('{"session_id": 7}', None),
        ('{"session_id": "x"}', None),
        ('{"other": "x"}', None),
        ('{"session_id"', None),
    ],
)
def test_the_conversation_id_is_found_in_what_the_client_calls_its_session(
    session_id: str | None, expected: str | None
) -> None:
    assert conversation_id_of(talk(user("q"), session_id=session_id), None) == expected


def test_the_callers_header_wins() -> None:
    conversation = talk(user("q"), session_id=SESSION)
    assert conversation_id_of(conversation, " my-id_1 ") == "my-id_1"
    assert conversation_id_of(conversation, "  ") == SESSION


@pytest.mark.parametrize("header", ["a b", "é", "a\r\nb", "x" * 129, '"'])
def test_a_header_that_is_no_id_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest, match="x-kiro-conversation-id"):
        conversation_id_of(talk(user("q")), header)


def test_every_text_of_ours_is_in_one_place() -> None:
    """With an empty conversation nothing but the listed texts is in any content."""
    role: Role = "assistant"
    turns = (Turn(role, "", tool_uses=(call(name="x"),)), user(""), Turn(role, "a"))
    conversation = talk(*turns, tools=(Tool("Read"),), thinking=ThinkingRequest("adaptive"))
    assert contents(conversation) == [
        texts.THINKING_ADAPTIVE.format(effort="high"),
        texts.ACKNOWLEDGEMENT,
        texts.EMPTY_USER,
        texts.EMPTY_ASSISTANT,
        "",
        "a",
        texts.CONTINUE,
    ]
