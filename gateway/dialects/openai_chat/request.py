"""A Chat Completions request, to a conversation.

Nothing that is merely unknown fails: it is left out and noted. What is understood has to be right,
and an `InvalidRequest` names the path of what is not.

Bodies in the shape of the Responses API (`input`, `instructions`, flat tools) are taken as well:
Cursor's agent mode posts them to this API, and expects its answers.
"""

import re
from collections.abc import Mapping
from typing import Final, get_args

from msgspec import Raw

from gateway.conversation import (
    Conversation,
    Effort,
    ResponseFormat,
    ThinkingRequest,
    Turn,
)
from gateway.dialects.openai_chat import schema
from gateway.dialects.openai_chat.content import Notes
from gateway.dialects.openai_chat.schema import NULL, Fields, decode_field, get_field, is_given
from gateway.dialects.openai_chat.tools import read_tools
from gateway.dialects.openai_chat.turns import TurnBuilder
from gateway.errors import InvalidRequest

_TRUE: Final = Raw(b"true")
_FALSE: Final = Raw(b"false")
_FIELD: Final = re.compile(r"[a-z_]{1,40}")
# Notes go into a response header, so a client that makes up fields must not make it grow.
_MAX_UNKNOWN: Final = 24

_UNDERSTOOD: Final = frozenset(
    {
        "function_call",
        "functions",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "n",
        "prompt_cache_key",
        "reasoning",
        "reasoning_effort",
        "response_format",
        "stop",
        "stream",
        "stream_options",
        "thinking",
        "tool_choice",
        "tools",
        "user",
    }
)
_UNDERSTOOD_IN_RESPONSES: Final = _UNDERSTOOD | {
    "input",
    "instructions",
    "max_output_tokens",
    "text",
}
# What says no more than what happens anyway.
_DEFAULTS: Final[Mapping[str, Raw]] = {
    "logprobs": _FALSE,
    "parallel_tool_calls": _TRUE,
    "store": _FALSE,
}

_EFFORTS: Final[Mapping[str, Effort]] = {
    "minimal": "low",
    **{effort: effort for effort in get_args(Effort)},
}
_OFF: Final = frozenset({"none", "off", "disabled", "false"})


def parse(body: bytes) -> Conversation:
    """The conversation that the body of `POST /v1/chat/completions` asks to continue.

    Raises:
        InvalidRequest: no JSON object, or something understood in it is missing or wrong.
    """
    try:
        return _conversation(*schema.decode_body(body))
    except RecursionError:
        raise InvalidRequest("The request body is nested too deeply.") from None


def _conversation(fields: Fields, is_mended: bool) -> Conversation:
    notes = Notes()
    if is_mended:
        notes.add("mended", "surrogate")
    is_responses = fields.get("messages", NULL) == NULL and "input" in fields
    _note_dropped(fields, _UNDERSTOOD_IN_RESPONSES if is_responses else _UNDERSTOOD, notes)
    _check_choices(fields)
    model = _model(fields)
    builder = TurnBuilder(notes)
    if is_responses:
        _read_input(fields, builder)
    else:
        _read_messages(fields, builder)
    turns, system = builder.turns(), "\n".join(filter(None, builder.system))
    if not turns and not system.strip():
        raise InvalidRequest("messages: at least one message is required.")
    tool_choice, tools = read_tools(fields, notes)
    stream = get_field(fields, "stream", schema.OPTIONAL_BOOLEAN)
    stream_options = get_field(fields, "stream_options", schema.STREAM_OPTIONS)
    return Conversation(
        model=model,
        turns=turns or (Turn("user"),),
        system=system,
        tools=tools,
        tool_choice=tool_choice,
        thinking=_thinking(fields, notes),
        response_format=_response_format(fields, is_responses, notes),
        max_tokens=_max_tokens(fields),
        stop_sequences=_stop_sequences(fields),
        stream=bool(stream),
        include_usage=bool(stream_options and stream_options.include_usage),
        session_id=_session_id(fields),
        notes=notes.all(),
    )


def _note_dropped(fields: Fields, known: frozenset[str], notes: Notes) -> None:
    """Note every field that is there, says something, and is not known."""
    unknown = 0
    for name, raw in fields.items():
        if name in known or raw in (NULL, _DEFAULTS.get(name)) or not _FIELD.fullmatch(name):
            continue
        unknown += 1
        if unknown > _MAX_UNKNOWN:
            return
        notes.add("dropped", name)


def _check_choices(fields: Fields) -> None:
    wanted = get_field(fields, "n", schema.OPTIONAL_INTEGER)
    if wanted is not None and wanted != 1:
        raise InvalidRequest("n: only one choice per request is available; send n=1 or leave it.")


