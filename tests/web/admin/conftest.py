"""One gateway with an admin for all tests of a module; those that change much make their own."""

from collections.abc import AsyncIterator

import pytest

from gateway.web.timing import Timing
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.pauses import Pauses


@pytest.fixture(scope="module")
async def admin(
    kiro: Kiro, pauses: Pauses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AdminGateway]:
    folder = tmp_path_factory.mktemp("admin")
    async with admin_gateway(kiro, folder, timing=Timing(sleep=pauses)) as gateway:
        yield gateway
