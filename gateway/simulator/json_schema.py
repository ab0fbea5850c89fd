"""As much of JSON Schema as the simulator needs: checking small values, and making them up."""

from collections.abc import Iterator

from gateway.simulator.strict_json import Json, JsonObject

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_FORMATS = {
    "date": "2026-01-02",
    "date-time": "2026-01-02T03:04:05Z",
    "time": "03:04:05Z",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_DEEPEST_SAMPLE = 16


def violations(schema: JsonObject, value: Json, where: str = "") -> Iterator[str]:
    """Paths at which a value breaks `type`, `enum`, `required`, `properties` or `minimum`.

    That is what published request-field schemas use.
    """
    kind = schema.get("type")
    if isinstance(kind, str) and not _is_of_type(value, kind):
        yield where or "."
        return
    options = schema.get("enum")
    if isinstance(options, list) and value not in options:
        yield where or "."
    minimum = schema.get("minimum")
    if isinstance(minimum, int) and isinstance(value, int) and value < minimum:
        yield where or "."
    if isinstance(value, dict):
        yield from _member_violations(schema, value, where)


def _member_violations(schema: JsonObject, value: JsonObject, where: str) -> Iterator[str]:
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    for name in required if isinstance(required, list) else ():
        if name not in value:
            yield f"{where}.{name}"
    for name, member in value.items():
        inner = known.get(name)
        if isinstance(inner, dict):
            yield from violations(inner, member, f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{where}.{name}"


def _is_of_type(value: Json, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES.get(kind, (object,)))


def sample(schema: Json, depth: int = 0) -> Json:
    """The smallest value that a schema plainly allows: required properties, first enum values."""
    if not isinstance(schema, dict) or depth > _DEEPEST_SAMPLE:
        return "sample"
    for keyword in ("const", "default"):
        if keyword in schema:
            return schema[keyword]
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return options[0]
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches:
            own = {name: value for name, value in schema.items() if name != keyword}
            branch = branches[0]
            return sample({**own, **branch} if isinstance(branch, dict) else branch, depth + 1)
    parts = schema.get("allOf")
    if isinstance(parts, list) and parts:
        merged = {name: value for name, value in schema.items() if name != "allOf"}
        for part in parts:
            merged |= part if isinstance(part, dict) else {}
        return sample(merged, depth + 1)
    return _sample_of_type(schema, _type_of(schema), depth)


def _type_of(schema: JsonObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _sample_of_type(schema: JsonObject, kind: str, depth: int) -> Json:
    match kind:
        case "object":
            properties = schema.get("properties")
            known = properties if isinstance(properties, dict) else {}
            required = schema.get("required")
            names = required if isinstance(required, list) else []
            return {
                name: sample(known.get(name, {}), depth + 1)
                for name in names
                if isinstance(name, str)
            }
        case "array":
            fewest = schema.get("minItems")
            return [sample(schema.get("items", {}), depth + 1)] * (
                fewest if isinstance(fewest, int) else 0
            )
        case "integer" | "number":
            return _sample_number(schema)
        case "boolean":
            return True
        case "null":
            return None
    return _sample_text(schema)


def _sample_number(schema: JsonObject) -> Json:
    for keyword, step in (("minimum", 0), ("exclusiveMinimum", 1), ("maximum", 0)):
        bound = schema.get(keyword)
        if isinstance(bound, (int, float)) and not isinstance(bound, bool):
            return bound + step
    return 1


def _sample_text(schema: JsonObject) -> str:
    text = _FORMATS.get(str(schema.get("format")), "sample")
    shortest = schema.get("minLength")
    longest = schema.get("maxLength")
    if isinstance(shortest, int):
        text = text.ljust(shortest, "x")
    return text[:longest] if isinstance(longest, int) else text
