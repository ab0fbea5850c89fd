"""The rules about tools: their names, their schemas, and what is said with them."""

import re
from collections.abc import Iterator

from gateway.simulator.body import AssistantMessage, Body
from gateway.simulator.refusals import TOOL_SCHEMA_INVALID
from gateway.simulator.rule import Caller, rule
from gateway.simulator.strict_json import Json, JsonObject

LONGEST_DESCRIPTION = 10_000  # characters
_TOOL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_RESERVED = "web_search"

# Where JSON Schema, of any draft, holds further schemas. Anything else below a schema is data.
_ONE_SCHEMA = (
    "additionalItems", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames",
    "then", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_SCHEMA_LIST = ("allOf", "anyOf", "items", "oneOf", "prefixItems")
_SCHEMA_MAP = ("dependencies", "dependentSchemas", "patternProperties", "properties")
_SCHEMA_HOLDERS = frozenset({*_ONE_SCHEMA, *_SCHEMA_LIST, *_SCHEMA_MAP})


def tools_in_current_only(body: Body, _caller: Caller) -> Iterator[str]:
    """Tools are declared in the current message, never in the history."""
    yield from (f"{m.where}.tools" for m in body.user_messages[:-1] if m.tools)


def tool_name_form(body: Body, _caller: Caller) -> Iterator[str]:
    """A name has 1 to 64 of `A-Za-z0-9_-`, the first one a letter."""
    yield from (tool.where for tool in body.tools if not _TOOL_NAME.fullmatch(tool.name))


def tool_name_reserved(body: Body, _caller: Caller) -> Iterator[str]:
    """`web_search` belongs to the service. `WebSearch` does not."""
    yield from (tool.where for tool in body.tools if tool.name == _RESERVED)


def tool_name_unique(body: Body, _caller: Caller) -> Iterator[str]:
    """No two tools have one name; letter case makes no difference."""
    seen: set[str] = set()
    for tool in body.tools:
        if tool.name.lower() in seen:
            yield tool.where
        seen.add(tool.name.lower())


def tool_description(body: Body, _caller: Caller) -> Iterator[str]:
    """A description has 1 to 10 000 characters, not all of them blank."""
    for tool in body.tools:
        text = tool.description or ""
        if not text.strip() or len(text) > LONGEST_DESCRIPTION:
            yield f"{tool.where}.description"


def history_tools_declared(body: Body, _caller: Caller) -> Iterator[str]:
    """Every tool that the history used is declared; letter case makes no difference."""
    declared = {tool.name.lower() for tool in body.tools}
    for message in body.history:
        if isinstance(message, AssistantMessage):
            for use in message.tool_uses:
                if use.name.lower() not in declared:
                    yield f"{message.where}.toolUses {use.name}"


def tool_results_need_tools(body: Body, _caller: Caller) -> Iterator[str]:
    """With tool results, there are tools."""
    if not body.tools:
        yield from (f"{m.where}.toolResults" for m in body.user_messages if m.tool_results)


def tool_result_status(body: Body, _caller: Caller) -> Iterator[str]:
    """A tool result says whether the tool succeeded."""
    for message in body.user_messages:
        yield from (result.where for result in message.tool_results if result.status is None)


def tool_result_content(body: Body, _caller: Caller) -> Iterator[str]:
    """A tool result has a part that is not an empty text."""
    for message in body.user_messages:
        for result in message.tool_results:
            if not any("json" in part or part.get("text") for part in result.parts):
                yield result.where


def tool_schema_root(body: Body, _caller: Caller) -> Iterator[str]:
    """An input schema is of type object, or `{}`."""
    for tool in body.tools:
        if tool.schema and tool.schema.get("type") != "object":
            yield f"{tool.where}.inputSchema"


def tool_schema_properties(body: Body, _caller: Caller) -> Iterator[str]:
    """`properties` is an object of objects, at every level."""
    for where, schema in _all_schemas(body):
        if "properties" not in schema:
            continue
        properties = schema["properties"]
        if not isinstance(properties, dict):
            yield f"{where}.properties"
            continue
        for name, inner in properties.items():
            if not isinstance(inner, dict):
                yield f"{where}.properties.{name}"


def tool_schema_required(body: Body, _caller: Caller) -> Iterator[str]:
    """`required`, where it is, lists at least one of the level's `properties` and nothing else."""
    for where, schema in _all_schemas(body):
        if "required" not in schema:
            continue
        required = schema["required"]
        properties = schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        names = required if isinstance(required, list) else []
        if not names or any(not isinstance(name, str) or name not in known for name in names):
            yield f"{where}.required"


def tool_schema_keywords(body: Body, _caller: Caller) -> Iterator[str]:
    """No `additionalProperties`, `$id` or `strict`, except as names of properties."""
    yield from _keywords(body, ("additionalProperties", "$id", "strict"))


def tool_schema_references(body: Body, _caller: Caller) -> Iterator[str]:
    """No `$ref`, `$defs` or `definitions`, except as names of properties."""
    yield from _keywords(body, ("$ref", "$defs", "definitions"))


def _keywords(body: Body, keywords: tuple[str, ...]) -> Iterator[str]:
    for where, schema in _all_schemas(body):
        yield from (f"{where}.{keyword}" for keyword in keywords if keyword in schema)


def _all_schemas(body: Body) -> Iterator[tuple[str, JsonObject]]:
    """Every schema of every tool, at any depth."""
    for tool in body.tools:
        waiting: list[tuple[str, Json]] = [(f"{tool.where}.inputSchema", tool.schema)]
        while waiting:
            where, schema = waiting.pop()
            if isinstance(schema, dict):
                yield where, schema
                for keyword, value in schema.items():
                    if keyword in _SCHEMA_HOLDERS:
                        waiting += _inner_schemas(keyword, value, f"{where}.{keyword}")


def _inner_schemas(keyword: str, value: Json, where: str) -> list[tuple[str, Json]]:
    if isinstance(value, list):
        if keyword in _SCHEMA_LIST:
            return [(f"{where}[{index}]", one) for index, one in enumerate(value)]
        return []
    if keyword in _SCHEMA_MAP:
        named = value if isinstance(value, dict) else {}
        return [(f"{where}.{name}", one) for name, one in named.items()]
    return [(where, value)] if keyword in _ONE_SCHEMA else []


TOOL_RULES = (
    rule(tools_in_current_only),
    rule(tool_name_form),
    rule(tool_name_reserved),
    rule(tool_name_unique),
    rule(tool_description),
    rule(history_tools_declared),
    rule(tool_results_need_tools),
    rule(tool_result_status),
    rule(tool_result_content),
    rule(tool_schema_root, TOOL_SCHEMA_INVALID),
    rule(tool_schema_properties),
    rule(tool_schema_required),
    rule(tool_schema_keywords),
    rule(tool_schema_references),
)
