"""Request bodies as clients send them: mostly right, with everything that is wrong in some of them.

What hypothesis draws are JSON values; `encoded` makes bytes of them.
"""

import base64
import json
from typing import Any

from hypothesis import strategies as st

from tests.strategies import SCHEMAS, TOOL_NAMES

Json = dict[str, Any]

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
PICTURES = st.sampled_from(
    [PNG, PNG, PNG, PNG, PNG, base64.b64encode(b"GIF89a").decode(), PNG.rstrip("="), "no base64!"]
)
MEDIA_TYPES = st.sampled_from(["image/png", "image/jpg", "image/webp", "image/tiff", None])
TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "\n", "Hello", "<thinking_mode>enabled</thinking_mode>", "\0", "\x85"]
    ),
    st.text(max_size=20),
)
CALL_IDS = st.sampled_from(["", "t1", "t2", "t2", "t3", "t 4", "長" * 70])
ODDITIES: st.SearchStrategy[Any] = st.sampled_from(
    [None, 5, True, "text", [], {}, [{}], {"type": "text"}]
)
MISHAPS = st.sampled_from(["none"] * 80 + ["missing", "odd", "surplus"])
EFFORTS = st.sampled_from(
    ["minimal", "low", "medium", "high", "xhigh", "max", "none", "huge", None]
)
COUNTS = st.sampled_from([None, 1, 1024, 4096, 99_999, 20_000, -1, 2**70])
# JSON texts where a client ought to send an object, in a string or not.
INPUTS: st.SearchStrategy[Any] = st.sampled_from(
    [{}, {"a": 1}, {"a": None}, {"a": {"b": [1.5, "長"]}}, [], "x", None, 5, {"": "😀"}]
)
ARGUMENTS = st.sampled_from(
    ["{}", '{"a": 1}', '{"a":1,"a":2}', "", " ", "[]", '{"a":', "null", '{"a":1e400}', '"{}"']
)


def _schema(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text.decode(errors="replace")[:20]


JSON_SCHEMAS = SCHEMAS.map(_schema)


def _some(
    strategy: st.SearchStrategy[Any], most: int, *, least: int = 0
) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, min_size=least, max_size=most)


@st.composite
def members(draw: st.DrawFn, /, **strategies: st.SearchStrategy[Any]) -> Json:
    """An object with these members; seldom one is missing, odd, or one too many."""
    drawn = {name: draw(strategy) for name, strategy in strategies.items()}
    match draw(MISHAPS):
        case "missing" if drawn:
            del drawn[draw(st.sampled_from(sorted(drawn)))]
        case "odd" if drawn:
            drawn[draw(st.sampled_from(sorted(drawn)))] = draw(ODDITIES)
        case "surplus":
            drawn[draw(st.sampled_from(["cache_control", "index", "x"]))] = draw(ODDITIES)
        case _:
            pass
    return drawn


