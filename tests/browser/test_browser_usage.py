"""Usage in the browser: what chart, table and file say of it, and how people find their way."""

import csv
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

NUMBER = re.compile(r"[\d,]+(?:\.\d+)?")


@pytest.fixture(scope="module")
async def used(kiro: Kiro, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path_factory.mktemp("used")) as gateway:
        keys = [await make_key(gateway, name) for name in ("laptop", "build machine", "team bot")]
        await leave_usage(gateway, keys)
        yield gateway


async def make_key(gateway: AdminGateway, name: str) -> str:
    answer = await gateway.call("POST", "/admin/keys", {"name": name, "kiro_accounts": ["social"]})
    made: str = answer.json()["id"]
    return made


def number(text: str) -> float:
    found = NUMBER.search(text)
    assert found is not None, text
    return float(found[0].replace(",", ""))


def figure(visit: Visit, label: str) -> Locator:
    return visit.page.locator("dl dt", has_text=re.compile(f"^{label}$")).locator("xpath=..")


async def drawn(visit: Visit) -> float:
    """What a chart adds up to for those who hear it: a table behind the picture."""
    await expect(visit.page.locator("canvas")).to_be_visible()
    cells = await visit.page.locator("caption + tbody td").all_inner_texts()
    return sum(number(text.rpartition(": ")[2]) for text in cells)


async def total(visit: Visit, column: str) -> float:
    """What the last row of the table says, under a column."""
    table = visit.page.get_by_role("table", name="Usage in numbers")
    heads = await table.locator("thead th").all_inner_texts()
    cells = await table.locator("tfoot tr > *").all_inner_texts()
    return number(cells[[head.strip() for head in heads].index(column)])


def rows(visit: Visit) -> Locator:
    return visit.page.get_by_role("table", name="Usage in numbers").locator("[data-index]")


async def pick(visit: Visit, label: str, option: str) -> None:
    field = visit.page.get_by_role("combobox", name=label)
    await field.click()
    await visit.page.get_by_role("option", name=option, exact=True).click()
    await visit.page.keyboard.press("Escape")


async def asked(gateway: AdminGateway, query: str) -> list[dict[str, Any]]:
    usage: list[dict[str, Any]] = (await gateway.get(f"/admin/usage?{query}"))["usage"]
    return usage


@pytest.mark.parametrize(
    ("language", "scheme", "width"), [("en", "light", DESKTOP), ("zh", "dark", PHONE)]
)
async def test_usage_in_every_look(
    browser: Browser, used: AdminGateway, language: Language, scheme: Scheme, width: int
) -> None:
    look: dict[str, Any] = {"language": language, "scheme": scheme, "width": width}
    async with visiting(browser, used, **look) as visit:
        await visit.open("/ui/usage?range=30d&group=key,model&measure=total_tokens")
        await expect(visit.page.locator("canvas")).to_be_visible()
        await expect(visit.page.locator("[data-index]").first).to_be_visible()
        await visit.check_accessible()
        await visit.shot("usage")
        await visit.page.mouse.wheel(0, 900)
        await visit.shot("usage-table")


