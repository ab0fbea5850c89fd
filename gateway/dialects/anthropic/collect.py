"""Events, to the single JSON answer of the Messages API."""

from dataclasses import dataclass, field
from typing import assert_never

import msgspec

from gateway.conversation import Conversation
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


class _TextBlock(msgspec.Struct, tag="text"):
    text: str


class _ThinkingBlock(msgspec.Struct, tag="thinking"):
    thinking: str
    signature: str


class _RedactedThinkingBlock(msgspec.Struct, tag="redacted_thinking"):
    data: str


class _ToolUseBlock(msgspec.Struct, tag="tool_use"):
    id: str
    name: str
    input: msgspec.Raw


_Block = _TextBlock | _ThinkingBlock | _RedactedThinkingBlock | _ToolUseBlock


class _Answer(msgspec.Struct):
    id: str
    type: str
    role: str
    model: str
    content: list[_Block]
    stop_reason: str
    stop_sequence: str | None
    usage: WireUsage


@dataclass(slots=True)
class _Text:
    parts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reasoning:
    parts: list[str] = field(default_factory=list)
    signature: str = ""


@dataclass(slots=True)
class _Call:
    tool_use_id: str
    name: str
    fragments: list[str] = field(default_factory=list)
    ended: bool = False


_Growing = _Text | _Reasoning | _Call | _RedactedThinkingBlock


class AnthropicAnswer:
    """Collects one answer; see `gateway.events.Translator` for the order of calls.

    The content is what a client would put together from the stream of the same events: blocks in
    the order in which they began. A call that never ended is left out, since nobody should run half
    of one. The arguments are those of `AnthropicStream`.
    """

    ping = b""

    def __init__(
        self, message_id: str, conversation: Conversation, *, suppress_reasoning: bool = False
    ) -> None:
        self._message_id = message_id
        self._model = conversation.model
        self._show_thinking = conversation.thinking.show
        self._suppress_reasoning = suppress_reasoning
        self._blocks: list[_Growing] = []
        self._open_calls: dict[str, _Call] = {}
        self._unsigned = False  # the last reasoning that ended had no signature
        self._reasoned = False

    def start(self, input_tokens: int) -> bytes:
        """Nothing yet, and the estimate isn't needed: the end knows better."""
        return b""

    def feed(self, event: ContentEvent) -> bytes:
        """Always b""."""
        match event:
            case TextDelta(text):
                self._add_text(text)
            case ToolUseStart(tool_use_id, name):
                if tool_use_id not in self._open_calls:
                    self._open_calls[tool_use_id] = call = _Call(tool_use_id, name)
                    self._begin(call)
            case ToolUseDelta(tool_use_id, fragment):
                if (open_call := self._open_calls.get(tool_use_id)) is not None:
                    open_call.fragments.append(fragment)
            case ToolUseEnd(tool_use_id):
                if (ended := self._open_calls.pop(tool_use_id, None)) is not None:
                    ended.ended = True
            case ThinkingDelta() | ThinkingSignature() | RedactedThinking():
                self._add_reasoning(event)
            case _:
                assert_never(event)
        return b""

    def finish(self, stop: Stop, usage: Usage) -> bytes:
        """The whole JSON body."""
        content = [block for block in map(self._finished, self._blocks) if block is not None]
        visible = any(map(_is_visible, content))
        if not visible and not any(isinstance(block, _TextBlock) for block in content):
            content.append(_TextBlock(PLACEHOLDER_TEXT))
        answer = _Answer(
            id=self._message_id,
            type="message",
            role="assistant",
            model=self._model,
            content=content,
            stop_reason=stop_reason(stop, thought_only=self._reasoned and not visible),
            stop_sequence=stop.stop_sequence,
            usage=wire_usage(usage),
        )
        return msgspec.json.encode(answer)

    def error(self, shape: ErrorShape) -> bytes:
        """Nothing: an answer that isn't a stream fails with an HTTP status."""
        return b""

    def _add_text(self, text: str) -> None:
        if not text:
            return
        last = self._last()
        if not isinstance(last, _Text):
            last = _Text()
            self._begin(last)
        last.parts.append(text)

    def _add_reasoning(self, event: ThinkingDelta | ThinkingSignature | RedactedThinking) -> None:
        last = self._last()
        if self._suppress_reasoning:
            self._reasoned = True
        elif isinstance(event, RedactedThinking):
            self._reasoned = True
            self._begin(_RedactedThinkingBlock(event.data))
        elif isinstance(event, ThinkingDelta):
            self._reasoned = True
            if not isinstance(last, _Reasoning):
                last = _Reasoning()
                self._begin(last)
            last.parts.append(event.text)
        elif isinstance(last, _Reasoning):
            last.signature = event.signature or last.signature
        elif event.signature and not self._unsigned:
            # Of reasoning that upstream itself leaves out. After unsigned reasoning it would be
            # too late: in a stream that block is closed and bears our signature.
            self._reasoned = True
            self._begin(_Reasoning(signature=event.signature))

    def _last(self) -> _Growing | None:
        return self._blocks[-1] if self._blocks else None

    def _begin(self, block: _Growing) -> None:
        last = self._last()
        if isinstance(last, _Reasoning):
            self._unsigned = not last.signature
        self._blocks.append(block)

    def _finished(self, block: _Growing) -> _Block | None:
        match block:
            case _Text(parts):
                return _TextBlock("".join(parts))
            case _Reasoning(parts, signature):
                text = "".join(parts) if self._show_thinking else ""
                return _ThinkingBlock(text, signature or own_signature(self._message_id))
            case _Call(ended=False):
                return None
            case _Call(tool_use_id, name, fragments):
                text = "".join(fragments) or "{}"
                return _ToolUseBlock(tool_use_id, name, msgspec.Raw(text.encode()))
            case _RedactedThinkingBlock():
                return block


def _is_visible(block: _Block) -> bool:
    if isinstance(block, _TextBlock):
        return not block.text.isspace()
    return isinstance(block, _ToolUseBlock)
