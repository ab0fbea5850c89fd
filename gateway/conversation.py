"""What a client asked for, in no dialect.

What a long conversation holds hundreds of is a `msgspec.Struct`: made in a third of the time of a
frozen dataclass, and never looked at by the garbage collector.
"""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

Role = Literal["user", "assistant"]
ImageFormat = Literal["png", "jpeg", "gif", "webp"]
Effort = Literal["low", "medium", "high", "xhigh", "max"]

# Thinking blocks need a signature even where the service gave none. Ours begin with this, so that
# they are told from the service's own when a client echoes them, and never go upstream.
OWN_SIGNATURE_PREFIX = "kiro-gateway:"


@dataclass(frozen=True, slots=True)
class Note:
    """A conversion note: something of the request that had to be dropped, renamed or trimmed.

    Its text form, `kind:subject` (`dropped:top_k`, `renamed:tool`), goes to the response header
    `x-kiro-gateway-notes` and the request log. Neither part ever holds what a user wrote.
    """

    kind: str
    subject: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.subject}"


class Image(msgspec.Struct, frozen=True, gc=False):
    """A picture; `data` is standard base64 with padding, without prefix or line breaks."""

    format: ImageFormat
    data: str


class ToolUse(msgspec.Struct, frozen=True, gc=False):
    """The model's call of a tool; `input` is the JSON text of an object, kept as it came."""

    id: str
    name: str
    input: bytes = b"{}"


class ToolResult(msgspec.Struct, frozen=True, gc=False):
    """The client's answer to a `ToolUse`. Images in it stand in its turn's `images`."""

    tool_use_id: str
    text: str
    is_error: bool = False


class Thinking(msgspec.Struct, frozen=True, gc=False):
    """Reasoning the client echoes. A redacted one has `redacted` (base64) and no text."""

    text: str = ""
    signature: str = ""
    redacted: str | None = None


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One message. `text` is all its text, a user's joined by newlines, the model's by nothing."""

    role: Role
    text: str = ""
    images: tuple[Image, ...] = ()
    tool_uses: tuple[ToolUse, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    thinking: tuple[Thinking, ...] = ()


class Tool(msgspec.Struct, frozen=True, gc=False):
    """A tool the client declares; `schema` is the JSON text of its input schema, as it came."""

    name: str
    description: str = ""
    schema: bytes = b'{"type":"object","properties":{}}'


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether a tool must be called; `name` is set for `named` only."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""


@dataclass(frozen=True, slots=True)
class ThinkingRequest:
    """How the client wants the model to think.

    `enabled` may have a `budget` in tokens, `adaptive` an `effort`. `show` is False where the
    client asks for thinking blocks with their text left out (Anthropic's `display: "omitted"`).
    """

    mode: Literal["off", "enabled", "adaptive"] = "off"
    budget: int | None = None
    effort: Effort | None = None
    show: bool = True


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The answer must be JSON; `schema` is the JSON text of a schema, None for any object."""

    schema: bytes | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request freed of its dialect.

    `model` is the client's own name. `turns` keep the client's order and may repeat a role, hold
    orphaned tool results, or end with the assistant (a prefill): mending is the Kiro side's work.
    `session_id` is the client's own id of the session, if it gave one.
    """

    model: str
    turns: tuple[Turn, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    thinking: ThinkingRequest = ThinkingRequest()
    response_format: ResponseFormat | None = None
    max_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    session_id: str | None = None
    notes: tuple[Note, ...] = field(default=())
