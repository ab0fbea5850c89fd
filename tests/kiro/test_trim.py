import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.conversation import Conversation, Note, Thinking, Tool, ToolResult, ToolUse, Turn
from gateway.errors import PromptTooLong
from gateway.kiro import texts
from gateway.kiro.lint import lint
from gateway.kiro.payload import BuildOptions, KiroRequest, build_request
from gateway.kiro.trim import fit
from tests.strategies import ANY_SPEED, ASSISTANT_TURNS, USER_TURNS

ARN = "arn:aws:codewhisperer:us-east-1:111122223333:profile/X"
SIZE = 1_000


def question(name: str) -> Turn:
    return Turn("user", name.ljust(SIZE, "?"))


def answer(name: str) -> Turn:
    return Turn("assistant", name.ljust(SIZE, "."))


def tool_round(identifier: str) -> tuple[Turn, Turn]:
    return (
        Turn("assistant", tool_uses=(ToolUse(identifier, "Read"),)),
        Turn("user", tool_results=(ToolResult(identifier, "r" * SIZE),)),
    )


def request_of(*turns: Turn) -> KiroRequest:
    conversation = Conversation("m", turns, system="Be kind.", tools=(Tool("Read", "Reads."),))
    return build_request(conversation, "auto", BuildOptions("c"))


def trimmed(request: KiroRequest, limit: int) -> KiroRequest:
    fitted, encoded = fit(request, limit=limit, auto_trim=True, profile_arn=ARN)
    assert len(encoded) <= limit
    assert encoded == fitted.encode(ARN)
    assert lint(fitted.body) == ()
    return fitted


def names(request: KiroRequest) -> list[str]:
    """The first word of every message of the history."""
    state = json.loads(request.encode(None))["conversationState"]
    entries = [next(iter(entry.values())) for entry in state.get("history", [])]
    return [entry["content"].rstrip("?.").split("?")[0].strip() for entry in entries]


CHAT = request_of(
    *(turn for n in range(1, 6) for turn in (question(f"q{n}"), answer(f"a{n}"))), question("now")
)
AGENT = request_of(
    question("q1"), *tool_round("t1"), *tool_round("t2"), answer("a1"),
    question("q2"), *tool_round("t3"), answer("a2"),
    question("q3"), *tool_round("t4"),
)  # fmt: skip


def size_of(request: KiroRequest) -> int:
    return len(request.encode(ARN))


@pytest.mark.parametrize("limit", [0, size_of(CHAT), 10**9])
@pytest.mark.parametrize("auto_trim", [True, False])
def test_what_is_within_the_limit_goes_as_it_is(limit: int, auto_trim: bool) -> None:
    fitted, encoded = fit(CHAT, limit=limit, auto_trim=auto_trim, profile_arn=ARN)
    assert fitted is CHAT
    assert encoded == CHAT.encode(ARN)


def test_one_byte_over_is_too_long_unless_trimming_is_on() -> None:
    size = size_of(CHAT)
    with pytest.raises(PromptTooLong) as raised:
        fit(CHAT, limit=size - 1, auto_trim=False, profile_arn=ARN)
    assert str(raised.value).startswith(f"prompt is too long: {size} bytes, limit {size - 1} ")
    assert raised.value.code == "context_length_exceeded"


def test_the_profile_arn_counts() -> None:
    limit = len(CHAT.encode(None))
    fit(CHAT, limit=limit, auto_trim=False, profile_arn=None)
    with pytest.raises(PromptTooLong):
        fit(CHAT, limit=limit, auto_trim=False, profile_arn=ARN)


def test_only_as_many_of_the_oldest_rounds_go_as_must() -> None:
    one_less = trimmed(CHAT, size_of(CHAT) - 1)
    assert names(one_less)[2:] == ["q1", "a1", "q3", "a3", "q4", "a4", "q5", "a5"]
    two_less = trimmed(CHAT, size_of(one_less) - 1)
    assert names(two_less)[2:] == ["q1", "a1", "q4", "a4", "q5", "a5"]


