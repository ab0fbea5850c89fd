"""Answers whose content is unusual or broken: tool calls and thinking in every shape seen."""

import json
from collections.abc import Iterator
from dataclasses import replace

from gateway.simulator.answers import Answer, Call, make_tool_use_id
from gateway.simulator.steps import Begin, Play, Step, tell, tell_all, tell_closing
from gateway.simulator.wire import Event, pieces

_SAMPLE = {"text": 'a "quoted" brace } and an ü', "count": 2}


def _calls(answer: Answer, count: int) -> tuple[Call, ...]:
    """The answer's calls, topped up: repeated with new ids, or a tool called `lookup`."""
    calls = answer.calls
    while len(calls) < count:
        name, text = (calls[0].name, calls[0].input) if calls else ("lookup", json.dumps(_SAMPLE))
        calls = (*calls, Call(make_tool_use_id(answer.ids), name, text))
    return calls


def _told(answer: Answer, events: list[Event], *, closing: bool = True) -> Iterator[Step]:
    """The usual answer up to its text, then these events in place of its calls."""
    yield Begin()
    yield from tell((*answer.opening(), *answer.reasoning(), *answer.words(), *events))
    if closing:
        yield from tell_closing(answer)


def _tool_event(call: Call, **more: object) -> Event:
    return Event("toolUseEvent", {"toolUseId": call.tool_use_id, "name": call.name, **more})


def tool_input_cut(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """The input of the last call stops in the middle; the call itself ends properly."""
    *whole, last = _calls(answer, 1)
    cut = replace(last, input=last.input[: max(len(last.input) // 2, 1)])
    yield from _told(answer, [event for call in (*whole, cut) for event in call.events()])


def tool_input_cut_only(answer: Answer, seconds: float | None) -> Iterator[Step]:
    """A cut call and no text at all."""
    yield from tool_input_cut(replace(answer, text=""), seconds)


def tool_input_no_object(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """The input of a call is a JSON list."""
    call = replace(_calls(answer, 1)[0], input='["not", "an", "object"]')
    yield from _told(answer, call.events())


def tool_input_empty(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A call without any input event."""
    call = _calls(answer, 1)[0]
    yield from _told(answer, [_tool_event(call), _tool_event(call, stop=True)])


def tool_input_as_object(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """The input comes as an object, an empty one first."""
    call = _calls(answer, 1)[0]
    given = json.loads(call.input)
    events = [_tool_event(call, input={}), _tool_event(call, input=given)]
    yield from _told(answer, [*events, _tool_event(call, stop=True)])


def tool_in_one_event(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Name, whole input and stop in a single event."""
    call = _calls(answer, 1)[0]
    yield from _told(answer, [_tool_event(call, input=call.input, stop=True)])


def tool_without_stop(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A call whose input is whole but that never stops; the accounting follows."""
    yield from _told(answer, _calls(answer, 1)[0].events()[:-1])


def tool_open_at_end(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A call that is cut in its input, and with it the stream: no stop, no accounting."""
    events = _calls(answer, 1)[0].events()
    yield from _told(answer, events[: max(len(events) // 2, 1)], closing=False)


def tools_without_stops(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Two calls in a row, the first of which never stops."""
    first, second = _calls(answer, 2)[:2]
    yield from _told(answer, [*first.events()[:-1], *second.events()])


def tools_interleaved(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Two calls whose events alternate."""
    queues = [call.events() for call in _calls(answer, 2)[:2]]
    events: list[Event] = []
    while any(queues):
        events.extend(queue.pop(0) for queue in queues if queue)
    yield from _told(answer, events)


def tool_twice(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """One call told twice under one id, the second time with empty input."""
    call = _calls(answer, 1)[0]
    again = replace(call, input="{}")
    yield from _told(answer, [*call.events(), *again.events()])


def tools_equal(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Two calls with equal names and inputs but ids of their own: both are meant."""
    first = _calls(answer, 1)[0]
    second = replace(first, tool_use_id=make_tool_use_id(answer.ids))
    yield from _told(answer, [*first.events(), *second.events()])


def tool_then_text(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Text, a call, and more text after it."""
    words = [Event("assistantResponseEvent", {"content": piece}) for piece in pieces("And so on.")]
    yield from _told(answer, [*_calls(answer, 1)[0].events(), *words])


def tool_whole_event(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A call as one `toolUse` event, the older form."""
    call = _calls(answer, 1)[0]
    payload = {"toolUseId": call.tool_use_id, "name": call.name, "input": json.loads(call.input)}
    yield from _told(answer, [Event("toolUse", payload)])


def tool_as_text(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A call written into the text, as some models do."""
    call = _calls(answer, 1)[0]
    yield from tell_all(
        replace(answer, text=f"[Called {call.name} with args: {call.input}]", calls=())
    )


def builtin_tool(name: str, given: dict[str, object]) -> Play:
    """A call of one of the service's own tools, which nobody declared."""

    def play(answer: Answer, _seconds: float | None) -> Iterator[Step]:
        call = Call(make_tool_use_id(answer.ids), name, json.dumps(given))
        yield from tell_all(replace(answer, calls=(call,)))

    return play


def only_thinking(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Native reasoning and nothing visible."""
    silent = replace(answer, text="", calls=(), thoughts=answer.thoughts or "Hmm.")
    yield Begin()
    yield from tell(Event("reasoningContentEvent", {"text": t}) for t in pieces(silent.thoughts))
    yield from tell_closing(silent)


def only_tagged_thinking(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A thinking block in tags and nothing after it."""
    yield from tell_all(_saying(answer, "<thinking>\nHmm.\n</thinking>\n\n"))


def thinking_unclosed(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A thinking tag that is never closed."""
    yield from tell_all(_saying(answer, "<thinking>\nHmm, and on and on"))


def thinking_quotes_its_tag(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Thinking that mentions its own closing tag in backticks."""
    thought = "<thinking>\nI must not write `</thinking>` yet.\n</thinking>\n\nDone."
    yield from tell_all(_saying(answer, thought))


def thinking_then_tool(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """A closing thinking tag followed by a call at once."""
    thought = "<thinking>\nI need the tool.</thinking>"
    yield from tell_all(replace(_saying(answer, thought), calls=_calls(answer, 1)))


def thinking_both_ways(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Native reasoning, and then a thinking tag that is plain text."""
    native = replace(answer, thoughts="Native.", signature=answer.signer.sign("Native."))
    yield from tell_all(replace(native, text="<thinking>plain</thinking> text"))


def thinking_sealed(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Reasoning that only the service can read, before the text."""
    sealed = Event("reasoningContentEvent", {"redactedContent": answer.signer.seal("Sealed.")})
    yield Begin()
    yield from tell((*answer.opening(), sealed, *answer.words(), *answer.tool_events()))
    yield from tell_closing(answer)


def thinking_unsigned(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """Native reasoning without a signature."""
    thoughts = [Event("reasoningContentEvent", {"text": piece}) for piece in pieces("Unsigned.")]
    yield Begin()
    yield from tell((*answer.opening(), *thoughts, *answer.words(), *answer.tool_events()))
    yield from tell_closing(answer)


def _saying(answer: Answer, text: str) -> Answer:
    return replace(answer, text=text, calls=(), thoughts="", signature=None)
