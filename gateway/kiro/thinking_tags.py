"""Thinking that a model writes as tags into its text.

Models without native reasoning events are asked to put their reasoning between tags in front of the
answer. They also quote those tags, and leave them open when they call a tool, so:

- an opening tag counts only at the very start of the text, behind nothing but white space;
- the closing tag counts only where a line break follows or the text stops (at the end of the
  stream or at a tool call), and not behind a quote or backtick;
- line breaks behind it belong to neither; a second block is text like any other.

What comes out depends on the text alone, not on how it was cut into deltas.
"""

from typing import Literal

from gateway.events import TextDelta, ThinkingDelta

OPENING_TAGS = ("<thinking>", "<think>", "<reasoning>", "<thought>")
QUOTES = frozenset("`'\"")
LINE_BREAKS = "\r\n"

# More white space than this before a tag is no model's habit, and it has to be held back.
MAX_LEADING_SPACE = 256  # characters

Delta = TextDelta | ThinkingDelta


class ThinkingTagParser:
    """Text in, cut anywhere; text and thinking out."""

    def __init__(self) -> None:
        self._state: Literal["start", "inside", "behind", "text"] = "start"
        self._held = ""  # what may yet turn out to be a tag
        self._before = ""  # inside: the last character that was let go
        self._closing = ""

    @property
    def done(self) -> bool:
        """Whether everything from here on is text, which `feed` would only pass through."""
        return self._state == "text"

    def feed(self, text: str) -> tuple[Delta, ...]:
        """The next of the text; gives what is certain by now."""
        deltas: list[Delta] = []
        rest = self._held + text
        self._held = ""
        if self._state == "start":
            rest = self._start(rest)
        if self._state == "inside":
            rest = self._inside(rest, deltas)
        if self._state == "behind":
            rest = rest.lstrip(LINE_BREAKS)
            if rest:
                self._state = "text"
        if rest and self._state == "text":
            deltas.append(TextDelta(rest))
        return tuple(deltas)

    def flush(self) -> tuple[Delta, ...]:
        """The text stops here, at its end or at a tool call; what follows is text."""
        held, self._held = self._held, ""
        state, self._state = self._state, "text"
        if not held or (state == "inside" and held == self._closing):
            return ()
        return (ThinkingDelta(held) if state == "inside" else TextDelta(held),)

    def _start(self, text: str) -> str:
        stripped = text.lstrip()
        if len(text) - len(stripped) <= MAX_LEADING_SPACE:
            for tag in OPENING_TAGS:
                if stripped.startswith(tag):
                    self._state = "inside"
                    self._closing = f"</{tag[1:]}"
                    return stripped[len(tag) :]
            if any(tag.startswith(stripped) for tag in OPENING_TAGS):
                self._held = text
                return ""
        self._state = "text"
        return text

    def _inside(self, text: str, deltas: list[Delta]) -> str:
        closing = self._closing
        at = text.find(closing)
        while at >= 0:
            end = at + len(closing)
            quoted = (text[at - 1] if at else self._before) in QUOTES
            if not quoted and end == len(text):
                break
            if not quoted and text[end] in LINE_BREAKS:
                self._think(text[:at], deltas)
                self._state = "behind"
                return text[end:]
            at = text.find(closing, end)
        if at < 0:
            at = len(text) - _overlap(text, closing)
        self._think(text[:at], deltas)
        self._held = text[at:]
        return ""

    def _think(self, text: str, deltas: list[Delta]) -> None:
        if text:
            self._before = text[-1]
            deltas.append(ThinkingDelta(text))


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` could be the beginning of `tag`."""
    at = text.rfind("<", max(0, len(text) - len(tag) + 1))
    return len(text) - at if at >= 0 and tag.startswith(text[at:]) else 0
