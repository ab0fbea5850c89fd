"""Random answers, and how a client reads a stream of the Messages API."""

import json
from typing import Any

from hypothesis import strategies as st

from gateway.events import (
    ContentEvent,
    RedactedThinking,
    TextDelta,
    ThinkingDelta,
    ThinkingSignature,
    ToolUseDelta,
    ToolUseEnd,
    ToolUseStart,
)

WireEvent = dict[str, Any]

TEXT = st.text(min_size=1, max_size=8) | st.sampled_from(["\u2028", "\x85", '"\\\n', "data: x\n\n"])

AMBIENT = st.one_of(
    TEXT.map(TextDelta),
    TEXT.map(ThinkingDelta),
    st.sampled_from(["", "sig-1", "sig-2"]).map(ThinkingSignature),
    st.just(RedactedThinking("b64==")),
)


@st.composite
def calls(draw: st.DrawFn, tool_use_id: str) -> list[ContentEvent]:
    """One call from start to end, its input cut anywhere."""
    arguments = draw(st.dictionaries(TEXT, st.integers() | TEXT, max_size=2) | st.none())
    text = "" if arguments is None else json.dumps(arguments)
    cut = draw(st.integers(0, len(text)))
    fragments = [fragment for fragment in (text[:cut], text[cut:]) if fragment]
    return [
        ToolUseStart(tool_use_id, draw(TEXT)),
        *(ToolUseDelta(tool_use_id, fragment) for fragment in fragments),
        ToolUseEnd(tool_use_id),
    ]


@st.composite
def answers(draw: st.DrawFn) -> list[ContentEvent]:
    """The events of one answer; calls are interleaved with everything and with each other."""
    lanes: list[list[ContentEvent]] = [draw(st.lists(AMBIENT, max_size=8))]
    lanes += [draw(calls(f"tu_{number}")) for number in range(draw(st.integers(0, 3)))]
    merged = []
    while any(lanes):
        lane = draw(st.sampled_from([lane for lane in lanes if lane]))
        merged.append(lane.pop(0))
    return merged


STRAY = st.one_of(
    AMBIENT,
    st.builds(ToolUseStart, st.sampled_from("ab"), TEXT),
    st.builds(ToolUseDelta, st.sampled_from("ab"), TEXT),
    st.builds(ToolUseEnd, st.sampled_from("ab")),
)
"""Anything in any order, as no upstream should send it."""


def read_stream(wire: bytes) -> list[WireEvent]:
    """The events of a stream, read as a client does whose lines end wherever Unicode says."""
    events = []
    for frame in wire.decode().split("\n\n")[:-1]:
        named, data = frame.splitlines()
        event = json.loads(data.removeprefix("data: "))
        assert named == f"event: {event['type']}"
        assert data.startswith("data: {")
        events.append(event)
    return events


def gather(events: list[WireEvent]) -> dict[str, Any]:
    """The message that a client puts together; fails on whatever breaks the protocol."""
    first, *rest, delta, last = events
    assert first["type"] == "message_start"
    assert last == {"type": "message_stop"}
    message: dict[str, Any] = first["message"]
    content: list[dict[str, Any]] = message["content"]
    assert content == []
    inputs: dict[int, str] = {}
    is_open = False
    for event in rest:
        if event["type"] == "content_block_start":
            assert not is_open
            assert event["index"] == len(content)
            is_open = True
            content.append(event["content_block"])
            continue
        assert is_open
        assert event["index"] == len(content) - 1
        if event["type"] == "content_block_stop":
            is_open = False
        else:
            assert event["type"] == "content_block_delta"
            _extend(content[-1], event["delta"], inputs, event["index"])
    assert not is_open
    for index, text in inputs.items():
        content[index]["input"] = json.loads(text)
    assert {"type": "text", "text": ""} not in content
    assert delta["type"] == "message_delta"
    message.update(delta["delta"], usage=delta["usage"])
    return message


def _extend(
    block: dict[str, Any], delta: dict[str, str], inputs: dict[int, str], index: int
) -> None:
    match block["type"], delta["type"]:
        case "text", "text_delta":
            block["text"] += delta["text"]
        case "thinking", "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "thinking", "signature_delta":
            assert block["signature"] == ""
            block["signature"] = delta["signature"]
        case "tool_use", "input_json_delta":
            inputs[index] = inputs.get(index, "") + delta["partial_json"]
        case pair:
            raise AssertionError(f"{pair[1]} in a {pair[0]} block")
