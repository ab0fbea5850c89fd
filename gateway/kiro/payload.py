"""A conversation → the body of GenerateAssistantResponse.

Nothing here knows an account: the profile ARN joins when the body is encoded, so that one request
can go to several accounts.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from gateway.conversation import Conversation, Note, ToolResult, ToolUse
from gateway.errors import InvalidRequest, PromptTooLong
from gateway.kiro import texts
from gateway.kiro.body import (
    AssistantEntry,
    AssistantResponseMessage,
    ConversationState,
    Entry,
    RequestBody,
    ResultText,
    ToolEntry,
    ToolResultBlock,
    ToolUseBlock,
    UserContext,
    UserEntry,
    UserInputMessage,
)
from gateway.kiro.images import choose_images, image_blocks
from gateway.kiro.system_text import system_text
from gateway.kiro.thinking import plan_thinking, reasoning_of
from gateway.kiro.tools import ToolNames, declare, distinct, name_tools
from gateway.kiro.turns import MendedTurn, mend

MAX_USER_TEXT: Final = 600_000  # bytes of one message's content
MAX_TOOL_RESULTS: Final = 800_000  # bytes of all results of one message
MAX_HISTORY: Final = 10_000  # entries

TOO_LONG: Final = "context_length_exceeded"
"""The code by which clients know that they should compact."""

_CONVERSATION_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SESSION_UUID: Final = re.compile(r"[0-9A-Za-z]{8}(?:-[0-9A-Za-z]{4}){3}-[0-9A-Za-z]{12}")
_SESSION_MARK: Final = "session_"

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the body needs besides the conversation.

    Attributes:
        conversation_id: see `conversation_id_of`; a random UUID where that has none.
        origin: the service's name for the kind of client that we are.
        history_thinking: `drop` leaves signed reasoning of earlier turns out.
        fields_schema: JSON text of the schema of further request fields that the model's entry in
            the model list publishes; None if it publishes none.
    """

    conversation_id: str
    origin: str = "AI_EDITOR"
    history_thinking: Literal["native", "drop"] = "native"
    fields_schema: bytes | None = None


@dataclass(frozen=True, slots=True)
class KiroRequest:
    """A body that is ready but for the account, and what the reply's reader must know of it.

    Attributes:
        body: without a profile ARN.
        names: to give the client its own tool names back.
        notes: all conversion notes, the conversation's first; each once.
        thinking_requested: whether reasoning is to be expected in the reply.
        has_history_thinking: whether the body carries reasoning that the service may refuse.
        has_system_pair: whether the first two history entries are the system text.
        is_prefilled: whether the current message is ours, behind an answer the client began.
    """

    body: RequestBody
    names: ToolNames
    notes: tuple[Note, ...] = ()
    thinking_requested: bool = False
    has_history_thinking: bool = False
    has_system_pair: bool = False
    is_prefilled: bool = False

    def encode(self, profile_arn: str | None) -> bytes:
        """The exact bytes to send. An empty ARN counts as none: the service refuses it."""
        body = self.body
        return _encode(
            RequestBody(
                body.conversation_state, profile_arn or None, body.additional_model_request_fields
            )
        )


def build_request(conversation: Conversation, model_id: str, options: BuildOptions) -> KiroRequest:
    """Reshape `conversation` for the service.

    Args:
        conversation: the request, its turns in any state.
        model_id: as the service knows it.
        options: see there.

    Raises:
        InvalidRequest: there is nothing to answer, the forced tool is not declared, or the current
            message holds an image that cannot go.
        PromptTooLong: one message is over the service's limits, whatever the whole body's size.
    """
    if not conversation.turns and not conversation.system:
        raise InvalidRequest("messages must hold at least one message")
    tools = distinct(conversation.tools) if conversation.tool_choice.mode != "none" else ()
    _check_tool_choice(conversation)
    notes: dict[Note, None] = dict.fromkeys(conversation.notes)
    if tools and len(tools) < len(conversation.tools):
        notes[Note("dropped", "duplicate_tool")] = None

    mended = mend(conversation.turns, with_tools=bool(tools))
    notes |= dict.fromkeys(mended.notes)
    turns = mended.turns
    choose_images(turns, notes)
    used = {use.name for turn in turns for use in turn.tool_uses}
    names = name_tools([tool.name for tool in tools], sorted(used))
    declarations = declare(tools, used, names)
    notes |= dict.fromkeys(declarations.notes)

    thinking = plan_thinking(conversation.thinking, conversation.system, options.fields_schema)
    notes |= dict.fromkeys(thinking.notes)
    if conversation.tool_choice.mode == "required" and not tools:
        notes[Note("dropped", "tool_choice")] = None
    system = system_text(
        conversation, names, tags=thinking.tags, documentation=declarations.documentation
    )

    builder = _Entries(model_id, options, names, notes)
    history = [*builder.system_pair(system), *map(builder.entry, turns[:-1])]
    if len(history) > MAX_HISTORY:
        raise PromptTooLong(
            f"prompt is too long: {len(history)} messages, limit {MAX_HISTORY}", code=TOO_LONG
        )
    state = ConversationState(
        conversation_id=options.conversation_id,
        agent_continuation_id=_continuation_id(conversation, options.conversation_id),
        chat_trigger_type="MANUAL",
        agent_task_type="vibe",
        current_message=builder.user(turns[-1], declarations.entries),
        history=tuple(history),
    )
    fields = None if thinking.fields is None else msgspec.Raw(thinking.fields)
    return KiroRequest(
        body=RequestBody(state, additional_model_request_fields=fields),
        names=names,
        notes=tuple(notes),
        thinking_requested=thinking.requested,
        has_history_thinking=builder.has_reasoning,
        has_system_pair=bool(system),
        is_prefilled=mended.prefilled,
    )


