"""What the simulated model answers, before anything goes wrong with it."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from string import ascii_letters, digits
from uuid import UUID

from gateway.simulator.body import AssistantMessage, Body, ToolResult
from gateway.simulator.catalogue import Model
from gateway.simulator.measure import count_tokens, input_tokens, picture_of
from gateway.simulator.prompt import Wish, WishedCall, tagged_thinking
from gateway.simulator.signatures import ReasoningSigner
from gateway.simulator.wire import Event, pieces

_LONGEST_ECHO = 2000  # characters
_WORDS = (
    "alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel", "ivy", "juniper",
    "kapok", "larch", "maple", "nutmeg", "oak", "pine", "quince", "rowan", "spruce", "teak",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. `input` is the JSON text that is sent in fragments."""

    tool_use_id: str
    name: str
    input: str

    def events(self) -> list[Event]:
        """The run of events: the name alone, the input in fragments, the end."""
        identity = {"toolUseId": self.tool_use_id, "name": self.name}
        fragments = (
            Event("toolUseEvent", {**identity, "input": piece}) for piece in pieces(self.input, 11)
        )
        end = Event("toolUseEvent", {**identity, "stop": True})
        return [Event("toolUseEvent", identity), *fragments, end]


@dataclass(frozen=True, slots=True)
class Accounting:
    """The figures at the end. Tokens are the simulator's own count; `window` is the model's."""

    input_tokens: int
    cached_tokens: int
    output_tokens: int
    window: int
    credits: float

    @property
    def context_percentage(self) -> float:
        """Input and output as percent of the window, 0 to 100."""
        return round((self.input_tokens + self.output_tokens) / self.window * 100, 4)


@dataclass(frozen=True, slots=True)
class TailEvents:
    """Which of the accompanying events are sent."""

    message_metadata: bool = True
    metering: bool = True
    metadata: bool = True
    context_usage: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer, and the order in which it is told.

    Attributes:
        thoughts: native reasoning; empty when there is none or it stays unspoken.
        signature: what signs the thoughts; None when nothing was thought natively.
        sealed: reasoning of the kind that comes last and only the service can read.
        ids: where further ids come from.
        signer: what signs further reasoning.
    """

    conversation_id: str
    utterance_id: str
    model_id: str
    text: str
    calls: tuple[Call, ...]
    accounting: Accounting
    tail: TailEvents
    ids: Random = field(repr=False, compare=False)
    signer: ReasoningSigner = field(repr=False, compare=False)
    thoughts: str = ""
    signature: str | None = None
    sealed: str | None = None

    def opening(self) -> list[Event]:
        """What precedes the content."""
        if not self.tail.message_metadata:
            return []
        payload = {"conversationId": self.conversation_id, "utteranceId": self.utterance_id}
        return [Event("messageMetadataEvent", payload)]

    def reasoning(self) -> list[Event]:
        """Native reasoning with its signature."""
        if self.signature is None:
            return []
        events = [Event("reasoningContentEvent", {"text": t}) for t in pieces(self.thoughts)]
        return [*events, Event("reasoningContentEvent", {"text": "", "signature": self.signature})]

    def words(self) -> list[Event]:
        """The visible text."""
        return [
            Event("assistantResponseEvent", {"content": piece, "modelId": self.model_id})
            for piece in pieces(self.text)
        ]

    def tool_events(self) -> list[Event]:
        """All calls, one after the other, and sealed reasoning if there is any."""
        events = [event for call in self.calls for event in call.events()]
        if self.sealed is not None:
            events.append(Event("reasoningContentEvent", {"redactedContent": self.sealed}))
        return events

    def content(self) -> list[Event]:
        """Everything between opening and closing."""
        return [*self.reasoning(), *self.words(), *self.tool_events()]

    def closing(self) -> list[Event]:
        """The accounting. An answer without any of it was cut off."""
        events = []
        if self.tail.metering:
            payload: dict[str, object] = {
                "unit": "credit",
                "unitPlural": "credits",
                "usage": self.accounting.credits,
            }
            events.append(Event("meteringEvent", payload))
        if self.tail.metadata:
            events.append(Event("metadataEvent", {"tokenUsage": self._token_usage()}))
        if self.tail.context_usage:
            percentage = self.accounting.context_percentage
            events.append(Event("contextUsageEvent", {"contextUsagePercentage": percentage}))
        return events

    def _token_usage(self) -> dict[str, int]:
        figures = self.accounting
        return {
            "uncachedInputTokens": figures.input_tokens - figures.cached_tokens,
            "cacheReadInputTokens": figures.cached_tokens,
            "cacheWriteInputTokens": 0,
            "outputTokens": figures.output_tokens,
            "totalTokens": figures.input_tokens + figures.output_tokens,
        }


@dataclass(frozen=True, slots=True)
class Thinking:
    """How an answer thinks, if it does: `native` (with or without words), `tags` or `sealed`."""

    how: str | None = None
    spoken: bool = True
    budget: int = 20_000


def make_answer(
    body: Body,
    wish: Wish,
    model: Model,
    *,
    ids: Random,
    signer: ReasoningSigner,
    tail: TailEvents,
    cached_tokens: int,
) -> Answer:
    """Think, speak and call tools as the body asks; `ids` alone decides what is random."""
    thinking = how_to_think(body)
    calls = tuple(_call(wished, ids) for wished in wish.calls)
    text = _speech(body, wish)
    thought = _thought(wish, thinking) if thinking.how else ""
    spoken_tokens = count_tokens(text) + sum(count_tokens(c.name + c.input) for c in calls)
    output = spoken_tokens + count_tokens(thought)
    read = input_tokens(body)
    if thinking.how == "tags":
        text = f"<thinking>\n{thought}\n</thinking>\n\n{text}"
    native = thinking.how == "native"
    signed = thought if thinking.spoken else ""
    return Answer(
        conversation_id=body.conversation_id or make_uuid(ids),
        utterance_id=make_uuid(ids),
        model_id=model.model_id if model.model_id != "auto" else "claude-sonnet-4.5",
        text=text,
        calls=calls,
        accounting=Accounting(
            input_tokens=read,
            cached_tokens=min(cached_tokens, read) if model.cache_points else 0,
            output_tokens=output,
            window=model.window,
            credits=round(model.rate * (0.02 + read / 400_000 + output / 40_000), 4),
        ),
        tail=tail,
        ids=ids,
        signer=signer,
        thoughts=signed if native else "",
        signature=signer.sign(signed) if native else None,
        sealed=signer.seal(thought) if thinking.how == "sealed" else None,
    )


def how_to_think(body: Body) -> Thinking:
    """Natively when the request's model fields say so, else by tags when the text does."""
    fields = body.model_fields or {}
    thinking = fields.get("thinking")
    if isinstance(thinking, dict):
        if thinking.get("type") == "disabled":
            return Thinking()
        return Thinking("native", spoken=thinking.get("display") != "omitted")
    if "output_config" in fields:
        return Thinking("native")
    reasoning = fields.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("effort", "none") != "none":
        return Thinking("sealed")
    budget = tagged_thinking(body)
    return Thinking() if budget is None else Thinking("tags", budget=budget)


