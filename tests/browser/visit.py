"""Somebody at the admin pages: a window of a real browser, watched for what must never happen."""

import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from tests.web.admin.admin_gateway import AdminGateway

# Longer than the slowest poll of a page, on a busy machine too.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)

ROOT = Path(__file__).parents[2]
SCREENSHOTS = Path(__file__).parent / "screenshots"
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"

Language = Literal["en", "zh"]
Scheme = Literal["light", "dark"]

PHONE, DESKTOP = 375, 1440
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
# What Chromium says of each answer above 399; the rest of the message is the status.
FAILED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")

NAME_OF_FOCUS = """() => {
  const it = document.activeElement
  if (!it || it === document.body) return null
  const { outlineStyle, boxShadow } = getComputedStyle(it)
  // Fields have their border coloured instead.
  const field = it.matches('input, textarea, select')
  const ring = outlineStyle !== 'none' || boxShadow !== 'none' || field
  const name = it.getAttribute('aria-label') || it.labels?.[0]?.textContent || it.textContent
  return { name: (name || '').trim().slice(0, 80), tag: it.tagName, ring }
}"""


@dataclass(slots=True)
class Visit:
    """A window and the gateway behind it. `t` gives locators by what people read or hear."""

    page: Page
    gateway: AdminGateway
    language: Language
    scheme: Scheme
    width: int
    problems: list[str] = field(default_factory=list)

    async def open(self, path: str = "/ui") -> None:
        """Go to a page and wait until it is drawn."""
        await self.page.goto(self.gateway.url + path)
        await expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def button(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> Locator:
        """A button by its name."""
        exact = isinstance(name, str)
        return (within or self.page).get_by_role("button", name=name, exact=exact)

    @property
    def dialog(self) -> Locator:
        """The dialog in front."""
        return self.page.get_by_role("dialog").last

    async def choose(self, label: str, *options: str) -> None:
        """Pick options of a field in the dialog in front, and close its list."""
        field = self.dialog.get_by_role("combobox", name=label)
        await field.click()
        for option in options:
            await self.page.get_by_role("option", name=option, exact=True).click()
        # Lists of one choice close by themselves; in a form, Escape would leave it.
        if await field.get_attribute("aria-expanded") == "true":
            await self.page.keyboard.press("Escape")

    async def shot(self, name: str) -> None:
        """Keep a picture, for people to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        file = f"{name}-{self.width}-{self.scheme}-{self.language}.png"
        # What fades in is in the picture when it has done so.
        await self.page.wait_for_function(
            "() => document.getAnimations().every((it) => it.playState !== 'running' "
            "|| it.effect?.getTiming().iterations === Infinity)"
        )
        await self.page.screenshot(path=SCREENSHOTS / file)

    async def check_accessible(self) -> None:
        """No finding of axe-core that keeps somebody out; and nothing wider than the window."""
        await self.page.evaluate(AXE.read_text("utf-8"))
        found: list[Any] = await self.page.evaluate(
            "async () => (await axe.run(document, { resultTypes: ['violations'] })).violations"
            ".filter(({ impact }) => impact === 'serious' || impact === 'critical')"
            ".map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => "
            "html.slice(0, 200) + ' ' + failureSummary)])"
        )
        assert found == [], found
        overflow = await self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, f"{overflow} pixels wider than the window"

    async def tab_to(self, name: str, *, limit: int = 60) -> None:
        """Reach something by the Tab key alone; what has the focus on the way shows it."""
        seen: list[str] = []
        for _ in range(limit):
            await self.page.keyboard.press("Tab")
            focus = await self.page.evaluate(NAME_OF_FOCUS)
            if focus is None:
                continue
            assert focus["ring"], f"no sign of the focus on {focus}"
            seen.append(focus["name"])
            if focus["name"] == name:
                return
        raise AssertionError(f"Tab does not reach {name!r}, only {seen}")


@asynccontextmanager
async def visiting(
    browser: Browser,
    gateway: AdminGateway,
    *,
    signed_in: bool = True,
    language: Language = "en",
    scheme: Scheme = "light",
    width: int = DESKTOP,
    height: int = 900,
    expected: Collection[int] = (),
    away: bool = False,
) -> AsyncIterator[Visit]:
    """A fresh window; afterwards fails for whatever went wrong in it.

    Args:
        browser: where it is opened.
        gateway: whose pages.
        signed_in: with a session, else as anybody.
        language: what the browser prefers.
        scheme: the same of light and dark.
        width: of the window, in pixels.
        height: the same.
        expected: statuses above 399 that this visit provokes.
        away: the gateway will be gone for a while, and connections will fail.
    """
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        locale=LOCALES[language],
        color_scheme=scheme,
        timezone_id="America/New_York",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    if signed_in:
        answer = await context.request.post(
            gateway.url + "/admin/session", data={"admin_key": gateway.admin_key}
        )
        assert answer.ok, await answer.text()
    page = await context.new_page()
    visit = Visit(page, gateway, language, scheme, width)

    def hear(message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        failed = FAILED.match(message.text)
        if failed and int(failed[1]) in expected:
            return
        if away and "net::ERR_" in message.text:
            return
        visit.problems.append(f"{message.type}: {message.text} ({message.location})")

    def watch(request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in {"http", "https", "ws", "wss"} and not request.url.startswith(gateway.url):
            visit.problems.append(f"request to another host: {request.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: visit.problems.append(f"uncaught: {error}"))
    page.on("request", watch)
    problems: list[str] = []
    try:
        yield visit
        # What is cut off by closing the window is no fault of the page.
        problems = list(visit.problems)
    except BaseException:
        SCREENSHOTS.mkdir(exist_ok=True)
        await page.screenshot(path=SCREENSHOTS / "failed.png")
        print("problems in the page:", visit.problems)  # noqa: T201  # pytest shows it on failure
        raise
    finally:
        await context.close()
    assert problems == []
