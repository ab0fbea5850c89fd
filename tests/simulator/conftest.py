from collections.abc import Iterator

import httpx
import pytest

from gateway.simulator.server import RunningSimulator, serve_in_thread


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread(seed=7) as running:
        yield running


@pytest.fixture(scope="session")
def simulator_http(running_simulator: RunningSimulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running_simulator.url, timeout=10) as client:
        yield client


@pytest.fixture
def http(simulator_http: httpx.Client) -> Iterator[httpx.Client]:
    yield simulator_http
    simulator_http.post("/_sim/reset", json={"tokens": True})
