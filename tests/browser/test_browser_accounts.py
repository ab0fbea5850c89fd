"""Accounts in the browser: the list, its forms, one account's page."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Locator, expect

from gateway.web.admin.accounts import account_named
from tests.browser.visit import DESKTOP, PHONE, Language, Scheme, Visit, visiting
from tests.harness import ACCOUNTS, Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

API_KEY = ACCOUNTS["key"].api_key or ""
LOOKS: list[tuple[Language, Scheme, int]] = [
    ("en", "light", DESKTOP),
    ("zh", "dark", PHONE),
]


async def add(gateway: AdminGateway, name: str, **members: Any) -> dict[str, Any]:
    answer = await gateway.call("POST", "/admin/accounts", {"name": name, **members})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def ask(gateway: AdminGateway, account: str) -> httpx.Response:
    """A request of a client that names the account."""
    body = {
        "model": "claude-sonnet-4.5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    headers = {"x-api-key": gateway.key}
    return await gateway.http.post(
        f"{gateway.url}/a/{account}/v1/messages", json=body, headers=headers
    )


def row(visit: Visit, name: str) -> Locator:
    return visit.page.locator("[data-index]").filter(
        has=visit.page.get_by_role("link", name=name, exact=True)
    )


def part(visit: Visit, name: str) -> Locator:
    """A panel of the page."""
    return visit.page.get_by_role("region", name=name, exact=True)


async def menu(visit: Visit, name: str, item: str) -> None:
    await visit.button(f"Actions for {name}").click()
    await visit.page.get_by_role("menuitem", name=item).click()


async def in_all_states(kiro: Kiro, gateway: AdminGateway) -> None:
    """Accounts that serve, are suspended, cool down, are off, are spent, and not signed in."""
    for name in ("social", "organisation", "key"):
        await gateway.get(f"/admin/kiro/usage-limits?account={name}&refresh=true")
        assert (await ask(gateway, name)).status_code == 200
    await kiro.scenario("suspended", account="builder")
    assert (await ask(gateway, "builder")).status_code == 403
    await kiro.scenario("throttled-retry-after-long", account="organisation")
    assert (await ask(gateway, "organisation")).status_code == 429
    await kiro.control("PUT", "/credits", {"account": "external", "used": 1900})
    await gateway.get("/admin/kiro/usage-limits?account=external&refresh=true")
    await add(gateway, "laptop")
    await add(gateway, "spare", enabled=False)


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
async def test_list_account_and_form_in_every_look(
    browser: Browser,
    kiro: Kiro,
    tmp_path: Path,
    language: Language,
    scheme: Scheme,
    width: int,
) -> None:
    look: dict[str, Any] = {"language": language, "scheme": scheme, "width": width}
    async with admin_gateway(kiro, tmp_path) as gateway:
        await in_all_states(kiro, gateway)
        async with visiting(browser, gateway, **look) as visit:
            await visit.open("/ui/accounts")
            suspended = {"en": "Suspended", "zh": "已被封禁"}[language]
            await expect(row(visit, "builder")).to_contain_text(suspended)
            await visit.check_accessible()
            await visit.shot("accounts")
            await row(visit, "organisation").get_by_role("link").click()
            await expect(visit.page.get_by_role("heading", level=1)).to_have_text("organisation")
            await expect(visit.page.get_by_role("cell", name="claude-sonnet-4.5")).to_be_visible()
            await visit.check_accessible()
            await visit.shot("account")
            await visit.page.screenshot(
                path=f"tests/browser/screenshots/account-whole-{width}-{scheme}-{language}.png",
                full_page=True,
            )
            await visit.button({"en": "Edit", "zh": "编辑"}[language]).click()
            await expect(visit.dialog).to_be_visible()
            await visit.check_accessible()
            await visit.shot("account-form")


async def test_without_accounts_the_page_says_what_they_are_for(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with admin_gateway(kiro, tmp_path) as gateway:
        for account in (await gateway.get("/admin/accounts"))["accounts"]:
            await gateway.call("DELETE", f"/admin/accounts/{account['id']}?force=true")
        async with visiting(browser, gateway, expected={500}) as visit:
            refusal = {"error": {"message": "The database fails.", "type": "server_error"}}
            await visit.page.route(
                "**/admin/accounts?*", lambda route: route.fulfill(status=500, json=refusal)
            )
            await visit.open("/ui/accounts")
            await expect(visit.page.get_by_role("alert")).to_contain_text("The database fails.")
            await visit.page.unroute_all()
            await visit.button("Try again").click()
            await expect(visit.page.get_by_text("No account yet")).to_be_visible()
            await visit.check_accessible()
            await visit.shot("accounts-empty")
            await visit.button("Add the first account").click()
            await expect(visit.dialog).to_contain_text("Add account")


async def test_an_account_is_added_with_a_key_and_serves(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway, expected={400, 409}) as visit:
        await visit.open("/ui/accounts")
        await visit.button("Add account").click()
        form = visit.dialog
        name = form.get_by_label("Name")
        # What the page knows.
        await name.fill("-wrong")
        await form.get_by_label("Sign-in region").fill("Frankfurt")
        await form.get_by_label("API region").fill("eu")
        await form.get_by_label("Proxy").fill("proxy:3128")
        await form.get_by_label("Requests at once").fill("0")
        await form.get_by_label("Kiro API key").fill("two words")
        await visit.button("Add", within=form).click()
        await expect(form.get_by_text("a letter or digit first")).to_be_visible()
        await expect(form.get_by_text("Regions look like")).to_have_count(2)
        await expect(form.get_by_text("Such as http://host:3128")).to_be_visible()
        await expect(form.get_by_text("A whole number from 1 to 1,000,000")).to_be_visible()
        await expect(form.get_by_text("A key has no spaces in it.")).to_be_visible()
        await expect(name).to_be_focused()
        await visit.check_accessible()
        await visit.shot("account-form-wrong")
        # What only the gateway knows: each goes to its field, and nothing is lost.
        await name.fill("social")
        await form.get_by_label("Sign-in region").fill("us-east-1")
        await form.get_by_label("API region").fill("")
        await form.get_by_label("Proxy").fill("http://proxy/with/a/path")
        await form.get_by_label("Requests at once").fill("4")
        await form.get_by_label("Kiro API key").fill("ключ")
        await visit.button("Add", within=form).click()
        await expect(form.get_by_label("Kiro API key")).to_have_attribute("aria-invalid", "true")
        await form.get_by_label("Kiro API key").fill(API_KEY)
        await visit.button("Add", within=form).click()
        await expect(form.get_by_label("Proxy")).to_have_attribute("aria-invalid", "true")
        await expect(form.get_by_label("Proxy")).to_be_focused()
        await form.get_by_label("Proxy").fill("")
        await visit.button("Add", within=form).click()
        await expect(form.get_by_text('There already is an account "social".')).to_be_visible()
        await expect(name).to_be_focused()
        await name.fill("team-key")
        await visit.button("Add", within=form).click()
        await expect(visit.page.get_by_role("heading", level=1)).to_have_text("team-key")
        await expect(part(visit, "API keys")).to_contain_text("No API key uses it")
        await visit.button("Test", within=part(visit, "Test call")).click()
        await expect(part(visit, "Test call")).to_contain_text("It works")
        assert API_KEY not in await visit.page.content()
    made = await gateway.get("/admin/accounts/team-key")
    assert (made["auth_method"], made["max_concurrent_requests"]) == ("api_key", 4)


async def test_a_renamed_account_keeps_its_keys_and_a_proxy_its_password(
    browser: Browser, gateway: AdminGateway
) -> None:
    proxy = "http://me:hush@127.0.0.1:9"
    await add(gateway, "before", proxy=proxy, max_concurrent_requests=3)
    key = await gateway.call("POST", "/admin/keys", {"name": "mine", "kiro_accounts": ["before"]})
    async with visiting(browser, gateway, expected={400}) as visit:
        await visit.open("/ui/accounts")
        await menu(visit, "before", "Edit")
        form = visit.dialog
        await expect(form.get_by_label("Proxy")).to_have_value("http://127.0.0.1:9")
        await form.get_by_label("Name").fill("after")
        await expect(form.get_by_text("API keys that use it keep working")).to_be_visible()
        await form.get_by_label("API region").fill("eu-central-1")
        await form.get_by_label("Requests at once").fill("")
        await visit.button("Save").click()
        await expect(row(visit, "after")).to_be_visible()
        await expect(row(visit, "before")).to_have_count(0)
        await row(visit, "after").get_by_role("link").click()
        await expect(part(visit, "API keys").get_by_role("link", name="mine")).to_be_visible()
        await expect(part(visit, "Sign-in and addresses")).to_contain_text(
            "eu-central-1 (set here)"
        )
    changed = await gateway.get("/admin/accounts/after")
    assert (changed["api_region"], changed["max_concurrent_requests"]) == ("eu-central-1", None)
    kept = await gateway.get(f"/admin/keys/{key.json()['id']}")
    assert kept["kiro_accounts"] == ["after"]
    stored = await account_named(gateway.services, "after")
    assert stored.proxy == proxy


async def test_an_account_is_disabled_enabled_and_not_deleted_while_keys_use_it(
    browser: Browser, gateway: AdminGateway
) -> None:
    await add(gateway, "leaving")
    for name, others in (("only this", []), ("another too", ["social"])):
        body = {"name": name, "kiro_accounts": ["leaving", *others]}
        await gateway.call("POST", "/admin/keys", body)
    async with visiting(browser, gateway) as visit:
        await visit.open("/ui/accounts?show=attention")
        await menu(visit, "leaving", "Disable")
        await visit.button("Disable", within=visit.dialog).click()
        await expect(row(visit, "leaving")).to_have_count(0)
        await visit.page.get_by_text("Off", exact=True).click()
        await expect(visit.page).to_have_url(re.compile("show=off"))
        await expect(row(visit, "leaving")).to_contain_text("Off")
        await menu(visit, "leaving", "Enable")
        await expect(row(visit, "leaving")).to_have_count(0)
        assert (await gateway.get("/admin/accounts/leaving"))["enabled"]
        await visit.page.get_by_text("All", exact=True).click()

        await menu(visit, "leaving", "Delete")
        await expect(visit.dialog).to_contain_text("2 API keys use it")
        await expect(visit.dialog).to_contain_text("only this · its only account")
        await visit.button("Delete the account").click()
        await expect(visit.dialog.get_by_role("alert")).to_contain_text("API keys use this account")
        assert (await gateway.get("/admin/accounts/leaving"))["name"] == "leaving"
        await visit.check_accessible()
        await visit.shot("account-delete")
        await visit.dialog.get_by_role("checkbox").check()
        await visit.button("Delete the account").click()
        await expect(visit.page.get_by_role("dialog")).to_have_count(0)
        await expect(row(visit, "leaving")).to_have_count(0)
    assert (await gateway.call("GET", "/admin/accounts/leaving")).status_code == 404
    assert (await gateway.get("/admin/keys/another%20too"))["kiro_accounts"] == ["social"]


async def test_what_is_wrong_is_mended_where_it_is_told(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with (
        admin_gateway(kiro, tmp_path) as gateway,
        visiting(browser, gateway, expected={409, 502}) as visit,
    ):
        await kiro.scenario("suspended", account="builder")
        assert (await ask(gateway, "builder")).status_code == 403
        await visit.open("/ui/accounts")
        await expect(visit.page.get_by_text("1 account needs attention")).to_be_visible()
        # Not so fast: a test call shows that it still is, and what to do.
        await menu(visit, "builder", "Test call")
        await kiro.scenario("suspended", account="builder")
        await visit.button("Test", within=visit.dialog).click()
        await expect(visit.dialog).to_contain_text("It does not work")
        await expect(visit.dialog).to_contain_text("Its owner has to settle that")
        await visit.check_accessible()
        await visit.shot("account-test-failed")
        await visit.button("Close", within=visit.dialog).last.click()
        await visit.button("Enable: builder").click()
        await expect(row(visit, "builder")).to_contain_text("Serving")
        await expect(visit.page.get_by_text("needs attention")).to_have_count(0)
        assert (await ask(gateway, "builder")).status_code == 200
        await row(visit, "builder").get_by_role("link").click()
        history = part(visit, "Health").get_by_role("listitem")
        await expect(history.filter(has_text="Suspended")).to_be_visible()

        # A token that nobody renews, then one that is renewed.
        social = (await gateway.get("/admin/accounts/social"))["id"]
        await visit.open(f"/ui/accounts/{social}")
        before = (await gateway.get("/admin/kiro/status?account=social"))["expires_at"]
        await kiro.scenario("oauth-invalid-grant", account="social", operation="refresh")
        await visit.button("Renew token").click()
        health = part(visit, "Health")
        await expect(health).to_contain_text("Kiro no longer accepts its sign-in.")
        await expect(part(visit, "Sign-in and addresses").get_by_role("alert")).to_be_visible()
        await visit.shot("account-signed-out")
        await visit.button("Renew token: social").click()
        await expect(health).to_contain_text("Nothing is wrong with it.")
        assert (await gateway.get("/admin/kiro/status?account=social"))["expires_at"] > before


async def test_quota_and_models_are_as_kiro_tells_them(
    browser: Browser, kiro: Kiro, gateway: AdminGateway
) -> None:
    await kiro.control(
        "PUT",
        "/quota",
        {
            "account": "social",
            "plan": {"limit": 1000, "used": 900},
            "trial": None,
            "overage": "ENABLED",
            "overage_cap": 250,
        },
    )
    social = (await gateway.get("/admin/accounts/social"))["id"]
    async with visiting(browser, gateway, expected={502}) as visit:
        await visit.open(f"/ui/accounts/{social}")
        quota = part(visit, "Quota")
        await visit.button("Ask Kiro now", within=quota).click()
        told = await gateway.get("/admin/kiro/usage-limits?account=social")
        await expect(quota).to_contain_text(f"{told['total']['remaining']:,.0f} left")
        await expect(quota).to_contain_text("possible · up to 250")
        await expect(quota.get_by_role("progressbar")).to_have_count(3)
        await visit.shot("account-quota")
        # What cannot be asked says why; what was known stays.
        await kiro.scenario("internal", times=None, account="social", operation="usage")
        await visit.button("Ask Kiro now", within=quota).click()
        await expect(quota.get_by_role("alert")).to_be_visible()
        await expect(quota).to_contain_text(f"{told['total']['remaining']:,.0f} left")
        models = part(visit, "Models").first
        await expect(models.get_by_role("row").nth(1)).to_contain_text("auto")
        await kiro.scenario("models-none", account="social", operation="models")
        await visit.button("Ask Kiro now", within=models).click()
        await expect(visit.page.get_by_text("Kiro lists no models")).to_be_visible()


async def test_a_new_account_is_led_to_its_sign_in_and_then_serves(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with (
        admin_gateway(kiro, tmp_path) as gateway,
        visiting(browser, gateway) as visit,
    ):
        await visit.open("/ui/accounts")
        await visit.button("Add account").click()
        await visit.dialog.get_by_label("Name").fill("mine")
        await visit.button("Add", within=visit.dialog).click()
        await expect(visit.page.get_by_role("heading", level=1)).to_have_text("Sign in mine")
        # Not now; later, from where it is told that nobody is signed in.
        await visit.page.get_by_role("link", name="Back: mine").click()
        await expect(part(visit, "Health")).to_contain_text("Nobody has signed it in yet.")
        await visit.button("Sign in: mine").click()
        await visit.button(re.compile("Kiro API key"), within=visit.dialog).click()
        await visit.dialog.get_by_label("Kiro API key").fill(API_KEY)
        await visit.button("Save the key", within=visit.dialog).click()
        await visit.button("Done", within=visit.dialog).click()
        await expect(part(visit, "Health")).to_contain_text("Nothing is wrong with it.")
        await expect(part(visit, "Sign-in and addresses")).to_contain_text("Kiro API key")
        # Where its requests and its usage are.
        account = visit.page.url.rpartition("/")[2]
        links = visit.page.locator("header")
        await expect(links.get_by_role("link", name="Usage")).to_have_attribute(
            "href", re.compile(f"usage.*account=.*{account}")
        )
        await links.get_by_role("link", name="Requests").click()
        await expect(visit.page).to_have_url(re.compile(f"requests.*account=.*{account}"))
        await visit.page.keyboard.press("Control+k")
        await expect(visit.dialog.get_by_role("combobox")).to_be_focused()
        await visit.page.keyboard.type("mine")
        await expect(visit.page.get_by_role("option", name="mine")).to_be_visible()
        await visit.page.keyboard.press("Enter")
        await expect(visit.page.get_by_role("heading", level=1)).to_have_text("mine")


async def test_accounts_are_found_sorted_and_walked_by_keyboard(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with (
        admin_gateway(kiro, tmp_path) as gateway,
        visiting(browser, gateway, expected={404}) as visit,
    ):
        page = visit.page
        for number in (2, 10, 1):
            await add(gateway, f"box-{number}", region="eu-west-1", enabled=False)
        assert (await ask(gateway, "social")).status_code == 200
        await visit.open("/ui/accounts")
        rows = page.locator("[data-index]")
        await expect(row(visit, "social")).to_be_visible()
        await visit.button("Requests, 24 h").click()
        await visit.button("Requests, 24 h").click()
        await expect(page).to_have_url(re.compile("sort=-requests"))
        await expect(rows.first).to_contain_text("social")
        await visit.button("Name").click()
        await page.keyboard.press("/")
        await page.keyboard.type("eu-west box")
        await expect(rows).to_have_count(3)
        names = rows.get_by_role("link")
        await expect(names).to_have_text(["box-1", "box-2", "box-10"])
        await page.reload()
        await expect(rows).to_have_count(3)
        await visit.tab_to("box-1")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("box-2")
        await visit.tab_to("Edit")
        await page.keyboard.press("Enter")
        await expect(visit.dialog.get_by_label("Name")).to_be_focused()
        await page.keyboard.type("x")
        await page.keyboard.press("Escape")
        await expect(visit.dialog.get_by_text("You have changed something here.")).to_be_visible()
        await visit.button("Discard changes").click()
        await expect(visit.button("Edit")).to_be_focused()
        # Deleted elsewhere meanwhile.
        await gateway.call("DELETE", "/admin/accounts/box-2")
        await page.reload()
        await expect(page.get_by_role("alert")).to_contain_text("There is no account")
        await page.get_by_role("link", name="Back: Accounts").click()
        await expect(rows.first).to_be_visible()