async def test_chart_table_and_figures_say_the_same_whatever_is_asked(
    browser: Browser, used: AdminGateway
) -> None:
    async with visiting(browser, used) as visit:
        for address in ("range=30d", "range=24h&group=model,account"):
            await visit.open(f"/ui/usage?{address}")
            await expect(rows(visit).first).to_be_visible()
            requests = await total(visit, "Requests")
            assert requests > 100
            assert await drawn(visit) == requests
            assert number(await figure(visit, "Requests").inner_text()) == requests
        everything = sum(row["total_requests"] for row in await asked(used, "group_by=key"))
        await visit.open("/ui/usage?range=90d&group=source")
        await expect(rows(visit)).to_have_count(4)
        assert await total(visit, "Requests") == everything

        # What is drawn follows the choice, and so does the address.
        await (
            visit.page.get_by_role("radiogroup", name="What is drawn")
            .get_by_text("Credits")
            .click()
        )
        await expect(visit.page).to_have_url(re.compile("measure=credits"))
        spent = sum(row["credits"] for row in await asked(used, "group_by=source"))
        assert await total(visit, "Credits") == pytest.approx(spent, abs=0.01)
        assert await drawn(visit) == pytest.approx(spent, abs=0.5)

        # Told apart by minutes, and live: a request shows without anybody doing anything.
        await (
            visit.page.get_by_role("radiogroup", name="How far back").get_by_text("1 hour").click()
        )
        await expect(visit.page).to_have_url(re.compile("range=1h"))
        await (
            visit.page.get_by_role("radiogroup", name="What is drawn")
            .get_by_text("Requests")
            .click()
        )
        await expect(rows(visit)).not_to_have_count(0)
        before = int(await total(visit, "Requests"))
        assert await drawn(visit) == before
        await store(used, [replace(await sample_of(used), at=datetime.now(UTC))])
        await expect(figure(visit, "Requests")).to_contain_text(str(before + 1))
        assert await drawn(visit) == before + 1


async def test_people_group_filter_sort_and_look_closer(
    browser: Browser, used: AdminGateway
) -> None:
    async with visiting(browser, used) as visit:
        await visit.open("/ui/usage?range=30d")
        await expect(rows(visit).first).to_be_visible()
        await visit.button("Credits").click()
        await expect(visit.page).to_have_url(re.compile("sort=credits"))
        told = [number(text) for text in await column(visit, "Credits")]
        assert told == sorted(told)

        # One key alone, told apart by model; the way back is the browser's.
        await visit.page.get_by_role("link", name="laptop", exact=True).click()
        await expect(visit.page).to_have_url(re.compile("group=model"))
        await expect(rows(visit)).to_have_count(3)
        key = next(
            row["key_id"]
            for row in await asked(used, "group_by=key")
            if row["key_name"] == "laptop"
        )
        (laptop,) = await asked(used, f"group_by=key&key_id={key}")
        assert await total(visit, "Requests") == laptop["total_requests"]
        assert await drawn(visit) == laptop["total_requests"]
        await pick(visit, "Model", "auto")
        await expect(rows(visit)).to_have_count(1)
        await visit.shot("usage-filtered")
        shared = visit.page.url
        await visit.page.go_back()
        await expect(visit.page.get_by_role("link", name="team bot", exact=True)).to_be_visible()

        # From a row on to the requests that it sums up.
        await rows(visit).filter(has_text="team bot").get_by_label("Of this row").click()
        bot = next(
            row["key_id"]
            for row in await asked(used, "group_by=key")
            if row["key_name"] == "team bot"
        )
        await visit.page.get_by_role("menuitem", name="Show its requests").click()
        await expect(visit.page).to_have_url(re.compile(f"/requests.*key={bot}"))

        # The address is all that somebody else needs.
        await visit.page.goto(shared)
        await expect(rows(visit)).to_have_count(1)
        await expect(rows(visit)).to_contain_text("auto")
        await expect(visit.page.get_by_text("laptop", exact=True)).to_be_visible()
        await visit.button("Clear filters").click()
        await expect(rows(visit)).to_have_count(3)

        # Days, and one of them by itself.
        await pick(visit, "Grouped by", "Day")
        await pick(visit, "Grouped by", "Model")
        await expect(visit.page).to_have_url(re.compile("group=day"))
        first = rows(visit).first
        await expect(first.get_by_role("link")).to_have_text(re.compile(r"\d{1,2} [A-Z][a-z]{2}"))
        requests = number((await column(visit, "Requests"))[0])
        await first.get_by_role("link").click()
        await expect(visit.page).to_have_url(re.compile("from="))
        await expect(visit.page.get_by_label("From")).to_be_visible()
        await expect(figure(visit, "Requests")).to_contain_text(f"{requests:,.0f}")
        assert await drawn(visit) == requests


async def column(visit: Visit, name: str) -> list[str]:
    table = visit.page.get_by_role("table", name="Usage in numbers")
    heads = [head.strip() for head in await table.locator("thead th").all_inner_texts()]
    place = heads.index(name) + 1
    return await rows(visit).locator(f"td:nth-child({place})").all_inner_texts()


