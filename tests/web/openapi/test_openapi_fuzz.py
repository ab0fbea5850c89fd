"""Schemathesis reads the document and asks a running gateway everything that it allows and more.

A program of its own, over real sockets. Nothing may answer with a 5xx, with a status or a body that
the document does not know, or with anything but an error to what the document forbids.
"""

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from gateway.web.timing import Timing
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.admin.request_rows import sample_of, store
from tests.web.pauses import Pauses

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SECONDS = 25  # for each of the two surfaces
SEED = 20260615
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
]
# An address that is too long is refused as such, whatever else is wrong with it.
CONFIG = """
[checks]
negative_data_rejection.expected-statuses = ["4xx"]

[[operations]]
include-path-regex = "^/a/"
parameters = {{ kiro_account = "social" }}

[[operations]]
include-path = ["/admin/requests/{{id}}", "/admin/requests/{{id}}/replay"]
parameters = {{ id = "{request}" }}

# Given another Kiro API key, an account is refused by the service: a 502, and rightly so.
[[operations]]
include-path = "/admin/accounts/{{id}}"
include-method = "PUT"
parameters = {{ id = "organisation" }}

[[operations]]
include-path-regex = "^/admin/kiro/"
parameters = {{ "query.account" = "builder" }}
"""


@pytest.fixture
async def gateway(kiro: Kiro, tmp_path: Path, pauses: Pauses) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path, timing=Timing(sleep=pauses)) as gateway:
        yield gateway


def program() -> str:
    """Beside the interpreter, wherever that is."""
    beside = Path(sys.executable).with_name("schemathesis")
    found = str(beside) if beside.exists() else shutil.which("schemathesis")
    assert found is not None
    return found


@pytest.mark.parametrize("surface", ["admin", "clients"])
async def test_the_gateway_keeps_what_its_document_promises(
    gateway: AdminGateway, tmp_path: Path, surface: str
) -> None:
    sample = await sample_of(gateway)
    (request,) = await store(gateway, [replace(sample, request_id="fuzzed")])
    config = anyio.Path(tmp_path / "schemathesis.toml")
    await config.write_text(CONFIG.format(request=request))
    key = gateway.admin_key if surface == "admin" else gateway.key
    which = "--include-path-regex" if surface == "admin" else "--exclude-path-regex"
    # Clients of the APIs send much that no document knows; only the admin API is strict about it.
    checks = [*CHECKS, "negative_data_rejection"] if surface == "admin" else CHECKS
    command = [program(), "--config-file", str(config), "--no-color", "run"]
    command += [f"{gateway.url}/openapi.json", "--header", f"x-api-key: {key}"]
    command += [which, "^/(admin|metrics)", "--checks", ",".join(checks)]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "5", "--seed", str(SEED)]
    command += ["--max-time", str(SECONDS), "--generation-database", "none"]
    done = await anyio.run_process(
        command, check=False, cwd=tmp_path, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout.decode()[-6000:]
