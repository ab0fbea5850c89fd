"""Events to the chunks of a streamed chat completion.

Every chunk is `data: {"id", "object", "created", "model", "choices": […]}`; what differs from one
delta to the next is put between byte strings that are prepared once per stream.
"""

from typing import Final, assert_never

from msgspec.json import Encoder

from gateway.conversation import Conversation
from gateway.dialects.openai_chat.errors import error_body
from gateway.events import (
    ContentEvent,
    ErrorShape,
    RedactedThinking,
    Stop,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingSignature,
    ToolUseDelta,
    ToolUseEnd,
    ToolUseStart,
    Usage,
)
from gateway.protocol.sse import json_text

_encode = Encoder().encode
_FINISH_REASONS: Final[dict[StopReason, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "context_window_exceeded": "length",
}


def finish_reason(stop: Stop, *, is_visible: bool, has_thought: bool) -> str:
    """The API's word for why the reply ended.

    A reply that only thought ended because nothing was left for an answer: a client that took it
    for complete would show nothing and go on.
    """
    if stop.reason == "end_turn" and has_thought and not is_visible:
        return "length"
    return _FINISH_REASONS[stop.reason]


def usage_object(usage: Usage, *, has_thought: bool) -> dict[str, object]:
    """The API's `usage`, whose prompt tokens include what came from or went to a cache.

    The service does not count reasoning apart: that figure is only told where it is 0 for sure.
    """
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    members: dict[str, object] = {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output_tokens,
        "total_tokens": prompt + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
    }
    if not has_thought:
        members["completion_tokens_details"] = {"reasoning_tokens": 0}
    return members


_DELTA_TAIL: Final = b'},"finish_reason":null}]}\n\n'
_FRAGMENT_TAIL: Final = b'}}]},"finish_reason":null}]}\n\n'


class ChatStream:
    """A `Translator` to `chat.completion.chunk`s. `created` is in seconds since the epoch."""

    ping = b": keep-alive\n\n"

    def __init__(
        self,
        completion_id: str,
        created: int,
        conversation: Conversation,
        *,
        suppress_reasoning: bool = False,
    ) -> None:
        self._head = b"".join(
            (
                b'data: {"id":',
                _encode(completion_id),
                b',"object":"chat.completion.chunk","created":',
                _encode(created),
                b',"model":',
                json_text(conversation.model),
                b',"choices":[',
            )
        )
        self._delta_head = self._head + b'{"index":0,"delta":{'
        self._content_head = self._delta_head + b'"content":'
        self._reasoning_head = self._delta_head + b'"reasoning_content":'
        self._includes_usage = conversation.include_usage
        self._shows_reasoning = not suppress_reasoning
        self._fragment_heads: dict[str, bytes] = {}  # by the id of the tool use
        self._without_input: set[str] = set()
        self._is_visible = False
        self._has_thought = False

    def start(self, input_tokens: int) -> bytes:
        """The chunk with the role."""
        return self._delta_head + b'"role":"assistant","content":""' + _DELTA_TAIL

    def feed(self, event: ContentEvent) -> bytes:
        """One chunk, or b"" for what the API has no place for."""
        match event:
            case TextDelta():
                if not self._is_visible:
                    self._is_visible = not event.text.isspace()
                return self._content_head + json_text(event.text) + _DELTA_TAIL
            case ThinkingDelta():
                self._has_thought = True
                if not self._shows_reasoning:
                    return b""
                return self._reasoning_head + json_text(event.text) + _DELTA_TAIL
            case ToolUseDelta():
                self._without_input.discard(event.tool_use_id)
                return self._fragment(event.tool_use_id, event.fragment)
            case ToolUseStart():
                return self._begin_tool(event)
            case ToolUseEnd():
                if event.tool_use_id not in self._without_input:
                    return b""
                # Arguments are JSON text, and a call without any still has to parse.
                return self._fragment(event.tool_use_id, "{}")
            case RedactedThinking():
                self._has_thought = True
                return b""
            case ThinkingSignature():
                return b""
            case _:
                assert_never(event)

    def finish(self, stop: Stop, usage: Usage) -> bytes:
        """The finish reason, the usage if it was asked for, and the end marker."""
        reason = finish_reason(stop, is_visible=self._is_visible, has_thought=self._has_thought)
        chunks = [
            self._head,
            b'{"index":0,"delta":{},"finish_reason":',
            _encode(reason),
            b"}]}\n\n",
        ]
        if self._includes_usage:
            figures = _encode(usage_object(usage, has_thought=self._has_thought))
            chunks += [self._head, b'],"usage":', figures, b"}\n\n"]
        chunks.append(b"data: [DONE]\n\n")
        return b"".join(chunks)

    def error(self, shape: ErrorShape) -> bytes:
        """The error object; no finish reason and no end marker follow, since nothing ended."""
        return b"data: " + error_body(shape) + b"\n\n"

    def _begin_tool(self, event: ToolUseStart) -> bytes:
        self._is_visible = True
        self._without_input.add(event.tool_use_id)
        # Calls are told apart by this number alone once they have begun.
        index = _encode(len(self._fragment_heads))
        head = self._delta_head + b'"tool_calls":[{"index":' + index
        self._fragment_heads[event.tool_use_id] = head + b',"function":{"arguments":'
        call = b"".join(
            (
                b',"id":',
                json_text(event.tool_use_id),
                b',"type":"function","function":{"name":',
                json_text(event.name),
                b',"arguments":""',
            )
        )
        return head + call + _FRAGMENT_TAIL

    def _fragment(self, tool_use_id: str, fragment: str) -> bytes:
        return self._fragment_heads[tool_use_id] + json_text(fragment) + _FRAGMENT_TAIL
