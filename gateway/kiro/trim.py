"""The payload guard: no body leaves that is over the limit, and what to do about one that is."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import msgspec

from gateway.conversation import Note
from gateway.errors import PromptTooLong
from gateway.kiro import texts
from gateway.kiro.body import AssistantEntry, Entry, UserEntry
from gateway.kiro.payload import MAX_USER_TEXT, TOO_LONG, KiroRequest

_encode = msgspec.json.Encoder().encode


def fit(
    request: KiroRequest, *, limit: int, auto_trim: bool, profile_arn: str | None
) -> tuple[KiroRequest, bytes]:
    """The request as it will be sent, and its exact bytes.

    With `auto_trim` the oldest rounds go until the body fits. A round reaches from a user turn
    that brings no tool results to the next such turn, so calls and results leave together. The
    system pair, the first user turn with the answer that closes its round, the round that is still
    open and the current message stay, and no message is cut.

    Args:
        request: as built.
        limit: in bytes; 0 turns the guard off.
        auto_trim: whether old rounds may go.
        profile_arn: of the account; part of the bytes.

    Raises:
        PromptTooLong: over the limit, and nothing (more) may go.
    """
    encoded = request.encode(profile_arn)
    size = len(encoded)
    if not limit or size <= limit:
        return request, encoded
    if not auto_trim:
        raise _too_long(size, limit, "compact the conversation or start a new one")
    trimmed = _without_oldest(request, size - limit)
    if trimmed is None:
        raise _too_long(size, limit, "even without earlier turns; send less at once")
    return trimmed, trimmed.encode(profile_arn)


def _too_long(size: int, limit: int, advice: str) -> PromptTooLong:
    return PromptTooLong(
        f"prompt is too long: {size} bytes, limit {limit} bytes; {advice}", code=TOO_LONG
    )


def _without_oldest(request: KiroRequest, excess: int) -> KiroRequest | None:
    """`request` without as many of its oldest rounds as make up for `excess` bytes."""
    state = request.body.conversation_state
    history = state.history
    first = 2 if request.has_system_pair else 0
    rounds = _rounds(history, first)
    # A closed round may go; the last one is open while the current message belongs to it.
    current = state.current_message.user_input_message
    context = current.user_input_message_context
    if request.is_prefilled or (context is not None and context.tool_results):
        rounds = rounds[:-1]
    if not rounds:
        return None

    kept_user = history[first]
    assert isinstance(kept_user, UserEntry)  # the history begins with one
    marked = _marked(kept_user)
    excess += len(_encode(marked)) - len(_encode(kept_user))
    # Of the first round only what lies between its first turn and the answer that closes it.
    start, end = rounds[0]
    gaps = [(start + 1, end - 1), *rounds[1:]]
    removed_to = start + 1
    closing = history[end - 1]
    for gap_start, gap_end in gaps:
        if excess <= 0:
            break
        excess -= sum(len(_encode(entry)) + 1 for entry in history[gap_start:gap_end])
        removed_to = gap_end
    if excess > 0:
        return None
    # Where the first round lost its middle only, its answer is the next entry anyway.
    rest = history[removed_to:] if removed_to < end else (closing, *history[removed_to:])
    return _with_history(request, (*history[:first], marked, *rest))


def _rounds(history: Sequence[Entry], first: int) -> list[tuple[int, int]]:
    """The rounds from entry `first` on, each as (start, end)."""
    starts = [index for index in range(first, len(history)) if _begins_round(history[index])]
    return list(pairwise([*starts, len(history)]))


def _begins_round(entry: Entry) -> bool:
    if isinstance(entry, AssistantEntry):
        return False
    context = entry.user_input_message.user_input_message_context
    return context is None or not context.tool_results


def _marked(entry: UserEntry) -> UserEntry:
    message = entry.user_input_message
    content = message.content + texts.TRIMMED
    if len(content) * 4 > MAX_USER_TEXT and len(content.encode()) > MAX_USER_TEXT:
        return entry  # the sentence itself would break the service's limit
    return UserEntry(msgspec.structs.replace(message, content=content))


def _with_history(request: KiroRequest, history: tuple[Entry, ...]) -> KiroRequest:
    state = msgspec.structs.replace(request.body.conversation_state, history=history)
    return replace(
        request,
        body=msgspec.structs.replace(request.body, conversation_state=state),
        notes=(*request.notes, Note("trimmed", "turns")),
        has_history_thinking=any(
            isinstance(entry, AssistantEntry)
            and entry.assistant_response_message.reasoning_content is not None
            for entry in history
        ),
    )
