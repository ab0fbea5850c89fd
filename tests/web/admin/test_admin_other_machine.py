"""The admin API as another machine sees it: from a network namespace with its own address."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from gateway.web.server import listen
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

HERE, THERE = "10.213.77.1", "10.213.77.2"
NETWORK = "10.213.77.0/30"

ASK = """
import http.client, json, sys
host, port, path, asked = sys.argv[1], int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
statuses = []
for headers in asked:
    connection = http.client.HTTPConnection(host, port, timeout=20)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    statuses.append(connection.getresponse().status)
    connection.close()
print(json.dumps(statuses))
"""


@dataclass(frozen=True)
class Machine:
    """Another machine on a network of two."""

    namespace: str

    async def get(self, port: int, path: str, *asked: dict[str, str]) -> list[int]:
        """The statuses of GETs with these headers."""
        command = ["ip", "netns", "exec", self.namespace, sys.executable, "-I", "-S", "-c", ASK]
        command += [HERE, str(port), path, json.dumps(asked)]
        done = await anyio.run_process(command, stderr=None)
        statuses: list[int] = json.loads(done.stdout)
        return statuses


def _run(*command: str) -> None:
    subprocess.run(["ip", *command], check=True, capture_output=True, text=True, timeout=20)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Skipped where namespaces cannot be made, except in CI, which never skips."""
    name, link = f"kiro-{os.getpid()}", f"kg{os.getpid()}"
    try:
        if shutil.which("ip") is None:
            raise FileNotFoundError("there is no ip command")
        _run("netns", "add", name)
    except (OSError, subprocess.SubprocessError) as exc:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no network namespace can be made: {exc}")
    try:
        _run("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("addr", "add", f"{HERE}/30", "dev", link)
        _run("link", "set", link, "up")
        _run("-n", name, "addr", "add", f"{THERE}/30", "dev", "eth0")
        _run("-n", name, "link", "set", "eth0", "up")
        _run("-n", name, "link", "set", "lo", "up")
        yield Machine(name)
    finally:
        _run("netns", "del", name)  # and with it both ends of the link


@pytest.fixture
async def exposed(kiro: Kiro, tmp_path: Path) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path, sock=listen("0.0.0.0", 0)) as gateway:
        yield gateway


def port_of(gateway: AdminGateway) -> int:
    return int(gateway.url.rpartition(":")[2])


async def test_another_machine_gets_in_by_no_header(
    exposed: AdminGateway, machine: Machine
) -> None:
    key = {"X-Api-Key": exposed.admin_key}
    local = "127.0.0.1"
    tricks = [
        {},
        {"X-Forwarded-For": local},
        {"X-Real-IP": local},
        {"Forwarded": f"for={local}"},
        {"True-Client-IP": local},
        {"Host": "localhost"},
        {"Host": f"localhost:{port_of(exposed)}", "X-Forwarded-For": local},
        {"Host": "localhost", "Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
    ]
    for path in ("/admin/version", "/metrics"):
        statuses = await machine.get(port_of(exposed), path, *(key | trick for trick in tricks))
        assert statuses == [403] * len(tricks)


async def test_another_machine_does_reach_the_client_apis(
    exposed: AdminGateway, machine: Machine
) -> None:
    asked = {"X-Api-Key": exposed.key}
    assert await machine.get(port_of(exposed), "/v1/models", asked, {}) == [200, 401]


async def test_an_allowed_network_gets_in_with_the_key(
    kiro: Kiro, tmp_path: Path, machine: Machine
) -> None:
    auth = {"admin_allowed_networks": (NETWORK,)}
    async with admin_gateway(kiro, tmp_path, auth=auth, sock=listen("0.0.0.0", 0)) as gateway:
        key = {"X-Api-Key": gateway.admin_key}
        asked = [
            key,
            {},
            key | {"Host": "rebound.example.com"},
            key | {"X-Forwarded-For": "127.0.0.1"},
            key | {"Origin": "http://rebound.example.com"},
        ]
        statuses = await machine.get(port_of(gateway), "/admin/version", *asked)
        assert statuses == [200, 401, 403, 403, 403]


async def test_a_monitoring_machine_reads_the_metrics_alone(
    kiro: Kiro, tmp_path: Path, machine: Machine
) -> None:
    metrics = {"allowed_networks": (NETWORK,)}
    async with admin_gateway(kiro, tmp_path, metrics=metrics, sock=listen("0.0.0.0", 0)) as gateway:
        port = port_of(gateway)
        assert await machine.get(port, "/metrics", {}) == [200]
        assert await machine.get(port, "/admin/version", {"X-Api-Key": gateway.admin_key}) == [403]


async def test_the_gateway_s_own_machine_is_local_by_loopback_only(
    exposed: AdminGateway, machine: Machine
) -> None:
    headers = {"x-api-key": exposed.admin_key}
    through_the_network = await exposed.http.get(
        f"http://{HERE}:{port_of(exposed)}/admin/version", headers=headers
    )
    assert through_the_network.status_code == 403
    assert (await exposed.call("GET", "/admin/version")).status_code == 200
