import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest

from gateway.simulator.catalogue import models_of
from gateway.simulator.rule import Caller, Refused
from gateway.simulator.rules import RULES, examine
from gateway.simulator.shapes import Kind
from gateway.simulator.signatures import ReasoningSigner
from tests.simulator.simulator_client import (
    PNG,
    STOCK_TOOL,
    Body,
    after_tool_use,
    ask,
    assistant,
    current,
    result,
    tool,
    user,
)

SIGNER = ReasoningSigner(seed=1)
CALLER = Caller(models_of("pro"), profile_arns=frozenset(), needs_profile=False, signer=SIGNER)
ARN = "arn:aws:codewhisperer:us-east-1:111122223333:profile/EXAMPLE123"
IMPROPER = {"message": "Improperly formed request.", "reason": None}


def broken_rules(body: Body, caller: Caller = CALLER) -> set[str]:
    return {breach.rule for breach in refusal_of(body, caller).breaches}


def refusal_of(body: Body | str, caller: Caller = CALLER) -> Refused:
    raw = body if isinstance(body, str) else json.dumps(body)
    with pytest.raises(Refused) as refused:
        examine(raw.encode(), caller)
    return refused.value


def is_accepted(body: Body, caller: Caller = CALLER) -> bool:
    return examine(json.dumps(body).encode(), caller) is not None


def state(body: Body) -> Body:
    value: Body = body["conversationState"]
    return value


def context(body: Body) -> Body:
    value: Body = current(body)["userInputMessageContext"]
    return value


def schema_of(body: Body) -> Body:
    value: Body = context(body)["tools"][0]["toolSpecification"]["inputSchema"]["json"]
    return value


def with_schema(schema: Any) -> Body:
    return ask("Hello", tools=[tool("stock_count", schema)])


def with_reasoning(reasoning: Body) -> Body:
    body = ask("Hello")
    answer = assistant("So be it.")
    answer["assistantResponseMessage"]["reasoningContent"] = reasoning
    state(body)["history"] = [user("And?"), answer]
    return body


def with_image(data: str, image_format: str = "png", count: int = 1) -> Body:
    body = ask("Look")
    current(body)["images"] = [{"format": image_format, "source": {"bytes": data}}] * count
    return body


def changed(change: Callable[[Body], object], start: Callable[[], Body] = after_tool_use) -> Body:
    body = start()
    change(body)
    return body


def hello() -> Body:
    return ask("Hello")


