"""Frames of Kiro's answer → events.

One `assistantResponseEvent` holds an increment of text, a run of `toolUseEvent`s makes a tool call,
`reasoningContentEvent`s are reasoning. How much was used comes at the end, in an order that varies,
and is the only sign that the answer was meant to end: there is no event for that. Members and
events that are not known here are passed over.
"""

import json
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from gateway.errors import FrameError, UpstreamPromptTooLong
from gateway.events import (
    ContentEvent,
    RedactedThinking,
    TextDelta,
    ThinkingDelta,
    ThinkingSignature,
    ToolUseStart,
)
from gateway.kiro.failures import classify_exception
from gateway.kiro.thinking_tags import ThinkingTagParser
from gateway.kiro.tool_calls import Names, ToolCalls
from gateway.protocol.eventstream import Frame, Headers

TEXT_EVENT = "assistantResponseEvent"
TOOL_EVENTS = frozenset({"toolUseEvent", "toolUse"})
CONTENT_EVENTS = TOOL_EVENTS | {TEXT_EVENT, "codeEvent"}
CLOSING_EVENTS = frozenset({"meteringEvent", "metadataEvent", "contextUsageEvent"})

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_EMPTY_OBJECT = re.compile(rb"\{\s*\}")

_Read = TypeVar("_Read")


class TokenUsage(msgspec.Struct, frozen=True):
    """The service's own count; `input_tokens` excludes what came from or went to a cache."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


class _Content(msgspec.Struct, rename="camel", gc=False):
    """Text and tool events alike: old services put a tool's members into text events."""

    content: str | None = None
    tool_use_id: str | None = None
    name: str | None = None
    input: str | None = None
    stop: bool | None = None


class _LooseContent(msgspec.Struct, rename="camel"):
    """The same where the input is an object instead of JSON text."""

    content: str | None = None
    tool_use_id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"null")
    stop: object = None


class _Reasoning(msgspec.Struct, rename="camel", gc=False):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


_decode_content = msgspec.json.Decoder(_Content).decode
_decode_loose_content = msgspec.json.Decoder(_LooseContent).decode
_decode_reasoning = msgspec.json.Decoder(_Reasoning).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def new_tool_use_id() -> str:
    """An id for a call that came without one."""
    return f"toolu_{secrets.token_hex(12)}"


