"""The list of parts: complete, valid, and the same each time."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import cyclonedx.schema
import jsonschema_rs
import pytest
from cyclonedx.output.json import JsonV1Dot6

from build.product import ROOT
from build.sbom import (
    make_bom,
    npm_packages,
    packed_libraries,
    python_packages,
    requirements_of,
)

SCHEMAS = Path(str(cyclonedx.schema.__file__)).with_name("_res")
LISTING = f"""\
{hashlib.sha256(b"a").hexdigest()}          1 libssl.so.3
{hashlib.sha256(b"b").hexdigest()}          1 aiohttp/_http_parser.cpython-311-x86_64-linux-gnu.so
{hashlib.sha256(b"c").hexdigest()}          1 _cffi_backend.cpython-311-x86_64-linux-gnu.so
{hashlib.sha256(b"d").hexdigest()}          1 python311.dll
{hashlib.sha256(b"e").hexdigest()}          1 PYZ.pyz/os
"""
LOCK = {
    "packages": {
        "": {"name": "ui"},
        "node_modules/react": {"version": "19.3.1", "license": "MIT"},
        "node_modules/@mantine/core": {"version": "9.7.3", "license": "MIT"},
        "node_modules/@mantine/core/node_modules/clsx": {"version": "2.0.0"},
        "node_modules/vitest": {"version": "4.0.0", "dev": True},
    }
}


@pytest.fixture(scope="module")
def requirements() -> list[str]:
    return requirements_of(ROOT)


@pytest.fixture
def document(requirements: list[str], tmp_path: Path) -> Any:
    lock = tmp_path / "package-lock.json"
    lock.write_text(json.dumps(LOCK))
    graphs = [
        python_packages(Path(sys.prefix), requirements),
        npm_packages(lock),
        packed_libraries(LISTING),
    ]
    return json.loads(JsonV1Dot6(make_bom(graphs, requirements, "1.2.3")).output_as_string())


def test_it_is_valid_cyclonedx(document: Any) -> None:
    schemas = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    registry = jsonschema_rs.Registry(
        [(f"http://cyclonedx.org/schema/{name}", schema) for name, schema in schemas.items()]
    )
    validator = jsonschema_rs.Draft7Validator(
        schemas["bom-1.6.SNAPSHOT.schema.json"], registry=registry
    )
    assert [error.message for error in validator.iter_errors(document)] == []
    document["components"][0]["type"] = "no such type"
    assert not validator.is_valid(document)


def test_it_has_what_is_required_with_all_that_it_requires(document: Any) -> None:
    names = {component["name"] for component in document["components"]}
    assert {"aiohttp", "multidict", "cryptography", "cffi", "sqlalchemy", "greenlet"} <= names
    assert not {"pytest", "ruff", "pyinstaller", "schemathesis"} & names


def test_it_has_the_parts_of_the_page_without_the_tools_that_made_it(document: Any) -> None:
    refs = {component["bom-ref"] for component in document["components"]}
    found = {ref for ref in refs if ref.startswith("pkg:npm/")}
    assert found == {"pkg:npm/react@19.3.1", "pkg:npm/%40mantine/core@9.7.3", "pkg:npm/clsx@2.0.0"}


def test_it_has_the_c_libraries_that_belong_to_no_package(document: Any) -> None:
    found = {
        component["name"]: component["hashes"]
        for component in document["components"]
        if component["bom-ref"].startswith("file:")
    }
    assert found == {
        "libssl.so.3": [{"alg": "SHA-256", "content": hashlib.sha256(b"a").hexdigest()}],
        "python311.dll": [{"alg": "SHA-256", "content": hashlib.sha256(b"d").hexdigest()}],
    }


def test_licences_come_with_their_texts(document: Any) -> None:
    (click,) = (one for one in document["components"] if one["name"] == "click")
    (licence,) = click["licenses"]
    assert licence["license"]["name"].startswith("BSD-3-Clause")
    assert "Redistributions in binary form must reproduce" in licence["license"]["text"]["content"]


def test_everything_is_required_by_the_product_or_by_what_it_requires(document: Any) -> None:
    requires = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    waiting, reached = [document["metadata"]["component"]["bom-ref"]], set[str]()
    while waiting:
        ref = waiting.pop()
        waiting += set(requires.get(ref, [])) - reached
        reached |= {ref, *requires.get(ref, [])}
    assert {component["bom-ref"] for component in document["components"]} <= reached


def test_a_requirement_that_is_not_installed_is_an_error() -> None:
    with pytest.raises(LookupError, match="no no-such-package"):
        python_packages(Path(sys.prefix), ["no-such-package"])


@pytest.mark.skipif(sys.platform != "linux", reason="only there the binary adds something")
def test_what_only_the_binary_has_is_among_its_parts() -> None:
    added = set(requirements_of(ROOT, binary=True)) - set(requirements_of(ROOT))
    assert [name.partition(">")[0] for name in added] == ["sqlean.py"]
