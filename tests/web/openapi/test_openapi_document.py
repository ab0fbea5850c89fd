"""The OpenAPI document says what there is, all of it and nothing else."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest

from gateway.web.admin.routes import ROUTES
from gateway.web.admin.serve import find
from gateway.web.openapi.operation import Operation
from gateway.web.openapi.surface import OPERATIONS, document
from gateway.web.routing import PUBLIC, RUNTIME, Place, endpoint_for, locate

DOCUMENT: dict[str, Any] = json.loads(document())
DOCUMENTED = {
    (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
}


def name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def routed() -> set[tuple[str, str]]:
    """What the routing tables answer."""
    runtime = {(method, path) for path, methods in RUNTIME.items() for method in methods}
    runtime.add(("GET", "/v1/models/{id}"))
    found = {(method, path) for path, methods in PUBLIC.items() for method in methods}
    found |= runtime | {(method, "/a/{kiro_account}" + path) for method, path in runtime}
    return found | {(route.operation.method, route.operation.path) for route in ROUTES}


def test_every_route_is_documented_and_nothing_else() -> None:
    assert routed() == DOCUMENTED


@pytest.mark.parametrize("operation", OPERATIONS, ids=name)
def test_every_documented_path_leads_to_its_route(operation: Operation) -> None:
    path = operation.path.replace("{kiro_account}", "me").replace("{id}", "an-id")
    place = locate(path)
    assert isinstance(place, Place)
    endpoint_for(place, operation.method)  # raises where there is none
    if place.every is not None:
        match = find({"path": path, "raw_path": path.encode()})
        assert match is not None
        assert match.routes[operation.method].operation is operation


def test_names_are_unique() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)


def test_the_document_is_openapi_3_1_with_good_schemas() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    for schema in DOCUMENT["components"]["schemas"].values():
        assert jsonschema_rs.meta.is_valid(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        )


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(re.findall(r'"\$ref":"([^"]+)"', document().decode())) <= known


@pytest.mark.parametrize("operation", OPERATIONS, ids=name)
def test_every_operation_says_what_it_does_and_who_may_ask(operation: Operation) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]
    assert described["summary"].endswith(".")
    variables = re.findall(r"\{(\w+)\}", operation.path)
    listed = [p["name"] for p in described.get("parameters", ()) if p["in"] == "path"]
    assert listed == variables
    if operation.access == "public":
        assert described["security"] == []
    else:
        assert "401" in described["responses"]


def test_secrets_are_named_only_where_they_are_given_out() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    answers = {
        name: set(schema.get("properties", ()))
        for name, schema in schemas.items()
        if not name.startswith(("New", "AccountChange", "SignIn"))
    }
    secret = {"key", "api_key", "access_token", "refresh_token", "client_secret", "admin_key"}
    assert {name: members & secret for name, members in answers.items() if members & secret} == {
        "KeyObject": {"key"}
    }
