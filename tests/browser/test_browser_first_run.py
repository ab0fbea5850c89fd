"""From an empty gateway to the first answer, in the browser."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.sign_in_visit import assert_nothing_of, expect_signed_in, new_account, way
from tests.browser.visit import PHONE, visiting
from tests.harness import ACCOUNTS, Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

SECRET = re.compile(r"sk-kiro-[\w-]{43}")


@asynccontextmanager
async def empty_gateway(kiro: Kiro, folder: Path) -> AsyncIterator[AdminGateway]:
    """A gateway as it first starts: with no account and no key."""
    async with admin_gateway(kiro, folder) as gateway:
        for key in (await gateway.get("/admin/keys"))["keys"]:
            await gateway.call("DELETE", f"/admin/keys/{key['id']}")
        for account in (await gateway.get("/admin/accounts"))["accounts"]:
            await gateway.call("DELETE", f"/admin/accounts/{account['id']}?force=true")
        yield gateway


async def make_key(gateway: AdminGateway, account: str) -> str:
    answer = await gateway.call("POST", "/admin/keys", {"name": "old", "kiro_accounts": [account]})
    assert answer.status_code == 201, answer.text
    secret: str = answer.json()["key"]
    return secret


async def signed_in_account(gateway: AdminGateway, name: str) -> None:
    body = {"name": name, "api_key": ACCOUNTS["key"].api_key}
    assert (await gateway.call("POST", "/admin/accounts", body)).status_code == 201


async def test_an_empty_gateway_leads_to_the_first_answer(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with empty_gateway(kiro, tmp_path) as gateway, visiting(browser, gateway) as visit:
        page = visit.page
        await visit.open("/ui")
        await expect(page).to_have_url(re.compile("/ui/start$"))
        await visit.check_accessible()
        await visit.shot("start-account")
        await page.get_by_label("Name").fill("not a name")
        await visit.button("Add the account").click()
        await expect(page.get_by_text("Letters, digits, dots")).to_be_visible()
        await page.get_by_label("Name").fill("mine")
        await visit.button("Add the account").click()

        await expect(page.get_by_text("Choose how mine signs in")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("start-sign-in")
        await kiro.control("PUT", "/device", {"decision": "approve"})
        await way(visit, "AWS Builder ID").click()
        await visit.button("Get a code").click()
        await expect_signed_in(visit, "mine")
        await visit.shot("start-signed-in")
        await visit.button("Continue").click()

        await visit.button("Make the key").click()
        await expect(page.get_by_text("It is shown this once")).to_be_visible()
        shown = SECRET.search(await page.locator("main").inner_text())
        assert shown is not None
        secret = shown[0]
        await visit.check_accessible()
        await visit.shot("start-key")
        await visit.button("I have copied it").click()

        await page.get_by_label("Message").fill("Remember the parrot")
        await visit.button("Send", within=page.locator("main")).click()
        answer = page.get_by_role("region", name="Answer")
        await expect(answer).to_contain_text("Remember the parrot")
        await expect(page.get_by_text("It works: the gateway answers.")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("start-answer")
        await visit.button("Continue").click()

        await page.get_by_role("tab", name="curl").click()
        await expect(page.get_by_role("tabpanel")).to_contain_text(secret)
        await visit.check_accessible()
        await visit.shot("start-client")
        await visit.button("Finish").click()
        await expect(page.get_by_role("heading", level=1)).not_to_have_text("Set up the gateway")
        await assert_nothing_of(visit, secret)
        # And never again, in a browser that has not been here before either.
        (request,) = (await gateway.get("/admin/requests"))["requests"]
        assert (request["status"], request["key_name"]) == (200, "My first key")
        async with visiting(browser, gateway) as later:
            await later.open("/ui")
            await expect(later.page).not_to_have_url(re.compile("/ui/start"))
            await expect(later.page.get_by_role("link", name="Finish the set-up")).to_have_count(0)


async def test_it_is_skipped_and_taken_up_again_where_it_was(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with (
        empty_gateway(kiro, tmp_path) as gateway,
        visiting(browser, gateway, language="zh", scheme="dark", width=PHONE) as visit,
    ):
        page = visit.page
        await visit.open("/ui")
        await visit.check_accessible()
        await visit.shot("start-account")
        await visit.button("暂时跳过").click()
        await expect(page).not_to_have_url(re.compile("/ui/start"))
        await visit.open("/ui")
        await expect(page).not_to_have_url(re.compile("/ui/start"))
        await new_account(gateway, "halb")
        await visit.button("打开菜单").click()
        await page.get_by_role("link", name="继续设置").click()
        # The account is there, so its sign-in is next; and after a reload as well.
        await expect(page.get_by_text("请选择 halb 登录 Kiro 的方式")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("start-sign-in")
        await page.reload()
        await way(visit, "Kiro API 密钥").click()
        await page.get_by_label(re.compile("^Kiro API 密钥")).fill(ACCOUNTS["key"].api_key or "")
        await visit.button("保存密钥").click()
        await expect(page.get_by_text("Kiro 已接受")).to_be_visible()
        await visit.shot("start-signed-in")
        await visit.button("继续").click()
        await visit.button("创建密钥").click()
        await visit.check_accessible()
        await visit.shot("start-key")
        await visit.button("我已复制").click()
        await visit.button("发送").click()
        await expect(page.get_by_text("成功，网关已经可以应答。")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("start-answer")
        await visit.button("继续").click()
        await visit.check_accessible()
        await visit.shot("start-client")


async def test_a_request_that_fails_says_why_and_is_made_again(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with (
        empty_gateway(kiro, tmp_path) as gateway,
        visiting(browser, gateway, expected={400, 402, 403, 429, 500, 502, 503, 529}) as visit,
    ):
        page = visit.page
        await signed_in_account(gateway, "work")
        await visit.open("/ui")
        await visit.button("Make the key").click()
        await visit.button("I have copied it").click()
        await page.get_by_label("Message").fill("[[scenario:monthly-limit]] Hello")
        await visit.button("Send", within=page.locator("main")).click()
        await expect(page.get_by_role("alert")).to_contain_text("There was no whole answer")
        await expect(page.get_by_label("Message")).to_have_value(re.compile("Hello"))
        await expect(visit.button("Continue")).to_be_disabled()
        await visit.check_accessible()
        await visit.shot("start-request-failed")


async def test_keys_that_are_there_count_and_their_secret_is_not_needed(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with empty_gateway(kiro, tmp_path) as gateway, visiting(browser, gateway) as visit:
        page = visit.page
        await signed_in_account(gateway, "work")
        await make_key(gateway, "work")
        await visit.open("/ui")
        await expect(page.get_by_text("in the name of old")).to_have_count(0)
        await page.get_by_label("Message").fill("[[say 400 words]]")
        await kiro.control("PUT", "/gate", {"point": "frame:3"})
        await visit.button("Send", within=page.locator("main")).click()
        await visit.button("Stop").click()
        await expect(page.get_by_text("Stopped.")).to_be_visible()
        await kiro.control("POST", "/release", {})
        await page.get_by_label("Message").fill("Hello parrot")
        await visit.button("Send again").click()
        await expect(page.get_by_role("region", name="Answer")).to_contain_text("Hello parrot")
        await visit.button("Continue").click()
        await page.get_by_role("tab", name="curl").click()
        await expect(page.get_by_role("tabpanel")).to_contain_text("sk-kiro-…")
