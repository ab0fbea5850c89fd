"""Events to one chat completion, for requests without `stream`."""

from typing import assert_never

from msgspec.json import Encoder

from gateway.conversation import Conversation
from gateway.dialects.openai_chat.errors import error_body
from gateway.dialects.openai_chat.stream import finish_reason, usage_object
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

_encode = Encoder().encode


class ChatAnswer:
    """A `Translator` to a `chat.completion`. `created` is in seconds since the epoch.

    A call that never ended is left out, since nobody should run half of one.
    """

    ping = b""

    def __init__(
        self,
        completion_id: str,
        created: int,
        conversation: Conversation,
        *,
        suppress_reasoning: bool = False,
    ) -> None:
        self._id = completion_id
        self._created = created
        self._model = conversation.model
        self._shows_reasoning = not suppress_reasoning
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._has_thought = False
        self._names: dict[str, str] = {}  # by the id of the tool use, in order of appearance
        self._fragments: dict[str, list[str]] = {}
        self._ended: set[str] = set()

    def start(self, input_tokens: int) -> bytes:
        """Nothing yet."""
        return b""

    def feed(self, event: ContentEvent) -> bytes:
        """Keeps the event; nothing goes out before the end."""
        match event:
            case TextDelta(text):
                self._texts.append(text)
            case ThinkingDelta(text):
                self._has_thought = True
                if self._shows_reasoning:
                    self._reasoning.append(text)
            case ToolUseStart(tool_use_id, name):
                self._names[tool_use_id] = name
                self._fragments[tool_use_id] = []
            case ToolUseDelta(tool_use_id, fragment):
                self._fragments[tool_use_id].append(fragment)
            case ToolUseEnd(tool_use_id):
                self._ended.add(tool_use_id)
            case RedactedThinking():
                self._has_thought = True
            case ThinkingSignature():
                pass
            case _:
                assert_never(event)
        return b""

    def finish(self, stop: Stop, usage: Usage) -> bytes:
        """The whole answer, always with usage."""
        is_visible = bool(self._names) or not all(map(str.isspace, self._texts))
        reason = finish_reason(stop, is_visible=is_visible, has_thought=self._has_thought)
        return _encode(
            {
                "id": self._id,
                "object": "chat.completion",
                "created": self._created,
                "model": self._model,
                "choices": [{"index": 0, "message": self._message(), "finish_reason": reason}],
                "usage": usage_object(usage, has_thought=self._has_thought),
            }
        )

    def error(self, shape: ErrorShape) -> bytes:
        """The body of an error answer: an answer that has not been sent can still become one."""
        return error_body(shape)

    def _message(self) -> dict[str, object]:
        text = "".join(self._texts)
        calls = [each for each in self._names.items() if each[0] in self._ended]
        # Clients tell "called a tool and said nothing" by null, and expect text everywhere else.
        message: dict[str, object] = {
            "role": "assistant",
            "content": None if calls and not text else text,
        }
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if calls:
            message["tool_calls"] = [
                {
                    "id": tool_use_id,
                    "type": "function",
                    "function": {
                        "name": name,
                        "arguments": "".join(self._fragments[tool_use_id]) or "{}",
                    },
                }
                for tool_use_id, name in calls
            ]
        return message
