"""A Messages API request, to a conversation.

Nothing that is merely unknown fails: it is left out and noted. What is understood has to be right,
and an `InvalidRequest` begins with the path of what is not, in the API's own manner.
"""

import re
from collections.abc import Mapping
from typing import Final, TypeVar, get_args

from msgspec import Raw
from msgspec.json import Decoder

from gateway.conversation import (
    Conversation,
    Effort,
    ResponseFormat,
    ThinkingRequest,
    Tool,
    ToolChoice,
    Turn,
)
from gateway.dialects.anthropic import schema
from gateway.dialects.anthropic.content import Notes, turn_of, word
from gateway.dialects.anthropic.schema import decode_field
from gateway.errors import InvalidRequest

T = TypeVar("T")
Fields = Mapping[str, Raw]

# Claude Code's first system entry names its build to Anthropic's own servers, which take it out.
# Elsewhere it would reach the model as a prompt.
_ATTRIBUTION: Final = "x-anthropic-billing-header"

_UNDERSTOOD: Final = frozenset(
    {
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "output_format",
        "stop_sequences",
        "stream",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    }
)
# Directions to Anthropic's servers that change nothing in an answer.
_HARMLESS: Final = frozenset({"anthropic_beta", "anthropic_version", "betas", "cache_control"})
# Notes go into a response header, so a client that makes up fields must not make it grow.
_MAX_UNKNOWN: Final = 24

_FIELD: Final = re.compile(r"[a-z_]{1,40}")
_NULL: Final = Raw(b"null")
_TRUE: Final = Raw(b"true")
_SYSTEM_ROLES: Final = frozenset({"system", "developer"})
_EFFORTS: Final[dict[str, Effort]] = {effort: effort for effort in get_args(Effort)}


def parse(body: bytes) -> Conversation:
    """The conversation that the body of `POST /v1/messages` asks to continue.

    Raises:
        InvalidRequest: no JSON object, or something understood in it is missing or wrong.
    """
    try:
        return _conversation(*schema.decode_body(body))
    except RecursionError:
        raise InvalidRequest("The request body is nested too deeply.") from None


def parse_count_tokens(body: bytes) -> Conversation:
    """The conversation to count, from the body of `POST /v1/messages/count_tokens`.

    As `parse`, but what only shapes a reply isn't looked at.
    """
    unread = ("max_tokens", "stop_sequences", "stream", "tool_choice", "output_config")
    try:
        fields, is_mended = schema.decode_body(body)
        read = {name: fields[name] for name in fields if name not in unread}
        return _conversation(read, is_mended)
    except RecursionError:
        raise InvalidRequest("The request body is nested too deeply.") from None


def _conversation(fields: Fields, is_mended: bool) -> Conversation:
    notes = Notes()
    if is_mended:
        notes.add("mended", "surrogate")
    _note_dropped(fields, "", _UNDERSTOOD | _HARMLESS, notes)
    model = _model(fields)
    system, turns = _messages(fields, notes)
    tools, server_tools = _tools(fields, notes)
    effort, response_format = _output_config(fields, notes)
    metadata = _get(fields, "metadata", schema.METADATA)
    stop_sequences = _get(fields, "stop_sequences", schema.OPTIONAL_TEXTS)
    stream = _get(fields, "stream", schema.OPTIONAL_BOOLEAN)
    return Conversation(
        model=model,
        turns=turns,
        system=system,
        tools=tools,
        tool_choice=_tool_choice(fields, tools, server_tools, notes),
        thinking=_thinking(fields, effort, notes),
        response_format=response_format,
        max_tokens=_max_tokens(fields),
        # An empty one would match anything.
        stop_sequences=tuple(filter(None, stop_sequences or ())),
        stream=bool(stream),
        session_id=metadata.user_id or None if metadata else None,
        notes=notes.all(),
    )


