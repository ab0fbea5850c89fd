"""Updates while streams run, of a gateway run from the sources; tests/binary has the binary's."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import __version__
from gateway.simulator.server import RunningSimulator, serve_in_thread
from tests.gateway_process import Installation, gateway_processes
from tests.release.machine import Machine
from tests.release.release_server import release_server
from tests.release.under_load import restart_under_streams, update_under_streams

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the programs here are scripts"),
]


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    folder = tmp_path / "home" / ".kiro-gateway" / "bin"
    folder.mkdir(parents=True)
    with release_server() as releases:
        made = Machine(folder / "kiro-gateway", releases)
        made.program.write_bytes(made.build(__version__))
        made.program.chmod(0o755)
        yield made


@pytest.fixture
def installation(machine: Machine, simulator: RunningSimulator) -> Installation:
    made = Installation(machine.home, simulator.url)
    made.add_account()
    return made


async def test_an_update_breaks_none_of_fifty_streams(
    machine: Machine, installation: Installation, simulator: RunningSimulator
) -> None:
    secret = installation.create_key()
    with gateway_processes(installation, command=machine.program) as (gateway,):
        await update_under_streams(machine, gateway, simulator, secret)


async def test_an_update_that_restarts_the_service_lets_fifty_streams_finish(
    machine: Machine, installation: Installation, simulator: RunningSimulator, tmp_path: Path
) -> None:
    await restart_under_streams(machine, installation, simulator, tmp_path)
