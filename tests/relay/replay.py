"""Upstream bytes through the gateway's own reader, with nothing random in it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

import msgspec

from gateway.conversation import Conversation, ThinkingRequest, Turn
from gateway.dialects.anthropic.collect import AnthropicAnswer
from gateway.dialects.anthropic.stream import AnthropicStream
from gateway.dialects.openai_chat.collect import ChatAnswer
from gateway.dialects.openai_chat.stream import ChatStream
from gateway.errors import UpstreamError
from gateway.events import Stop, Translator
from gateway.kiro.stream import KiroDecoder
from gateway.kiro.tools import ToolNames
from gateway.relay.reply import ReplyStream
from gateway.web.error_responses import Dialect, describe, error_body

DIALECTS: tuple[Dialect, ...] = ("anthropic", "openai")
Form = Literal["stream", "answer"]

RECORDINGS = Path(__file__).parent.parent / "recordings"

MESSAGE_ID = "msg_0123456789abcdef01234567"
COMPLETION_ID = "chatcmpl-0123456789abcdef01234567"
CREATED = 1_767_225_600  # 2026-01-01
INPUT_TOKENS = 42  # what our estimator said of the prompt


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of the request decides how its answer is read; members as in `index.json`.

    Attributes:
        originals: the service's names of renamed tools → the client's.
        show_thinking: False where the client asked for reasoning without its text.
        window: tokens that the model takes.
    """

    tools: tuple[str, ...] = ()
    originals: dict[str, str] = {}
    thinking: bool = False
    show_thinking: bool = True
    live_tools: bool = False
    stop_sequences: tuple[str, ...] = ()
    max_tokens: int | None = None
    window: int = 200_000


class Recording(msgspec.Struct, frozen=True):
    """An entry of `index.json`: what a recording shows, and how it is read."""

    about: str
    reading: Reading = Reading()


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a reply.

    Attributes:
        started: there was content, so that a streaming client had been answered with 200.
        body: everything that the client is sent after the headers.
    """

    started: bool
    body: bytes
    failure: UpstreamError | None
    stop: Stop | None


def recordings() -> dict[str, Recording]:
    """Every recording by its name."""
    return msgspec.json.decode((RECORDINGS / "index.json").read_bytes(), type=dict[str, Recording])


def recorded(name: str) -> bytes:
    """The bytes as upstream sent them."""
    return (RECORDINGS / f"{name}.bin").read_bytes()


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """The same bytes in pieces of this size."""
    return (data[at : at + size] for at in range(0, len(data), size))


def replay(chunks: Iterable[bytes], reading: Reading, dialect: Dialect, form: Form) -> Replayed:
    """Read an answer from the first network read to the end of the connection."""
    reply = new_reply(reading, new_translator(reading, dialect, form))
    out: list[bytes] = []
    for chunk in chunks:
        if reply.ended:
            break
        out.append(reply.feed(chunk))
    out.append(reply.finish())
    if reply.failure is not None:
        if form == "stream" and reply.started:
            out.append(reply.error(describe(reply.failure, dialect)))
        else:
            out = [error_body(reply.failure, dialect, "req_recorded")]
    return Replayed(reply.started, b"".join(out), reply.failure, reply.stop)


def new_reply(reading: Reading, translator: Translator) -> ReplyStream:
    """What the relay makes for a request, but with ids that are counted."""
    numbers = count(1)
    decoder = KiroDecoder(
        ToolNames(frozenset(reading.tools), {}, reading.originals),
        thinking_requested=reading.thinking,
        live_tools=reading.live_tools,
        remap_builtin=True,
        new_tool_id=lambda: f"toolu_{next(numbers):024x}",
    )
    return ReplyStream(
        decoder,
        translator,
        stop_sequences=reading.stop_sequences,
        max_tokens=reading.max_tokens,
        estimate_input=lambda: INPUT_TOKENS,
        window=reading.window,
    )


def new_translator(reading: Reading, dialect: Dialect, form: Form) -> Translator:
    """The dialect's translator; streams tell their usage."""
    conversation = Conversation(
        model="claude-sonnet-4-5",
        turns=(Turn("user", "?"),),
        thinking=ThinkingRequest(show=reading.show_thinking),
        include_usage=True,
    )
    if dialect == "anthropic":
        anthropic = AnthropicStream if form == "stream" else AnthropicAnswer
        return anthropic(MESSAGE_ID, conversation)
    openai = ChatStream if form == "stream" else ChatAnswer
    return openai(COMPLETION_ID, CREATED, conversation)
