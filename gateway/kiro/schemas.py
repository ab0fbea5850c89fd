"""Tool schemas as the service takes them.

Any JSON Schema dialect comes in; what goes up is an object schema without the keywords that make
the service call a body malformed. Only those are touched: what a keyword means is left alone, and
a *property* that is called like a keyword stays.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import msgspec

from gateway.conversation import Note

JsonObject = dict[str, object]

EMPTY_SCHEMA: Final = b'{"type":"object","properties":{}}'

# Where a schema holds further schemas. Everything else in it is data.
MAPS_OF_SCHEMAS: Final = frozenset(
    {"dependencies", "dependentSchemas", "patternProperties", "properties"}
)
LISTS_OF_SCHEMAS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SINGLE_SCHEMAS: Final = frozenset(
    {
        "additionalItems", "contains", "contentSchema", "else", "if", "items", "not",
        "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
HOLDERS: Final = MAPS_OF_SCHEMAS | LISTS_OF_SCHEMAS | SINGLE_SCHEMAS
REFUSED_KEYWORDS: Final = frozenset(
    {"additionalProperties", "$schema", "$id", "strict", "$ref", "$defs", "definitions"}
)
# Dropping these changes what the schema says, so it is worth a note.
_NOTED_KEYWORDS: Final = frozenset({"additionalProperties", "strict"})
_NULL_IS_A_VALUE: Final = frozenset({"default", "const"})

MAX_DEPTH: Final = 64
"""Deeper schemas end in `{}`: no tool means them, and recursion has to end somewhere."""
MAX_EXPANSION: Final = 200_000
"""Bytes that references may add to one schema; some that double would grow without end."""
_MAX_CACHED: Final = 32 * 1024  # bytes of one schema

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class SentSchema:
    """A schema's JSON text as it goes up, and what became of it on the way."""

    text: bytes
    notes: tuple[Note, ...] = ()


def sanitise(schema: bytes) -> SentSchema:
    """Make `schema`, any JSON text, an object schema that the service takes.

    Clients send the same schemas with every request, so results are kept.
    """
    return _cached(schema) if len(schema) <= _MAX_CACHED else _sanitise(schema)


def _sanitise(schema: bytes) -> SentSchema:
    try:
        decoded = _decode(schema)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return SentSchema(EMPTY_SCHEMA, (Note("replaced", "tool_schema"),))
    if not isinstance(decoded, dict):
        notes = () if decoded is None or decoded is True else (Note("replaced", "tool_schema"),)
        return SentSchema(EMPTY_SCHEMA, notes)
    cleaner = _Cleaner(decoded)
    root = _as_object(cleaner.clean(decoded), cleaner.notes)
    return SentSchema(_encode(root), tuple(cleaner.notes))


_cached = lru_cache(maxsize=512)(_sanitise)


def _as_object(schema: JsonObject, notes: dict[Note, None]) -> JsonObject:
    """The input of a tool is an object; anything else becomes the property `value` of one."""
    kind = schema.get("type")
    untyped = not isinstance(kind, str | list) and not schema.keys() & {"enum", "const", "items"}
    if untyped or kind == "object" or (isinstance(kind, list) and "object" in kind):
        return {**schema, "type": "object", "properties": schema.get("properties", {})}
    notes[Note("wrapped", "tool_schema")] = None
    return {"type": "object", "properties": {"value": schema}, "required": ["value"]}


class _Cleaner:
    """One schema's walk: resolves references against its root and counts what they add."""

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._added = 0
        self._sizes: dict[str, int] = {}
        self.notes: dict[Note, None] = {}

    def clean(
        self, schema: object, depth: int = 0, within: frozenset[str] = frozenset()
    ) -> JsonObject:
        """`within` holds the references being followed: meeting one again is a cycle."""
        if not isinstance(schema, dict):
            return {}  # true, false and null, mostly
        if depth > MAX_DEPTH:
            self.notes[Note("cut", "tool_schema")] = None
            return {}
        while isinstance(reference := schema.get("$ref"), str):
            schema = self._follow(reference, schema, within)
            within |= {reference}
        cleaned: JsonObject = {}
        for keyword, value in schema.items():
            if keyword in REFUSED_KEYWORDS:
                if keyword in _NOTED_KEYWORDS:
                    self.notes[Note("dropped", keyword)] = None
            elif value is not None or keyword in _NULL_IS_A_VALUE:
                self._keep(cleaned, keyword, value, depth + 1, within)
        _settle_required(cleaned)
        return cleaned

    def _keep(
        self, cleaned: JsonObject, keyword: str, value: object, depth: int, within: frozenset[str]
    ) -> None:
        """What is no schema where one has to stand goes: the service may look into it."""
        if keyword in MAPS_OF_SCHEMAS:
            if isinstance(value, dict):
                cleaned[keyword] = {
                    # A dependency may also be a list of names.
                    name: schema
                    if keyword == "dependencies" and isinstance(schema, list)
                    else self.clean(schema, depth, within)
                    for name, schema in value.items()
                }
        elif keyword in LISTS_OF_SCHEMAS or (keyword == "items" and isinstance(value, list)):
            if isinstance(value, list) and value:
                cleaned[keyword] = [self.clean(schema, depth, within) for schema in value]
        elif keyword not in SINGLE_SCHEMAS or isinstance(value, bool):
            cleaned[keyword] = value
        elif isinstance(value, dict):
            cleaned[keyword] = self.clean(value, depth, within)

    def _follow(self, reference: str, schema: JsonObject, within: frozenset[str]) -> JsonObject:
        """`schema` with its `$ref` replaced by what that points to."""
        beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        target = self._resolve(reference)
        if target is None or reference in within or not self._has_room_for(reference, target):
            self.notes[Note("cut", "tool_schema")] = None
            return beside
        return _joined(target, beside)

    def _has_room_for(self, reference: str, target: JsonObject) -> bool:
        size = self._sizes.get(reference)
        if size is None:
            size = self._sizes[reference] = len(_encode(target))
        if self._added + size > MAX_EXPANSION:
            return False
        self._added += size
        return True

    def _resolve(self, reference: str) -> JsonObject | None:
        """A JSON pointer into this schema; the service could follow no other either."""
        if reference != "#" and not reference.startswith("#/"):
            return None
        node: object = self._root
        for token in unquote(reference[1:]).split("/")[1:]:
            name = token.replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and name in node:
                node = node[name]
            elif isinstance(node, list) and re.fullmatch("[0-9]{1,4}", name):
                node = node[int(name)] if int(name) < len(node) else None
            else:
                return None
        return {} if node is True else node if isinstance(node, dict) else None


def _joined(target: JsonObject, beside: JsonObject) -> JsonObject:
    """Both apply: what stands beside a reference wins, but adds to properties and requirements."""
    joined = {**target, **beside}
    ours, theirs = target.get("properties"), beside.get("properties")
    if isinstance(ours, dict) and isinstance(theirs, dict):
        joined["properties"] = {**ours, **theirs}
    needed, more = target.get("required"), beside.get("required")
    if isinstance(needed, list) and isinstance(more, list):
        joined["required"] = needed + more
    return joined


def _settle_required(schema: JsonObject) -> None:
    """`required` lists names of `properties`, each once, or is not there."""
    required, properties = schema.pop("required", None), schema.get("properties")
    if isinstance(required, list) and isinstance(properties, dict):
        names = dict.fromkeys(n for n in required if isinstance(n, str) and n in properties)
        if names:
            schema["required"] = list(names)