# One body for each rule, broken in that rule and no other.
BREACHES: dict[str, Body] = {
    "unknown-root-member": changed(lambda b: b.update(stream=True)),
    "unknown-member": changed(lambda b: context(b)["toolResults"][0].update(isError=False)),
    "missing-member": changed(lambda b: state(b).pop("chatTriggerType")),
    "null-member": changed(lambda b: state(b).update(workspaceId=None)),
    "wrong-type": changed(lambda b: state(b)["history"][3]["assistantResponseMessage"]["toolUses"][
        0
    ].update(input='{"item": "rye"}')),
    "one-variant": changed(lambda b: state(b).update(currentMessage=assistant("I go first."))),
    "empty-list": changed(lambda b: current(b).update(images=[])),
    "empty-string": changed(lambda b: b.update(profileArn="")),
    "unknown-value": changed(lambda b: state(b).update(chatTriggerType="AUTO")),
    "conversation-id-form": changed(lambda b: state(b).update(conversationId="two words")),
    "continuation-id-is-uuid": changed(lambda b: state(b).update(agentContinuationId="turn-1")),
    "history-length": changed(
        lambda b: state(b).update(history=[user("."), assistant(".")] * 5001), hello
    ),
    "history-starts-with-user": changed(
        lambda b: state(b).update(history=[assistant("First.")]), hello
    ),
    "history-ends-with-assistant": changed(
        lambda b: state(b).update(history=[user("a"), assistant("b"), user("c")]), hello
    ),
    "history-alternates": changed(
        lambda b: state(b).update(history=[user("a"), assistant("b"), assistant("c")]), hello
    ),
    "user-content": ask(""),
    "assistant-content": changed(
        lambda b: state(b)["history"][1]["assistantResponseMessage"].update(content="")
    ),
    "current-names-model": changed(lambda b: current(b).pop("modelId")),
    "current-names-origin": changed(lambda b: current(b).pop("origin")),
    "model-is-known": ask("Hello", "Claude-Sonnet-4.5"),
    "tool-use-ids-unique": changed(
        lambda b: state(b)["history"].__setitem__(
            3, assistant(".", *[("tooluse_8hK2", "stock_count", {})] * 2)
        )
    ),
    "tool-uses-answered": changed(
        lambda b: state(b)["history"].__setitem__(
            3, assistant(".", ("tooluse_8hK2", "stock_count", {}), ("two", "stock_count", {}))
        )
    ),
    "tool-results-answer-a-use": changed(
        lambda b: context(b)["toolResults"].append(result("elsewhere", "7"))
    ),
    "tool-results-once": changed(
        lambda b: context(b)["toolResults"].append(result("tooluse_8hK2", "8"))
    ),
    "tools-in-current-only": changed(
        lambda b: state(b)["history"][0]["userInputMessage"].update(
            userInputMessageContext={"tools": [STOCK_TOOL]}
        )
    ),
    "tool-name-form": ask("Hello", tools=[tool("stock.count")]),
    "tool-name-reserved": ask("Hello", tools=[tool("web_search")]),
    "tool-name-unique": ask("Hello", tools=[tool("stock_count"), tool("Stock_Count")]),
    "tool-description": changed(
        lambda b: context(b)["tools"][0]["toolSpecification"].update(description=" ")
    ),
    "history-tools-declared": changed(
        lambda b: state(b)["history"].__setitem__(
            3, assistant(".", ("tooluse_8hK2", "count_stock", {}))
        )
    ),
    "tool-result-status": changed(lambda b: context(b)["toolResults"][0].pop("status")),
    "tool-result-content": changed(
        lambda b: context(b)["toolResults"][0].update(content=[{"text": ""}])
    ),
    "tool-schema-root": with_schema({"type": ["object", "null"], "properties": {}}),
    "tool-schema-properties": with_schema({"type": "object", "properties": {"a": True}}),
    "tool-schema-required": with_schema({"type": "object", "properties": {}, "required": []}),
    "tool-schema-keywords": with_schema({"type": "object", "additionalProperties": False}),
    "tool-schema-references": with_schema(
        {"type": "object", "properties": {"a": {"$ref": "#/x"}}}
    ),
    "image-count": with_image(PNG, count=11),
    "image-base64": with_image("data:image/png;base64," + PNG),
    "image-size": with_image("A" * (10 * 1024 * 1024 // 3 * 4 + 8)),
    "cache-points": changed(
        lambda b: current(b).update(cachePoint={"type": "default"}),
        lambda: ask("Hello", "deepseek-3.2"),
    ),
    "model-fields-allowed": changed(
        lambda b: b.update(additionalModelRequestFields={"output_config": {"effort": "low"}})
    ),
    "model-fields-schema": changed(
        lambda b: b.update(additionalModelRequestFields={"output_config": {"effort": "xhigh"}}),
        lambda: ask("Hello", "claude-opus-4.6"),
    ),
    "reasoning-signature": with_reasoning(
        {"reasoningText": {"text": "Hm!", "signature": SIGNER.sign("Hm.")}}
    ),
    "reasoning-sealed": with_reasoning({"redactedContent": "c2VhbGVkIGVsc2V3aGVyZQ=="}),
    "user-text-size": ask("x" * 600_001),
    "tool-results-size": changed(
        lambda b: context(b).update(toolResults=[result("tooluse_8hK2", "é" * 400_001)]),
        lambda: changed(lambda b: current(b).update(modelId="claude-opus-4.6")),
    ),
    "model-window": changed(
        lambda b: state(b).update(history=[user("四" * 199_000), assistant("八" * 199_000)]), hello
    ),
}  # fmt: skip
# These need another caller, or break a second rule by their nature.
BREACHED_BELOW = {"profile-needed", "profile-matches", "tool-results-need-tools"}


@pytest.mark.parametrize("rule", BREACHES)
def test_a_body_that_breaks_one_rule_is_refused_for_that_rule_alone(rule: str) -> None:
    assert broken_rules(BREACHES[rule]) == {rule}


def test_every_rule_is_tried() -> None:
    names = {rule.name for rule in RULES} | set(get_args(Kind))
    assert names == BREACHES.keys() | BREACHED_BELOW


def test_results_without_any_tool_break_the_rules_about_both() -> None:
    body = changed(lambda b: context(b).pop("tools"))
    assert broken_rules(body) == {"history-tools-declared", "tool-results-need-tools"}


def test_an_account_with_a_profile_must_name_it_and_no_other() -> None:
    caller = replace(CALLER, profile_arns=frozenset({ARN}), needs_profile=True)
    assert is_accepted({**hello(), "profileArn": ARN}, caller)
    missing = refusal_of(hello(), caller)
    assert [breach.rule for breach in missing.breaches] == ["profile-needed"]
    assert b"profileArn is required" in missing.refusal.body
    wrong = refusal_of({**hello(), "profileArn": ARN + "X"}, caller)
    assert [breach.rule for breach in wrong.breaches] == ["profile-matches"]
    assert json.loads(wrong.refusal.body) == {"message": "Invalid profileArn."}


def test_an_account_without_a_profile_must_not_name_one() -> None:
    assert broken_rules({**hello(), "profileArn": ARN}) == {"profile-matches"}


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("{", "json"),
        ("[]", "json"),
        ('{"conversationState": NaN}', "json"),
        ('{"conversationState": "\\ud800"}', "json"),
        ("[" * 100_000, "json"),
        ('{"profileArn": "a", "profileArn": "b"}', "duplicate-key"),
        ('{"conversationState": {"history": [{"a": 1, "a": 1}]}}', "duplicate-key"),
    ],
    ids=["cut", "list", "nan", "half-character", "too-deep", "twice", "twice-inside"],
)
def test_a_body_that_is_no_strict_json_is_refused(raw: str, rule: str) -> None:
    refused = refusal_of(raw)
    assert [breach.rule for breach in refused.breaches] == [rule]
    assert json.loads(refused.refusal.body) == IMPROPER


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        examine(b'{"conversationState": "\xff"}', CALLER)
    assert refused.value.breaches[0].rule == "json"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("unknown-member", None),
        ("history-alternates", None),
        ("unknown-root-member", "REQUEST_BODY_INVALID"),
        ("tool-schema-root", "TOOL_SCHEMA_INVALID"),
        ("model-is-known", "INVALID_MODEL_ID"),
        ("conversation-id-form", "INVALID_CONVERSATION_ID"),
        ("user-text-size", "CONTENT_LENGTH_EXCEEDS_THRESHOLD"),
        ("model-window", "CONTENT_LENGTH_EXCEEDS_THRESHOLD"),
    ],
)
def test_the_answer_gives_a_reason_only_where_the_service_does(
    rule: str, reason: str | None
) -> None:
    refusal = refusal_of(BREACHES[rule]).refusal
    assert refusal.status == 400
    assert json.loads(refusal.body)["reason"] == reason
    assert rule.encode() not in refusal.body


