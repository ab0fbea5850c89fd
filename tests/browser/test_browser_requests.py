"""The request log in the browser: as it comes, filtered, ten thousand of it, and one in detail."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Locator, expect

from gateway.store.usage import Attempt, RequestDetail
from tests.browser.visit import DESKTOP, PHONE, Language, Scheme, Visit, visiting
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.admin.request_rows import sample_of, store

pytestmark = pytest.mark.anyio

MANY = 10_000
LOOKS: list[tuple[Language, Scheme, int]] = [("en", "light", DESKTOP), ("zh", "dark", PHONE)]


async def ask(gateway: AdminGateway, text: str, **more: Any) -> httpx.Response:
    body = {
        "model": "claude-sonnet-4.5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": text}],
        **more,
    }
    headers = {"x-api-key": gateway.key}
    return await gateway.http.post(gateway.url + "/v1/messages", json=body, headers=headers)


def rows(visit: Visit) -> Locator:
    return visit.page.locator("[data-index]")


async def filter_by(visit: Visit, field: str, option: str) -> None:
    """Pick an option of a filter, and close the filters."""
    await visit.button(re.compile("^Filters")).click()
    chosen = visit.page.get_by_role("combobox", name=field, exact=True)
    if await chosen.evaluate("it => it.tagName") == "SELECT":
        await chosen.select_option(label=option)
    else:
        await chosen.click()
        await visit.page.get_by_role("option", name=option, exact=True).click()
    await visit.page.keyboard.press("Escape")
    await expect(chosen).to_have_count(0)


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
async def test_requests_appear_as_they_come_and_tell_what_happened(
    browser: Browser,
    kiro: Kiro,
    tmp_path: Path,
    language: Language,
    scheme: Scheme,
    width: int,
) -> None:
    look: dict[str, Any] = {"language": language, "scheme": scheme, "width": width}
    words = {
        "en": ("No request yet", "Live", "Requests", "Model overloaded"),
        "zh": ("还没有请求", "实时", "请求", "模型过载"),
    }[language]
    empty, live, title, overloaded = words
    async with (
        admin_gateway(kiro, tmp_path) as gateway,
        visiting(browser, gateway, **look) as visit,
    ):
        page = visit.page
        await visit.open("/ui/requests")
        await expect(page.get_by_text(empty)).to_be_visible()
        await expect(page.get_by_text(live, exact=True)).to_be_visible()
        await visit.shot("requests-empty")
        assert (await ask(gateway, "Hello", top_k=5, stream=True)).status_code == 200
        await expect(rows(visit)).to_have_count(1)
        answer = await ask(gateway, "[[scenario:no-capacity]]")
        assert answer.status_code == 529
        await expect(rows(visit)).to_have_count(2)
        await expect(rows(visit).first).to_contain_text(overloaded)
        for number in range(6):
            await ask(gateway, f"[[say {number * 3} words]]", model="auto")
        await expect(rows(visit)).to_have_count(8)
        await visit.check_accessible()
        await visit.shot("requests")
        await rows(visit).filter(has_text=overloaded).get_by_role("link").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("claude-sonnet-4.5")
        # Asked three times, with pauses in between.
        steps = page.locator("ol > li")
        await expect(steps).to_have_count(5)
        await visit.check_accessible()
        await visit.shot("request-failed")
        await page.get_by_role("link", name=re.compile(title)).first.click()
        await rows(visit).last.get_by_role("link").click()
        await expect(page.get_by_text("dropped:top_k")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("request")


async def test_a_pause_holds_back_what_comes_and_the_address_keeps_the_filters(
    browser: Browser, gateway: AdminGateway
) -> None:
    await ask(gateway, "Hello")
    await ask(gateway, "[[scenario:too-long]]")
    async with visiting(browser, gateway) as visit:
        page = visit.page
        await visit.open("/ui/requests")
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
        await expect(rows(visit)).to_have_count(2)
        await visit.button("Pause").click()
        await ask(gateway, "[[say 7 words]]", model="auto")
        await ask(gateway, "[[say 8 words]]", model="auto")
        goes_on = visit.button("Continue: 2 new")
        await expect(goes_on).to_be_visible()
        await expect(rows(visit)).to_have_count(2)
        await visit.shot("requests-paused")
        await goes_on.click()
        await expect(rows(visit)).to_have_count(4)

        await filter_by(visit, "Result", "Failed")
        await expect(rows(visit)).to_have_count(1)
        await expect(rows(visit).first).to_contain_text("Prompt too long for Kiro")
        await expect(page).to_have_url(re.compile("status=failed"))
        await filter_by(visit, "Model", "auto")
        await expect(page.get_by_text("No request matches these filters")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("requests-no-match")
        await page.reload()
        await expect(page.get_by_text("No request matches these filters")).to_be_visible()
        await visit.button("Remove the filter Failed").click()
        await expect(rows(visit)).to_have_count(2)
        # What does not match stays away, what does comes in.
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
        await ask(gateway, "Hello")
        await ask(gateway, "Hello", model="auto")
        await expect(rows(visit)).to_have_count(3)
        await visit.button("Remove the filter Model: auto").click()
        await expect(rows(visit)).to_have_count(6)

        await filter_by(visit, "API key", "test")
        await filter_by(visit, "Account", "social")
        await filter_by(visit, "Time", "Last hour")
        await filter_by(visit, "Error", "Prompt too long for Kiro")
        await expect(rows(visit)).to_have_count(1)
        await visit.button("Filters (4)").click()
        await visit.check_accessible()
        await visit.shot("requests-filters")
        await page.keyboard.press("Escape")
        # The detail leads back to the same list.
        await rows(visit).get_by_role("link").click()
        problem = page.get_by_role("region", name="What went wrong")
        await expect(problem).to_contain_text("The Kiro service")
        await page.get_by_role("link", name="Back: Requests").click()
        await expect(visit.button("Filters (4)")).to_be_visible()
        await expect(rows(visit)).to_have_count(1)
        search = page.get_by_role("textbox", name="Search: Requests")
        await search.fill("no-such-id")
        await visit.button("Clear all filters").click()
        await expect(rows(visit)).to_have_count(6)


async def test_the_limit_of_a_key_is_told_from_that_of_an_account(
    browser: Browser, gateway: AdminGateway
) -> None:
    sample = replace(await sample_of(gateway), at=datetime.now(UTC))
    detail = RequestDetail(
        error_message="This key may make 3 requests a minute.",
        limit="requests_per_minute",
        queued_ms=400,
        client="claude-cli/2.0",
    )
    passed = Attempt("social", "QuotaSpent", 0, 0, message="Its quota is spent.")
    answered = Attempt("builder", "answered", 5, 300, status=200, upstream_request_id="up-1")
    limited = replace(
        sample,
        request_id="limited",
        status=429,
        error_class="RateLimitExceeded",
        error_source="key",
        detail=detail,
    )
    moved = replace(sample, request_id="moved", detail=RequestDetail(attempts=(passed, answered)))
    unknown = replace(sample, request_id="odd", status=500, error_class="SomethingNew")
    await store(gateway, [limited, moved, unknown])
    async with visiting(browser, gateway, expected={404}) as visit:
        page = visit.page
        await visit.open("/ui/requests/limited")
        problem = page.get_by_role("region", name="What went wrong")
        await expect(problem).to_contain_text("Limit of the API key: requests per minute")
        await expect(problem).to_contain_text("This key may make 3 requests a minute.")
        await expect(page.locator("ol > li")).to_contain_text(["Waited for a free place"])
        await visit.shot("request-limited")
        await problem.get_by_role("link", name="To the limits of this key").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("test")
        await visit.open("/ui/requests/moved")
        await expect(page.locator("ol > li")).to_contain_text(
            ["Passed over: social", "Asked: builder", "Answer"]
        )
        await visit.open("/ui/requests/odd")
        await expect(page.get_by_role("region", name="What went wrong")).to_contain_text(
            "SomethingNew"
        )
        await visit.open("/ui/requests/never-was")
        await expect(page.get_by_role("alert")).to_contain_text("There is no request")
        await page.get_by_role("link", name="Back: Requests").click()
        await expect(rows(visit).first).to_be_visible()


async def test_bodies_are_stored_for_a_while_previewed_and_sent_again(
    browser: Browser, kiro: Kiro, gateway: AdminGateway
) -> None:
    await ask(gateway, "Before")
    # What has just ended is in the log a moment later.
    async with visiting(browser, gateway, expected={400, 404}) as visit:
        page = visit.page
        await visit.open("/ui/requests")
        await rows(visit).first.get_by_role("link").click()
        await expect(page.get_by_text("The bodies of this request were not stored")).to_be_visible()
        await page.get_by_role("combobox", name="For how long").select_option(label="1 hour")
        await visit.button("Store bodies…").click()
        await expect(visit.dialog).to_contain_text("prompts and answers of everybody")
        await visit.check_accessible()
        await visit.shot("capture")
        await visit.button("Store for 1 hour").click()
        await expect(page.get_by_text("Bodies are stored until")).to_be_visible()
        answer = await ask(gateway, "[[count to 4]]", stream=True, top_k=3)
        await visit.open(f"/ui/requests?q={answer.headers['x-request-id']}")
        await expect(rows(visit)).to_have_count(1)
        await rows(visit).get_by_role("link").click()
        await expect(page.get_by_label("From the client", exact=True).last).to_contain_text(
            "count to 4"
        )
        await page.get_by_role("tab", name="To Kiro").click()
        await expect(page.get_by_label("To Kiro", exact=True).last).to_contain_text(
            "conversationState"
        )
        await page.get_by_role("tab", name="To the client").click()
        await expect(page.get_by_label("To the client", exact=True).last).to_contain_text(
            "message_start"
        )
        await visit.check_accessible()

        await visit.button("Preview for Kiro").click()
        body = visit.dialog.get_by_label("Body, as a client sends it")
        text = await body.input_value()
        await body.fill("{")
        await visit.button("Show").click()
        await expect(visit.dialog).to_contain_text("This is no JSON")
        await body.fill(text.replace('"messages"', '"massages"'))
        await visit.button("Show").click()
        await expect(body).to_have_attribute("aria-invalid", "true")
        await body.fill(text)
        calls = len(await kiro.log())
        await visit.button("Show").click()
        await expect(visit.dialog.get_by_label("Body for Kiro", exact=True)).to_contain_text(
            "count to 4"
        )
        await expect(visit.dialog).to_contain_text("dropped:top_k")
        assert len(await kiro.log()) == calls  # nothing was sent
        await visit.check_accessible()
        await visit.shot("preview")
        await page.keyboard.press("Escape")

        await visit.button("Replay").click()
        await visit.choose("Account", "organisation")
        await visit.button("Send").click()
        await expect(visit.dialog).to_contain_text("1 2 3 4")
        await expect(visit.dialog).to_contain_text("HTTP 200")
        await visit.check_accessible()
        await visit.shot("replay")
        await visit.dialog.get_by_role("link", name="See it in the log").click()
        await expect(page.get_by_text("A replay of an earlier request.")).to_be_visible()
        await gateway.call("PUT", "/admin/settings/body-capture", {"minutes": 0})


async def test_ten_thousand_requests_are_scrolled_through_and_news_wait_above(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with admin_gateway(kiro, tmp_path) as gateway:
        sample = await sample_of(gateway)
        begin = datetime.now(UTC) - timedelta(days=1)
        await store(
            gateway,
            [
                replace(sample, request_id=f"req-{n}", at=begin + timedelta(seconds=n))
                for n in range(MANY)
            ],
        )
        async with visiting(browser, gateway) as visit:
            page = visit.page
            await visit.open("/ui/requests")
            await expect(page.get_by_text("10,000 rows")).to_be_visible()
            await expect(page.get_by_text("Live", exact=True)).to_be_visible()
            longest: float = await page.evaluate(SCROLL_DOWN)
            assert await rows(visit).count() < 100
            await ask(gateway, "Hello")
            await expect(visit.button("↑ 1 new request")).to_be_visible()
            await visit.shot("requests-many")
            await visit.button("↑ 1 new request").click()
            await expect(page.get_by_text("10,001 rows")).to_be_visible()
            await expect(visit.button("↑ 1 new request")).to_have_count(0)
    print(f"longest frame while scrolling: {longest:.0f} ms")  # noqa: T201  # for those who look


# Down to the last row, as fast as pages come; gives the longest frame in milliseconds.
SCROLL_DOWN = """async () => {
  const drawn = () => new Promise((done) => requestAnimationFrame(done))
  let longest = 0
  let before = await drawn()
  for (;;) {
    window.scrollBy(0, 2000)
    const now = await drawn()
    longest = Math.max(longest, now - before)
    before = now
    const last = [...document.querySelectorAll('[data-index]')].at(-1)
    if (Number(last?.dataset.index) === 9999) return longest
  }
}"""
