from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness import running_kiro
from tests.web.sign_in.sign_in_gateway import SignInGateway, sign_in_gateway


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[SignInGateway]:
    """A service of its own: it does not forget who has signed in."""
    async with running_kiro() as kiro, sign_in_gateway(kiro, tmp_path) as gateway:
        yield gateway