def _get(fields: Fields, name: str, decoder: Decoder[T]) -> T | None:
    raw = fields.get(name)
    return None if raw is None else decode_field(name, decoder, raw)


def _note_dropped(fields: Fields, prefix: str, known: frozenset[str], notes: Notes) -> None:
    """Note every field that is there, says something, and is not known."""
    unknown = 0
    for name, raw in fields.items():
        if name in known or raw == _NULL or not _FIELD.fullmatch(name):
            continue
        unknown += 1
        if unknown > _MAX_UNKNOWN:
            return
        notes.add("dropped", prefix + name)


def _model(fields: Fields) -> str:
    if "model" not in fields:
        raise InvalidRequest("model: Field required")
    model = decode_field("model", schema.TEXT, fields["model"]).strip()
    if not model:
        raise InvalidRequest("model: must not be blank")
    return model


def _max_tokens(fields: Fields) -> int | None:
    limit = _get(fields, "max_tokens", schema.OPTIONAL_INTEGER)
    if limit is not None and limit < 1:
        raise InvalidRequest("max_tokens: must be at least 1")
    return limit


def _messages(fields: Fields, notes: Notes) -> tuple[str, tuple[Turn, ...]]:
    """The system text, that of system messages behind the top-level one, and the turns."""
    if "messages" not in fields:
        raise InvalidRequest("messages: Field required")
    system = _system(fields, notes)
    turns = []
    for index, message in enumerate(schema.decode_messages(fields["messages"])):
        path = f"messages.{index}.content"
        if message.role in _SYSTEM_ROLES:
            turn = turn_of("user", message.content, path, notes)
            if turn.images or turn.tool_results:
                notes.add("dropped", "system_block")
            system.append(turn.text)
        elif message.role == "assistant":
            turns.append(turn_of("assistant", message.content, path, notes))
        else:
            if message.role != "user":
                notes.add("renamed", "role")
            turns.append(turn_of("user", message.content, path, notes))
    text = "\n".join(filter(None, system))
    if not turns and not text.strip():
        raise InvalidRequest("messages: at least one message is required")
    return text, tuple(turns)


def _system(fields: Fields, notes: Notes) -> list[str]:
    content = _get(fields, "system", schema.CONTENT)
    if content is None or isinstance(content, str):
        return [content or ""]
    texts = []
    for index, raw in enumerate(content):
        block = schema.block_of(f"system.{index}", raw)
        if not isinstance(block, schema.TextBlock):
            notes.add("dropped", "system_block")
        elif index == 0 and block.text.startswith(_ATTRIBUTION):
            notes.add("dropped", "attribution")
        else:
            texts.append(block.text)
    return texts


def _tools(fields: Fields, notes: Notes) -> tuple[tuple[Tool, ...], frozenset[str]]:
    """The client's own tools, and the names of the server tools that were left out."""
    tools = []
    server_tools = set()
    definitions = _get(fields, "tools", schema.TOOLS)
    for index, definition in enumerate(definitions or ()):
        kind, given = definition.type, bytes(definition.input_schema)
        if given == b"null":
            given = b""
        if kind not in (None, "custom") and not given:
            notes.add("dropped", f"tool:{word(kind or '', 'unknown')}")
            server_tools.add(definition.name or "")
            continue
        path = f"tools.{index}"
        if definition.name is None:
            raise InvalidRequest(f"{path}.name: Field required")
        if not definition.name:
            raise InvalidRequest(f"{path}.name: must not be empty")
        _note_tool_options(definition, notes)
        description = definition.description or ""
        tools.append(
            Tool(definition.name, description, given)
            if given
            else Tool(definition.name, description)
        )
    return tuple(tools), frozenset(server_tools)


def _note_tool_options(definition: schema.ToolDefinition, notes: Notes) -> None:
    if definition.strict == _TRUE:
        notes.add("dropped", "tools.strict")
    if definition.defer_loading == _TRUE:
        notes.add("dropped", "tools.defer_loading")
    if definition.input_examples not in (schema.ABSENT, _NULL):
        notes.add("dropped", "tools.input_examples")


