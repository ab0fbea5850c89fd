"""What the gateway's linter passes, the simulator takes; what it refuses, the simulator refuses.

The two were written apart, from what is known of the service: where they disagree, one is wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw, Struct, structs

from gateway.conversation import Conversation, Thinking
from gateway.errors import PromptTooLong
from gateway.kiro.body import AssistantEntry, RequestBody, UserEntry
from gateway.kiro.lint import Rule, lint
from gateway.kiro.trim import fit
from gateway.simulator.accounts import DEMO_ACCOUNTS
from tests.kiro.lint_bodies import BROKEN, VALID
from tests.simulator.verdict import MODELS, SIGNER, STRICT, TRUSTING, built, refused_for
from tests.strategies import ANY_SPEED, conversations

# What is built from conversations


def signed_by_service(conversation: Conversation) -> Conversation:
    """The conversation with the service's own signatures where it has any but ours."""

    def sign(thinking: Thinking) -> Thinking:
        if thinking.redacted:
            return structs.replace(thinking, redacted=SIGNER.seal(thinking.redacted))
        if thinking.signature == "c2lnbmF0dXJl":
            return structs.replace(thinking, signature=SIGNER.sign(thinking.text))
        return thinking

    turns = (
        structs.replace(turn, thinking=tuple(map(sign, turn.thinking)))
        for turn in conversation.turns
    )
    return replace(conversation, turns=tuple(turns))


@settings(ANY_SPEED, max_examples=200)
@given(conversations().map(signed_by_service), st.sampled_from(MODELS))
def test_whatever_is_built_passes_the_linter_and_the_simulator(
    conversation: Conversation, model_id: str
) -> None:
    request = built(conversation, model_id)
    assert lint(request.body) == ()
    assert refused_for(request.encode(None)) == set()


@settings(ANY_SPEED, max_examples=100)
@given(conversations().map(signed_by_service), st.floats(0.2, 1))
def test_whatever_is_trimmed_passes_both(conversation: Conversation, share: float) -> None:
    request = built(conversation, MODELS[0])
    limit = int(len(request.encode(None)) * share)
    try:
        trimmed, sent = fit(request, limit=limit, auto_trim=True, profile_arn=None)
    except PromptTooLong:
        return
    assert len(sent) <= limit
    assert lint(trimmed.body) == ()
    assert refused_for(sent) == set()


# Bodies that were good until something small happened to them

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Part:
    """Something inside a body, and the names and positions that lead to it."""

    place: Place
    value: object

    @property
    def name(self) -> str:
        """The field that it stands in, itself or as an element."""
        return next((step for step in reversed(self.place) if isinstance(step, str)), "")