def test_the_first_user_turn_says_that_turns_are_gone() -> None:
    fitted = trimmed(CHAT, size_of(CHAT) - 1)
    assert fitted.encode(None).count(msgspec.json.encode(texts.TRIMMED)[1:-1]) == 1
    first = json.loads(fitted.encode(None))["conversationState"]["history"][2]
    assert first["userInputMessage"]["content"] == "q1".ljust(SIZE, "?") + texts.TRIMMED
    assert fitted.notes == (Note("trimmed", "turns"),)


def test_calls_and_results_of_the_first_round_leave_together_and_its_answer_stays() -> None:
    fitted = trimmed(AGENT, size_of(AGENT) - 1)
    assert names(fitted) == ["Be kind", "Understood", "q1", "a1", "q2", "", "", "a2", "q3", ""]


def test_the_round_that_is_still_open_stays() -> None:
    smallest = trimmed(AGENT, 6 * SIZE)
    assert names(smallest) == ["Be kind", "Understood", "q1", "a1", "q3", ""]
    with pytest.raises(PromptTooLong, match="even without earlier turns"):
        fit(AGENT, limit=size_of(smallest) - 1, auto_trim=True, profile_arn=ARN)


def test_a_round_that_is_open_from_the_start_cannot_be_trimmed() -> None:
    request = request_of(question("q1"), *tool_round("t1"), *tool_round("t2"))
    with pytest.raises(PromptTooLong):
        fit(request, limit=size_of(request) - 1, auto_trim=True, profile_arn=ARN)


def test_a_prefill_and_what_it_answers_stay() -> None:
    request = request_of(question("q1"), answer("a1"), question("q2"), answer("a2"))
    with pytest.raises(PromptTooLong):
        fit(request, limit=size_of(request) - 1, auto_trim=True, profile_arn=ARN)


def test_a_current_message_that_is_too_long_alone_stays_too_long() -> None:
    request = request_of(Turn("user", "x" * 5_000))
    with pytest.raises(PromptTooLong, match=r"limit 4000 bytes"):
        fit(request, limit=4_000, auto_trim=True, profile_arn=ARN)


def test_reasoning_that_was_trimmed_away_is_no_longer_expected() -> None:
    signed = Turn("assistant", "a2".ljust(SIZE, "."), thinking=(Thinking("t", "c2ln"),))
    request = request_of(question("q1"), answer("a1"), question("q2"), signed, question("q3"))
    assert request.has_history_thinking
    assert not trimmed(request, size_of(request) - 1).has_history_thinking


def current_of(request: KiroRequest) -> Any:
    return request.body.conversation_state.current_message


TURNS = st.lists(st.one_of(USER_TURNS, ASSISTANT_TURNS), min_size=1, max_size=12)


@settings(ANY_SPEED, max_examples=200)
@given(TURNS, st.sampled_from(["", "Be kind."]), st.booleans(), st.floats(0.05, 1.05))
def test_for_any_limit_a_body_fits_and_keeps_the_rules_or_is_too_long(
    turns: list[Turn], system: str, with_tools: bool, share: float
) -> None:
    tools = (Tool("Read", "Reads."),) if with_tools else ()
    conversation = Conversation("m", tuple(turns * 2), system, tools)
    request = build_request(conversation, "auto", BuildOptions("c"))
    limit = int(size_of(request) * share) + 1
    try:
        fitted = trimmed(request, limit)
    except PromptTooLong:
        return
    before = request.body.conversation_state.history
    after = fitted.body.conversation_state.history
    assert current_of(fitted) == current_of(request)
    if request.has_system_pair:
        assert after[:2] == before[:2]
    # Everything that stays is as it was, but for the sentence in the first user turn.
    changed = [entry for entry in after if entry not in before]
    assert len(changed) <= 1
