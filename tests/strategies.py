"""Conversations as hypothesis thinks of them: everything a client may get wrong, often at once."""

import base64
import json
from dataclasses import replace
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from gateway.conversation import (
    OWN_SIGNATURE_PREFIX,
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

T = TypeVar("T")

# No test may fail because the machine is busy.
ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TOOL_NAMES = st.one_of(
    st.sampled_from(
        [
            "Read",
            "read",
            "READ",
            "WebSearch",
            "web_search",
            "Web_Search",
            "mcp__server-x__list-issues",
            "files.read",
            "files/read",
            "読む",
            "Kelvin",
            "\u212aelvin",
            "1st",
            "",
            " ",
            "a" * 64,
            "a" * 65,
            "A" * 65,
            "tool with spaces and more than sixty-four characters in its long name",
        ]
    ),
    st.text(max_size=70),
)
TEXTS = st.one_of(
    st.sampled_from(["", " ", "\n\n", "Hello", "<thinking_mode>enabled</thinking_mode>", "{name}"]),
    st.text(max_size=40),
)
# Few, so that calls and results meet, repeat and miss each other.
TOOL_USE_IDS = st.sampled_from(["", "t1", "t2", "t2_2", "t3"])
TOOL_INPUTS = st.sampled_from(
    [
        b"{}",
        b'{"a":1}',
        b' {"a": null} ',
        b"",
        b"[]",
        b'"{}"',
        b"null",
        b'{"a":',
        b'{"a":"\xff"}',
        b'{"a":1,"a":{"b":2,"b":3}}',
        b'{"a":1e400,"\\u0061":2}',
        b'{"a":1e400}',
    ]
)
IMAGES = st.builds(
    Image,
    format=st.sampled_from(["png", "jpeg", "gif", "webp"]),
    data=st.binary(min_size=1, max_size=12).map(lambda data: base64.b64encode(data).decode()),
)
THINKING = st.one_of(
    st.builds(
        Thinking,
        text=TEXTS,
        signature=st.sampled_from(["", f"{OWN_SIGNATURE_PREFIX}abc", "c2lnbmF0dXJl"]),
    ),
    st.builds(Thinking, redacted=st.sampled_from(["", "cmVkYWN0ZWQ="])),
)

_KEYWORDS = st.sampled_from(
    [
        "type", "properties", "required", "items", "anyOf", "allOf", "oneOf", "not", "prefixItems",
        "additionalProperties", "$schema", "$id", "$ref", "$defs", "definitions", "strict", "enum",
        "const", "default", "description", "patternProperties", "dependencies", "name", "value",
    ]
)  # fmt: skip
_SCHEMA_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-9, 9),
        st.sampled_from(
            [
                "object",
                "string",
                "#",
                "#/$defs/name",
                "#/properties/value",
                "#name",
                "https://x.y/z",
            ]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(_KEYWORDS, max_size=3),
        st.dictionaries(_KEYWORDS, inner, max_size=4),
    ),
    max_leaves=20,
)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


SCHEMAS = st.one_of(
    st.sampled_from([b"", b"null", b"true", b"[]", b'"x"', b"{", b'{"type":"\xff"}', b"[" * 5000]),
    _SCHEMA_VALUES.map(_json),
    st.dictionaries(_KEYWORDS, _SCHEMA_VALUES, max_size=6).map(_json),
)
TOOLS = st.builds(
    Tool,
    name=TOOL_NAMES,
    description=st.one_of(TEXTS, st.sampled_from(["long " * 2_100, "长" * 60_000])),
    schema=SCHEMAS,
)

_TOOL_USES = st.builds(ToolUse, id=TOOL_USE_IDS, name=TOOL_NAMES, input=TOOL_INPUTS)
_TOOL_RESULTS = st.builds(ToolResult, tool_use_id=TOOL_USE_IDS, text=TEXTS, is_error=st.booleans())


def _some(strategy: st.SearchStrategy[T], most: int) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(strategy, max_size=most).map(tuple)


USER_TURNS = st.builds(
    Turn,
    role=st.just("user"),
    text=TEXTS,
    images=_some(IMAGES, 4),
    tool_results=_some(_TOOL_RESULTS, 4),
)
ASSISTANT_TURNS = st.builds(
    Turn,
    role=st.just("assistant"),
    text=TEXTS,
    tool_uses=_some(_TOOL_USES, 4),
    thinking=_some(THINKING, 2),
)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Any conversation that a dialect can hand on and that has something to answer."""
    turns = draw(_some(st.one_of(USER_TURNS, ASSISTANT_TURNS), 9))
    tools = draw(_some(TOOLS, 4))
    choice = ToolChoice(draw(st.sampled_from(["auto", "auto", "none", "required", "named"])))
    if choice.mode == "named":
        named = draw(st.sampled_from(tools)).name if tools else None
        choice = ToolChoice() if named is None else replace(choice, name=named)
    return Conversation(
        model="claude-sonnet-4-5",
        turns=turns,
        system=draw(TEXTS) if turns else "You are a lamp.",
        tools=tools,
        tool_choice=choice,
        thinking=draw(
            st.builds(
                ThinkingRequest,
                mode=st.sampled_from(["off", "enabled", "adaptive"]),
                budget=st.sampled_from([None, 0, 1024, 99_999]),
                effort=st.sampled_from([None, "low", "medium", "high", "xhigh", "max"]),
            )
        ),
        response_format=draw(
            st.one_of(st.none(), st.builds(ResponseFormat, schema=st.one_of(st.none(), SCHEMAS)))
        ),
        session_id=draw(st.one_of(st.none(), st.text(max_size=50))),
    )
