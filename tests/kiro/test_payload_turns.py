import pytest

from gateway.conversation import (
    Tool,
    ToolChoice,
)
from gateway.errors import InvalidRequest
from gateway.kiro import texts
from gateway.kiro.payload import build_request
from tests.kiro.payload_parts import (
    MODEL,
    OPTIONS,
    PICTURE,
    READ,
    assistant,
    build,
    built,
    call,
    contents,
    kinds,
    result,
    results_in,
    talk,
    user,
)


def test_the_system_prompt_is_a_pair_in_front() -> None:
    history, current = built(talk(user("Hello"), system="You are a lamp."))
    assert [message["content"] for message in history] == ["You are a lamp.", texts.ACKNOWLEDGEMENT]
    assert history[0]["modelId"] == MODEL
    assert current["content"] == "Hello"


def test_without_anything_to_say_to_the_model_there_is_no_pair() -> None:
    assert not build(talk(user("Hello"))).has_system_pair
    assert contents(talk(user("Hello"))) == ["Hello"]


def test_a_request_with_a_system_prompt_only_is_answered() -> None:
    assert contents(talk(system="Tell a joke.", tools=())) == [
        "Tell a joke.",
        texts.ACKNOWLEDGEMENT,
        texts.EMPTY_USER,
    ]


def test_a_request_without_anything_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="at least one message"):
        build_request(talk(), MODEL, OPTIONS)


def test_neighbours_of_one_role_are_merged() -> None:
    turns = (user("a"), user("b"), assistant("c"), assistant("d"), user("e"), user("f"))
    assert contents(talk(*turns)) == ["a\nb", "c\nd", "e\nf"]


def test_parallel_calls_sent_as_several_messages_find_their_results() -> None:
    turns = (
        user("q"),
        assistant("", call("t1")),
        assistant("", call("t2")),
        user("", result("t1")),
        user("", result("t2", "two")),
    )
    history, current = built(talk(*turns))
    assert [use["toolUseId"] for use in history[1]["toolUses"]] == ["t1", "t2"]
    assert results_in(current) == [("t1", "success", "done"), ("t2", "success", "two")]


def test_an_assistant_turn_without_anything_in_it_goes() -> None:
    assert contents(talk(user("a"), assistant(" \n"), user("b"))) == ["a\nb"]


def test_a_history_that_begins_with_the_model_gets_a_user_in_front() -> None:
    assert contents(talk(assistant("Hi!"), user("a"))) == [texts.EMPTY_USER, "Hi!", "a"]


def test_an_empty_user_turn_gets_a_placeholder() -> None:
    turns = (user(" "), assistant("b"), user("", images=(PICTURE,)))
    assert contents(talk(*turns)) == [texts.EMPTY_USER, "b", texts.EMPTY_USER]


def test_text_beside_tool_results_stays_and_none_is_made_up() -> None:
    turns = (
        user("q"),
        assistant("", call()),
        user("hook says hi", result()),
        assistant("", call("t2")),
        user("", result("t2")),
    )
    assert contents(talk(*turns)) == ["q", " ", "hook says hi", " ", ""]


def test_a_prefill_stays_in_the_history_and_the_model_is_asked_to_go_on() -> None:
    request = build(talk(user("a JSON please"), assistant('{"a":')))
    assert request.is_prefilled
    assert contents(talk(user("a"), assistant('{"a":'))) == ["a", '{"a":', texts.CONTINUE]


def test_a_prefill_that_only_calls_tools_is_dropped() -> None:
    request = build(talk(user("a"), assistant("", call())))
    assert not request.is_prefilled
    assert kinds(request) == ["dropped:tool_use"]
    assert contents(talk(user("a"), assistant("", call()))) == ["a"]


def test_results_follow_the_order_of_their_calls() -> None:
    turns = (
        user("q"),
        assistant("", call("t1"), call("t2"), call("t3")),
        user("", result("t3"), result("t1"), result("t2", is_error=True)),
    )
    _, current = built(talk(*turns))
    assert [(i, status) for i, status, _ in results_in(current)] == [
        ("t1", "success"),
        ("t2", "error"),
        ("t3", "success"),
    ]


def test_a_result_that_nothing_asked_for_becomes_text_in_front() -> None:
    turns = (
        user("q"),
        assistant("a"),
        user("well?", result("t9", "lost"), result("t8", "x", is_error=True)),
    )
    request = build(talk(*turns))
    assert contents(talk(*turns))[-1] == "[Tool result (t9)]\nlost\n[Tool error (t8)]\nx\nwell?"
    assert kinds(request) == ["textualised:tool_result"]


