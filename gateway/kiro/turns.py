"""Turns in any order → turns as the service takes them.

User and assistant alternate, a user begins and a user ends; the calls of an assistant turn are
answered in the turn behind it, each once, in their order, and nothing else is answered there.
Clients break each of these now and then: after a dropped stream, a cancelled call, an edited
history. What a turn says is kept, if need be as text.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.conversation import Image, Note, Role, Thinking, ToolResult, ToolUse, Turn
from gateway.kiro import texts
from gateway.kiro.json_object import (
    is_json_object,
    is_sound_object,
    without_repeated_names,
)

_MISSING: Final = ToolResult("", texts.MISSING_RESULT, is_error=True)


@dataclass(slots=True)
class MendedTurn:
    """A turn in the making; `texts` are joined by newlines in the end."""

    role: Role
    texts: list[str] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    tool_uses: list[ToolUse] = field(default_factory=list)
    tool_results: list[ToolResult] = field(default_factory=list)
    thinking: list[Thinking] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All its text, "" when there is nothing but white space."""
        text = self.texts[0] if len(self.texts) == 1 else "\n".join(self.texts)
        return "" if text.isspace() else text


@dataclass(frozen=True, slots=True)
class MendedTurns:
    """The last turn is the current message; `prefilled` when it is ours, behind a prefill."""

    turns: list[MendedTurn]
    prefilled: bool
    notes: tuple[Note, ...]


def mend(turns: Iterable[Turn], *, with_tools: bool) -> MendedTurns:
    """Bring `turns` into the order described above; at least one turn comes out.

    Args:
        turns: as the client sent them.
        with_tools: whether the request declares tools. The service refuses calls and results in
            one that does not, so there they become text.
    """
    notes: dict[Note, None] = {}
    mended = _merge(turns, notes)
    if with_tools:
        _pair(mended, notes)
    else:
        _textualise(mended, notes)
    if mended and mended[-1].role == "assistant" and not (mended[-1].text or mended[-1].tool_uses):
        mended.pop()  # it only held calls that were never answered
    if not mended or mended[0].role == "assistant":
        mended.insert(0, MendedTurn("user"))
    prefilled = mended[-1].role == "assistant"
    if prefilled:
        mended.append(MendedTurn("user", [texts.CONTINUE]))
    return MendedTurns(mended, prefilled, tuple(notes))


def _merge(turns: Iterable[Turn], notes: dict[Note, None]) -> list[MendedTurn]:
    """Neighbours of one role become one turn; an assistant turn without anything in it goes.

    This comes before calls and results are paired, so that parallel calls which a client sent as
    several messages still find their answers.
    """
    merged: list[MendedTurn] = []
    for turn in turns:
        if turn.role == "assistant":
            if turn.images:  # the service has no place for them
                notes[Note("dropped", "image")] = None
            if not turn.tool_uses and not turn.thinking and (not turn.text or turn.text.isspace()):
                continue
        if not merged or merged[-1].role != turn.role:
            merged.append(MendedTurn(turn.role))
        last = merged[-1]
        if turn.text:
            last.texts.append(turn.text)
        if turn.role == "user":
            last.images += turn.images
            last.tool_results += turn.tool_results
        else:
            last.tool_uses += turn.tool_uses
            last.thinking += turn.thinking
    return merged


def _textualise(turns: list[MendedTurn], notes: dict[Note, None]) -> None:
    for turn in turns:
        for use in turn.tool_uses:
            called = use.input.decode(errors="replace")
            turn.texts.append(texts.TOOL_CALL.format(name=use.name, id=use.id, input=called))
            notes[Note("textualised", "tool_use")] = None
        turn.tool_uses.clear()
        _results_to_text(turn, turn.tool_results, notes)
        turn.tool_results.clear()


def _results_to_text(
    turn: MendedTurn, results: Sequence[ToolResult], notes: dict[Note, None]
) -> None:
    """In front of what the user says: it comes after the results, and often about them."""
    if results:
        turn.texts[:0] = [
            (texts.TOOL_ERROR if result.is_error else texts.TOOL_RESULT).format(
                id=result.tool_use_id, text=result.text
            )
            for result in results
        ]
        notes[Note("textualised", "tool_result")] = None


def _pair(turns: list[MendedTurn], notes: dict[Note, None]) -> None:
    """Give each call its answer, in the calls' order, and each answer its call."""
    asked: list[str] = []  # the client's ids of the calls directly before
    calls: list[ToolUse] = []
    for turn in turns:
        if turn.role == "assistant":
            asked = [use.id for use in turn.tool_uses]
            turn.tool_uses = calls = _with_own_ids(turn.tool_uses, notes)
        else:
            if asked or turn.tool_results:
                _answer(turn, asked, calls, notes)
            asked, calls = [], []
    if calls:  # nobody came after them
        turns[-1].tool_uses = []
        notes[Note("dropped", "tool_use")] = None


def _with_own_ids(uses: list[ToolUse], notes: dict[Note, None]) -> list[ToolUse]:
    """Calls with distinct, non-empty ids and a sound object for their input."""
    numbers: dict[str, int] = {}
    checked: list[ToolUse] = []
    for use in uses:
        wanted = own = use.id or "tooluse"
        while own in numbers:
            numbers[wanted] += 1
            own = f"{wanted}_{numbers[wanted]}"
        numbers[own] = 1
        given = _sound_input(use.input, notes)
        if own != use.id:
            notes[Note("renamed", "tool_use_id")] = None
        checked.append(
            use if (own, given) == (use.id, use.input) else ToolUse(own, use.name, given)
        )
    return checked


def _sound_input(given: bytes, notes: dict[Note, None]) -> bytes:
    if is_sound_object(given):
        return given
    mended = without_repeated_names(given) if is_json_object(given) else None
    notes[Note("dropped" if mended is None else "mended", "tool_input")] = None
    return b"{}" if mended is None else mended


def _answer(
    turn: MendedTurn, asked: list[str], calls: list[ToolUse], notes: dict[Note, None]
) -> None:
    """Sort the results of the turn behind `calls`; `asked` are the calls' ids as they came."""
    results = turn.tool_results
    if [result.tool_use_id for result in results] == asked == [use.id for use in calls]:
        return
    waiting: dict[str, deque[int]] = {}
    for position, identifier in enumerate(asked):
        waiting.setdefault(identifier, deque()).append(position)
    answers: dict[int, ToolResult] = {}
    orphans: list[ToolResult] = []
    for result in results:
        positions = waiting.get(result.tool_use_id)
        if positions is None:
            orphans.append(result)
        elif positions:
            answers[positions.popleft()] = result
        else:
            notes[Note("dropped", "tool_result")] = None
    if len(answers) < len(calls):
        notes[Note("added", "tool_result")] = None
    turn.tool_results = []
    for position, use in enumerate(calls):
        found = answers.get(position, _MISSING)
        turn.tool_results.append(ToolResult(use.id, found.text, found.is_error))
    _results_to_text(turn, orphans, notes)
