"""Stop sequences and `max_tokens`: the service honours neither, so the stream is cut here."""

from typing import Final

from gateway.dialects.token_estimate import TokenCounter
from gateway.events import (
    ContentEvent,
    Stop,
    TextDelta,
    ToolUseDelta,
    ToolUseEnd,
    ToolUseStart,
)

# Counts are estimates: a reply that was within its limit must not lose its last words to that.
ALLOWANCE: Final = 1.1
# Close to the limit, look again after so many characters (about one token).
_CLOSEST_CHECK: Final = 4


class OutputLimiter:
    """Lets a reply through up to a stop sequence, or until its text is 10 % over `max_tokens`.

    Both look at visible text only. Of several stop sequences the one that is complete first ends
    the reply, and of those complete at the same character the longest; the text in front of it is
    the last. What is let through depends on the text alone, not on how it was cut into deltas:
    only an end of text that may be the beginning of a stop sequence is held back, until more text
    decides, or another kind of event shows that the text went no further.

    A tool call in progress always finishes: once a limit is reached, text is dropped and new calls
    are not begun, but `stopped` stays None until the open ones have ended. After that, everything
    is dropped; the caller closes the connection to upstream.

    `counter` counts the visible text let through; nobody else may add to it. It is consulted at
    places that depend on the text alone, ever closer as the limit comes near.
    """

    def __init__(
        self, stop_sequences: tuple[str, ...], max_tokens: int | None, counter: TokenCounter
    ) -> None:
        self._stops = tuple(stop for stop in stop_sequences if stop)
        self._first_characters = frozenset(stop[0] for stop in self._stops)
        self._longest_hold = max(map(len, self._stops), default=1) - 1
        self._held = ""
        self._limit = None if max_tokens is None else int(max_tokens * ALLOWANCE)
        self._counter = counter
        self._until_check = self._next_check(0)
        self._open: set[str] = set()
        self._verdict: Stop | None = None

    @property
    def stopped(self) -> Stop | None:
        """Why the reply was cut; None while it goes on."""
        return None if self._open else self._verdict

    def feed(self, event: ContentEvent) -> tuple[ContentEvent, ...]:
        """What goes on to the client in place of `event`."""
        if self._verdict is not None:
            return self._finish_tools(event)
        if type(event) is TextDelta:
            return self._feed_text(event) if self._stops else self._let_through(event)
        if not self._held:
            self._watch_tools(event)
            return (event,)
        held = self._let_go()
        return held + self.feed(event)

    def finish(self) -> tuple[ContentEvent, ...]:
        """What was held back; for the end of the stream, after the last event."""
        self._open.clear()  # what has not ended by now never will
        return self._let_go()

    def _let_go(self) -> tuple[ContentEvent, ...]:
        held, self._held = self._held, ""
        return self._let_through(TextDelta(held)) if held else ()

    def _feed_text(self, event: TextDelta) -> tuple[ContentEvent, ...]:
        if self._held:
            event = TextDelta(self._held + event.text)
            self._held = ""
        text = event.text
        for stop in self._stops:
            if stop in text:
                return self._stop_at_first(text)
        if not self._first_characters.isdisjoint(text[-self._longest_hold :]):
            hold = self._hold_length(text)
            if hold:
                self._held = text[-hold:]
                event = TextDelta(text[:-hold])
        return self._let_through(event)

    def _stop_at_first(self, text: str) -> tuple[ContentEvent, ...]:
        """Ends the reply in front of the stop sequence in `text` that is complete first."""
        matches = [
            (at + len(stop), at, stop) for stop in self._stops if (at := text.find(stop)) >= 0
        ]
        _, start, stop = min(matches)
        out = self._let_through(TextDelta(text[:start]))
        if self._verdict is None:
            self._verdict = Stop("stop_sequence", stop)
        return out

    def _hold_length(self, text: str) -> int:
        """Length of the longest end of `text` that some stop sequence begins with."""
        for start in range(max(0, len(text) - self._longest_hold), len(text)):
            if text[start] in self._first_characters:
                end = text[start:]
                if any(stop.startswith(end) for stop in self._stops):
                    return len(end)
        return 0

    def _let_through(self, event: TextDelta) -> tuple[ContentEvent, ...]:
        """Counts a text and passes it on, cut where it goes over the limit."""
        text = event.text
        if not text:
            return ()
        size = len(text)
        if size < self._until_check:
            self._until_check -= size
            self._counter.add(text)
            return (event,)
        passed = 0
        while size - passed >= self._until_check:
            until = passed + self._until_check
            self._counter.add(text[passed:until])
            passed = until
            self._until_check = self._next_check(self._counter.total)
            if not self._until_check:
                self._verdict = Stop("max_tokens")
                self._held = ""
                return (TextDelta(text[:passed]),)
        self._until_check -= size - passed
        self._counter.add(text[passed:])
        return (event,)

    def _next_check(self, total: int) -> int:
        """After how many characters to count again; 0: the limit is passed.

        Text of one token per character, and some is, gets half way to the limit.
        """
        if self._limit is None:
            return 1 << 62  # characters: never
        if total > self._limit:
            return 0
        return max(_CLOSEST_CHECK, (self._limit - total) // 2)

    def _watch_tools(self, event: ContentEvent) -> None:
        if type(event) is ToolUseStart:
            self._open.add(event.tool_use_id)
        elif type(event) is ToolUseEnd:
            self._open.discard(event.tool_use_id)

    def _finish_tools(self, event: ContentEvent) -> tuple[ContentEvent, ...]:
        if isinstance(event, ToolUseDelta | ToolUseEnd) and event.tool_use_id in self._open:
            self._watch_tools(event)
            return (event,)
        return ()