class KiroDecoder:
    """One answer's frames in, events out.

    Attributes:
        frames: how many frames there were, of any kind.
        started: a text, reasoning or tool frame was seen.
        closed: one of the events that end an answer was seen (metering, metadata, context usage).
        visible: text other than white space, or a tool call, was given out.
        truncated: the answer, or the input of a tool call, was cut. Known after `finish`.
        token_usage: the service's own count, where it gave one.
        context_percentage: how full the model's window is, above 0, to 100 and beyond.
        credits: what the service charged.
    """

    def __init__(
        self,
        names: Names,
        *,
        thinking_requested: bool,
        live_tools: bool,
        remap_builtin: bool,
        new_tool_id: Callable[[], str] = new_tool_use_id,
    ) -> None:
        self._tags = ThinkingTagParser() if thinking_requested else None
        self._calls = ToolCalls(
            names, live=live_tools, remap_builtin=remap_builtin, new_tool_id=new_tool_id
        )
        self._over = False
        # Headers of the two frequent events, while there is nothing special about these: for text,
        # no tags to look for, no tool call to settle. Frames share their headers, so this is one
        # comparison for each frame.
        self._plain_text: Headers | None = None
        self._plain_tool: Headers | None = None
        self.frames = 0
        self.started = False
        self.closed = False
        self.visible = False
        self.truncated = False
        self.token_usage: TokenUsage | None = None
        self.context_percentage: float | None = None
        self.credits: float | None = None

    @property
    def delivered_tools(self) -> int:
        """How many tool calls were given out completely."""
        return self._calls.delivered

    def decode(self, frame: Frame) -> tuple[ContentEvent, ...]:
        """The events of one frame.

        Raises:
            UpstreamError: the service reports a failure; the answer is over.
            FrameError: text, reasoning or tool input that cannot be read, and so would be lost.
        """
        self.frames += 1
        if frame.headers is self._plain_text:
            try:
                payload = _decode_content(frame.payload)
            except (ValueError, RecursionError):
                return self._decode_any(frame)
            content = payload.content
            if content and not payload.tool_use_id and not payload.name:
                if not self.visible:
                    self.started = True
                    self.visible = not content.isspace()
                return (TextDelta(content),)
        elif frame.headers is self._plain_tool:
            try:
                payload = _decode_content(frame.payload)
            except (ValueError, RecursionError):
                return self._decode_any(frame)
            if payload.input and payload.tool_use_id and not payload.stop and not payload.content:
                events = self._calls.go_on(payload.tool_use_id, payload.input)
                if events is not None:
                    return events
        return self._decode_any(frame)

    def finish(self) -> tuple[ContentEvent, ...]:
        """What is still held back, at a clean end of the stream."""
        events: list[ContentEvent] = []
        self._stop_text(events)
        events += self._calls.finish(closed=self.closed and not self._over)
        if self._calls.lost or not self.closed:
            self.truncated = True
        self._look_for_visible(events)
        if not self.visible and (explanation := self._explanation()):
            self.visible = True
            events.append(TextDelta(explanation))
        return tuple(events)

    def _decode_any(self, frame: Frame) -> tuple[ContentEvent, ...]:
        headers = frame.headers
        events: list[ContentEvent] = []
        if self._over:
            return ()
        if headers.message_type == "exception":
            self._fail(headers.exception_type, frame.payload, "")
        elif headers.message_type == "error":
            self._fail(headers.error_code, frame.payload, headers.error_message)
        elif headers.message_type == "event":
            self._receive(headers.event_type, frame.payload, events)
        self._note_frequent(headers)
        self._look_for_visible(events)
        return tuple(events)

    def _note_frequent(self, headers: Headers) -> None:
        if self._tags is not None or self._calls.holding or self._over:
            self._plain_text = self._plain_tool = None
        elif headers.message_type != "event":
            pass
        elif headers.event_type == TEXT_EVENT:
            self._plain_text = None if self._calls.in_progress else headers
        elif headers.event_type == "toolUseEvent":
            self._plain_text, self._plain_tool = None, headers

    def _receive(self, event_type: str, payload: bytes, events: list[ContentEvent]) -> None:
        if event_type in CONTENT_EVENTS:
            self._receive_content(event_type, payload, events)
            return
        events += self._calls.settle()
        if event_type == "reasoningContentEvent":
            self._receive_reasoning(payload, events)
        elif event_type in CLOSING_EVENTS:
            self.closed = True
            self._receive_figures(event_type, _members(payload, event_type))
        elif event_type == "invalidStateEvent":
            self._fail(event_type, _unwrapped(payload, event_type), "")

    def _receive_content(self, event_type: str, payload: bytes, events: list[ContentEvent]) -> None:
        content, whole = _read(_decode_content_leniently, payload, event_type, (_Content(), False))
        if content.content:
            self.started = True
            events += self._calls.settle()
            self._pass_text(content.content, events)
        text = content.input or ""
        if content.tool_use_id or content.name or text or event_type in TOOL_EVENTS:
            self.started = True
            # A call ends the text before it, and with it what could still be a thinking tag.
            self._stop_text(events)
            events += self._calls.receive(
                content.tool_use_id or "",
                content.name or "",
                text,
                whole=whole,
                stop=bool(content.stop) or event_type == "toolUse",
            )

    def _receive_reasoning(self, payload: bytes, events: list[ContentEvent]) -> None:
        reasoning = _read(_decode_reasoning, payload, "reasoningContentEvent", _Reasoning())
        self.started = True
        # A model that reasons in events of its own does not write tags.
        self._stop_text(events)
        if reasoning.text:
            events.append(ThinkingDelta(reasoning.text))
        if reasoning.signature:
            events.append(ThinkingSignature(reasoning.signature))
        if reasoning.redacted_content:
            events.append(RedactedThinking(reasoning.redacted_content))

    def _receive_figures(self, event_type: str, members: Mapping[str, object]) -> None:
        if event_type == "contextUsageEvent":
            percentage = _number(members.get("contextUsagePercentage"))
            if percentage:  # no prompt is empty: 0 is no figure
                self.context_percentage = percentage
        elif event_type == "metadataEvent":
            self.token_usage = _token_usage(members.get("tokenUsage")) or self.token_usage
        elif str(members.get("unit") or "credit").lower().startswith("credit"):
            # Metering in another unit, such as tokens, is no price.
            charged = _number(members.get("usage"))
            if charged is not None:
                self.credits = charged

    def _pass_text(self, text: str, events: list[ContentEvent]) -> None:
        if self._tags is None:
            events.append(TextDelta(text))
            return
        events += self._tags.feed(text)
        if self._tags.done:
            self._tags = None

    def _stop_text(self, events: list[ContentEvent]) -> None:
        if self._tags is not None:
            events += self._tags.flush()
            self._tags = None

    def _fail(self, name: str, payload: bytes, message: str) -> None:
        error = classify_exception(name, payload, message)
        if not (self.started and isinstance(error, UpstreamPromptTooLong)):
            raise error
        # Said in the middle of an answer, it is the answer that became too long.
        self._over = True
        self.truncated = True

    def _look_for_visible(self, events: Iterable[ContentEvent]) -> None:
        for event in events:
            match event:
                case TextDelta(text) if text.isspace():
                    pass
                case TextDelta() | ToolUseStart():
                    self.visible = True
                case _:
                    pass

    def _explanation(self) -> str:
        """What to say instead of nothing."""
        if self._calls.lost:
            return (
                f"[The call of {_listed(self._calls.lost)} was cut off before its input was "
                "complete, so it was not made.]"
            )
        if self._calls.discarded:
            return (
                f"[The model called {_listed(self._calls.discarded)}, which this client does not "
                "offer, so the call was dropped.]"
            )
        return ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" if name else "a tool" for name in dict.fromkeys(names))


