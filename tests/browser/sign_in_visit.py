"""Somebody who signs an account in: the admin page in one tab, the service's pages in another."""

from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.async_api import Locator, Page, expect

from tests.browser.visit import Visit
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway

EVERYTHING = """() => JSON.stringify([
  document.documentElement.outerHTML,
  [...document.querySelectorAll('input, textarea')].map((it) => it.value),
  location.href, history.state, {...localStorage}, {...sessionStorage},
])"""


async def new_account(gateway: AdminGateway, name: str) -> str:
    """An account that nobody has signed in to; its id."""
    answer = await gateway.call("POST", "/admin/accounts", {"name": name})
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


async def open_wizard(visit: Visit, account_id: str) -> None:
    """Go to the sign-in of an account."""
    await visit.open(f"/ui/accounts/{account_id}/sign-in")


def way(visit: Visit, title: str) -> Locator:
    """One of the ways to choose from, by how its name begins."""
    return visit.page.get_by_role("button").filter(has_text=title).first


async def tab_opened_by(visit: Visit, pressed: Locator) -> Page:
    """The tab that something opens when it is pressed."""
    async with visit.page.expect_popup() as popup:
        await pressed.click()
    return await popup.value


async def press_in(tab: Page, button: str) -> None:
    """What people do on a page of the service."""
    await tab.get_by_role("button", name=button, exact=True).click()


async def elsewhere(kiro: Kiro, address: str, **order: object) -> str:
    """Where a browser on another computer ends that opens this address."""
    await kiro.control("PUT", "/sign-in", order)
    async with httpx.AsyncClient() as http:
        answer = await http.get(address)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def assert_nothing_of(visit: Visit, *secrets: str) -> None:
    """No secret is left in the document, its fields, the address or the browser's storage."""
    everything = await visit.page.evaluate(EVERYTHING)
    for secret in secrets:
        assert secret not in everything


def member(address: str, name: str) -> str:
    """A member of an address's query."""
    return parse_qs(urlsplit(address).query)[name][0]


async def expect_signed_in(visit: Visit, name: str) -> None:
    """The end that everybody wants, with Kiro's word for it."""
    await expect(visit.page.get_by_text(f"{name} is signed in")).to_be_visible()
    await expect(visit.page.get_by_text("Kiro accepts it")).to_be_visible()