def parts_of(value: object, place: Place = ()) -> Iterator[Part]:
    yield Part(place, value)
    if isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from parts_of(getattr(value, name), (*place, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from parts_of(item, (*place, index))


def with_part(whole: object, place: Place, new: object) -> object:
    if not place:
        return new
    step, *rest = place
    if isinstance(whole, tuple):
        items = list(whole)
        items[int(step)] = with_part(items[int(step)], tuple(rest), new)
        return tuple(items)
    assert isinstance(whole, Struct)
    inner = with_part(getattr(whole, str(step)), tuple(rest), new)
    return structs.replace(whole, **{str(step): inner})


# Values that the types of a body allow in these fields. What is an operator's setting or the
# service's knowledge (an origin, a model id, a profile) is either right or missing.
CLOSED: dict[str, list[object]] = {
    "chat_trigger_type": ["MANUAL"],
    "agent_task_type": ["vibe"],
    "status": ["success", "error"],
    "format": ["png", "jpeg", "gif", "webp", "jpg"],
    "origin": ["AI_EDITOR", "KIRO_CLI", ""],
    "model_id": ["auto", "claude-sonnet-4.5", ""],
    "profile_arn": ["arn:x", "", None],
}
STRINGS = [
    "", " ", "\n", ".", "x", "t1", "Read", "READ", "a.b", "1a", "web_search", "Web_Search",
    "two words", "長", "x" * 64, "x" * 65, "x" * 129, "x" * 10_001, "QUFB", "QUF", "QQ==", "\0",
    "kiro-gateway:1",
]  # fmt: skip
JSON_TEXTS = [
    b"{}", b"null", b"[]", b'"{}"', b"1", b"{", b"", b'{"a":null}', b'{"a":NaN}', b'{"a":"\xff"}',
    b'{"a":1,"a":2}', b'{"a":{"b":[{"c":1,"c":1}]}}', b'{ "a" : 1e400, "\\u0061" : 2 }',
    b'{"a":"\\ud800"}', b'{"a":"\n"}', b'{"type":"object","properties":{}}',
    b'{"type":"object","properties":{"a":{}},"required":["a","a"]}',
    b'{"type":"object","properties":{"a":{}},"required":["b"]}',
    b'{"type":"object","properties":{"a":{"required":[]}}}',
    b'{"type":"object","properties":{"a":{"items":[{"$ref":"#"}]}}}',
    b'{"type":"object","properties":{"a":{"anyOf":{"$id":"x"}}}}',
    b'{"type":"object","properties":{"a":{"not":[{"strict":true}]}}}',
    b'{"type":"object","properties":{"a":{"dependencies":[{"properties":[]}]}}}',
    b'{"type":"object","properties":{"a":{"patternProperties":{"b":{"properties":{"c":1}}}}}}',
    b'{"type":"object","properties":{"$ref":{"default":{"$ref":1}}},"$schema":"x"}',
    b'{"type":["object"],"properties":{}}',
]  # fmt: skip
OPTIONAL: dict[str, list[object]] = {
    "user_input_message_context": [None],
    "reasoning_content": [None],
    "reasoning_text": [None],
    "redacted_content": [None, "cmVk"],
    "signature": [None, "c2ln"],
    "additional_model_request_fields": [None, Raw(b'{"a":1}')],
}


@st.composite
def mutations(draw: st.DrawFn, whole: RequestBody) -> RequestBody:
    """The body with one thing in it replaced, dropped, doubled, moved or emptied."""
    parts = [part for part in parts_of(whole) if part.place]
    part = draw(st.sampled_from(parts))
    mutated = with_part(whole, part.place, draw(st.sampled_from(_replacements(part, parts))))
    assert isinstance(mutated, RequestBody)
    return mutated


def _replacements(part: Part, parts: list[Part]) -> list[object]:
    if part.name in CLOSED:
        return CLOSED[part.name]
    others: list[object] = list(OPTIONAL.get(part.name, ()))
    match part.value:
        case str():
            others += STRINGS
            others += [other.value for other in parts if isinstance(other.value, str)]
        case Raw():
            others += map(Raw, JSON_TEXTS)
        case tuple() as items:
            others += [(), items[::-1], items + items, items[1:], items[:-1], items + items[:1]]
        case AssistantEntry() | UserEntry() if "history" in part.place:
            alike = AssistantEntry | UserEntry
            others += [other.value for other in parts if isinstance(other.value, alike)]
        case Struct() as struct:
            others += [other.value for other in parts if type(other.value) is type(struct)]
    return others or [part.value]


SOUND_BODIES = st.one_of(
    st.sampled_from(list(VALID.values())),
    st.builds(built, conversations(), st.sampled_from(MODELS)).map(lambda request: request.body),
)


@settings(ANY_SPEED, max_examples=250)
@given(st.data(), SOUND_BODIES, st.integers(1, 3))
def test_what_the_linter_passes_is_never_refused(
    data: st.DataObject, body: RequestBody, times: int
) -> None:
    for _ in range(times):
        body = data.draw(mutations(body))
    if not lint(body):
        assert refused_for(msgspec.json.encode(body), TRUSTING) == set()


# Rule by rule

STRICTER = {
    "a blank current message": "blank text is text; that the model makes sense of it is not known",
    "only an image": "the service takes a current message that only shows images",
    "reasoning without signature": "accepted, but not what the service gave",
    "the service's own tool in other letters": "`WebSearch` is fine, so letter case may matter",
    "a schema without properties": "`{}` is likely accepted; a property list never hurts",
    "a reference in a list that should be a schema": "no schema stands there, so who knows",
}
"""Cases of `BROKEN` that the service takes, or is likely to, and why they are avoided anyway."""

COUNTERPARTS: dict[Rule, set[str]] = {
    "conversation-id": {"conversation-id-form", "empty-string"},
    "continuation-id": {"continuation-id-is-uuid"},
    "profile-arn": {"empty-string"},
    "model-fields": {"wrong-type", "duplicate-key"},
    "model-id": {"empty-string"},
    "origin": {"empty-string"},
    "history-starts-with-user": {"history-starts-with-user"},
    "history-alternates": {"history-alternates"},
    "history-ends-with-assistant": {"history-ends-with-assistant"},
    "history-length": {"history-length"},
    "user-content": {"user-content"},
    "user-size": {"user-text-size"},
    "assistant-content": {"assistant-content"},
    "own-signature": {"reasoning-signature"},
    "reasoning-union": {"one-variant", "empty-string"},
    "tools-in-history": {"tools-in-current-only"},
    "tools-missing": {"tool-results-need-tools", "history-tools-declared"},
    "tool-undeclared": {"history-tools-declared"},
    "tool-name": {"tool-name-form"},
    "tool-name-reserved": {"tool-name-reserved"},
    "tool-name-unique": {"tool-name-unique"},
    "tool-description-empty": {"tool-description"},
    "tool-description-length": {"tool-description"},
    "schema-object": {"tool-schema-root", "wrong-type", "json", "duplicate-key"},
    "schema-properties": {"tool-schema-properties"},
    "schema-required": {"tool-schema-required"},
    "schema-keyword": {"tool-schema-keywords", "tool-schema-references"},
    "tool-use-id": {"empty-string"},
    "tool-use-id-unique": {"tool-use-ids-unique"},
    "tool-use-input": {"wrong-type", "json", "duplicate-key"},
    "tool-use-unanswered": {"tool-uses-answered"},
    "tool-result-orphaned": {"tool-results-answer-a-use"},
    "tool-result-repeated": {"tool-results-once"},
    "tool-result-content": {"tool-result-content", "empty-list"},
    "tool-results-size": {"tool-results-size"},
    "image-count": {"image-count"},
    "image-format": {"unknown-value"},
    "image-size": {"image-size"},
    "image-data": {"image-base64", "empty-string"},
}
"""By which of the simulator's rules a body is refused that breaks one of the linter's."""


@pytest.mark.parametrize("case", [case for case in BROKEN if case not in STRICTER])
def test_what_breaks_a_rule_of_the_linter_is_refused_for_the_same_reason(case: str) -> None:
    rule, broken = BROKEN[case]
    found = refused_for(msgspec.json.encode(broken()), STRICT)
    assert found
    assert found <= COUNTERPARTS[rule]


@pytest.mark.parametrize("case", STRICTER)
def test_what_is_only_avoided_is_not_refused(case: str) -> None:
    assert refused_for(msgspec.json.encode(BROKEN[case][1]()), STRICT) == set()


def test_every_rule_of_the_linter_is_one_of_the_simulators_too() -> None:
    refused = {rule for case, (rule, _) in BROKEN.items() if case not in STRICTER}
    assert refused == COUNTERPARTS.keys() == set(get_args(Rule))


# The same over HTTP

KEY = next(account for account in DEMO_ACCOUNTS if account.name == "key")
HEADERS = {
    "authorization": f"Bearer {KEY.bearer}",
    "content-type": "application/x-amz-json-1.0",
    "tokentype": "API_KEY",
    "x-amz-target": "AmazonCodeWhispererStreamingService.GenerateAssistantResponse",
}
UNSIGNED = [case for case in VALID if "signed" not in case]


@pytest.mark.parametrize("case", UNSIGNED)
def test_a_sound_body_is_answered_over_http(http: httpx.Client, case: str) -> None:
    sent = msgspec.json.encode(structs.replace(VALID[case], profile_arn=None))
    assert http.post("/", headers=HEADERS, content=sent).status_code == 200


@pytest.mark.parametrize(
    "case", ["an empty answer", "results without tools", "an input that is cut", "a long tool name"]
)
def test_a_broken_body_is_refused_over_http(http: httpx.Client, case: str) -> None:
    sent = msgspec.json.encode(structs.replace(BROKEN[case][1](), profile_arn=None))
    reply = http.post("/", headers=HEADERS, content=sent)
    assert reply.status_code == 400
    assert reply.json()["message"] == "Improperly formed request."


def test_what_is_built_is_answered_over_http(http: httpx.Client) -> None:
    @settings(ANY_SPEED, max_examples=10)
    @given(conversations().map(unreasoned), st.sampled_from(MODELS))
    def ask(conversation: Conversation, model_id: str) -> None:
        sent = built(conversation, model_id).encode(None)
        assert http.post("/", headers=HEADERS, content=sent).status_code == 200

    ask()


def unreasoned(conversation: Conversation) -> Conversation:
    """Without reasoning: only the simulator's own would be taken."""
    turns = tuple(structs.replace(turn, thinking=()) for turn in conversation.turns)
    return replace(conversation, turns=turns)