def _read(decode: Callable[[bytes], _Read], payload: bytes, event_type: str, blank: _Read) -> _Read:
    """Decode a payload that must not be lost; `blank` is what comes of one without members."""
    try:
        read = decode(payload or b"{}")
        return decode(_unwrapped(payload, event_type)) if payload and read == blank else read
    except (ValueError, RecursionError):
        pass
    try:
        return decode(_mended(_unwrapped(payload, event_type)))
    except (ValueError, RecursionError) as error:
        raise FrameError(f"the payload of a {event_type} cannot be read") from error


def _decode_content_leniently(payload: bytes) -> tuple[_Content, bool]:
    """Also says whether the input came whole, as an object, instead of as text."""
    try:
        return _decode_content(payload), False
    except msgspec.ValidationError:
        loose = _decode_loose_content(payload)
    raw = bytes(loose.input)
    content = _Content(loose.content, loose.tool_use_id, loose.name, None, bool(loose.stop))
    if raw.startswith(b'"'):
        content.input = msgspec.json.decode(raw, type=str)
    elif raw != b"null" and not _EMPTY_OBJECT.fullmatch(raw):
        content.input = raw.decode()
    return content, not raw.startswith(b'"')


def _unwrapped(payload: bytes, event_type: str) -> bytes:
    """Old services put an event into an object whose only member is named like the event."""
    try:
        members = _decode_members(payload)
    except (ValueError, RecursionError):
        return payload
    if len(members) == 1 and event_type in members:
        return bytes(members[event_type])
    return payload


def _mended(payload: bytes) -> bytes:
    """The payload with U+FFFD for halves of surrogate pairs, which are legal in JSON only."""
    text = json.dumps(json.loads(payload), ensure_ascii=False)
    return LONE_SURROGATE.sub("\ufffd", text).encode()


def _members(payload: bytes, event_type: str) -> Mapping[str, object]:
    try:
        members = msgspec.json.decode(_unwrapped(payload, event_type))
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _token_usage(members: object) -> TokenUsage | None:
    """None where the counts are missing or all zero, which means as much."""
    if not isinstance(members, dict):
        return None
    uncached, output, read, write, total = (
        int(_number(members.get(name)) or 0)
        for name in (
            "uncachedInputTokens",
            "outputTokens",
            "cacheReadInputTokens",
            "cacheWriteInputTokens",
            "totalTokens",
        )
    )
    if not (uncached or output or read or write or total):
        return None
    if "uncachedInputTokens" not in members:
        uncached = max(0, total - output - read - write)
    return TokenUsage(uncached, output, read, write)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= sys.float_info.max else None
