"""Kiro's page: Google and GitHub, from nothing to an answer, with what goes wrong on the way."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness import running_kiro
from tests.web.sign_in.sign_in_gateway import SignInGateway, sign_in_gateway

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[SignInGateway]:
    async with running_kiro() as kiro, sign_in_gateway(kiro, tmp_path) as gateway:
        yield gateway


@pytest.mark.parametrize("way", ["google", "github"])
async def test_from_nothing_to_a_streamed_answer(gateway: SignInGateway, way: str) -> None:
    begun = await gateway.begin()
    assert (begun["status"], begun["step"]) == ("pending", "browser")
    await gateway.order(way=way)
    page = await gateway.browser.get(await gateway.sent_to(begun["auth_url"]))
    assert page.status_code == 200
    assert "Signed in" in page.text
    told = await gateway.told(begun["id"])
    assert (told["status"], "error" in told) == ("completed", False)
    account = await gateway.answers()
    assert account["auth_method"] == "social"


async def test_a_pending_sign_in_does_not_keep_the_gateway_from_ending(
    gateway: SignInGateway,
) -> None:
    await gateway.begin()
