import json

import pytest

from gateway.conversation import Effort, ThinkingRequest
from gateway.kiro.thinking import ThinkingPlan, plan_thinking


def tags(budget: int) -> str:
    return (
        f"<thinking_mode>enabled</thinking_mode><max_thinking_length>{budget}</max_thinking_length>"
    )


def effort_tags(effort: str) -> str:
    return f"<thinking_mode>adaptive</thinking_mode><thinking_effort>{effort}</thinking_effort>"


def choice(*values: str) -> dict[str, object]:
    return {"type": "string", "enum": list(values)}


def schema(**properties: object) -> bytes:
    return json.dumps({"type": "object", "properties": properties}).encode()


def members(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


CLAUDE = schema(
    thinking=members(type=choice("adaptive", "disabled"), display=choice("summarized", "omitted")),
    output_config=members(effort=choice("low", "medium", "high", "max")),
)
BUDGETED = schema(
    thinking={
        "oneOf": [
            members(type={"const": "disabled"}),
            members(type={"const": "adaptive"}),
            members(type={"const": "enabled"}, budget_tokens={"type": "integer"}),
        ]
    }
)
ONLY_BUDGETED = schema(thinking=members(type=choice("enabled"), budget_tokens={"type": "integer"}))
GPT = schema(reasoning=members(effort=choice("none", "low", "medium", "high", "xhigh")))
EFFORT_ONLY = schema(output_config=members(effort=choice("medium", "high")))


def plan(
    request: ThinkingRequest, fields_schema: bytes | None = None, system: str = ""
) -> tuple[str, object, list[str]]:
    made = plan_thinking(request, system, fields_schema)
    fields = None if made.fields is None else json.loads(made.fields)
    return made.tags, fields, [str(note) for note in made.notes]


@pytest.mark.parametrize(
    ("request_", "expected", "notes"),
    [
        (ThinkingRequest("enabled", 1024), tags(1024), []),
        (ThinkingRequest("enabled"), tags(20_000), []),
        (ThinkingRequest("enabled", 0), tags(20_000), []),
        (ThinkingRequest("enabled", 24_576), tags(24_576), []),
        (ThinkingRequest("enabled", 31_999), tags(24_576), ["capped:thinking_budget"]),
        (ThinkingRequest("enabled", 1024, "low"), tags(1024), ["dropped:effort"]),
        (ThinkingRequest("adaptive"), effort_tags("high"), []),
        (ThinkingRequest("adaptive", None, "low"), effort_tags("low"), []),
        (ThinkingRequest("adaptive", None, "medium"), effort_tags("medium"), []),
        (ThinkingRequest("adaptive", None, "xhigh"), effort_tags("high"), ["changed:effort"]),
        (ThinkingRequest("adaptive", None, "max"), effort_tags("high"), ["changed:effort"]),
        (ThinkingRequest("off"), "", []),
        (ThinkingRequest("off", None, "low"), "", ["dropped:effort"]),
    ],
)
def test_a_model_without_a_schema_is_asked_through_tags(
    request_: ThinkingRequest, expected: str, notes: list[str]
) -> None:
    assert plan(request_) == (expected, None, notes)


@pytest.mark.parametrize("mark", ["<thinking_mode>x", "… <max_thinking_length>1"])
def test_tags_of_the_clients_own_are_not_doubled_and_mean_thinking(mark: str) -> None:
    wanted = plan_thinking(ThinkingRequest("adaptive"), mark, None)
    assert wanted == ThinkingPlan(requested=True)
    assert plan_thinking(ThinkingRequest(), mark, None) == ThinkingPlan(requested=True)


NATIVE = {
    "adaptive": (
        ThinkingRequest("adaptive", None, "medium"),
        CLAUDE,
        {
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": "medium"},
        },
        [],
    ),
    "an effort that the model lacks": (
        ThinkingRequest("adaptive", None, "xhigh"),
        CLAUDE,
        {
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": "high"},
        },
        ["changed:effort"],
    ),
    "a budget that the model does not take": (
        ThinkingRequest("enabled", 1024),
        CLAUDE,
        {"thinking": {"type": "adaptive", "display": "summarized"}},
        ["dropped:thinking_budget"],
    ),
    "a budget that the model takes": (
        ThinkingRequest("enabled", 31_999),
        BUDGETED,
        {"thinking": {"type": "enabled", "budget_tokens": 31_999}},
        [],
    ),
    "adaptive where both are taken": (
        ThinkingRequest("adaptive"),
        BUDGETED,
        {"thinking": {"type": "adaptive"}},
        [],
    ),
    "adaptive where only budgets are taken": (
        ThinkingRequest("adaptive"),
        ONLY_BUDGETED,
        {"thinking": {"type": "enabled", "budget_tokens": 20_000}},
        [],
    ),
    "an effort without thinking": (
        ThinkingRequest("off", None, "low"),
        CLAUDE,
        {"output_config": {"effort": "low"}},
        [],
    ),
    "an effort below all": (
        ThinkingRequest("off", None, "low"),
        EFFORT_ONLY,
        {"output_config": {"effort": "medium"}},
        ["changed:effort"],
    ),
    "reasoning effort": (
        ThinkingRequest("adaptive", None, "max"),
        GPT,
        {"reasoning": {"effort": "xhigh"}},
        ["changed:effort"],
    ),
    "reasoning without effort": (ThinkingRequest("adaptive"), GPT, None, []),
    "a budget where only efforts are taken": (
        ThinkingRequest("enabled", 4096),
        GPT,
        None,
        ["dropped:thinking_budget"],
    ),
    "no thinking": (ThinkingRequest(), CLAUDE, None, []),
}


@pytest.mark.parametrize(
    ("request_", "fields_schema", "fields", "notes"), NATIVE.values(), ids=NATIVE
)
def test_a_model_with_a_schema_gets_only_what_that_allows(
    request_: ThinkingRequest, fields_schema: bytes, fields: object, notes: list[str]
) -> None:
    assert plan(request_, fields_schema) == ("", fields, notes)


def test_a_model_that_only_takes_an_effort_is_asked_to_think_through_tags() -> None:
    request = ThinkingRequest("enabled", 1024, "high")
    assert plan(request, EFFORT_ONLY) == (tags(1024), {"output_config": {"effort": "high"}}, [])


@pytest.mark.parametrize(
    "useless",
    [b"", b"{", b"[]", b"{}", schema(), schema(thinking=True), schema(thinking=members(type={}))],
)
def test_a_schema_that_says_nothing_of_thinking_leaves_the_tags(useless: bytes) -> None:
    assert plan(ThinkingRequest("enabled", 1024), useless) == (tags(1024), None, [])


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max"])
@pytest.mark.parametrize("fields_schema", [CLAUDE, GPT, EFFORT_ONLY])
def test_no_effort_is_sent_that_the_schema_lacks(effort: Effort, fields_schema: bytes) -> None:
    made = plan_thinking(ThinkingRequest("adaptive", None, effort), "", fields_schema)
    assert made.requested
    assert made.fields is not None
    sent = json.loads(made.fields)
    properties = json.loads(fields_schema)["properties"]
    for name in ("output_config", "reasoning"):
        if name in sent:
            assert sent[name]["effort"] in properties[name]["properties"]["effort"]["enum"]
