"""The bodies of the client APIs, as far as it helps to describe them.

Their real definition is Anthropic's and OpenAI's; the gateway reads more than is said here and
keeps unknown members out of the way. So nothing here is closed, and lists hold any object.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

AnyObject = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})]
Objects = list[AnyObject]
TextOrBlocks = Annotated[
    msgspec.Raw,
    Meta(
        extra_json_schema={
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}]
        }
    ),
]
Model = Annotated[str, Meta(min_length=1, description="As GET /v1/models lists it, or as others.")]


class Turn(msgspec.Struct, frozen=True):
    """One message."""

    role: str
    content: TextOrBlocks | UnsetType = UNSET


class MessagesRequest(msgspec.Struct, frozen=True):
    """Anthropic's Messages API."""

    model: Model
    messages: list[Turn]
    max_tokens: int | UnsetType = UNSET
    system: TextOrBlocks | UnsetType = UNSET
    stream: bool | UnsetType = UNSET
    tools: Objects | UnsetType = UNSET
    stop_sequences: list[str] | UnsetType = UNSET
    thinking: AnyObject | UnsetType = UNSET
    metadata: AnyObject | UnsetType = UNSET


class CountTokensRequest(msgspec.Struct, frozen=True):
    """What is to be counted."""

    messages: list[Turn]
    model: str | UnsetType = UNSET
    system: TextOrBlocks | UnsetType = UNSET
    tools: Objects | UnsetType = UNSET


class ChatRequest(msgspec.Struct, frozen=True):
    """OpenAI's Chat Completions API."""

    model: Model
    messages: list[Turn]
    max_tokens: int | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    stream: bool | UnsetType = UNSET
    tools: Objects | UnsetType = UNSET
    reasoning_effort: str | UnsetType = UNSET


class Message(msgspec.Struct, frozen=True):
    """Anthropic's message."""

    id: str
    type: str
    role: str
    model: str
    content: Objects
    stop_reason: str | None
    stop_sequence: str | None
    usage: AnyObject


class Completion(msgspec.Struct, frozen=True):
    """OpenAI's chat completion."""

    id: str
    object: str
    created: int
    model: str
    choices: Objects
    usage: AnyObject


class TokenCount(msgspec.Struct, frozen=True):
    """An estimate, made by the gateway."""

    input_tokens: int


class ModelEntry(msgspec.Struct, frozen=True):
    """A model as clients of both dialects read it."""

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


class ModelPage(msgspec.Struct, frozen=True):
    """Models; for `?client_version=` (Codex) they are `models`, else `data`."""

    object: str | UnsetType = UNSET
    data: list[ModelEntry] | UnsetType = UNSET
    has_more: bool | UnsetType = UNSET
    first_id: str | UnsetType | None = UNSET
    last_id: str | UnsetType | None = UNSET
    models: Objects | UnsetType = UNSET


class ModelPageQuery(msgspec.Struct, frozen=True):
    """Which part of the list, and for whom."""

    limit: Annotated[int, Meta(ge=1, le=1000)] | None = None
    after_id: str | None = None
    before_id: str | None = None
    client_version: str | None = None


class QuotaQuery(msgspec.Struct, frozen=True):
    """How fresh."""

    refresh: Annotated[
        bool, Meta(description="Ask the service, however fresh the last answer.")
    ] = False


class ClientErrorDetail(msgspec.Struct, frozen=True):
    """What went wrong, and whose doing it is."""

    type: str
    message: str
    source: str


class ClientErrorBody(msgspec.Struct, frozen=True):
    """An error; besides this it has what each dialect's own errors have."""

    error: ClientErrorDetail


class ServiceInfo(msgspec.Struct, frozen=True):
    """What answers here."""

    name: str
    version: str
    endpoints: list[str]


class Liveness(msgspec.Struct, frozen=True):
    """The process lives."""

    status: str
    version: str


class Readiness(msgspec.Struct, frozen=True):
    """Whether requests may be sent here."""

    status: str


class Document(msgspec.Struct, frozen=True):
    """An OpenAPI document."""

    openapi: str
    info: AnyObject
    paths: AnyObject
    components: AnyObject
