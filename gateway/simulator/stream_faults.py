"""Answers told badly: cut, stalled, garbled, or with an exception in them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from gateway.protocol.eventstream import encode_frame
from gateway.simulator.answers import Answer, first_words
from gateway.simulator.steps import Begin, Drop, Play, Step, Wait, tell, tell_all, tell_closing
from gateway.simulator.wire import Event, encode_json, error_frame, event_frame, exception_frame

_SHORT = 1.0  # seconds, where a scenario gives none


def _first_half(answer: Answer) -> Iterator[Step]:
    """Status, opening and half of the content: at least one event of it."""
    content = answer.content()
    yield Begin()
    yield from tell(answer.opening())
    yield from tell(content[: first_words(content) or 1])


def _second_half(answer: Answer) -> Iterator[Step]:
    content = answer.content()
    yield from tell(content[first_words(content) or 1 :])
    yield from tell_closing(answer)


def cut_in_first_frame(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Half of the very first frame, then a clean end of the body."""
    frame = answer.content()[0].frame()
    yield Begin()
    yield frame[: len(frame) // 2]


def cut_mid_frame(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Half of the content, half a frame, then a clean end of the body."""
    frame = answer.content()[-1].frame()
    yield from _first_half(answer)
    yield frame[: len(frame) // 2]


def end_without_closing(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """All content, then a clean end without any accounting."""
    yield Begin()
    yield from tell(answer.opening())
    yield from tell(answer.content())


def close_mid_stream(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Half of the content, then the connection closes inside the body."""
    yield from _first_half(answer)
    yield Drop(reset=False)


def reset_mid_stream(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Half of the content, then a TCP reset."""
    yield from _first_half(answer)
    yield Drop(reset=True)


def reset_before_events(_answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Status 200, then a TCP reset."""
    yield Begin()
    yield Drop(reset=True)


def reset_before_status(_answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A TCP reset instead of an answer."""
    yield Drop(reset=True)


def never_answers(_answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """No status line until the client hangs up."""
    yield Wait(None)


def slow_status(answer: Answer, seconds: float | None) -> Iterator[Step]:
    """The status line comes late."""
    yield Wait(_SHORT if seconds is None else seconds)
    yield from tell_all(answer)


def never_first_event(_answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Status 200 and no event until the client hangs up."""
    yield Begin()
    yield Wait(None)


def slow_first_event(answer: Answer, seconds: float | None) -> Iterator[Step]:
    """Status 200 at once, the first event late."""
    steps = tell_all(answer)
    yield next(steps)
    yield Wait(_SHORT if seconds is None else seconds)
    yield from steps


def stall_mid_stream(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Half of the content, then silence until the client hangs up."""
    yield from _first_half(answer)
    yield Wait(None)


def pause_mid_stream(answer: Answer, seconds: float | None) -> Iterator[Step]:
    """Half of the content, silence for a while, then the rest."""
    yield from _first_half(answer)
    yield Wait(_SHORT if seconds is None else seconds)
    yield from _second_half(answer)


def bad_prelude_checksum(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A frame whose prelude checksum is wrong, in the middle."""
    yield from _first_half(answer)
    yield _flip(answer.content()[-1].frame(), at=9)
    yield from _second_half(answer)


def bad_message_checksum(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A frame whose payload was damaged, in the middle."""
    yield from _first_half(answer)
    yield _flip(answer.content()[-1].frame(), at=-6)
    yield from _second_half(answer)


def bad_first_frame(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """The very first frame is damaged."""
    yield Begin()
    yield _flip(answer.content()[0].frame(), at=-6)
    yield from tell_closing(answer)


def impossible_length(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A frame that claims to be two gigabytes long, in the middle."""
    yield from _first_half(answer)
    # Its prelude checksum is right (it was computed for these two lengths), so only the length
    # gives it away.
    yield bytes.fromhex("7fffffff00000010b1736a41")
    yield from _second_half(answer)


def _flip(frame: bytes, *, at: int) -> bytes:
    damaged = bytearray(frame)
    damaged[at] ^= 0x01
    return bytes(damaged)


def empty_body(_answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Status 200 and no byte."""
    yield Begin()


def nothing_but_accounting(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """No content, only opening and closing events."""
    yield Begin()
    yield from tell(answer.opening())
    yield from tell_closing(answer)


def context_full(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A whole answer whose context percentage is 100."""
    yield from _told_with(answer, contextUsageEvent={"contextUsagePercentage": 100.0})


def metadata_empty(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A whole answer whose token usage is all zero."""
    usage = dict.fromkeys(("uncachedInputTokens", "outputTokens", "totalTokens"), 0)
    yield from _told_with(answer, metadataEvent={"tokenUsage": usage})


def _told_with(answer: Answer, **payloads: dict[str, object]) -> Iterator[Step]:
    """The answer with the payloads of some closing events replaced."""
    yield Begin()
    yield from tell(answer.opening())
    yield from tell(answer.content())
    yield from tell(Event(e.kind, payloads.get(e.kind, e.payload)) for e in answer.closing())


def exception_first(kind: str, message: str, reason: str | None) -> Play:
    """An exception frame before any content."""

    def play(answer: Answer, _seconds: float | None) -> Iterator[Step]:
        yield Begin()
        yield from tell(answer.opening())
        yield exception_frame(kind, message, reason)

    return play


def exception_later(kind: str, message: str, reason: str | None) -> Play:
    """An exception frame after half of the content."""

    def play(answer: Answer, _seconds: float | None) -> Iterator[Step]:
        yield from _first_half(answer)
        yield exception_frame(kind, message, reason)

    return play


def error_frame_first(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """An `error` message, code and text in its headers, before any content."""
    yield Begin()
    yield from tell(answer.opening())
    yield error_frame("InternalServerException", "Something broke before the answer.")


def error_frame_later(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """An `error` message after half of the content."""
    yield from _first_half(answer)
    yield error_frame("InternalServerException", "Something broke during the answer.")


_INVALID_STATE = Event(
    "invalidStateEvent", {"reason": "INVALID_TASK_ASSIST_PLAN", "message": "The plan is not valid."}
)


def invalid_state_first(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """An `invalidStateEvent` before any content."""
    yield Begin()
    yield from tell([*answer.opening(), _INVALID_STATE])


def invalid_state_later(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """An `invalidStateEvent` after half of the content."""
    yield from _first_half(answer)
    yield _INVALID_STATE.frame()


def empty_deltas(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """An empty text event around every other one."""
    yield Begin()
    yield from tell(answer.opening())
    empty = event_frame("assistantResponseEvent", b'{"content":""}')
    for step in tell(answer.content()):
        yield empty
        yield step
    yield from tell_closing(answer)


def repeated_deltas(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """The text `ha ha ha` and three line ends, as equal events one after the other."""
    texts = ["ha "] * 3 + ["\n"] * 3
    yield Begin()
    yield from tell(Event("assistantResponseEvent", {"content": text}) for text in texts)
    yield from tell_closing(answer)


def wrapped_payloads(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Every payload sits in an object whose only member is the event type."""
    yield Begin()
    events = (*answer.opening(), *answer.content(), *answer.closing())
    yield from tell(Event(event.kind, {event.kind: event.payload}) for event in events)


def bare_headers(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Frames that name their event type and nothing else."""
    yield Begin()
    for event in (*answer.content(), *answer.closing()):
        yield encode_frame({":event-type": event.kind}, encode_json(event.payload))


def odd_headers(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A header of every value type in front of the known ones."""
    odd: dict[str, bool | int | bytes | str | datetime | UUID] = {
        "true": True,
        "false": False,
        "byte": 1,
        "short": 1 << 9,
        "integer": -(1 << 20),
        "long": 1 << 40,
        "bytes": b"\x00\xff",
        "text": "ü",
        "time": datetime(2026, 1, 2, tzinfo=UTC),
        "uuid": UUID(int=7),
    }
    yield Begin()
    for event in (*answer.content(), *answer.closing()):
        headers = {**odd, ":event-type": event.kind, ":message-type": "event"}
        yield encode_frame(headers, encode_json(event.payload))


def extra_events(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A whole answer with every event in it that means nothing to a chat."""
    yield Begin()
    yield event_frame("initial-response", b"{}")
    yield from tell(answer.opening())
    content = answer.content()
    half = first_words(content)
    yield from tell(content[:half])
    for kind, payload in _EXTRAS:
        yield event_frame(kind, json.dumps(payload).encode())
    yield from tell(content[half:])
    yield from tell_closing(answer)


_EXTRAS: tuple[tuple[str, dict[str, object]], ...] = (
    (
        "supplementaryWebLinksEvent",
        {"supplementaryWebLinks": [{"url": "https://example.com/", "title": "Example"}]},
    ),
    ("codeReferenceEvent", {"references": [{"licenseName": "MIT", "repository": "example/one"}]}),
    ("citationEvent", {"target": {"location": 0}, "citationLink": "https://example.com/"}),
    ("followupPromptEvent", {"followupPrompt": {"content": "And then?"}}),
    ("assistantResponseEvent", {"content": "", "followupPrompt": {"content": "And then?"}}),
    ("intentsEvent", {"intents": {}}),
    ("interactionComponentsEvent", {"interactionComponentEntries": []}),
    ("dryRunSucceedEvent", {}),
    (
        "toolResultEvent",
        {"toolResult": {"toolUseId": "t", "status": "success", "content": [{"text": "x"}]}},
    ),
    ("eventFromTheFuture", {"content": "not for now"}),
)


def metering_only(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A whole answer that ends with the credits and tells no token count."""
    tail = replace(answer.tail, metadata=False, context_usage=False)
    yield from tell_all(replace(answer, tail=tail))


def context_usage_only(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A whole answer that ends with the context percentage and nothing else."""
    tail = replace(answer.tail, metadata=False, metering=False)
    yield from tell_all(replace(answer, tail=tail))
