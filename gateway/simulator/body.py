"""A body whose shape was checked, as typed values that remember where they stood."""

from dataclasses import dataclass
from typing import TypeAlias, cast

from gateway.simulator.strict_json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Image:
    """`data` is what should be base64."""

    format: str
    data: str
    where: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A declared tool; `description` is None when the member is absent."""

    name: str
    description: str | None
    schema: JsonObject
    where: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call in an earlier answer."""

    tool_use_id: str
    name: str
    input: JsonObject


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A client's answer to a call; `parts` are objects with `text` or `json`."""

    tool_use_id: str
    status: str | None
    parts: tuple[JsonObject, ...]
    where: str

    @property
    def texts(self) -> list[str]:
        """The text parts."""
        return [part["text"] for part in self.parts if isinstance(part.get("text"), str)]  # type: ignore[misc]  # checked in the same expression


@dataclass(frozen=True, slots=True)
class UserMessage:
    """A user message, in the history or the current one."""

    content: str
    images: tuple[Image, ...]
    tool_results: tuple[ToolResult, ...]
    tools: tuple[Tool, ...]
    model_id: str | None
    origin: str | None
    cache_points: int
    where: str


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """An earlier answer. `reasoning` is the union as it came."""

    content: str
    tool_uses: tuple[ToolUse, ...]
    reasoning: JsonObject | None
    cache_points: int
    where: str


Message: TypeAlias = UserMessage | AssistantMessage


@dataclass(frozen=True, slots=True)
class Body:
    """A whole request."""

    conversation_id: str | None
    continuation_id: str | None
    history: tuple[Message, ...]
    current: UserMessage
    profile_arn: str | None
    model_fields: JsonObject | None

    @property
    def messages(self) -> tuple[Message, ...]:
        """History and current message, oldest first."""
        return (*self.history, self.current)

    @property
    def user_messages(self) -> tuple[UserMessage, ...]:
        """The user's side of it, oldest first."""
        return tuple(m for m in self.messages if isinstance(m, UserMessage))

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What the current message declares."""
        return self.current.tools


def read_body(raw: JsonObject) -> Body:
    """Read a body that `shapes.findings` had nothing to say about."""
    state = _object(raw["conversationState"])
    current = _object(_object(state["currentMessage"])["userInputMessage"])
    fields = raw.get("additionalModelRequestFields")
    return Body(
        conversation_id=_text(state.get("conversationId")),
        continuation_id=_text(state.get("agentContinuationId")),
        history=tuple(
            _message(_object(entry), f"history[{index}]")
            for index, entry in enumerate(_items(state.get("history")))
        ),
        current=_user(current, "currentMessage"),
        profile_arn=_text(raw.get("profileArn")),
        model_fields=None if fields is None else _object(fields),
    )


def _message(entry: JsonObject, where: str) -> Message:
    if (user := entry.get("userInputMessage")) is not None:
        return _user(_object(user), where)
    return _assistant(_object(entry["assistantResponseMessage"]), where)


def _user(message: JsonObject, where: str) -> UserMessage:
    context = _object(message.get("userInputMessageContext") or {})
    entries = [_object(entry) for entry in _items(context.get("tools"))]
    specifications = [entry["toolSpecification"] for entry in entries if "cachePoint" not in entry]
    return UserMessage(
        content=_text(message["content"]) or "",
        images=tuple(
            _image(_object(image), f"{where}.images[{index}]")
            for index, image in enumerate(_items(message.get("images")))
        ),
        tool_results=tuple(
            _tool_result(_object(result), f"{where}.toolResults[{index}]")
            for index, result in enumerate(_items(context.get("toolResults")))
        ),
        tools=tuple(
            _tool(_object(specification), f"{where}.tools[{index}]")
            for index, specification in enumerate(specifications)
        ),
        model_id=_text(message.get("modelId")),
        origin=_text(message.get("origin")),
        cache_points=("cachePoint" in message) + len(entries) - len(specifications),
        where=where,
    )


def _assistant(message: JsonObject, where: str) -> AssistantMessage:
    reasoning = message.get("reasoningContent")
    return AssistantMessage(
        content=_text(message["content"]) or "",
        tool_uses=tuple(_tool_use(_object(use)) for use in _items(message.get("toolUses"))),
        reasoning=None if reasoning is None else _object(reasoning),
        cache_points=int("cachePoint" in message),
        where=where,
    )


def _image(image: JsonObject, where: str) -> Image:
    data = _object(image["source"])["bytes"]
    return Image(_text(image["format"]) or "", _text(data) or "", where)


def _tool(specification: JsonObject, where: str) -> Tool:
    schema = _object(specification["inputSchema"])["json"]
    name = _text(specification["name"]) or ""
    return Tool(name, _text(specification.get("description")), _object(schema), where)


def _tool_use(use: JsonObject) -> ToolUse:
    return ToolUse(_text(use["toolUseId"]) or "", _text(use["name"]) or "", _object(use["input"]))


def _tool_result(result: JsonObject, where: str) -> ToolResult:
    parts = tuple(_object(part) for part in _items(result["content"]))
    return ToolResult(_text(result["toolUseId"]) or "", _text(result.get("status")), parts, where)


def _object(value: Json) -> JsonObject:
    return cast("JsonObject", value)


def _items(value: Json) -> list[Json]:
    return cast("list[Json]", value or [])


def _text(value: Json) -> str | None:
    return cast("str | None", value)
