"""What the tests of the decoder share: frames in the service's form, and a decoder to read them."""

import json
from collections.abc import Iterable

from gateway.events import ContentEvent, ToolUseDelta, ToolUseEnd, ToolUseStart
from gateway.kiro.stream import KiroDecoder
from gateway.kiro.tools import ToolNames
from gateway.protocol.eventstream import Frame, FrameParser, encode_frame


def event(event_type: str, payload: object = None, **members: object) -> bytes:
    """A frame of one event; its payload is given as a value, as members, or as bytes."""
    headers = {
        ":event-type": event_type,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    sent = members if payload is None else payload
    return encode_frame(headers, sent if isinstance(sent, bytes) else json.dumps(sent).encode())


def text(content: str) -> bytes:
    return event("assistantResponseEvent", content=content)


def tool(
    tool_use_id: str | None, name: str | None, tool_input: object = None, *, stop: bool = False
) -> bytes:
    members: dict[str, object] = {"toolUseId": tool_use_id, "name": name, "input": tool_input}
    members = {key: value for key, value in members.items() if value is not None}
    return event("toolUseEvent", members | ({"stop": True} if stop else {}))


def exception(name: str, **members: object) -> bytes:
    headers = {":exception-type": name, ":message-type": "exception"}
    return encode_frame(headers, json.dumps(members).encode())


METERING = event("meteringEvent", unit="credit", unitPlural="credits", usage=0.0731)


def new_decoder(
    *,
    declared: Iterable[str] = (),
    thinking: bool = False,
    live: bool = False,
    remap: bool = True,
    originals: dict[str, str] | None = None,
) -> KiroDecoder:
    ids = iter(f"new-{n}" for n in range(1, 100))
    return KiroDecoder(
        ToolNames(frozenset(declared), {}, originals or {}),
        thinking_requested=thinking,
        live_tools=live,
        remap_builtin=remap,
        new_tool_id=lambda: next(ids),
    )


def frames(*sent: bytes) -> list[Frame]:
    parser = FrameParser()
    parser.receive_data(b"".join(sent))
    return list(parser.frames())


def feed(decoder: KiroDecoder, *sent: bytes) -> list[ContentEvent]:
    return [event for frame in frames(*sent) for event in decoder.decode(frame)]


def read(decoder: KiroDecoder, *sent: bytes) -> list[ContentEvent]:
    """All events of a stream that ends cleanly."""
    return [*feed(decoder, *sent), *decoder.finish()]


def call(tool_use_id: str, name: str, tool_input: str) -> list[ContentEvent]:
    """The events of a complete call."""
    return [
        ToolUseStart(tool_use_id, name),
        ToolUseDelta(tool_use_id, tool_input),
        ToolUseEnd(tool_use_id),
    ]
