"""Messages of a Chat Completions request, or items of a Responses one, to turns."""

from typing import Final

import msgspec

from gateway.conversation import Role, Thinking, ToolUse, Turn
from gateway.dialects.escapes import without_half_pairs
from gateway.dialects.openai_chat import schema
from gateway.dialects.openai_chat.content import Draft, Notes, word
from gateway.dialects.openai_chat.schema import ABSENT, Message, decode_field
from gateway.errors import InvalidRequest

# The roles whose messages answer calls; a `name` in them is the tool's.
_ANSWERING: Final = frozenset({"tool", "function"})


class TurnBuilder:
    """Takes messages in order and gives the turns and the system text they amount to.

    Every message is a turn of its own, save that tool messages in a row are one user turn. Items
    of a Responses request come finer: those of the model in a row are one turn as well.
    """

    def __init__(self, notes: Notes) -> None:
        self.system: list[str] = []
        self._notes = notes
        self._turns: list[Turn] = []
        self._draft: Draft | None = None
        self._calls = 0
        self._unanswered: dict[str, str] = {}  # calls' ids and names, for results without an id

    def turns(self) -> tuple[Turn, ...]:
        """All turns; nothing can be added after this."""
        self._close()
        return tuple(self._turns)

    def add_message(self, message: Message, path: str) -> None:
        """An element of `messages`, which stands at `path`.

        Raises:
            InvalidRequest: it has no role, or a part is not what its type says.
        """
        if message.name and message.role not in _ANSWERING:
            self._notes.add("dropped", "messages.name")
        match message.role:
            case "user":
                if isinstance(message.content, str):  # most are, and need no gathering
                    self._close()
                    self._turns.append(Turn("user", message.content))
                else:
                    self._begin("user").add_content(message.content, f"{path}.content")
            case "assistant":
                self._add_assistant(self._begin("assistant"), message, path)
            case role if role in _ANSWERING:
                self._add_result(message, path)
            case "system" | "developer":
                self._add_system(message, path)
            case "":
                raise InvalidRequest(f"{path}.role is required.")
            case _:
                self._notes.add("renamed", "role")
                self._begin("user").add_content(message.content, f"{path}.content")

    def add_item(self, item: Message, path: str) -> None:
        """An element of a Responses request's `input`.

        Raises:
            InvalidRequest: as `add_message`.
        """
        match item.type:
            case None | "message" if item.role == "assistant":
                self._add_assistant(self._continue_assistant(), item, path)
            case None | "message":
                self.add_message(item, path)
            case "function_call":
                arguments = self._arguments(item.arguments)
                self._add_call(self._continue_assistant(), item.call_id, item.name, arguments, path)
            case "custom_tool_call":
                arguments = msgspec.json.encode({"input": item.input})
                self._add_call(self._continue_assistant(), item.call_id, item.name, arguments, path)
            case "function_call_output" | "custom_tool_call_output":
                content = None
                if item.output != ABSENT:
                    content = decode_field(f"{path}.output", schema.CONTENT, item.output)
                answer = Message(tool_call_id=item.call_id, content=content)
                self._add_result(answer, path)
            case "reasoning":
                self._add_reasoning_item(self._continue_assistant(), item, path)
            case _:
                self._notes.add("dropped", f"input:{word(item.type, 'item')}")

    def _begin(self, role: Role) -> Draft:
        self._close()
        self._draft = Draft(role, self._notes)
        return self._draft

    def _continue_assistant(self) -> Draft:
        if self._draft is not None and self._draft.role == "assistant":
            return self._draft
        return self._begin("assistant")

    def _answers(self) -> Draft:
        """The user turn that gathers tool results in a row."""
        if self._draft is not None and self._draft.is_answering:
            return self._draft
        draft = self._begin("user")
        draft.is_answering = True
        return draft

    def _close(self) -> None:
        if self._draft is not None:
            self._turns.append(self._draft.turn())
            self._draft = None

    def _add_system(self, message: Message, path: str) -> None:
        # No new turn: tool results on both sides of a system message still belong together.
        draft = Draft("user", self._notes)
        draft.add_content(message.content, f"{path}.content")
        turn = draft.turn()
        if turn.images or turn.tool_results:
            self._notes.add("dropped", "system_part")
        self.system.append(turn.text)

    def _add_assistant(self, draft: Draft, message: Message, path: str) -> None:
        reasoning = message.reasoning_content or message.reasoning
        if reasoning and isinstance(reasoning, str):
            draft.thinking.append(Thinking(reasoning))
        if message.content:
            draft.add_content(message.content, f"{path}.content")
        if message.refusal and isinstance(message.refusal, str):
            draft.texts.append(message.refusal)
        for index, call in enumerate(message.tool_calls or ()):
            self._add_tool_call(draft, call, f"{path}.tool_calls[{index}]")
        if message.function_call is not None:
            call = schema.ToolCall(function=message.function_call)
            self._add_tool_call(draft, call, path)

    def _add_tool_call(self, draft: Draft, call: schema.ToolCall, path: str) -> None:
        if call.function is not None:
            arguments = self._arguments(call.function.arguments)
            self._add_call(draft, call.id, call.function.name, arguments, f"{path}.function")
        elif call.custom is not None:
            arguments = msgspec.json.encode({"input": call.custom.input})
            self._add_call(draft, call.id, call.custom.name, arguments, f"{path}.custom")
        else:
            self._notes.add("dropped", "tool_calls")

    def _add_call(
        self, draft: Draft, call_id: str | None, name: str | None, arguments: bytes, path: str
    ) -> None:
        if not name:
            raise InvalidRequest(f"{path}.name is required.")
        # The same request must give the same ids every time, so they are counted, not random.
        self._calls += 1
        tool_use_id = call_id or f"call_{self._calls}"
        draft.tool_uses.append(ToolUse(tool_use_id, name, arguments))
        self._unanswered[tool_use_id] = name

    def _add_result(self, message: Message, path: str) -> None:
        tool_use_id = message.tool_call_id or self._open_call(message.name)
        self._unanswered.pop(tool_use_id, None)
        self._answers().add_result(tool_use_id, message.content, f"{path}.content")

    def _open_call(self, name: str | None) -> str:
        """The call that a result without an id is for: the oldest open one of that name."""
        for tool_use_id, called in self._unanswered.items():
            if name is None or called == name:
                return tool_use_id
        return f"call_of_{word(name, 'unknown')}"

    def _arguments(self, arguments: object) -> bytes:
        """The JSON text of a call's arguments; of an empty object where they are no object."""
        if isinstance(arguments, dict):
            return msgspec.json.encode(arguments)
        if arguments is None or not (text := str(arguments).strip()):
            return b"{}"
        given = text.encode()
        if _is_object(given):
            return given
        if _is_object(mended := without_half_pairs(given)):
            self._notes.add("mended", "surrogate")
            return mended
        self._notes.add("dropped", "tool_calls.arguments")
        return b"{}"

    def _add_reasoning_item(self, draft: Draft, item: Message, path: str) -> None:
        content = item.content
        if not content and item.summary != ABSENT:
            content = decode_field(f"{path}.summary", schema.CONTENT, item.summary)
        parts = [content] if isinstance(content, str) else content or ()
        texts = [part if isinstance(part, str) else part.text for part in parts]
        if text := "\n".join(text for text in texts if isinstance(text, str)):
            draft.thinking.append(Thinking(text))


def _is_object(text: bytes) -> bool:
    try:
        schema.RAW_OBJECT.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