def one(kind: str, **strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """A block or part of this type."""
    return members(type=st.just(kind), **strategies)


# Anthropic's Messages API

_SOURCES = st.one_of(
    one("base64", media_type=MEDIA_TYPES, data=PICTURES),
    one("url", url=st.sampled_from(["https://example.org/x.png", f"data:image/png;base64,{PNG}"])),
    one("text", media_type=st.just("text/plain"), data=TEXTS),
    one("file", file_id=st.just("file_1")),
)
_TEXT_BLOCKS = one("text", text=TEXTS)
_PICTURE_BLOCKS = one("image", source=_SOURCES)
_DOCUMENT_BLOCKS = one("document", source=_SOURCES, title=st.sampled_from([None, "a.txt"]))
_FOREIGN_BLOCKS = st.one_of(
    one("search_result", title=TEXTS, source=TEXTS, content=_some(_TEXT_BLOCKS, 2)),
    one("server_tool_use", id=CALL_IDS, name=TOOL_NAMES, input=INPUTS),
    one("web_search_tool_result", tool_use_id=CALL_IDS, content=_some(ODDITIES, 2)),
    one("block_from_the_future", data=ODDITIES),
)
_RESULT_BLOCKS = one(
    "tool_result",
    tool_use_id=CALL_IDS,
    content=st.one_of(
        TEXTS, st.none(), _some(st.one_of(_TEXT_BLOCKS, _PICTURE_BLOCKS, _FOREIGN_BLOCKS), 3)
    ),
    is_error=st.sampled_from([None, False, True]),
)
_CALL_BLOCKS = one("tool_use", id=CALL_IDS, name=TOOL_NAMES, input=INPUTS)
_THINKING_BLOCKS = st.one_of(
    one("thinking", thinking=TEXTS, signature=st.sampled_from(["", "kiro-gateway:1", "c2ln"])),
    one("redacted_thinking", data=st.sampled_from(["", "cmVk"])),
)
_USER_BLOCKS = st.one_of(
    _TEXT_BLOCKS, _RESULT_BLOCKS, _RESULT_BLOCKS, _PICTURE_BLOCKS, _DOCUMENT_BLOCKS, _FOREIGN_BLOCKS
)
_ASSISTANT_BLOCKS = st.one_of(
    _TEXT_BLOCKS, _CALL_BLOCKS, _CALL_BLOCKS, _THINKING_BLOCKS, _FOREIGN_BLOCKS
)
_ANY_BLOCKS = st.one_of(_USER_BLOCKS, _ASSISTANT_BLOCKS)
_ANTHROPIC_MESSAGES = st.one_of(
    members(role=st.just("user"), content=TEXTS | _some(_USER_BLOCKS, 4)),
    members(role=st.just("assistant"), content=TEXTS | _some(_ASSISTANT_BLOCKS, 4)),
    members(role=st.just("user"), content=TEXTS | _some(_USER_BLOCKS, 4)),
    members(role=st.just("assistant"), content=TEXTS | _some(_ASSISTANT_BLOCKS, 4)),
    members(
        role=st.sampled_from(["user", "assistant", "system", "developer", "tool", "robot", ""]),
        content=st.one_of(TEXTS, st.none(), _some(_ANY_BLOCKS, 3)),
    ),
)
_ANTHROPIC_TOOLS = st.one_of(
    members(name=TOOL_NAMES, description=TEXTS, input_schema=JSON_SCHEMAS),
    members(name=TOOL_NAMES, description=TEXTS, input_schema=JSON_SCHEMAS),
    members(type=st.sampled_from(["custom", "web_search_20250305"]), name=TOOL_NAMES),
)
_ANTHROPIC_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "system": st.one_of(TEXTS, _some(_TEXT_BLOCKS, 2)),
    "tools": _some(_ANTHROPIC_TOOLS, 3),
    "tool_choice": members(
        type=st.sampled_from(["auto", "any", "none", "tool"]), name=st.just("Read")
    ),
    "thinking": members(
        type=st.sampled_from(["enabled", "adaptive", "disabled"]), budget_tokens=COUNTS
    ),
    "output_config": members(effort=EFFORTS),
    "metadata": members(user_id=st.sampled_from(["u", "user_x_session_", '{"session_id":"x"}'])),
    "stop_sequences": _some(TEXTS, 2),
    "stream": st.booleans(),
    "temperature": st.just(0.5),
}


# OpenAI's Chat Completions

