"""One simulator and one gateway for all tests of a module, back at the start before each test."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from gateway.web.timing import Timing
from tests.harness import Gateway, Kiro, gateway_on, running_kiro
from tests.web.pauses import Pauses


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that `kiro-gateway serve` runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module", autouse=True)
def quiet_log() -> Iterator[None]:
    config = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**config)


@pytest.fixture(scope="module")
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture(scope="module")
async def kiro(anyio_backend: object) -> AsyncIterator[Kiro]:
    async with running_kiro() as kiro:
        yield kiro


@pytest.fixture(scope="module")
def running_ones() -> list[Gateway]:
    return []


@pytest.fixture(scope="module")
async def gateway(
    kiro: Kiro,
    pauses: Pauses,
    running_ones: list[Gateway],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    async with gateway_on(kiro, folder, timing=Timing(sleep=pauses, slot_wait=1.0)) as gateway:
        # So that no later request is the one that fetches it.
        assert (await gateway.get("/v1/models")).status_code == 200
        running_ones.append(gateway)
        yield gateway


@pytest.fixture(autouse=True)
def fresh(kiro: Kiro, pauses: Pauses, running_ones: list[Gateway]) -> None:
    kiro.state.reset()
    pauses.clear()
    for gateway in running_ones:
        for account in gateway.services.directory.accounts:
            gateway.services.health.begin_anew(account.id)
