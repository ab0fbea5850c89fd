"""Updates of the binary while many streams run."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.simulator.server import RunningSimulator
from tests.binary.conftest import serving, unpacked
from tests.gateway_process import Installation
from tests.release.machine import Machine
from tests.release.release_server import release_server
from tests.release.under_load import restart_under_streams, update_under_streams

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="the newer program is a script"),
]


@pytest.fixture
def machine(binary: Path, installation: Installation) -> Iterator[Machine]:
    folder = installation.folder / ".kiro-gateway" / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    with release_server() as releases:
        yield Machine(Path(shutil.copy(binary, folder / "kiro-gateway")), releases)


async def test_an_update_breaks_none_of_fifty_streams(
    machine: Machine, installation: Installation, simulator: RunningSimulator, temporary: Path
) -> None:
    secret = installation.create_key()
    with serving(machine.program, installation, temporary) as gateway:
        await update_under_streams(machine, gateway, simulator, secret)


async def test_an_update_that_restarts_the_service_lets_fifty_streams_finish(
    machine: Machine, installation: Installation, simulator: RunningSimulator, temporary: Path
) -> None:
    await restart_under_streams(machine, installation, simulator, temporary)
    assert not unpacked(temporary), "the old program has gone"