def _model(fields: Fields) -> str:
    model = (get_field(fields, "model", schema.OPTIONAL_TEXT) or "").strip()
    if not model:
        raise InvalidRequest("model is required.")
    return model


def _read_messages(fields: Fields, builder: TurnBuilder) -> None:
    if "messages" not in fields:
        raise InvalidRequest("messages is required.")
    messages = decode_field("messages", schema.MESSAGES, fields["messages"])
    for index, message in enumerate(messages):
        builder.add_message(message, f"messages[{index}]")


def _read_input(fields: Fields, builder: TurnBuilder) -> None:
    if instructions := get_field(fields, "instructions", schema.OPTIONAL_TEXT):
        builder.system.append(instructions)
    items = decode_field("input", schema.INPUT, fields["input"])
    if isinstance(items, str):
        items = [schema.Message(role="user", content=items)] if items else []
    for index, item in enumerate(items):
        builder.add_item(item, f"input[{index}]")


def _thinking(fields: Fields, notes: Notes) -> ThinkingRequest:
    """`thinking` says whether, `reasoning_effort` or `reasoning` how hard, or whether as well."""
    thinking = get_field(fields, "thinking", schema.THINKING)
    reasoning = get_field(fields, "reasoning", schema.REASONING) or schema.Reasoning()
    told = get_field(fields, "reasoning_effort", schema.OPTIONAL_TEXT) or reasoning.effort
    path, budget = "reasoning.max_tokens", reasoning.max_tokens
    if isinstance(thinking, schema.ThinkingConfig):
        told = told or thinking.effort
        if thinking.budget_tokens is not None:
            path, budget = "thinking.budget_tokens", thinking.budget_tokens
        thinking = thinking.type
    if budget is not None and budget < 1:
        raise InvalidRequest(f"{path}: must be at least 1.")
    if thinking is None or thinking == "":
        thinking = reasoning.enabled
    if isinstance(thinking, str):
        thinking = thinking.lower()
        if thinking in _EFFORTS:
            told, thinking = told or thinking, True
    told = (told or "").strip().lower()
    if thinking is False or thinking in _OFF or (thinking is None and told in _OFF):
        return ThinkingRequest()
    effort = _effort(told, notes)
    if thinking is None and effort is None and budget is None:
        return ThinkingRequest()
    if thinking in {"adaptive", "auto"} or (effort is not None and budget is None):
        return ThinkingRequest("adaptive", effort=effort)
    return ThinkingRequest("enabled", budget=budget, effort=effort)


def _effort(told: str, notes: Notes) -> Effort | None:
    if not told or told in _OFF:
        return None
    if told not in _EFFORTS:
        notes.add("renamed", "reasoning_effort")
    return _EFFORTS.get(told, "high")


def _response_format(fields: Fields, is_responses: bool, notes: Notes) -> ResponseFormat | None:
    path, wanted = "response_format", get_field(fields, "response_format", schema.RESPONSE_FORMAT)
    if wanted is None and is_responses:
        options = get_field(fields, "text", schema.TEXT_OPTIONS)
        path, wanted = "text.format", options.format if options else None
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return ResponseFormat()
    if wanted.type != "json_schema":
        notes.add("dropped", path)
        return None
    raw = wanted.schema
    if wanted.json_schema is not None:
        path, raw = f"{path}.json_schema", wanted.json_schema.schema
        if not is_given(raw):  # the API leaves that to the client
            return ResponseFormat()
    if not is_given(raw):
        raise InvalidRequest(f"{path}.schema is required.")
    given = bytes(raw)
    if not given.startswith(b"{"):
        raise InvalidRequest(f"{path}.schema: expected an object.")
    return ResponseFormat(given)


def _max_tokens(fields: Fields) -> int | None:
    for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        limit = get_field(fields, name, schema.OPTIONAL_INTEGER)
        if limit is not None:
            if limit < 1:
                raise InvalidRequest(f"{name}: must be at least 1.")
            return limit
    return None


def _stop_sequences(fields: Fields) -> tuple[str, ...]:
    stop = get_field(fields, "stop", schema.STOP)
    if isinstance(stop, str):
        stop = [stop]
    return tuple(filter(None, stop or ()))  # an empty one would match anything


def _session_id(fields: Fields) -> str | None:
    """The finest id there is: `user` is often one for all conversations of a person."""
    metadata = fields.get("metadata", NULL)
    if metadata != NULL:
        told = decode_field("metadata", schema.ANYTHING, metadata)
        if isinstance(told, dict) and isinstance(user_id := told.get("user_id"), str) and user_id:
            return user_id
    for name in ("prompt_cache_key", "user"):
        named = get_field(fields, name, schema.OPTIONAL_TEXT)
        if named:
            return named
    return None