def _check_tool_choice(conversation: Conversation) -> None:
    choice = conversation.tool_choice
    if choice.mode == "named" and all(tool.name != choice.name for tool in conversation.tools):
        raise InvalidRequest(f"tool_choice names the tool {choice.name!r}, which is not declared")


class _Entries:
    """Makes the entries of one body, and keeps the limits of single messages."""

    def __init__(
        self, model_id: str, options: BuildOptions, names: ToolNames, notes: dict[Note, None]
    ) -> None:
        self._model_id = model_id
        self._origin = options.origin
        self._with_reasoning = options.history_thinking == "native"
        self._names = names
        self._notes = notes
        self.has_reasoning = False

    def system_pair(self, text: str) -> tuple[Entry, ...]:
        """The service has no system role: an exchange in front of all others stands in for it."""
        if not text:
            return ()
        return (
            self.user(MendedTurn("user", [text])),
            AssistantEntry(AssistantResponseMessage(texts.ACKNOWLEDGEMENT)),
        )

    def entry(self, turn: MendedTurn) -> Entry:
        return self.user(turn) if turn.role == "user" else self.assistant(turn)

    def user(self, turn: MendedTurn, tools: tuple[ToolEntry, ...] = ()) -> UserEntry:
        content = turn.text
        if not content and not turn.tool_results:
            content = texts.EMPTY_USER
        # No character takes more than four bytes, so most texts need no counting.
        if len(content) * 4 > MAX_USER_TEXT and (size := len(content.encode())) > MAX_USER_TEXT:
            raise PromptTooLong(
                f"prompt is too long: {size} bytes in one message, limit {MAX_USER_TEXT}",
                code=TOO_LONG,
            )
        results = _result_blocks(turn.tool_results) if turn.tool_results else ()
        return UserEntry(
            UserInputMessage(
                content,
                self._model_id,
                self._origin,
                image_blocks(turn.images) if turn.images else (),
                UserContext(results, tools) if results or tools else None,
            )
        )

    def assistant(self, turn: MendedTurn) -> AssistantEntry:
        reasoning = None
        if turn.thinking:
            if self._with_reasoning:
                reasoning = reasoning_of(turn.thinking)
            if reasoning is not None:
                self.has_reasoning = True
            if reasoning is None or len(turn.thinking) > 1:
                self._notes[Note("dropped", "thinking")] = None
        return AssistantEntry(
            AssistantResponseMessage(
                turn.text or texts.EMPTY_ASSISTANT,
                self._tool_uses(turn.tool_uses) if turn.tool_uses else (),
                reasoning,
            )
        )

    def _tool_uses(self, uses: Sequence[ToolUse]) -> tuple[ToolUseBlock, ...]:
        to_kiro = self._names.to_kiro
        return tuple(
            [ToolUseBlock(use.id, to_kiro(use.name), msgspec.Raw(use.input)) for use in uses]
        )


def _result_blocks(results: Sequence[ToolResult]) -> tuple[ToolResultBlock, ...]:
    blocks = []
    characters = 0
    for result in results:
        text = result.text
        if not text or text.isspace():
            text = texts.EMPTY_RESULT
        characters += len(text)
        status: Literal["success", "error"] = "error" if result.is_error else "success"
        blocks.append(ToolResultBlock(result.tool_use_id, status, (ResultText(text),)))
    if characters * 4 > MAX_TOOL_RESULTS:
        size = sum(len(block.content[0].text.encode()) for block in blocks)
        if size > MAX_TOOL_RESULTS:
            raise PromptTooLong(
                f"prompt is too long: {size} bytes of tool results in one message, "
                f"limit {MAX_TOOL_RESULTS}",
                code=TOO_LONG,
            )
    return tuple(blocks)


def _continuation_id(conversation: Conversation, conversation_id: str) -> str:
    """The same for all tool rounds of one thing the user said, another for the next."""
    said = next(
        (
            turn.text
            for turn in reversed(conversation.turns)
            if turn.role == "user" and not turn.tool_results
        ),
        "",
    )
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{conversation_id}\n{said}"))


def conversation_id_of(conversation: Conversation, header: str | None) -> str | None:
    """The id by which the service may know the conversation again, None if there is no sign of one.

    Args:
        conversation: whose `session_id` is what the client gave, such as Claude Code's
            `metadata.user_id`: `user_…_session_<UUID>`, or the text of a JSON object with a
            member `session_id`; also a bare UUID.
        header: value of `x-kiro-conversation-id`.

    Raises:
        InvalidRequest: the header's value is no id.
    """
    if header is not None and (header := header.strip()):
        if _CONVERSATION_ID.fullmatch(header) is None:
            raise InvalidRequest(
                "x-kiro-conversation-id must be 1 to 128 letters, digits, '.', '_', ':' or '-'"
            )
        return header
    given = (conversation.session_id or "").strip()
    if given.startswith("{"):
        try:
            given = msgspec.json.decode(given, type=_Session).session_id
        except msgspec.MsgspecError:
            return None
    elif _SESSION_MARK in given:
        given = given.rpartition(_SESSION_MARK)[2][:36]
    return given if _SESSION_UUID.fullmatch(given) else None


class _Session(msgspec.Struct):
    session_id: str = ""
