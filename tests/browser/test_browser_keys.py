"""API keys in the browser: the list, the form, the secret, one key's page."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Locator, expect

from tests.browser.visit import DESKTOP, PHONE, Language, Scheme, Visit, visiting
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

SECRET = re.compile(r"sk-kiro-[\w-]{43}")
LOOKS: list[tuple[Language, Scheme, int]] = [
    ("en", "light", DESKTOP),
    ("zh", "dark", DESKTOP),
    ("zh", "light", PHONE),
    ("en", "dark", PHONE),
]


async def make_key(gateway: AdminGateway, **members: Any) -> dict[str, Any]:
    body = {"name": "laptop", "kiro_accounts": ["social"], **members}
    answer = await gateway.call("POST", "/admin/keys", body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def ask(gateway: AdminGateway, secret: str, text: str = "Hello") -> httpx.Response:
    body = {
        "model": "claude-sonnet-4.5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": text}],
    }
    headers = {"x-api-key": secret}
    return await gateway.http.post(gateway.url + "/v1/messages", json=body, headers=headers)


def row(visit: Visit, name: str) -> Locator:
    return visit.page.locator("[data-index]").filter(
        has=visit.page.get_by_role("link", name=name, exact=True)
    )


async def menu(visit: Visit, name: str, item: str) -> None:
    await visit.button(f"Actions for {name}").click()
    await visit.page.get_by_role("menuitem", name=item).click()


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
async def test_list_key_and_form_in_every_look(
    browser: Browser, gateway: AdminGateway, language: Language, scheme: Scheme, width: int
) -> None:
    name = f"look {language} {scheme}"
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    key = await make_key(
        gateway, name=name, tokens_per_day=1000, requests_per_minute=9, expires_at=soon
    )
    await make_key(gateway, name="off", enabled=False)
    for _ in range(3):
        assert (await ask(gateway, key["key"])).status_code == 200
    look: dict[str, Any] = {"language": language, "scheme": scheme, "width": width}
    async with visiting(browser, gateway, **look) as visit:
        await visit.open("/ui/keys")
        await expect(row(visit, name)).to_contain_text(
            {"en": "Ends soon", "zh": "即将到期"}[language]
        )
        await expect(row(visit, name)).to_contain_text("33")  # of 9 requests a minute, in percent
        await visit.check_accessible()
        await visit.shot("keys")
        await row(visit, name).get_by_role("link").click()
        await expect(visit.page.get_by_role("heading", level=1)).to_have_text(name)
        await expect(visit.page.locator("canvas")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("key")
        await visit.button({"en": "Edit", "zh": "编辑"}[language]).click()
        await expect(visit.dialog).to_be_visible()
        await visit.check_accessible()
        await visit.shot("key-form")


async def test_without_keys_the_page_says_what_they_are_for(
    browser: Browser, kiro: Kiro, tmp_path: Any
) -> None:
    async with (
        admin_gateway(kiro, tmp_path) as gateway,
        visiting(browser, gateway) as visit,
    ):
        for key in (await gateway.get("/admin/keys"))["keys"]:
            await gateway.call("DELETE", f"/admin/keys/{key['id']}")
        await visit.open("/ui/keys")
        await expect(visit.page.get_by_text("No API key yet")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("keys-empty")
        await visit.button("Make the first key").click()
        await expect(visit.dialog).to_contain_text("New API key")


async def test_a_key_is_made_shown_once_and_works(browser: Browser, gateway: AdminGateway) -> None:
    async with visiting(browser, gateway) as visit:
        await visit.open("/ui/keys")
        await visit.button("New key").click()
        await visit.dialog.get_by_label("Name").fill("build machine")
        await visit.choose("Accounts", "builder", "social")
        await visit.choose("Default account", "social")
        await visit.dialog.get_by_role("switch", name="Fail over").check()
        await visit.button(re.compile("^Limits"), within=visit.dialog).click()
        await visit.dialog.get_by_label("Requests per minute").fill("60")
        await visit.dialog.get_by_label("Tokens per day").fill("1 000 000")
        await visit.dialog.get_by_label("Credits per month").fill("12.5")
        await visit.button("Create").click()
        await expect(visit.dialog).to_contain_text("build machine is ready")
        shown = SECRET.search(await visit.dialog.inner_text())
        assert shown is not None
        secret = shown[0]
        await visit.check_accessible()
        await visit.shot("key-secret")
        await visit.page.keyboard.press("Escape")  # must not lose it
        await visit.button("I have copied it").click()
        await expect(visit.page.get_by_role("dialog")).to_have_count(0)
        await expect(row(visit, "build machine")).to_be_visible()
        everything = await visit.page.evaluate(
            "() => JSON.stringify([document.documentElement.outerHTML, location.href, "
            "{...localStorage}, {...sessionStorage}])"
        )
        assert secret not in everything
    assert (await ask(gateway, secret)).status_code == 200
    (made,) = (
        key for key in (await gateway.get("/admin/keys"))["keys"] if key["name"] == "build machine"
    )
    assert made["kiro_accounts"] == ["builder", "social"]
    assert made["kiro_default_account"] == "social"
    assert made["failover"] is True
    assert made["requests_per_minute"] == 60
    assert made["tokens_per_day"] == 1_000_000
    assert made["credits_per_month"] == 12.5
    assert made["max_concurrent_requests"] is None


async def test_what_is_wrong_is_said_at_its_field(browser: Browser, gateway: AdminGateway) -> None:
    async with visiting(browser, gateway, expected={400}) as visit:
        await visit.open("/ui/keys")
        await visit.button("New key").click()
        form = visit.dialog
        await visit.button("Create").click()
        await expect(form.get_by_text("Fill this in.")).to_be_visible()
        await expect(form.get_by_text("Choose at least one account.")).to_be_visible()
        await expect(form.get_by_label("Name")).to_be_focused()
        await expect(form.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
        await form.get_by_label("Name").fill("good")
        await visit.choose("Accounts", "social")
        await visit.button(re.compile("^Limits"), within=form).click()
        await form.get_by_label("Requests at once").fill("0")
        await visit.button("Create").click()
        await expect(form.get_by_text("A whole number of at least 1")).to_be_visible()
        await visit.check_accessible()
        # More than the gateway counts: only it knows that.
        await form.get_by_label("Requests at once").fill("4000000000")
        await visit.button("Create").click()
        field = form.get_by_label("Requests at once")
        await expect(field).to_have_attribute("aria-invalid", "true")
        await expect(field).to_be_focused()
        await expect(form.get_by_label("Name")).to_have_value("good")
        await visit.shot("key-form-refused")


async def test_an_account_deleted_meanwhile_is_told_at_the_accounts(
    browser: Browser, gateway: AdminGateway
) -> None:
    await gateway.call("POST", "/admin/accounts", {"name": "passing"})
    async with visiting(browser, gateway, expected={400, 404}) as visit:
        await visit.open("/ui/keys")
        await visit.button("New key").click()
        await visit.dialog.get_by_label("Name").fill("too late")
        await visit.choose("Accounts", "passing")
        await gateway.call("DELETE", "/admin/accounts/passing")
        await visit.button("Create").click()
        await expect(visit.dialog.get_by_text('"passing"')).to_be_visible()
        await expect(visit.dialog.get_by_label("Name")).to_have_value("too late")


async def test_a_changed_form_is_not_dropped_by_accident(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway) as visit:
        await visit.open("/ui/keys")
        await visit.button("New key").click()
        await visit.dialog.get_by_label("Name").fill("half done")
        await visit.page.keyboard.press("Escape")
        await expect(visit.dialog.get_by_text("You have changed something here.")).to_be_visible()
        await visit.button("Keep editing").click()
        await expect(visit.dialog.get_by_label("Name")).to_have_value("half done")
        await visit.button("Cancel").click()
        await visit.button("Discard changes").click()
        await expect(visit.page.get_by_role("dialog")).to_have_count(0)
        # An untouched form closes at once.
        await visit.button("New key").click()
        await expect(visit.dialog.get_by_label("Name")).to_have_value("")
        await visit.page.keyboard.press("Escape")
        await expect(visit.page.get_by_role("dialog")).to_have_count(0)


async def test_a_key_is_changed_disabled_enabled_and_deleted(
    browser: Browser, gateway: AdminGateway
) -> None:
    key = await make_key(gateway, name="short lived")
    async with visiting(browser, gateway) as visit:
        await visit.open("/ui/keys")
        await menu(visit, "short lived", "Edit")
        await visit.dialog.get_by_label("Name").fill("renamed")
        await visit.button("Expiry, thinking, notes", within=visit.dialog).click()
        await visit.button("in 30 days", within=visit.dialog).click()
        await visit.dialog.get_by_label("Notes").fill("for the demo")
        await visit.button("Save").click()
        await expect(row(visit, "renamed")).to_be_visible()
        changed = await gateway.get(f"/admin/keys/{key['id']}")
        assert changed["notes"] == "for the demo"
        left = datetime.fromisoformat(changed["expires_at"]) - datetime.now(UTC)
        assert timedelta(days=29) < left <= timedelta(days=30)

        await menu(visit, "renamed", "Disable")
        await visit.button("Disable", within=visit.dialog).click()
        await expect(row(visit, "renamed")).to_contain_text("Disabled")
        assert (await ask(gateway, key["key"])).status_code == 403
        await menu(visit, "renamed", "Enable")
        await expect(row(visit, "renamed")).to_contain_text("Active")
        assert (await ask(gateway, key["key"])).status_code == 200

        await menu(visit, "renamed", "Delete")
        await visit.shot("key-delete")
        await visit.button("Delete the key", within=visit.dialog).click()
        await expect(row(visit, "renamed")).to_have_count(0)
    assert (await ask(gateway, key["key"])).status_code == 401


async def test_a_rotated_key_has_a_new_secret_and_the_old_one_for_a_while(
    browser: Browser, gateway: AdminGateway
) -> None:
    key = await make_key(gateway, name="rotating")
    async with visiting(browser, gateway) as visit:
        await visit.open(f"/ui/keys/{key['id']}")
        await visit.button("Rotate").click()
        await visit.button("Make a new secret").click()
        await expect(visit.dialog).to_contain_text("rotating has a new secret")
        shown = SECRET.search(await visit.dialog.inner_text())
        assert shown is not None
        assert shown[0] != key["key"]
        await visit.button("I have copied it").click()
    assert (await ask(gateway, shown[0])).status_code == 200
    assert (await ask(gateway, key["key"])).status_code == 200


async def test_limits_and_usage_of_a_key_are_live(browser: Browser, gateway: AdminGateway) -> None:
    key = await make_key(gateway, name="busy", requests_per_minute=10, credits_per_month=5)
    async with visiting(browser, gateway) as visit:
        await visit.open(f"/ui/keys/{key['id']}")
        limits = visit.page.get_by_role("region", name="Limits")
        await expect(limits).to_contain_text("0 of 10")
        await expect(visit.page.get_by_text("Nothing in this time.")).to_be_visible()
        for _ in range(4):
            assert (await ask(gateway, key["key"])).status_code == 200
        await expect(limits).to_contain_text("4 of 10")
        await visit.page.reload()
        usage = visit.page.get_by_role("region", name="Usage", exact=True)
        table = usage.get_by_role("region", name="Usage by model")
        await expect(table.get_by_role("row").nth(1)).to_contain_text("claude-sonnet-4.5")
        cells = await table.get_by_role("row").nth(1).get_by_role("cell").all_inner_texts()
        assert cells[1] == "4"
        # What is drawn says the same, to those who hear it.
        await expect(usage.locator("canvas")).to_be_visible()
        heard = await usage.locator("caption + tbody td").all_inner_texts()
        assert sum(int(text.rpartition(": ")[2]) for text in heard) == 4
        await usage.get_by_text("24 hours").click()
        await expect(visit.page).to_have_url(re.compile(r"range=24h"))


async def test_the_set_up_of_a_client_works_as_pasted(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway) as visit:
        await visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await visit.open("/ui/keys")
        await visit.button("New key").click()
        await visit.dialog.get_by_label("Name").fill("pasted")
        await visit.choose("Accounts", "social")
        await visit.button("Create").click()
        await visit.dialog.get_by_role("tab", name="Claude Code").click()
        await visit.button("Copy: Claude Code, ~/.claude/settings.json").click()
        await expect(visit.dialog.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
        pasted = json.loads(await visit.page.evaluate("navigator.clipboard.readText()"))["env"]
        assert pasted["ANTHROPIC_BASE_URL"] == gateway.url
        answer = await ask(gateway, pasted["ANTHROPIC_AUTH_TOKEN"], "as pasted")
        assert "as pasted" in answer.text
        names = await visit.dialog.get_by_role("tab").all_inner_texts()
        wanted = {"Claude Code", "opencode", "Cline", "Cursor", "Open WebUI", "curl", "Python"}
        assert wanted <= set(names)
        await visit.dialog.get_by_role("tab", name="Cline").click()
        await expect(visit.dialog).to_contain_text(f"{gateway.url}/v1")


async def test_copying_works_on_plain_http_too(browser: Browser, gateway: AdminGateway) -> None:
    async with visiting(browser, gateway) as visit:
        await visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        # As on http://gateway.lan, where browsers keep the clipboard back.
        await visit.page.add_init_script(
            "Object.defineProperty(window, 'isSecureContext', { get: () => false })"
        )
        await visit.open("/ui/keys")
        await visit.button("New key").click()
        await visit.dialog.get_by_label("Name").fill("over http")
        await visit.choose("Accounts", "social")
        await visit.button("Create").click()
        await visit.button("Copy: API key").click()
        await expect(visit.button("Copy: API key")).to_have_text("Copied")
        await expect(visit.button("Copy: API key")).to_be_focused()
        secret = await visit.page.evaluate("navigator.clipboard.readText()")
        assert SECRET.fullmatch(secret)
        assert secret in await visit.dialog.inner_text()


async def test_search_sort_and_columns(browser: Browser, gateway: AdminGateway) -> None:
    for name in ("zebra", "aardvark", "mole"):
        await make_key(gateway, name=f"animal {name}", notes=f"a {name}")
    async with visiting(browser, gateway) as visit:
        await visit.open("/ui/keys")
        await visit.page.keyboard.press("/")
        await visit.page.keyboard.type("animal")
        rows = visit.page.locator("[data-index]")
        await expect(rows).to_have_count(3)
        await expect(visit.page.get_by_text("3 rows")).to_be_visible()
        await expect(visit.page).to_have_url(re.compile(r"q=animal"))
        await visit.button("Name").click()
        await visit.button("Name").click()
        await expect(visit.page).to_have_url(re.compile(r"sort=-name"))
        await expect(rows.first).to_contain_text("zebra")
        header = visit.page.get_by_role("columnheader", name="Name")
        await expect(header).to_have_attribute("aria-sort", "descending")
        await visit.button("Columns").click()
        await visit.page.get_by_role("checkbox", name="Notes").check()
        await visit.page.keyboard.press("Escape")
        await visit.page.reload()
        await expect(visit.page.get_by_role("columnheader", name="Notes")).to_be_visible()
        await expect(rows.first).to_contain_text("a zebra")
        await visit.page.get_by_role("textbox", name="Search: API keys").fill("no such thing")
        await expect(visit.page.get_by_text("Nothing matches")).to_be_visible()
        await visit.shot("keys-no-match")
        await visit.button("Clear the search").first.click()
        await expect(rows.first).to_be_visible()


async def test_a_list_that_cannot_be_loaded_is_tried_again_on_demand(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway, expected={500}) as visit:
        refusal = {"error": {"message": "The database fails.", "type": "server_error"}}
        await visit.page.route(
            "**/admin/keys?*", lambda route: route.fulfill(status=500, json=refusal)
        )
        await visit.open("/ui/keys")
        await expect(visit.page.get_by_role("alert")).to_contain_text("The database fails.")
        await visit.check_accessible()
        await visit.shot("keys-failed")
        await visit.page.unroute_all()
        await visit.button("Try again").click()
        await expect(visit.page.locator("[data-index]").first).to_be_visible()


async def test_a_key_that_is_gone_says_so_and_leads_back(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway, expected={404}) as visit:
        await visit.open("/ui/keys/0123456789abcdef")
        await expect(visit.page.get_by_role("alert")).to_contain_text("There is no API key")
        await visit.page.get_by_role("link", name="Back: API keys").click()
        await expect(visit.page.locator("[data-index]").first).to_be_visible()


async def test_an_unknown_page_leads_to_the_start(browser: Browser, gateway: AdminGateway) -> None:
    async with visiting(browser, gateway) as visit:
        await visit.open("/ui/no/such/page")
        await expect(visit.page.get_by_role("heading", level=1)).to_have_text(
            "There is no such page"
        )
        await visit.page.get_by_role("link", name="To the start").click()
        await expect(visit.page.get_by_role("heading", level=1)).not_to_have_text(
            "There is no such page"
        )
        await expect(visit.page.get_by_role("alert")).to_have_count(0)


async def test_all_of_it_by_keyboard_alone(browser: Browser, gateway: AdminGateway) -> None:
    async with visiting(browser, gateway) as visit:
        page = visit.page
        await visit.open("/ui/keys")
        await visit.tab_to("Skip to the content", limit=1)
        await page.keyboard.press("Enter")
        await visit.tab_to("New key", limit=2)
        await page.keyboard.press("Enter")
        await expect(visit.dialog.get_by_label("Name")).to_be_focused()
        await page.keyboard.type("by keyboard")
        await page.keyboard.press("Tab")
        await page.keyboard.type("social")
        await expect(page.get_by_role("option", name="social", exact=True)).to_be_visible()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        await visit.tab_to("Create")
        await page.keyboard.press("Enter")
        await expect(visit.dialog).to_contain_text("by keyboard is ready")
        await visit.tab_to("I have copied it")
        await page.keyboard.press("Enter")
        # Back where the dialog was opened from.
        await expect(visit.button("New key")).to_be_focused()
        await visit.tab_to("Actions for by keyboard")
        await page.keyboard.press("Enter")
        await expect(page.locator("[role=menu] [data-autofocus]")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("menuitem", name="Edit")).to_be_focused()
        await page.keyboard.press("Escape")
        # From row to row, and into one.
        await page.keyboard.press("Shift+Tab")
        first = await page.evaluate("document.activeElement.textContent")
        await page.keyboard.press("ArrowDown")
        await expect(page.locator("[data-index] a:focus")).not_to_have_text(first)
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("by keyboard")
        await expect(page.locator("main")).to_be_focused()


async def test_the_command_palette_finds_pages_keys_and_actions(
    browser: Browser, gateway: AdminGateway
) -> None:
    key = await make_key(gateway, name="needle in a haystack")
    async with visiting(browser, gateway) as visit:
        await visit.open("/ui/keys")
        await visit.page.keyboard.press("Control+k")
        await expect(
            visit.page.get_by_placeholder("Pages, accounts, keys, actions…")
        ).to_be_focused()
        await visit.page.keyboard.type("needle")
        found = visit.page.get_by_role("option", name="needle in a haystack")
        await expect(found).to_have_attribute("aria-selected", "true")
        await visit.check_accessible()
        await visit.shot("palette")
        await visit.page.keyboard.press("Enter")
        await expect(visit.page).to_have_url(re.compile(key["id"]))
        await visit.page.keyboard.press("Control+k")
        await visit.page.keyboard.type("appearance: dark")
        await visit.page.keyboard.press("Enter")
        dark = visit.page.locator("html[data-mantine-color-scheme=dark]")
        await expect(dark).to_have_count(1)


async def test_a_phone_has_the_navigation_in_a_drawer(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway, width=PHONE, height=812) as visit:
        await visit.open("/ui/keys")
        await visit.button("Open the menu").click()
        await expect(visit.dialog.get_by_role("link", name="API keys")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("drawer")
        await visit.dialog.get_by_role("link", name="API keys").click()
        await expect(visit.page.get_by_role("dialog")).to_have_count(0)
