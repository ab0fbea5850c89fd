"""Kiro's model list, as ListAvailableModels answers it."""

from dataclasses import dataclass, replace

import msgspec


@dataclass(frozen=True, slots=True)
class Model:
    """One model an account may use.

    `fields_schema` is the JSON text of the schema of `additionalModelRequestFields`, None when the
    model takes no such fields. Limits are tokens; `rate_multiplier` counts `rate_unit`s.
    """

    id: str
    name: str
    description: str = ""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    rate_multiplier: float | None = None
    rate_unit: str = ""
    input_types: tuple[str, ...] = ()
    prompt_caching: bool | None = None
    fields_schema: bytes | None = None
    is_default: bool = False


class _Limits(msgspec.Struct, rename="camel"):
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None


class _Caching(msgspec.Struct, rename="camel"):
    supports_prompt_caching: bool | None = None


class _Entry(msgspec.Struct, rename="camel"):
    model_id: str | None = None
    model_name: str | None = None
    description: str | None = None
    rate_multiplier: float | None = None
    rate_unit: str | None = None
    supported_input_types: list[str] | None = None
    token_limits: _Limits | None = None
    # The same fact in two shapes; the flat one is older.
    prompt_caching: _Caching | None = None
    supports_prompt_cache: bool | None = None
    additional_model_request_fields_schema: msgspec.Raw = msgspec.Raw(b"null")


class ModelPage(msgspec.Struct, rename="camel"):
    """One page of the answer; follow `next_token` until it is None or repeats."""

    models: list[_Entry] = []
    default_model: _Entry | None = None
    next_token: str | None = None


_decoder = msgspec.json.Decoder(ModelPage)


def parse_page(body: bytes) -> ModelPage:
    """Raises msgspec.MsgspecError when the body is not what the operation answers."""
    return _decoder.decode(body)


def models_of(pages: list[ModelPage]) -> tuple[Model, ...]:
    """The models of all pages, in order; blank ids are skipped, of equal ones the first is kept."""
    found: dict[str, Model] = {}
    default = ""
    for page in pages:
        if page.default_model is not None:
            default = _id(page.default_model) or default
        for entry in page.models:
            if (model_id := _id(entry)) and model_id not in found:
                found[model_id] = _model(model_id, entry)
    if default in found:
        found[default] = replace(found[default], is_default=True)
    return tuple(found.values())


def _id(entry: _Entry) -> str:
    return (entry.model_id or "").strip() or (entry.model_name or "").strip()


def _model(model_id: str, entry: _Entry) -> Model:
    limits = entry.token_limits or _Limits()
    caching = entry.prompt_caching.supports_prompt_caching if entry.prompt_caching else None
    schema = bytes(entry.additional_model_request_fields_schema)
    return Model(
        id=model_id,
        name=(entry.model_name or "").strip() or model_id,
        description=entry.description or "",
        max_input_tokens=limits.max_input_tokens,
        max_output_tokens=limits.max_output_tokens,
        rate_multiplier=entry.rate_multiplier,
        rate_unit=entry.rate_unit or "",
        input_types=tuple(entry.supported_input_types or ()),
        prompt_caching=caching if caching is not None else entry.supports_prompt_cache,
        fields_schema=None if schema == b"null" else schema,
    )