def _tool_choice(
    fields: Fields, tools: tuple[Tool, ...], server_tools: frozenset[str], notes: Notes
) -> ToolChoice:
    choice = _get(fields, "tool_choice", schema.TOOL_CHOICE)
    if choice is None:
        return ToolChoice()
    if isinstance(choice, str):
        choice = schema.ToolChoiceObject(choice)
    if choice.disable_parallel_tool_use:
        notes.add("dropped", "tool_choice.disable_parallel_tool_use")
    match choice.type:
        case "auto":
            return ToolChoice()
        case "none":
            return ToolChoice("none")
        case "any" | "required":
            return _any_tool(tools, server_tools, notes)
        case "tool":
            return _named_tool(choice.name, tools, server_tools)
    raise InvalidRequest("tool_choice.type: expected auto, any, tool or none")


def _any_tool(tools: tuple[Tool, ...], server_tools: frozenset[str], notes: Notes) -> ToolChoice:
    if tools:
        return ToolChoice("required")
    if server_tools:
        raise InvalidRequest(
            "tool_choice: server tools are not available here, and no other tool is declared"
        )
    notes.add("dropped", "tool_choice")
    return ToolChoice()


def _named_tool(
    name: str | None, tools: tuple[Tool, ...], server_tools: frozenset[str]
) -> ToolChoice:
    if not name:
        raise InvalidRequest("tool_choice.name: Field required")
    if any(tool.name == name for tool in tools):
        return ToolChoice("named", name)
    if name in server_tools:
        raise InvalidRequest("tool_choice.name: this server tool is not available here")
    raise InvalidRequest("tool_choice.name: no such tool among the tools declared")


def _thinking(fields: Fields, effort: Effort | None, notes: Notes) -> ThinkingRequest:
    config = _get(fields, "thinking", schema.THINKING)
    if config is None or config.type == "disabled":
        return ThinkingRequest(effort=effort)
    budget = config.budget_tokens
    if budget is not None and budget < 1:
        raise InvalidRequest("thinking.budget_tokens: must be at least 1")
    show = config.display != "omitted"
    match config.type:
        case "enabled":
            return ThinkingRequest("enabled", budget=budget, effort=effort, show=show)
        case "adaptive":
            return ThinkingRequest("adaptive", effort=effort, show=show)
        case _:
            notes.add("dropped", "thinking")
            return ThinkingRequest(effort=effort)


def _output_config(fields: Fields, notes: Notes) -> tuple[Effort | None, ResponseFormat | None]:
    """Effort and format; `output_format` is where earlier versions had the latter."""
    config = _get(fields, "output_config", schema.OPTIONAL_OBJECT) or {}
    _note_dropped(config, "output_config.", frozenset({"effort", "format"}), notes)
    effort = None
    if "effort" in config:
        told = decode_field("output_config.effort", schema.OPTIONAL_TEXT, config["effort"])
        effort = _EFFORTS.get(told or "")
        if told and effort is None:
            notes.add("dropped", "output_config.effort")
    if "format" in config:
        return effort, _response_format("output_config.format", config["format"], notes)
    if "output_format" in fields:
        return effort, _response_format("output_format", fields["output_format"], notes)
    return effort, None


def _response_format(path: str, raw: Raw, notes: Notes) -> ResponseFormat | None:
    wanted = decode_field(path, schema.OUTPUT_FORMAT, raw)
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return ResponseFormat()
    if wanted.type != "json_schema":
        notes.add("dropped", path)
        return None
    given = bytes(wanted.schema)
    if not given:
        raise InvalidRequest(f"{path}.schema: Field required")
    if not given.startswith(b"{"):
        raise InvalidRequest(f"{path}.schema: expected an object")
    return ResponseFormat(given)