_URLS = st.one_of(
    st.just("https://example.org/x.png"),
    PICTURES.map(lambda data: f"data:image/png;base64,{data}"),
)
_TEXT_PARTS = one("text", text=TEXTS)
_USER_PARTS = st.one_of(
    _TEXT_PARTS,
    one("image_url", image_url=members(url=_URLS)),
    one("input_audio", input_audio=st.just({"data": "", "format": "wav"})),
    one("file", file=members(filename=st.just("a.txt"), file_data=st.just("data:,x"))),
    one("part_from_the_future", text=TEXTS),
    _RESULT_BLOCKS,
    st.just("a plain string"),
)
_CALLS = st.one_of(
    members(
        id=CALL_IDS | st.none(),
        type=st.just("function"),
        function=members(name=TOOL_NAMES, arguments=st.one_of(ARGUMENTS, ARGUMENTS, INPUTS)),
    ),
    members(id=CALL_IDS, type=st.just("custom"), custom=members(name=TOOL_NAMES, input=TEXTS)),
)
_OPENAI_MESSAGES = st.one_of(
    members(role=st.just("user"), content=TEXTS | _some(_USER_PARTS, 3)),
    members(
        role=st.just("assistant"),
        content=st.one_of(TEXTS, st.none(), _some(_TEXT_PARTS | _CALL_BLOCKS, 2)),
        tool_calls=_some(_CALLS, 3),
        reasoning_content=st.none() | TEXTS,
    ),
    members(
        role=st.sampled_from(["tool", "tool", "function"]),
        tool_call_id=CALL_IDS | st.none(),
        name=TOOL_NAMES | st.none(),
        content=st.one_of(TEXTS, st.none(), _some(_TEXT_PARTS, 2)),
    ),
    members(
        role=st.sampled_from(["system", "developer", "robot", ""]),
        content=TEXTS | _some(_TEXT_PARTS, 2),
    ),
    members(role=st.just("assistant"), content=st.none(), function_call=members(name=TOOL_NAMES)),
)
_OPENAI_TOOLS = st.one_of(
    members(
        type=st.just("function"),
        function=members(name=TOOL_NAMES, description=TEXTS, parameters=JSON_SCHEMAS),
    ),
    members(type=st.just("function"), name=TOOL_NAMES, parameters=JSON_SCHEMAS),
    members(type=st.just("web_search")),
)
_OPENAI_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "tools": _some(_OPENAI_TOOLS, 3),
    "functions": _some(members(name=TOOL_NAMES, parameters=JSON_SCHEMAS), 2),
    "tool_choice": st.one_of(
        st.sampled_from(["auto", "none", "required"]),
        members(type=st.just("function"), function=members(name=st.just("Read"))),
    ),
    "reasoning_effort": EFFORTS,
    "thinking": members(type=st.sampled_from(["enabled", "disabled"]), budget_tokens=COUNTS),
    "response_format": st.one_of(
        one("json_object"), one("json_schema", json_schema=members(schema=JSON_SCHEMAS))
    ),
    "max_tokens": COUNTS,
    "stop": st.one_of(TEXTS, _some(TEXTS, 2)),
    "stream": st.booleans(),
    "user": TEXTS,
    "logit_bias": st.just({}),
}
_RESPONSES_ITEMS = st.one_of(
    one("message", role=st.sampled_from(["user", "assistant"]), content=_some(_TEXT_PARTS, 2)),
    one("function_call", call_id=CALL_IDS, name=TOOL_NAMES, arguments=ARGUMENTS),
    one("function_call_output", call_id=CALL_IDS, output=TEXTS | _some(_TEXT_PARTS, 2)),
    one("reasoning", summary=_some(_TEXT_PARTS, 2)),
)


@st.composite
def _requests(
    draw: st.DrawFn,
    required: dict[str, st.SearchStrategy[Any]],
    optional: dict[str, st.SearchStrategy[Any]],
) -> Json:
    chosen = draw(st.sets(st.sampled_from(sorted(optional)), max_size=5))
    body: Json = draw(members(model=st.just("claude-sonnet-4-5"), **required))
    return body | {name: draw(optional[name]) for name in sorted(chosen)}


ANTHROPIC_REQUESTS = _requests(
    {"max_tokens": st.just(1024), "messages": _some(_ANTHROPIC_MESSAGES, 6, least=1)},
    _ANTHROPIC_FIELDS,
)
OPENAI_REQUESTS = st.one_of(
    _requests({"messages": _some(_OPENAI_MESSAGES, 6, least=1)}, _OPENAI_FIELDS),
    _requests({"messages": _some(_OPENAI_MESSAGES, 6, least=1)}, _OPENAI_FIELDS),
    _requests(
        {"input": _some(_RESPONSES_ITEMS, 5, least=1), "instructions": TEXTS}, _OPENAI_FIELDS
    ),
)


@st.composite
def encoded(draw: st.DrawFn, requests: st.SearchStrategy[Json]) -> bytes:
    """The JSON text of a request, as one or another language writes it."""
    escaped = draw(st.booleans())
    text = json.dumps(draw(requests), ensure_ascii=escaped, indent=draw(st.sampled_from([None, 1])))
    # A program that cuts a text may cut a pair of surrogates.
    half = draw(st.sampled_from([*["Hello"] * 20, "\\ud83d"]))
    return text.replace("Hello", half).encode()
