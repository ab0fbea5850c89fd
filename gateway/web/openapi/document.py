"""From operations to an OpenAPI 3.1 document."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway import __version__
from gateway.web.openapi.operation import JSON, Operation, Reply, Schema

JsonObject = dict[str, Any]

REFERENCE = "#/components/schemas/{name}"
VARIABLE = re.compile(r"\{(\w+)\}")

DESCRIPTION = """\
One gateway, three surfaces: the APIs that clients know (`/v1`, with an API key), the admin API
(`/admin`, with the admin key or a session), and what needs no key. Every path of `/v1` also exists
below `/a/{kiro_account}`, where it uses that account instead of the key's default one.

Answers carry `request-id`. Members that are not described here may be added at any time.
"""

SECURITY_SCHEMES: JsonObject = {
    "api_key": {"type": "http", "scheme": "bearer", "description": "An API key, `sk-kiro-…`."},
    "api_key_header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "admin_key": {"type": "http", "scheme": "bearer", "description": "The admin key."},
    "admin_key_header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "session": {"type": "apiKey", "in": "cookie", "name": "kiro_gateway_session"},
}
SECURITY: Mapping[str, list[JsonObject]] = {
    "public": [],
    "api_key": [{"api_key": []}, {"api_key_header": []}],
    "admin": [{"admin_key": []}, {"admin_key_header": []}, {"session": []}],
    "metrics": [{}, {"admin_key": []}, {"admin_key_header": []}, {"session": []}],
}


def openapi_document(operations: Sequence[Operation]) -> bytes:
    """The document as JSON."""
    schemas, components = _schemas(operations)
    paths: dict[str, JsonObject] = {}
    for operation in operations:
        described = _operation(operation, schemas)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Kiro Gateway",
                "version": __version__,
                "description": DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/"}],
            "paths": paths,
            "components": {"schemas": components, "securitySchemes": SECURITY_SCHEMES},
        }
    )


def _schemas(operations: Iterable[Operation]) -> tuple[dict[Schema, JsonObject], JsonObject]:
    """A reference for each schema that is used, and what the references lead to."""
    used: dict[Schema, None] = {}
    for operation in operations:
        if operation.body is not None:
            used[operation.body] = None
        for reply in operation.replies.values():
            used |= {schema: None for schema in reply.content.values() if schema is not None}
    references, components = msgspec.json.schema_components(list(used), ref_template=REFERENCE)
    return dict(zip(used, references, strict=True)), components


def _operation(operation: Operation, schemas: Mapping[Schema, JsonObject]) -> JsonObject:
    described: JsonObject = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": SECURITY[operation.access],
        "responses": {
            str(status): _response(reply, schemas) for status, reply in operation.replies.items()
        },
    }
    if parameters := [*_path_parameters(operation.path), *_query_parameters(operation.query)]:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {JSON: {"schema": schemas[operation.body]}},
        }
    return described


def _response(reply: Reply, schemas: Mapping[Schema, JsonObject]) -> JsonObject:
    described: JsonObject = {"description": reply.description}
    if reply.content:
        described["content"] = {
            media_type: {"schema": {"type": "string"} if schema is None else schemas[schema]}
            for media_type, schema in reply.content.items()
        }
    return described


def _path_parameters(path: str) -> list[JsonObject]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for name in VARIABLE.findall(path)
    ]


def _query_parameters(query: type[msgspec.Struct] | None) -> list[JsonObject]:
    if query is None:
        return []
    schema = msgspec.json.schema(query)["$defs"][query.__name__]
    required = set(schema.get("required", ()))
    return [
        _query_parameter(name, dict(member), required=name in required)
        for name, member in schema["properties"].items()
    ]


def _query_parameter(name: str, schema: JsonObject, *, required: bool) -> JsonObject:
    # A parameter that is left out has no value, null or other.
    if (choices := schema.get("anyOf")) is not None:
        left = [choice for choice in choices if choice != {"type": "null"}]
        del schema["anyOf"]
        schema |= left[0] if len(left) == 1 else {"anyOf": left}
    if schema.get("default", "") is None:
        del schema["default"]
    described: JsonObject = {"name": name, "in": "query", "schema": schema}
    if required:
        described["required"] = True
    if (text := schema.pop("description", None)) is not None:
        described["description"] = text
    return described
