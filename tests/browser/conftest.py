"""One browser, one simulator and one gateway for all tests of a module."""

import logging
import os
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog
from playwright.async_api import Browser, async_playwright

from gateway.web.page_files import BUILT
from tests.browser import chromium
from tests.browser.visit import AXE
from tests.harness import Kiro, running_kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that `kiro-gateway serve` runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session", autouse=True)
def built_pages() -> None:
    if (BUILT / "index.html").is_file() and AXE.is_file():
        return
    reason = "the admin pages have not been built: make ui does so, where there is Node.js"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module", autouse=True)
def quiet_log() -> Iterator[None]:
    config = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**config)


@pytest.fixture(scope="module")
async def browser(anyio_backend: object, built_pages: None) -> AsyncIterator[Browser]:
    path = chromium.executable()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=list(chromium.ARGUMENTS)
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
async def kiro(anyio_backend: object) -> AsyncIterator[Kiro]:
    async with running_kiro() as kiro:
        yield kiro


@pytest.fixture(scope="module")
async def gateway(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AdminGateway]:
    folder = tmp_path_factory.mktemp("gateway")
    async with admin_gateway(kiro, folder) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def fresh(kiro: Kiro) -> None:
    kiro.state.reset()