ACCEPTED: dict[str, Body] = {
    "minimal": {
        "conversationState": {
            "chatTriggerType": "MANUAL",
            "conversationId": "c0ffee00-0000-4000-8000-000000000001",
            "currentMessage": {
                "userInputMessage": {"content": "Hello", "modelId": "auto", "origin": "AI_EDITOR"}
            },
        }
    },
    "complete": after_tool_use(),
    "text beside tool results": after_tool_use("And wheat?"),
    "$schema left in": with_schema(
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {}}
    ),
    "{} as a schema": with_schema({}),
    "no continuation id and no task type": changed(
        lambda b: (state(b).pop("agentContinuationId"), state(b).pop("agentTaskType"))
    ),
    "a client tool called WebSearch": ask("Hello", tools=[tool("WebSearch")]),
    "system text in front of the first message": ask("You are terse.\n\nHello"),
    "results in another order than the calls": changed(
        lambda b: (
            state(b)["history"].__setitem__(
                3, assistant(".", ("one", "stock_count", {}), ("two", "stock_count", {}))
            ),
            context(b).update(toolResults=[result("two", "2"), result("one", "1")]),
        )
    ),
    "a tool name in other letter case": changed(
        lambda b: state(b)["history"].__setitem__(
            3, assistant(".", ("tooluse_8hK2", "Stock_Count", {}))
        )
    ),
    "properties that are named like keywords": with_schema(
        {
            "type": "object",
            "properties": {
                "additionalProperties": {"type": "string"},
                "$ref": {"type": "string"},
                "required": {"type": "array", "items": {"type": "string"}},
                "properties": {"type": "object", "properties": {"$id": {"type": "string"}}},
            },
            "required": ["required", "$ref"],
        }
    ),
    "keywords inside data": with_schema(
        {
            "type": "object",
            "properties": {
                "a": {"default": {"additionalProperties": 1}, "enum": [{"$ref": "x"}, None]}
            },
        }
    ),
    "nulls inside a tool input": changed(
        lambda b: state(b)["history"].__setitem__(
            3, assistant(".", ("tooluse_8hK2", "stock_count", {"item": None, "more": []}))
        )
    ),
    "a json tool result": changed(
        lambda b: context(b)["toolResults"][0].update(content=[{"json": {"rye": None}}])
    ),
    "an empty part beside a full one": changed(
        lambda b: context(b)["toolResults"][0].update(content=[{"text": ""}, {"text": "7"}])
    ),
    "an image without words": changed(
        lambda b: current(b).update(content=""), lambda: with_image(PNG)
    ),
    "an image in the history": changed(
        lambda b: state(b)["history"][2]["userInputMessage"].update(
            images=[{"format": "webp", "source": {"bytes": PNG}}]
        )
    ),
    "our own signature": with_reasoning(
        {"reasoningText": {"text": "Hm.", "signature": SIGNER.sign("Hm.")}}
    ),
    "unsigned reasoning": with_reasoning({"reasoningText": {"text": "Hm."}}),
    "our own sealed reasoning": with_reasoning({"redactedContent": SIGNER.seal("Hm.")}),
    "fields of the model's schema": changed(
        lambda b: b.update(
            additionalModelRequestFields={
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "medium"},
            }
        ),
        lambda: ask("Hello", "claude-opus-4.6"),
    ),
    "cache points": changed(
        lambda b: (
            current(b).update(cachePoint={"type": "default"}),
            context(b)["tools"].append({"cachePoint": {"type": "default"}}),
        )
    ),
    "an environment": changed(
        lambda b: context(b).update(
            envState={"operatingSystem": "linux", "currentWorkingDirectory": "/home"}
        )
    ),
    "10 000 entries": changed(
        lambda b: state(b).update(history=[user("."), assistant(".")] * 5000), hello
    ),
    "a name of 64 characters": ask("Hello", tools=[tool("n" + "-_9x" * 15 + "abc")]),
    "more than 120 tools": ask("Hello", tools=[tool(f"t{number}") for number in range(150)]),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_service_takes_is_accepted(name: str) -> None:
    assert is_accepted(ACCEPTED[name])


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"anyOf": [{"required": ["x"]}]}}},
        {"type": "object", "properties": {"a": {"items": {"type": "object", "required": []}}}},
        {"type": "object", "allOf": [{"properties": {}, "required": ["x"]}]},
        {"type": "object", "patternProperties": {"^x": {"properties": {}, "required": [1]}}},
        {"type": "object", "not": {"required": None}},
    ],
    ids=["anyOf", "items", "allOf", "patternProperties", "not"],
)
def test_required_is_checked_at_every_level(schema: Body) -> None:
    assert broken_rules(with_schema(schema)) == {"tool-schema-required"}


