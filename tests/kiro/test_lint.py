from collections.abc import Callable
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings

from gateway.kiro.body import RequestBody
from gateway.kiro.lint import RULES, Rule, lint
from gateway.kiro.schemas import sanitise
from tests.kiro.lint_bodies import (
    BROKEN,
    CONTINUATION_ID,
    VALID,
    assistant,
    body,
    result,
    tool,
    use,
    user,
    with_schema,
)
from tests.strategies import ANY_SPEED, SCHEMAS


@pytest.mark.parametrize("valid", VALID.values(), ids=VALID)
def test_a_sound_body_breaks_no_rule(valid: RequestBody) -> None:
    assert lint(valid) == ()


@pytest.mark.parametrize(("rule", "broken"), BROKEN.values(), ids=BROKEN)
def test_a_broken_body_breaks_exactly_its_rule(
    rule: Rule, broken: Callable[[], RequestBody]
) -> None:
    assert {violation.rule for violation in lint(broken())} == {rule}


def test_every_rule_is_explained_and_tested() -> None:
    assert RULES.keys() == set(get_args(Rule)) == {rule for rule, _ in BROKEN.values()}


def test_a_violation_says_where_and_nothing_of_what_was_written() -> None:
    secret = "hunter2"
    broken = body(
        user(secret),
        assistant("", use(secret, secret, b"secret")),
        user("", result("other", "")),
        tools=(tool(), tool(f"{secret}.{secret}", "")),
    )
    found = lint(broken)
    assert {"tools[1]", "history[1]", "history[2]"} <= {violation.detail for violation in found}
    assert not any(secret in str(violation) for violation in found)


def test_the_body_on_the_wire_is_what_the_service_documents() -> None:
    built = body(user("q"), assistant(" ", use()), current=user("", result(), tools=(tool(),)))
    assert msgspec.json.decode(msgspec.json.encode(built)) == {
        "conversationState": {
            "chatTriggerType": "MANUAL",
            "agentTaskType": "vibe",
            "agentContinuationId": CONTINUATION_ID,
            "conversationId": "c",
            "history": [
                {"userInputMessage": {"content": "q", "modelId": "auto", "origin": "AI_EDITOR"}},
                {
                    "assistantResponseMessage": {
                        "content": " ",
                        "toolUses": [{"toolUseId": "t1", "name": "Read", "input": {"a": None}}],
                    }
                },
            ],
            "currentMessage": {
                "userInputMessage": {
                    "content": "",
                    "modelId": "auto",
                    "origin": "AI_EDITOR",
                    "userInputMessageContext": {
                        "toolResults": [
                            {"toolUseId": "t1", "status": "success", "content": [{"text": "done"}]}
                        ],
                        "tools": [
                            {
                                "toolSpecification": {
                                    "name": "Read",
                                    "description": "Reads.",
                                    "inputSchema": {
                                        "json": {
                                            "type": "object",
                                            "properties": {"a": {}},
                                            "required": ["a"],
                                        }
                                    },
                                }
                            }
                        ],
                    },
                }
            },
        },
        "profileArn": "arn:x",
    }


@settings(ANY_SPEED, max_examples=200)
@given(SCHEMAS)
def test_every_sanitised_schema_keeps_the_schema_rules(schema: bytes) -> None:
    assert lint(with_schema(sanitise(schema).text)) == ()