def make_uuid(ids: Random) -> str:
    """A version 4 UUID."""
    return str(UUID(int=ids.getrandbits(128), version=4))


def make_tool_use_id(ids: Random) -> str:
    """An id such as the service gives to a call."""
    return "tooluse_" + "".join(ids.choices(ascii_letters + digits, k=22))


def _call(wished: WishedCall, ids: Random) -> Call:
    return Call(make_tool_use_id(ids), wished.name, json.dumps(wished.input))


def _thought(wish: Wish, thinking: Thinking) -> str:
    thought = wish.thought or (
        f"The message has {len(wish.text)} characters. "
        + (f"It wants {len(wish.calls)} tool call(s)." if wish.calls else "Plain words will do.")
    )
    return thought[: max(thinking.budget, 1) * 4]


def _speech(body: Body, wish: Wish) -> str:
    if wish.reply is not None:
        return wish.reply
    if wish.words is not None:
        return " ".join(_WORDS[index % len(_WORDS)] for index in range(wish.words))
    if wish.count_to is not None:
        return " ".join(str(number) for number in range(1, wish.count_to + 1))
    if wish.describe:
        return _description(body)
    if wish.calls:
        names = ", ".join(call.name for call in wish.calls)
        return f"I will call {names}."
    parts = [*_result_lines(body), *_image_lines(body)]
    if wish.text or not parts:
        clipped = wish.text[:_LONGEST_ECHO]
        left = len(wish.text) - len(clipped)
        parts.append(f"You said: {clipped}" + (f" … and {left} characters more" if left else ""))
    return "\n".join(parts)


def _result_lines(body: Body) -> Iterator[str]:
    before = body.history[-1] if body.history else None
    uses = before.tool_uses if isinstance(before, AssistantMessage) else ()
    names = {use.tool_use_id: use.name for use in uses}
    for result in body.current.tool_results:
        name = names.get(result.tool_use_id, "?")
        verb = "failed" if result.status == "error" else "answered"
        yield f"The tool {name} {verb}: {_result_text(result)[:_LONGEST_ECHO]}"


def _result_text(result: ToolResult) -> str:
    return "\n".join(
        str(part["text"]) if "text" in part else json.dumps(part["json"], ensure_ascii=False)
        for part in result.parts
    )


def _image_lines(body: Body) -> Iterator[str]:
    for image in body.current.images:
        raw = base64.b64decode(image.data)
        picture = picture_of(raw)
        pixels = f"{picture.width} × {picture.height} pixels, " if picture.width else ""
        yield f"I see a {image.format} image: {pixels}{len(raw)} bytes."


def _description(body: Body) -> str:
    thinking = tagged_thinking(body)
    return json.dumps(
        {
            "model": body.current.model_id,
            "conversation_id": body.conversation_id,
            "first_text": body.messages[0].content,
            "history": len(body.history),
            "tools": [tool.name for tool in body.tools],
            "images": [image.format for image in body.current.images],
            "tool_results": [result.status for result in body.current.tool_results],
            "thinking_tags": thinking,
            "model_fields": body.model_fields,
        },
        ensure_ascii=False,
    )


def first_words(events: Sequence[Event]) -> int:
    """How many events belong to the first half; at least one when there are two or more."""
    return max(len(events) // 2, 1) if len(events) > 1 else 0
