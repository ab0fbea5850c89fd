"""Events, to the server-sent events of the Messages API.

    message_start (content_block_start content_block_delta* content_block_stop)* message_delta
    message_stop

Blocks follow each other, never overlap, and are numbered from 0 as they open. After an `error`
event there is nothing.
"""

from collections import deque
from typing import Final, Literal, assert_never

import msgspec

from gateway.conversation import Conversation
from gateway.dialects.anthropic.errors import stream_error
from gateway.dialects.anthropic.reply import (
    PLACEHOLDER_TEXT,
    WireUsage,
    own_signature,
    stop_reason,
    wire_usage,
)
from gateway.events import (
    ContentEvent,
    ErrorShape,
    RedactedThinking,
    Stop,
    TextDelta,
    ThinkingDelta,
    ThinkingSignature,
    ToolUseDelta,
    ToolUseEnd,
    ToolUseStart,
    Usage,
)
from gateway.protocol import sse
from gateway.protocol.sse import json_text, one_line

_START: Final = (
    b"event: content_block_start\n"
    b'data: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
)
_DELTA: Final = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
)
_DELTA_END: Final = b"}}\n\n"
_STOP: Final = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_TEXT_BLOCK: Final = b'{"type":"text","text":""}'
_THINKING_BLOCK: Final = b'{"type":"thinking","thinking":"","signature":""}'

_OpenBlock = Literal["none", "text", "thinking", "tool_use"]


