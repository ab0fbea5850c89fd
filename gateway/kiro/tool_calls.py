"""The model's tool calls, put together from their events.

A call comes as a run of events that repeat its id and name: fragments of the JSON text of its
input, and at last `stop`. Seen in practice besides: calls that take turns, no `stop` before the
next call, no id, the input as one object, and the same call twice, once with empty input.

A call is handed on when its input is complete and reads as an object. It is never handed on with
what is left of a cut input: the client would run it.
"""

import json
from collections.abc import Callable
from typing import NoReturn, Protocol

from gateway.events import ContentEvent, ToolUseDelta, ToolUseEnd, ToolUseStart
from gateway.kiro.builtin_tools import is_builtin, remap
from gateway.kiro.json_object import is_json_object


class Names(Protocol):
    """What is asked of a request's tool names."""

    @property
    def declared(self) -> frozenset[str]:
        """The client's own names of its tools."""
        ...

    def to_client(self, kiro_name: str, /) -> str:
        """The client's name for the service's."""
        ...


class ToolCalls:
    """Tool events in; starts, fragments and ends of calls out.

    Buffered, the three events of a call come together when it is complete. Live, fragments are
    passed on as they come, but of one call at a time: a call that begins meanwhile waits until the
    first is complete. A call that has to be remapped is always buffered.

    Attributes:
        delivered: how many calls were handed on completely.
        lost: after `finish`, names of the calls whose input was cut or is no object.
        discarded: names of built-in tools that were called and that the client cannot run.
    """

    def __init__(
        self, names: Names, *, live: bool, remap_builtin: bool, new_tool_id: Callable[[], str]
    ) -> None:
        self._names = names
        self._live = live
        self._remap_builtin = remap_builtin
        self._new_tool_id = new_tool_id
        self._open: dict[str, _Call] = {}
        self._settled: set[str] = set()
        self._latest: _Call | None = None
        self._held: _Call | None = None
        self._streaming: _Call | None = None
        self._waiting: list[ContentEvent] = []
        self.delivered = 0
        self.lost: list[str] = []
        self.discarded: list[str] = []

    @property
    def holding(self) -> bool:
        """Whether a stopped call waits for what comes next."""
        return self._held is not None

    @property
    def in_progress(self) -> bool:
        """Whether a call has begun and not ended: text must not overtake it."""
        return bool(self._open)

    def receive(
        self, tool_use_id: str, name: str, text: str, *, whole: bool, stop: bool
    ) -> list[ContentEvent]:
        """One event of a call; "" where it lacks a member.

        `whole` says that `text` is a complete input rather than a fragment of one.
        """
        events: list[ContentEvent] = []
        call = self._find(tool_use_id, name, text, events)
        if call is None:
            return events
        self._latest = call
        call.name = call.name or name
        call.stopped = call.stopped or stop
        is_new = call.add(text, whole=whole)
        if call is self._streaming:
            if is_new:
                events.append(ToolUseDelta(call.id, text))
        elif self._may_stream(call):
            self._streaming = call
            events.append(ToolUseStart(call.id, self._names.to_client(call.name)))
            if call.text:
                events.append(ToolUseDelta(call.id, call.text))
        if call.stopped and call.is_empty:
            # The same call may follow once more with its input: see what comes next.
            self._held = call
        elif stop:
            self._deliver(call, events)
        return events

    def go_on(self, tool_use_id: str, text: str) -> tuple[ContentEvent, ...] | None:
        """More input for the call in progress, by far the most frequent event.

        None where it is not that simple: `receive` has to look at it.
        """
        call = self._latest
        if call is None or call.id != tool_use_id or call.stopped:
            return None
        if not self._live:
            call.add(text, whole=False)
            return ()
        if call is not self._streaming:
            return None
        return (ToolUseDelta(tool_use_id, text),) if call.add(text, whole=False) else ()

    def settle(self) -> list[ContentEvent]:
        """Something else than tool input came: calls that are complete lack nothing but `stop`."""
        events: list[ContentEvent] = []
        self._settle_held(events)
        self._settle_complete(events)
        return events

    def _settle_held(self, events: list[ContentEvent]) -> None:
        """A stopped call without input really has none."""
        held, self._held = self._held, None
        if held is not None:
            self._deliver(held, events)

    def _settle_complete(self, events: list[ContentEvent]) -> None:
        for call in list(self._open.values()):
            if call.is_complete and not call.is_empty:
                self._deliver(call, events)

    def finish(self, *, closed: bool) -> list[ContentEvent]:
        """The stream ended; `closed`: as it should, so a call may just lack its `stop`."""
        events: list[ContentEvent] = []
        self._settle_held(events)
        for call in list(self._open.values()):
            # What the client has seen complete is complete, however the stream ended.
            seen_whole = call is self._streaming and _is_object(call.first_text)
            if call.stopped or seen_whole or (closed and not call.is_empty):
                self._deliver(call, events)
            if call.id in self._open:
                self._lose(call, events)
        return events

    def _find(
        self, tool_use_id: str, name: str, text: str, events: list[ContentEvent]
    ) -> "_Call | None":
        call = self._open.get(tool_use_id) if tool_use_id else self._continued(name)
        if call is not self._held:
            self._settle_held(events)
        self._held = None
        if call is not None:
            return call
        if tool_use_id in self._settled or not (tool_use_id or name or text):
            return None
        # Another call begins. One whose input is complete by now only lacks its `stop`; one whose
        # input is not may be taking turns with this one.
        self._settle_complete(events)
        call = _Call(tool_use_id or self._new_tool_id())
        self._open[call.id] = call
        return call

    def _continued(self, name: str) -> "_Call | None":
        """The call that an event without an id belongs to, if it does not begin one."""
        latest = self._latest
        if latest is None or latest.stopped:
            return None
        return latest if not name or not latest.name or name == latest.name else None

    def _may_stream(self, call: "_Call") -> bool:
        free = self._live and self._streaming is None and not call.is_restated
        return free and bool(call.name) and not self._is_builtin(call)

    def _is_builtin(self, call: "_Call") -> bool:
        name = self._names.to_client(call.name)
        return self._remap_builtin and is_builtin(name, self._names.declared)

    def _deliver(self, call: "_Call", events: list[ContentEvent]) -> None:
        if call is self._streaming:
            self._end_streaming(call, events)
            return
        text = call.best_input()
        if text is None or not call.name:
            # Not over yet: the same call may come again. `finish` has the last word.
            call.put_aside()
            return
        self._settle_id(call)
        name = self._names.to_client(call.name)
        if self._is_builtin(call):
            remapped = remap(name, json.loads(text), self._names.declared)
            if remapped is None:
                self.discarded.append(name)
                return
            name, text = remapped
        self.delivered += 1
        out = events if self._streaming is None else self._waiting
        out += (ToolUseStart(call.id, name), ToolUseDelta(call.id, text), ToolUseEnd(call.id))

    def _end_streaming(self, call: "_Call", events: list[ContentEvent]) -> None:
        if call.is_empty and not call.text.strip():
            events.append(ToolUseDelta(call.id, "{}"))
        elif not _is_object(call.first_text):
            self._lose(call, events)
            return
        self._settle_id(call)
        self.delivered += 1
        events.append(ToolUseEnd(call.id))
        self._stop_streaming(events)

    def _lose(self, call: "_Call", events: list[ContentEvent]) -> None:
        self._settle_id(call)
        self.lost.append(self._names.to_client(call.name))
        if call is self._streaming:
            self._stop_streaming(events)

    def _settle_id(self, call: "_Call") -> None:
        del self._open[call.id]
        self._settled.add(call.id)
        if call is self._latest:
            self._latest = None

    def _stop_streaming(self, events: list[ContentEvent]) -> None:
        self._streaming = None
        events += self._waiting
        self._waiting.clear()