async def test_the_file_has_the_rows_of_the_table(
    browser: Browser, used: AdminGateway, tmp_path: Path
) -> None:
    async with visiting(browser, used) as visit:
        await visit.open("/ui/usage?range=30d&group=key,model")
        await expect(rows(visit).first).to_be_visible()
        async with visit.page.expect_download() as coming:
            await visit.button("Download CSV").click()
        download = await coming.value
        assert re.fullmatch(r"usage-\d{4}-\d\d-\d\d\.csv", download.suggested_filename)
        await download.save_as(tmp_path / "usage.csv")
        with (tmp_path / "usage.csv").open(newline="") as file:
            lines = list(csv.DictReader(file))
        assert len(lines) == await rows(visit).count()
        assert sum(int(line["total_requests"]) for line in lines) == await total(visit, "Requests")
        assert sum(int(line["total_tokens"]) for line in lines) == await total(visit, "Tokens")
        assert {line["key_name"] for line in lines} >= {"laptop", "team bot"}


async def test_a_time_of_ones_own_is_checked_and_kept(browser: Browser, used: AdminGateway) -> None:
    async with visiting(browser, used) as visit:
        await visit.open("/ui/usage")
        await (
            visit.page.get_by_role("radiogroup", name="How far back").get_by_text("Custom").click()
        )
        begin = visit.page.get_by_label("From", exact=True)
        end = visit.page.get_by_label("To", exact=True)
        await begin.fill("")
        await visit.button("Show").click()
        await expect(visit.page.get_by_text("Give a day and a time.")).to_be_visible()
        now = datetime.now(UTC) - timedelta(hours=12)  # any time of New York is in the past
        await begin.fill((now - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"))
        await end.fill((now - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M"))
        await visit.button("Show").click()
        await expect(visit.page.get_by_text("Has to be later")).to_be_visible()
        await visit.check_accessible()
        await end.fill(now.strftime("%Y-%m-%dT%H:%M"))
        await visit.button("Show").click()
        await expect(visit.page).to_have_url(re.compile("from=.+to="))
        await expect(rows(visit).first).to_be_visible()
        assert await drawn(visit) == await total(visit, "Requests")
        await visit.shot("usage-custom")


async def test_without_usage_the_page_says_so_and_failures_can_be_tried_again(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway, expected={503}) as visit:
        await visit.open("/ui/usage")
        await expect(visit.page.get_by_text("Nothing was used in this time")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("usage-empty")

        async def refuse(route: Route) -> None:
            body = {"error": {"message": "The database is away.", "type": "server_error"}}
            await route.fulfill(status=503, json=body)

        await visit.page.route("**/admin/usage*", refuse)
        await visit.page.reload()
        await expect(visit.page.get_by_text("The database is away.")).to_be_visible()
        await visit.check_accessible()
        await visit.page.unroute("**/admin/usage*")
        await visit.button("Try again").click()
        await expect(visit.page.get_by_text("Nothing was used in this time")).to_be_visible()


async def test_ten_thousand_rows_are_sorted_and_scrolled(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with admin_gateway(kiro, tmp_path) as gateway:
        sample = await sample_of(gateway)
        now = datetime.now(UTC)
        many = [
            replace(sample, at=now, model_served=f"model-{number:05}") for number in range(10_000)
        ]
        await store(gateway, many)
        async with visiting(browser, gateway) as visit:
            await visit.open("/ui/usage?range=24h&group=model&sort=-model")
            await expect(rows(visit).first).to_contain_text("model-09999")
            await expect(visit.page.get_by_text("10,000 rows")).to_be_visible()
            last = visit.page.get_by_role("link", name="model-00000", exact=True)
            while await last.count() == 0:
                await visit.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
                await visit.page.wait_for_timeout(50)
                assert await rows(visit).count() < 100
            assert await total(visit, "Requests") == 10_000
            assert await drawn(visit) == 10_000
            await visit.shot("usage-many")
