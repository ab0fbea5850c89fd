"""Model lists. One body serves clients of both dialects, whose members don't clash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.errors import InvalidRequest

MAX_LIMIT: Final = 1000

# The levels that every model understands; Codex offers them for choice.
_REASONING_LEVELS: Final = (
    ("low", "Fast answers with little reasoning"),
    ("medium", "Reasoning as far as the task asks for it"),
    ("high", "More reasoning for hard problems"),
)
# What Codex keeps of one tool output; its own default for models it doesn't know.
_CODEX_TOOL_OUTPUT_TOKENS: Final = 10_000


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model as clients see it.

    `id` is the name clients use, `kiro_model_id` the service's own. `created` is in seconds since
    the epoch and the same at every call. Limits are tokens, None where unknown.
    """

    id: str
    kiro_model_id: str
    display_name: str
    created: int
    description: str = ""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    owned_by: str = "kiro"


class _Model(msgspec.Struct):
    id: str
    object: str
    created: int
    owned_by: str
    type: str
    display_name: str
    created_at: str
    description: str
    max_input_tokens: int | None
    max_tokens: int | None
    kiro_model_id: str
    lifecycle: str = "active"  # the list holds nothing else, and Anthropic's SDK wants to know


class _Page(msgspec.Struct):
    object: str
    data: list[_Model]
    has_more: bool
    first_id: str | None
    last_id: str | None


class _ReasoningLevel(msgspec.Struct, frozen=True):
    effort: str
    description: str


class _TruncationPolicy(msgspec.Struct, frozen=True):
    mode: str
    limit: int


class _CodexModel(msgspec.Struct):
    slug: str
    display_name: str
    description: str
    context_window: int | None
    priority: int
    supported_reasoning_levels: tuple[_ReasoningLevel, ...] = tuple(
        _ReasoningLevel(effort, description) for effort, description in _REASONING_LEVELS
    )
    shell_type: str = "shell_command"
    visibility: str = "list"
    supported_in_api: bool = True
    availability_nux: None = None
    upgrade: None = None
    # Required by Codex, which takes it for the model's whole system prompt; we have none to give.
    base_instructions: str = ""
    supports_reasoning_summaries: bool = True
    default_reasoning_summary: str = "auto"
    support_verbosity: bool = False
    default_verbosity: None = None
    apply_patch_tool_type: None = None
    truncation_policy: _TruncationPolicy = _TruncationPolicy("tokens", _CODEX_TOOL_OUTPUT_TOKENS)
    supports_parallel_tool_calls: bool = True
    experimental_supported_tools: tuple[str, ...] = ()
    input_modalities: tuple[str, ...] = ("text", "image")


class _CodexModels(msgspec.Struct):
    models: list[_CodexModel]


def model_list(
    models: Sequence[ListedModel],
    limit: int | None = None,
    after_id: str | None = None,
    before_id: str | None = None,
) -> bytes:
    """The body of `GET /v1/models`: all models, or the page asked for.

    `after_id` pages forward from a model, `before_id` backward, both excluding it. `has_more` is
    about the direction of the paging.

    Raises:
        InvalidRequest: the limit is out of bounds, or a cursor names no model of the list.
    """
    if limit is not None and not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest(f"limit: must be an integer from 1 to {MAX_LIMIT}")
    ids = [model.id for model in models]
    start = 0 if after_id is None else _position(ids, "after_id", after_id) + 1
    end = len(ids) if before_id is None else _position(ids, "before_id", before_id)
    window = models[start:end]
    backward = before_id is not None and after_id is None
    page = window if limit is None else window[-limit:] if backward else window[:limit]
    return msgspec.json.encode(
        _Page(
            object="list",
            data=[_wire_model(model) for model in page],
            has_more=len(page) < len(window),
            first_id=page[0].id if page else None,
            last_id=page[-1].id if page else None,
        )
    )


def model_object(model: ListedModel) -> bytes:
    """The body of `GET /v1/models/{id}`."""
    return msgspec.json.encode(_wire_model(model))


def codex_models(models: Sequence[ListedModel]) -> bytes:
    """The body that Codex expects of `GET /v1/models?client_version=…`.

    Its reader refuses the whole list when a member it requires is missing from one entry, and
    which those are has changed between versions: all of them are here.
    """
    return msgspec.json.encode(
        _CodexModels(
            [
                _CodexModel(
                    slug=model.id,
                    display_name=model.display_name,
                    description=model.description,
                    context_window=model.max_input_tokens,
                    priority=priority,
                )
                for priority, model in enumerate(models)
            ]
        )
    )


def _position(ids: Sequence[str], name: str, cursor: str) -> int:
    try:
        return ids.index(cursor)
    except ValueError:
        raise InvalidRequest(f"{name}: no such model in the list") from None


def _wire_model(model: ListedModel) -> _Model:
    return _Model(
        id=model.id,
        object="model",
        created=model.created,
        owned_by=model.owned_by,
        type="model",
        display_name=model.display_name,
        created_at=datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        description=model.description,
        max_input_tokens=model.max_input_tokens,
        max_tokens=model.max_output_tokens,
        kiro_model_id=model.kiro_model_id,
    )
