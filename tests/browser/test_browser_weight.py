"""What the pages weigh, and how they bear many rows."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, Request, expect
from sqlalchemy import insert

from gateway.store.tables import api_keys
from tests.browser.visit import visiting
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

FIRST_PAINT = 250_000  # bytes
MANY = 10_000


@pytest.mark.parametrize(
    ("path", "signed_in"),
    [
        ("/ui", False),
        ("/ui/overview", True),
        ("/ui/accounts", True),
        ("/ui/keys", True),
        ("/ui/usage", True),
    ],
)
async def test_the_first_page_is_light(
    browser: Browser, gateway: AdminGateway, path: str, signed_in: bool
) -> None:
    finished: list[Request] = []
    async with visiting(browser, gateway, signed_in=signed_in) as visit:

        def note(request: Request) -> None:
            finished.append(request)

        visit.page.on("requestfinished", note)
        await visit.open(path)
        await visit.page.wait_for_load_state("networkidle")
        sizes = {
            request.url: (await request.sizes())["responseBodySize"]
            for request in finished
            if "/ui" in request.url
        }
    assert len(sizes) > 3
    total = sum(sizes.values())
    assert total <= FIRST_PAINT, sorted(sizes.items(), key=lambda item: -item[1])[:10]


async def test_ten_thousand_rows_are_reached_and_few_of_them_drawn(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with admin_gateway(kiro, tmp_path) as gateway:
        now = datetime.now(UTC)
        rows = [
            {
                "id": f"{number:016x}",
                "name": f"key {number:05}",
                "key_hash": f"{number:064x}",
                "key_prefix": "sk-kiro-xxxxxxxx",
                "enabled": True,
                "suppress_reasoning": False,
                "failover": False,
                "notes": "",
                "allowed_models": [],
                "created_at": now,
                "updated_at": now,
            }
            for number in range(MANY)
        ]
        async with gateway.services.database.begin() as db:
            await db.execute(insert(api_keys), rows)
        async with visiting(browser, gateway) as visit:
            await visit.open("/ui/keys")
            drawn = visit.page.locator("[data-index]")
            await expect(drawn.first).to_be_visible()
            await expect(visit.page.get_by_text("10,001 rows")).to_be_visible()
            last = visit.page.get_by_role("link", name="test", exact=True)
            while await last.count() == 0:
                await visit.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
                await visit.page.wait_for_timeout(50)
                assert await drawn.count() < 100
            await visit.shot("keys-many")
