"""Streams put together as a client does it, with the dialect's order of events asserted."""

import json
from typing import Any

Json = dict[str, Any]

# Kind of block: type of its deltas, and the member that holds the value in both.
_DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}


def message_of(stream: bytes) -> Json:
    """The message of an Anthropic stream, or the body of the error that ended it.

    A call whose input was cut is left out: nobody can run it. Where nothing else can be seen, a
    blank text stands for it, as in every answer without anything to see.
    """
    reader = _MessageReader()
    for name, data in _named_events(stream):
        assert data["type"] == name
        reader.read(data)
    return reader.result()


def completion_of(stream: bytes) -> Json:
    """The completion of an OpenAI stream, or the body of the error that ended it."""
    chunks = [line.removeprefix(b"data: ") for line in stream.split(b"\n\n")]
    assert chunks.pop() == b""
    last = chunks.pop()
    if last != b"[DONE]":
        error: Json = json.loads(last)
        assert error.keys() == {"error"}
        _read_deltas([json.loads(chunk) for chunk in chunks])
        return error
    *deltas, finish, usage = [json.loads(chunk) for chunk in chunks]
    message = _read_deltas(deltas)
    [choice] = finish["choices"]
    assert choice["delta"] == {}
    assert choice["finish_reason"] is not None
    assert usage["choices"] == []
    return {
        **{name: finish[name] for name in ("id", "created", "model")},
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": choice["finish_reason"]}],
        "usage": usage["usage"],
    }


def _named_events(stream: bytes) -> list[tuple[str, Json]]:
    parts = stream.split(b"\n\n")
    assert parts.pop() == b""
    events = []
    for part in parts:
        name, data = part.split(b"\n")
        assert name.startswith(b"event: ")
        assert data.startswith(b"data: ")
        events.append((name[7:].decode(), json.loads(data[6:])))
    return events


class _MessageReader:
    """A state machine over the events of one message."""

    def __init__(self) -> None:
        self._message: Json = {}
        self._blocks: list[Json] = []
        self._open: Json | None = None
        self._input = ""
        self._error: Json | None = None
        self._over = False

    def read(self, event: Json) -> None:
        assert not self._over
        assert bool(self._message) is (event["type"] != "message_start")
        match event:
            case {"type": "message_start", "message": message}:
                assert message["content"] == []
                self._message = message
            case {"type": "content_block_start", "index": index, "content_block": block}:
                assert self._open is None
                assert index == len(self._blocks)
                self._open, self._input = block, ""
                self._blocks.append(block)
            case {"type": "content_block_delta", "index": index, "delta": delta}:
                assert index == len(self._blocks) - 1
                self._take(delta)
            case {"type": "content_block_stop", "index": index}:
                assert index == len(self._blocks) - 1
                self._close()
            case {"type": "message_delta", "delta": delta, "usage": usage}:
                assert self._open is None
                assert self._message["stop_reason"] is None
                assert delta["stop_reason"] is not None
                self._message |= {**delta, "usage": usage}
            case {"type": "message_stop"}:
                assert self._message["stop_reason"] is not None
                self._over = True
            case {"type": "error"}:
                assert self._open is None
                assert self._message["stop_reason"] is None
                self._error, self._over = event, True
            case _:
                raise AssertionError(f"an unknown event: {event}")

    def result(self) -> Json:
        assert self._over
        if self._error is not None:
            return self._error
        content = [block for block in self._blocks if block.get("input", {}) is not None]
        if len(content) < len(self._blocks) and not _is_visible(content):
            content.append({"type": "text", "text": " "})
        return {**self._message, "content": content}

    def _take(self, delta: Json) -> None:
        block = self._open
        assert block is not None
        if delta["type"] == "signature_delta":
            assert block["type"] == "thinking"
            assert block["signature"] == ""
            block["signature"] = delta["signature"]
            return
        kind, member = _DELTAS[block["type"]]
        assert delta["type"] == kind
        assert delta[member]
        if block["type"] == "tool_use":
            self._input += delta[member]
        else:
            block[member] += delta[member]

    def _close(self) -> None:
        block, self._open = self._open, None
        assert block is not None
        if block["type"] == "text":
            assert block["text"]
        if block["type"] == "thinking":
            assert block["signature"]
        if block["type"] == "tool_use":
            block["input"] = parsed_object(self._input)


def _is_visible(content: list[Json]) -> bool:
    return any(block["type"] in {"text", "tool_use"} for block in content)


def _read_deltas(chunks: list[Json]) -> Json:
    """The message of the chunks before the one that finishes."""
    opening = {"role": "assistant", "content": ""}
    text: list[str] = []
    thoughts: list[str] = []
    calls: list[Json] = []
    for number, chunk in enumerate(chunks):
        assert chunk["object"] == "chat.completion.chunk"
        assert (chunk["id"], chunk["created"]) == (chunks[0]["id"], chunks[0]["created"])
        [choice] = chunk["choices"]
        assert (choice["index"], choice["finish_reason"]) == (0, None)
        assert (choice["delta"] == opening) is (number == 0)
        match choice["delta"]:
            case {"content": str(part), **more}:
                assert set(more) <= {"role"}
                text.append(part)
            case {"reasoning_content": str(part)}:
                thoughts.append(part)
            case {"tool_calls": [part]}:
                _read_call(part, calls)
            case unknown:
                raise AssertionError(f"an unknown delta: {unknown}")
    calls = [c for c in calls if parsed_object(c["function"]["arguments"]) is not None]
    message: Json = {"role": "assistant", "content": "".join(text) or (None if calls else "")}
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    return message


def _read_call(part: Json, calls: list[Json]) -> None:
    index = part.pop("index")
    if "id" in part:
        assert index == len(calls)
        calls.append(part)
    else:
        assert part.keys() == {"function"}
        assert part["function"].keys() == {"arguments"}
        calls[index]["function"]["arguments"] += part["function"]["arguments"]


def parsed_object(text: str) -> Json | None:
    """The JSON object in `text`, None where it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
