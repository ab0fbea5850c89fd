"""What upstream said, in no dialect.

Events are `msgspec.Struct` rather than dataclasses: one is made for each frame, and these cost a
fifth. They are immutable and matched by position.
"""

from typing import Literal, Protocol

import msgspec

StopReason = Literal[
    "end_turn", "tool_use", "max_tokens", "stop_sequence", "context_window_exceeded"
]
UsageSource = Literal["measured", "derived", "estimated"]
"""Where counts come from: upstream's own figures, its context percentage, our estimator."""


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """More visible text; never empty."""

    text: str


class ThinkingDelta(msgspec.Struct, frozen=True, gc=False):
    """More reasoning; never empty."""

    text: str


class ThinkingSignature(msgspec.Struct, frozen=True, gc=False):
    """The service's signature of the reasoning so far."""

    signature: str


class RedactedThinking(msgspec.Struct, frozen=True, gc=False):
    """Reasoning that only the service can read, base64."""

    data: str


class ToolUseStart(msgspec.Struct, frozen=True, gc=False):
    """A tool call begins. `name` is the client's own name of the tool."""

    tool_use_id: str
    name: str


class ToolUseDelta(msgspec.Struct, frozen=True, gc=False):
    """More of a call's input: a fragment of the JSON text of an object, cut anywhere."""

    tool_use_id: str
    fragment: str


class ToolUseEnd(msgspec.Struct, frozen=True, gc=False):
    """The call is complete; its fragments parse to an object."""

    tool_use_id: str


ContentEvent = (
    TextDelta
    | ThinkingDelta
    | ThinkingSignature
    | RedactedThinking
    | ToolUseStart
    | ToolUseDelta
    | ToolUseEnd
)


class Stop(msgspec.Struct, frozen=True):
    """Why the reply ended; `stop_sequence` is the string that ended it, if one did."""

    reason: StopReason
    stop_sequence: str | None = None


class Usage(msgspec.Struct, frozen=True):
    """What a reply cost. Tokens; `input_tokens` excludes what came from or went to a cache."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    credits: float | None = None
    source: UsageSource = "estimated"


class ErrorShape(msgspec.Struct, frozen=True):
    """An error as both dialects need it after the status line has gone out."""

    type: str
    message: str
    code: str | None = None
    source: str = "gateway"


class Translator(Protocol):
    """Events in, one dialect's bytes out.

    `start` once, `feed` for each event, then either `finish` or `error` once; nothing after those.
    A streaming translator gives wire bytes at every step, a collecting one gives b"" until
    `finish`, which returns the whole JSON answer. `ping` is what keeps an idle stream alive.
    """

    ping: bytes

    def start(self, input_tokens: int) -> bytes:
        """`input_tokens` is an estimate: upstream tells its own figure at the end."""
        ...

    def feed(self, event: ContentEvent) -> bytes:
        """Bytes for one event; b"" where the dialect has nothing to say yet."""
        ...

    def finish(self, stop: Stop, usage: Usage) -> bytes:
        """The normal end."""
        ...

    def error(self, shape: ErrorShape) -> bytes:
        """Closes what is open and tells the error; only for streams."""
        ...
