"""A simulator whose webhooks are the far side of every channel."""

from collections.abc import AsyncIterator

import pytest

from tests.harness import Kiro, running_kiro


@pytest.fixture
async def kiro(anyio_backend: object) -> AsyncIterator[Kiro]:
    async with running_kiro() as kiro:
        yield kiro