class _Call:
    """A call in progress. Its input may be stated more than once; each time is a version."""

    __slots__ = ("_earlier", "_fragments", "id", "name", "stopped")

    def __init__(self, tool_use_id: str) -> None:
        self.id = tool_use_id
        self.name = ""
        self.stopped = False
        self._earlier: list[str] = []
        self._fragments: list[str] = []

    def add(self, text: str, *, whole: bool) -> bool:
        """Take more input; False where there is none, or where it begins a repetition."""
        if not text:
            return False
        if self._fragments and (whole or self._begins_again(text)):
            self.put_aside()
        self._fragments.append(text)
        return not self._earlier

    def _begins_again(self, text: str) -> bool:
        # Parsed only where braces meet, which they do in no object: it is not cheap.
        return text[0] == "{" and self._fragments[-1].rstrip()[-1:] == "}" and self.is_complete

    def put_aside(self) -> None:
        """Let what comes from here on be another version."""
        self._earlier.append(self.text)
        self._fragments.clear()

    @property
    def text(self) -> str:
        """The version in progress."""
        return "".join(self._fragments)

    @property
    def first_text(self) -> str:
        """The first version."""
        return self._earlier[0] if self._earlier else self.text

    @property
    def is_restated(self) -> bool:
        return bool(self._earlier)

    @property
    def is_complete(self) -> bool:
        # The text of an object is not the beginning of a longer one, so this cannot be too early.
        return bool(self._fragments) and _is_object(self.text)

    @property
    def is_empty(self) -> bool:
        return all(text.strip() in ("", "{}") for text in (*self._earlier, self.text))

    def best_input(self) -> str | None:
        """The longest version that is an object; None where none is."""
        if self.is_empty:
            return "{}"
        return max(filter(_is_object, (*self._earlier, self.text)), key=len, default=None)


def _is_object(text: str) -> bool:
    if is_json_object(text.encode()):
        return True
    # Half a surrogate pair in an escape is no text, but legal JSON, and clients read it.
    if "\\u" not in text:
        return False
    try:
        return isinstance(json.loads(text, parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        return False


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