class AnthropicStream:
    """Translates one answer; see `gateway.events.Translator` for the order of calls.

    Calls that upstream interleaves come out one after the other: what doesn't belong to the open
    call waits until that has ended, in the order it came.

    Args:
        message_id: the answer's id, random; also makes up the signature of unsigned reasoning.
        conversation: whose `model` is echoed, and whose `thinking.show` tells whether reasoning is
            sent with its text or as empty, signed blocks.
        suppress_reasoning: send no reasoning blocks at all.
    """

    ping = b'event: ping\ndata: {"type":"ping"}\n\n'

    def __init__(
        self, message_id: str, conversation: Conversation, *, suppress_reasoning: bool = False
    ) -> None:
        self._message_id = message_id
        self._model = conversation.model
        self._show_thinking = conversation.thinking.show
        self._suppress_reasoning = suppress_reasoning
        self._index = -1  # of the block opened last
        self._open: _OpenBlock = "none"
        self._delta = b""  # a delta of the open block, up to its value
        self._tool_use_id = ""
        self._has_input = False  # the open call got some
        self._signature = ""  # of the open thinking block
        self._unsigned = False  # the last thinking block had no signature but ours
        self._visible = False  # there was text other than white space, or a call
        self._has_text = False
        self._reasoned = False
        self._waiting: list[ContentEvent] = []

    def start(self, input_tokens: int) -> bytes:
        """`message_start`, with an estimate of the prompt's tokens."""
        message: dict[str, object] = {
            "id": self._message_id,
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": self._model,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": WireUsage(input_tokens, 1),
        }
        return _event(b"message_start", {"type": "message_start", "message": message})

    def feed(self, event: ContentEvent) -> bytes:
        """The bytes for one event; b"" while it has to wait."""
        # Nearly every event is more of the open block.
        if type(event) is TextDelta and self._open == "text":
            if not self._visible:
                self._visible = not event.text.isspace()
            return self._delta + json_text(event.text) + _DELTA_END
        if type(event) is ThinkingDelta and self._open == "thinking":
            return self._more(event.text) if self._show_thinking else b""
        out = self._take(event)
        if self._waiting and self._open != "tool_use":
            out += self._catch_up()
        return out

    def finish(self, stop: Stop, usage: Usage) -> bytes:
        """Closes the block, then `message_delta` with the final usage, and `message_stop`."""
        out = []
        while self._open != "none":
            out.append(self._leave())
            out.append(self._catch_up())
        if not (self._visible or self._has_text):
            out.append(self._enter("text", _TEXT_BLOCK, b"text_delta", b"text"))
            out.append(self._more(PLACEHOLDER_TEXT))
            out.append(self._leave())
        thought_only = self._reasoned and not self._visible
        delta = {
            "stop_reason": stop_reason(stop, thought_only=thought_only),
            "stop_sequence": stop.stop_sequence,
        }
        message_delta = {"type": "message_delta", "delta": delta, "usage": wire_usage(usage)}
        out.append(_event(b"message_delta", message_delta))
        out.append(_MESSAGE_STOP)
        return b"".join(out)

    def error(self, shape: ErrorShape) -> bytes:
        """Closes the block, then one `error` event."""
        closing = b"" if self._open == "none" else self._leave()
        return closing + _event(b"error", stream_error(shape))

    def _take(self, event: ContentEvent) -> bytes:
        if self._suppress_reasoning and isinstance(
            event, (ThinkingDelta, ThinkingSignature, RedactedThinking)
        ):
            self._reasoned = True
            return b""
        if self._open == "tool_use":
            return self._take_during_call(event)
        match event:
            case TextDelta(text):
                return self._enter_text(text) + self._more(text) if text else b""
            case ThinkingDelta(text):
                opening = self._enter_thinking()
                return opening + self._more(text) if self._show_thinking else opening
            case ThinkingSignature(signature):
                return self._sign(signature)
            case RedactedThinking(data):
                self._reasoned = True
                block = b'{"type":"redacted_thinking","data":%b}' % json_text(data)
                return self._enter("none", block) + _STOP % self._index
            case ToolUseStart(tool_use_id, name):
                return self._enter_call(tool_use_id, name)
            case ToolUseDelta() | ToolUseEnd():
                return b""  # of no open call: clients stop reading at a delta without its block
        assert_never(event)

    def _take_during_call(self, event: ContentEvent) -> bytes:
        match event:
            case ToolUseDelta(tool_use_id, fragment) if tool_use_id == self._tool_use_id:
                self._has_input = True
                return self._more(fragment)
            case ToolUseEnd(tool_use_id) if tool_use_id == self._tool_use_id:
                rest = b"" if self._has_input else self._more("{}")
                return rest + self._leave()
            case ToolUseStart(tool_use_id) if tool_use_id == self._tool_use_id:
                return b""
            case _:
                self._waiting.append(event)
                return b""

    def _catch_up(self) -> bytes:
        """Whatever waited for the call that just ended, until another call holds it up again."""
        out: list[bytes] = []
        queue: deque[ContentEvent] = deque()
        while True:
            if self._open != "tool_use":
                queue.extendleft(reversed(self._waiting))
                self._waiting.clear()
            if not queue:
                return b"".join(out)
            out.append(self._take(queue.popleft()))

    def _enter_text(self, text: str) -> bytes:
        self._has_text = True
        self._visible = self._visible or not text.isspace()
        if self._open == "text":
            return b""
        return self._enter("text", _TEXT_BLOCK, b"text_delta", b"text")

    def _enter_thinking(self) -> bytes:
        self._reasoned = True
        if self._open == "thinking":
            return b""
        return self._enter("thinking", _THINKING_BLOCK, b"thinking_delta", b"thinking")

    def _enter_call(self, tool_use_id: str, name: str) -> bytes:
        self._visible = True
        self._tool_use_id = tool_use_id
        self._has_input = False
        block = b'{"type":"tool_use","id":%b,"name":%b,"input":{}}' % (
            json_text(tool_use_id),
            json_text(name),
        )
        return self._enter("tool_use", block, b"input_json_delta", b"partial_json")

    def _sign(self, signature: str) -> bytes:
        """Keeps the signature for the end of its block."""
        opening = b""
        if self._open != "thinking":
            if self._unsigned or not signature:
                return b""  # too late: its block is closed, and bears ours
            opening = self._enter_thinking()  # reasoning that upstream itself leaves out
        self._signature = signature or self._signature
        return opening

    def _enter(
        self, kind: _OpenBlock, block: bytes, delta_type: bytes = b"", member: bytes = b""
    ) -> bytes:
        closing = b"" if self._open == "none" else self._leave()
        self._index += 1
        self._open = kind
        self._delta = _DELTA % (self._index, delta_type, member)
        return closing + _START % (self._index, block)

    def _more(self, value: str) -> bytes:
        return self._delta + json_text(value) + _DELTA_END

    def _leave(self) -> bytes:
        signing = b""
        if self._open == "thinking":
            self._unsigned = not self._signature
            signature = self._signature or own_signature(self._message_id)
            head = _DELTA % (self._index, b"signature_delta", b"signature")
            signing = head + json_text(signature) + _DELTA_END
            self._signature = ""
        self._open = "none"
        return signing + _STOP % self._index


def _event(name: bytes, data: object) -> bytes:
    return sse.event(name, one_line(msgspec.json.encode(data)))
