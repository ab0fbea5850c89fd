"""The overview in the browser: what it shows, that it is live, and where its links lead."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Route, expect

from tests.browser.usage_rows import leave_usage
from tests.browser.visit import DESKTOP, PHONE, Language, Scheme, Visit, visiting
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.admin.request_rows import sample_of, store

pytestmark = pytest.mark.anyio

ATTENTION = {"en": "Needs attention", "zh": "需要处理"}


@pytest.fixture
async def own(kiro: Kiro, tmp_path: Path) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path) as gateway:
        yield gateway


async def make_key(gateway: AdminGateway, name: str, **members: Any) -> dict[str, Any]:
    body = {"name": name, "kiro_accounts": ["social"], **members}
    made: dict[str, Any] = (await gateway.call("POST", "/admin/keys", body)).json()
    return made


def panel(visit: Visit, title: str) -> Locator:
    return visit.page.get_by_role("region", name=title, exact=True)


def figure(visit: Visit, label: str) -> Locator:
    return visit.page.locator("dl dt", has_text=re.compile(f"^{label}$")).locator("xpath=..")


async def heard(visit: Visit, chart: str, series: str) -> float:
    """What a series of a chart adds up to, as it is told to those who hear it."""
    texts = await panel(visit, chart).locator("caption + tbody td").all_inner_texts()
    values = [text.removeprefix(f"{series}: ") for text in texts if text.startswith(series)]
    return sum(float(value.replace(",", "")) for value in values)


@pytest.mark.parametrize(
    ("language", "scheme", "width"), [("en", "light", DESKTOP), ("zh", "dark", PHONE)]
)
async def test_a_busy_gateway_in_every_look(
    browser: Browser,
    kiro: Kiro,
    own: AdminGateway,
    language: Language,
    scheme: Scheme,
    width: int,
) -> None:
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    keys = [
        (await make_key(own, name, **members))["id"]
        for name, members in {
            "laptop": {},
            "build machine": {"expires_at": soon},
            "team bot": {},
        }.items()
    ]
    await leave_usage(own, keys)
    await kiro.control("PUT", "/credits", {"account": "social", "used": 1500})
    await own.get("/admin/kiro/quotas?refresh=true")
    await own.call("POST", "/admin/accounts", {"name": "colleague"})
    async with visiting(
        browser, own, language=language, scheme=scheme, width=width, height=1900
    ) as visit:
        await visit.open("/ui/overview")
        attention = panel(visit, ATTENTION[language])
        await expect(attention.get_by_role("listitem")).to_have_count(3)
        await expect(visit.page.locator("canvas")).to_have_count(4)
        await expect(visit.page.get_by_text("claude-haiku-4.5")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("overview")


async def test_the_overview_agrees_with_the_usage_page_and_leads_there(
    browser: Browser, own: AdminGateway
) -> None:
    await leave_usage(own, [(await make_key(own, "laptop"))["id"]])
    async with visiting(browser, own) as visit:
        await visit.open("/ui")
        await expect(visit.page).to_have_url(re.compile("/ui/overview"))
        for choice in ("90 days", "7 days", "1 hour"):
            await visit.open("/ui/overview?range=30d")
            await (
                visit.page.get_by_role("radiogroup", name="How far back")
                .get_by_text(choice)
                .click()
            )
            await expect(visit.page).not_to_have_url(re.compile("range=30d"))
            await expect(panel(visit, "Requests").locator("canvas")).to_be_visible()
            await expect(visit.page.locator("[aria-busy=true]")).to_have_count(0)
            requests = float(await figure(visit, "Requests").locator("dd").first.inner_text())
            answered = await heard(visit, "Requests", "Answered")
            failed = await heard(visit, "Requests", "Failed")
            assert answered + failed == requests > 10
            assert failed == float(await figure(visit, "Errors").locator("dd").first.inner_text())
            tops = panel(visit, "Top API keys").get_by_role("listitem")
            await expect(tops).to_have_count(1)
            await expect(tops).to_contain_text(f"{requests:.0f} requests")
        models = panel(visit, "Top models")
        await expect(models.get_by_role("listitem")).to_have_count(3)
        first = models.get_by_role("listitem").first
        told = re.search(r"(\d+) requests", await first.inner_text())
        assert told is not None
        await first.get_by_role("link").click()
        await expect(visit.page).to_have_url(re.compile(r"/usage\?.*range=1h.*model="))
        await expect(figure(visit, "Requests")).to_contain_text(told[1])
        await visit.page.go_back()
        await visit.page.get_by_role("link", name="All: Top accounts").click()
        await expect(visit.page).to_have_url(re.compile("group=account"))


async def test_requests_and_troubles_show_by_themselves_and_go_again(
    browser: Browser, own: AdminGateway
) -> None:
    async with visiting(browser, own) as visit:
        await visit.open("/ui/overview")
        await expect(visit.page.get_by_text("Nothing needs attention")).to_be_visible()
        await expect(visit.page.get_by_text("No requests in this time")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("overview-quiet")

        sample = replace(await sample_of(own), at=datetime.now(UTC))
        bad = replace(sample, status=500, error_class="UpstreamInternal")
        await store(own, [bad] * 6 + [sample] * 2)
        await own.call("POST", "/admin/accounts", {"name": "colleague"})
        key = await make_key(own, "spent", tokens_per_day=10)
        body = {
            "model": "claude-sonnet-4.5",
            "max_tokens": 99,
            "messages": [{"role": "user", "content": "Hello"}],
        }
        await own.http.post(own.url + "/v1/messages", json=body, headers={"x-api-key": key["key"]})
        attention = panel(visit, "Needs attention")
        await expect(attention).to_contain_text("colleague: Not signed in")
        await expect(attention).to_contain_text("spent has reached its limit")
        await expect(attention).to_contain_text("67% of the requests of the last hour failed")
        await expect(figure(visit, "Requests")).to_contain_text("9")
        await expect(panel(visit, "Requests").locator("canvas")).to_be_visible()
        await visit.shot("overview-trouble")

        await attention.get_by_role("link", name="See which").click()
        await expect(visit.page).to_have_url(re.compile("/requests.*status=failed"))
        await visit.page.go_back()
        await attention.get_by_role("link", name="Sign in").click()
        await expect(visit.page).to_have_url(re.compile(r"/accounts/\w+/sign-in"))
        await visit.page.go_back()
        await attention.get_by_role("link", name="Change the limit").click()
        await expect(visit.page).to_have_url(re.compile(f"/keys/{key['id']}"))
        await visit.page.go_back()
        await own.call("PUT", f"/admin/keys/{key['id']}", {"tokens_per_day": None})
        await own.call("DELETE", "/admin/accounts/colleague")
        await expect(attention.get_by_role("listitem")).to_have_count(1)


async def test_an_empty_gateway_says_how_to_begin_and_failures_can_be_tried_again(
    browser: Browser, own: AdminGateway
) -> None:
    for account in (await own.get("/admin/accounts"))["accounts"]:
        await own.call("DELETE", f"/admin/accounts/{account['id']}?force=true")
    async with visiting(browser, own, expected={500}) as visit:
        await visit.open("/ui/overview")
        await expect(visit.page.get_by_text("No account yet")).to_be_visible()
        await expect(visit.page.get_by_role("link", name="Set up the gateway")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("overview-empty")

        async def refuse(route: Route) -> None:
            body = {"error": {"message": "The database is away.", "type": "server_error"}}
            await route.fulfill(status=500, json=body)

        for path in ("usage", "attention", "accounts"):
            await visit.page.route(f"**/admin/{path}*", refuse)
        await visit.page.reload()
        await expect(visit.page.get_by_text("The database is away.")).to_have_count(3)
        await visit.page.unroute_all()
        for left in (2, 1, 0):
            await visit.button("Try again").first.click()
            await expect(visit.button("Try again")).to_have_count(left)
        await expect(visit.page.get_by_text("No account yet")).to_be_visible()