@pytest.mark.parametrize("keyword", ["additionalProperties", "$id", "strict"])
@pytest.mark.parametrize("holder", ["items", "prefixItems", "oneOf", "if", "dependentSchemas"])
def test_refused_keywords_are_found_wherever_a_schema_stands(keyword: str, holder: str) -> None:
    inner: Any = {keyword: True}
    if holder in {"prefixItems", "oneOf"}:
        inner = [inner]
    elif holder == "dependentSchemas":
        inner = {"a": inner}
    schema = {"type": "object", "properties": {"a": {holder: inner}}}
    assert broken_rules(with_schema(schema)) == {"tool-schema-keywords"}


@pytest.mark.parametrize(
    "name", ["", "9lives", "_x", "-x", "with space", "dot.ted", "naïve", "x" * 65]
)
def test_a_tool_name_of_another_form_is_refused(name: str) -> None:
    assert broken_rules(ask("Hello", tools=[tool(name)])) == {"tool-name-form"}


@pytest.mark.parametrize("text", ["", "  \n", "x" * 10_001])
def test_a_description_is_neither_blank_nor_too_long(text: str) -> None:
    declared = tool("stock_count")
    declared["toolSpecification"]["description"] = text
    assert broken_rules(ask("Hello", tools=[declared])) == {"tool-description"}


@pytest.mark.parametrize("data", ["AAA", "AAAA=", "AA=A", "AA\nA=", "A-_A", "é===", PNG + " "])
def test_an_image_that_is_no_standard_base64_is_refused(data: str) -> None:
    assert broken_rules(with_image(data)) == {"image-base64"}


def test_an_image_inside_the_context_is_an_unknown_member() -> None:
    body = changed(lambda b: context(b).update(images=[]))
    assert broken_rules(body) == {"unknown-member"}


def test_jpg_is_no_format() -> None:
    assert broken_rules(with_image(PNG, "jpg")) == {"unknown-value"}


def test_a_history_message_with_images_only_still_needs_words() -> None:
    body = changed(
        lambda b: state(b)["history"][0]["userInputMessage"].update(
            content="", images=[{"format": "png", "source": {"bytes": PNG}}]
        )
    )
    assert broken_rules(body) == {"user-content"}


@pytest.mark.parametrize("member", ["tools", "toolResults"])
def test_the_empty_lists_of_a_context_are_left_out(member: str) -> None:
    body = changed(lambda b: current(b).update(userInputMessageContext={member: []}), hello)
    assert broken_rules(body) == {"empty-list"}


@pytest.mark.parametrize("value", [None, []], ids=["null", "empty"])
def test_tool_uses_are_left_out_rather_than_null_or_empty(value: object) -> None:
    body = changed(
        lambda b: state(b)["history"][1]["assistantResponseMessage"].update(toolUses=value)
    )
    assert broken_rules(body) == {"null-member" if value is None else "empty-list"}


def test_several_breaches_are_all_named() -> None:
    body = changed(lambda b: (current(b).pop("origin"), current(b).update(modelId="gpt-2")))
    assert broken_rules(body) == {"current-names-origin", "model-is-known"}
