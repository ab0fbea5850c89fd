"""A folder to install to, the service it speaks to, and a gateway that runs there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.simulator.server import RunningSimulator, serve_in_thread
from tests.gateway_process import GatewayProcess, Installation, gateway_processes


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def installation(simulator: RunningSimulator, tmp_path: Path) -> Installation:
    return Installation(tmp_path, simulator.url)


@pytest.fixture
def running(installation: Installation) -> Iterator[GatewayProcess]:
    with gateway_processes(installation) as [gateway]:
        yield gateway