def test_a_result_of_an_older_turn_becomes_text() -> None:
    turns = (
        user("q"),
        assistant("", call("t1")),
        user("", result("t1")),
        assistant("ok"),
        user("", result("t1", "again")),
    )
    assert contents(talk(*turns))[-1] == "[Tool result (t1)]\nagain"


def test_a_call_that_was_never_answered_gets_an_error_result() -> None:
    turns = (user("q"), assistant("", call("t1"), call("t2")), user("stop", result("t2")))
    _, current = built(talk(*turns))
    assert results_in(current) == [
        ("t1", "error", texts.MISSING_RESULT),
        ("t2", "success", "done"),
    ]
    assert kinds(build(talk(*turns))) == ["added:tool_result"]


def test_a_second_result_for_a_call_is_dropped() -> None:
    turns = (user("q"), assistant("", call()), user("", result(text="1"), result(text="2")))
    assert results_in(built(talk(*turns))[1]) == [("t1", "success", "1")]
    assert kinds(build(talk(*turns))) == ["dropped:tool_result"]


def test_calls_that_share_an_id_keep_their_own_results() -> None:
    turns = (
        user("q"),
        assistant("", call("t1"), call("t1"), call("t1_2"), call("")),
        user(
            "",
            *(result(i, text) for i, text in [("t1", "1"), ("t1", "2"), ("t1_2", "3"), ("", "4")]),
        ),
    )
    history, current = built(talk(*turns))
    ids = [use["toolUseId"] for use in history[1]["toolUses"]]
    assert len(set(ids)) == 4
    assert results_in(current) == [
        (identifier, "success", text) for identifier, text in zip(ids, "1234", strict=True)
    ]
    assert kinds(build(talk(*turns))) == ["renamed:tool_use_id"]


@pytest.mark.parametrize("given", [b"", b"[]", b'"{}"', b'{"a":', b"{}x", b'{"a":"\xff"}'])
def test_an_input_that_is_no_object_becomes_an_empty_one(given: bytes) -> None:
    turns = (user("q"), assistant("", call(given=given)), user("", result()))
    assert built(talk(*turns))[0][1]["toolUses"][0]["input"] == {}
    assert kinds(build(talk(*turns))) == ["dropped:tool_input"]


@pytest.mark.parametrize(
    ("given", "sent", "note"),
    [
        (b'{"a":1,"b":2,"a":3}', {"a": 3, "b": 2}, "mended:tool_input"),
        (b'{"a":[{"b":1,"b":"\xe9\x95\xb7"}]}', {"a": [{"b": "\u9577"}]}, "mended:tool_input"),
        (b'{"a":1e400,"a":-1e400}', {}, "dropped:tool_input"),
    ],
    ids=["at the root", "inside", "numbers that cannot be written"],
)
def test_an_input_that_names_a_member_twice_keeps_the_last(
    given: bytes, sent: object, note: str
) -> None:
    turns = (user("q"), assistant("", call(given=given)), user("", result()))
    assert built(talk(*turns))[0][1]["toolUses"][0]["input"] == sent
    assert kinds(build(talk(*turns))) == [note]


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_result_says_so(text: str) -> None:
    turns = (user("q"), assistant("", call()), user("", result(text=text)))
    assert results_in(built(talk(*turns))[1]) == [("t1", "success", texts.EMPTY_RESULT)]


LOOP = (user("q"), assistant("Look:", call()), user("and?", result(text="{7}")))


@pytest.mark.parametrize(
    ("tools", "choice"),
    [((), ToolChoice()), ((READ,), ToolChoice("none"))],
    ids=["none declared", "none wanted"],
)
def test_without_tools_calls_and_results_become_text(
    tools: tuple[Tool, ...], choice: ToolChoice
) -> None:
    request = build(talk(*LOOP, tools=tools, tool_choice=choice))
    assert contents(talk(*LOOP, tools=tools, tool_choice=choice)) == [
        "q",
        'Look:\n[Tool call: Read (t1)]\n{"a":1}',
        "[Tool result (t1)]\n{7}\nand?",
    ]
    assert b"toolUse" not in request.encode(None)
    assert b'"tools"' not in request.encode(None)
    assert request.names.declared == frozenset()
    assert kinds(request) == ["textualised:tool_use", "textualised:tool_result"]
