"""Signing accounts in by the wizard: every way, what goes wrong on each, and coming back to it."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from gateway.simulator.accounts import DEMO_ACCOUNTS
from tests.browser.sign_in_visit import (
    assert_nothing_of,
    elsewhere,
    expect_signed_in,
    member,
    new_account,
    open_wizard,
    press_in,
    tab_opened_by,
    way,
)
from tests.browser.visit import DESKTOP, PHONE, Language, Scheme, visiting
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway
from tests.web.admin.local_sign_in import sign_in_of_the_ide

pytestmark = pytest.mark.anyio

START_URL = "https://simulated-org.awsapps.com/start"
LOOKS: list[tuple[Language, Scheme, int]] = [("en", "light", DESKTOP), ("zh", "dark", PHONE)]
TEXTS = {
    "en": {
        "builder": "AWS Builder ID",
        "code": "Get a code",
        "confirm": "Confirm this code",
        "cancel": "Cancel the sign-in",
        "organisation": "IAM Identity Center",
        "other": "Another way",
        "external": "Your organisation’s own provider",
        "import": "Copy from kiro-cli or the IDE",
        "none": "No sign-in was found",
    },
    "zh": {
        "builder": "AWS Builder ID",
        "code": "获取验证码",
        "confirm": "请确认此验证码",
        "cancel": "取消登录",
        "organisation": "IAM Identity Center",
        "other": "其他方式",
        "external": "组织自己的身份提供商",
        "import": "从 kiro-cli 或 IDE 复制",
        "none": "没有找到登录",
    },
}


@pytest.fixture(autouse=True)
def places(gateway: AdminGateway, tmp_path: Path) -> Iterator[list[Path]]:
    """Where other programs keep their sign-ins: nowhere near the real ones of this machine."""
    usual = gateway.services.admin.local_places
    known = [tmp_path / "kiro-cli" / "data.sqlite3", tmp_path / "ide" / "kiro-auth-token.json"]
    gateway.services.admin.local_places = known
    yield known
    gateway.services.admin.local_places = usual


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
async def test_the_steps_in_every_look(
    browser: Browser, gateway: AdminGateway, language: Language, scheme: Scheme, width: int
) -> None:
    said = TEXTS[language]
    account = await new_account(gateway, f"look-{language}")
    async with visiting(browser, gateway, language=language, scheme=scheme, width=width) as visit:
        await open_wizard(visit, account)
        await expect(way(visit, said["builder"])).to_be_visible()
        await visit.check_accessible()
        await visit.shot("sign-in-ways")
        for name, title in (("organisation", "organisation"), ("import", "import")):
            await way(visit, said[title]).click()
            await expect(visit.button(said["other"])).to_be_visible()
            if name == "import":
                await expect(visit.page.get_by_text(said["none"])).to_be_visible()
            await visit.check_accessible()
            await visit.shot(f"sign-in-{name}")
            await visit.button(said["other"]).click()
        await way(visit, said["builder"]).click()
        await visit.button(said["code"]).click()
        await expect(visit.page.get_by_text(said["confirm"])).to_be_visible()
        await visit.check_accessible()
        await visit.shot("sign-in-code")
        await visit.button(said["cancel"]).click()
        await expect(visit.button(said["code"])).to_be_visible()


async def test_at_kiros_page_the_browser_comes_back_by_itself(
    browser: Browser, gateway: AdminGateway
) -> None:
    account = await new_account(gateway, "by-portal")
    async with visiting(browser, gateway) as visit:
        await open_wizard(visit, account)
        await way(visit, "Kiro’s sign-in page").click()
        tab = await tab_opened_by(visit, visit.button("Open Kiro’s page"))
        await expect(visit.page.get_by_role("timer")).to_contain_text(re.compile(r"\d:\d\d left"))
        await visit.check_accessible()
        await visit.shot("sign-in-portal")
        state = member(tab.url, "state")
        await press_in(tab, "GitHub")
        await expect(tab.get_by_role("heading", name="Signed in")).to_be_visible()
        assert await tab.evaluate("window.opener") is None
        await expect_signed_in(visit, "by-portal")
        await visit.check_accessible()
        await visit.shot("sign-in-done")
        await assert_nothing_of(visit, state)
    assert (await gateway.get(f"/admin/accounts/{account}"))["auth_method"] == "social"


async def test_from_another_computer_the_last_address_is_pasted(
    browser: Browser, gateway: AdminGateway, kiro: Kiro
) -> None:
    account = await new_account(gateway, "pasted")
    async with visiting(browser, gateway) as visit:
        await open_wizard(visit, account)
        await way(visit, "Kiro’s sign-in page").click()
        await tab_opened_by(visit, visit.button("Open Kiro’s page"))
        link = visit.page.get_by_role("link", name="Open the page again")
        opened = await link.get_attribute("href") or ""
        await visit.button("The page could not be opened at the end?").click()
        field = visit.page.get_by_label("Address that the browser ended on")
        for wrong, told in (
            ("", "Paste the address first."),
            (opened, "This is not where the sign-in ends."),
            ("http://localhost:3128/oauth/callback?code=c&state=foreign", "another sign-in"),
            ("http://localhost:3128/oauth/callback?code=c", "it has no state"),
        ):
            await field.fill(wrong)
            await visit.button("Continue").click()
            await expect(visit.page.get_by_text(told)).to_be_visible()
            await expect(field).to_be_focused()
        await visit.check_accessible()
        await visit.shot("sign-in-pasted-wrong")
        address = await elsewhere(kiro, opened, way="google")
        await field.fill(f" {address}\n")
        await field.press("Enter")
        await expect_signed_in(visit, "pasted")
        await assert_nothing_of(visit, member(address, "code"), member(address, "state"))


async def test_a_code_of_builder_id_and_a_reload_in_the_middle(
    browser: Browser, gateway: AdminGateway
) -> None:
    account = await new_account(gateway, "builder-code")
    async with visiting(browser, gateway) as visit:
        await visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await open_wizard(visit, account)
        await way(visit, "AWS Builder ID").click()
        await visit.button("Get a code").click()
        code = await visit.page.get_by_label("Code", exact=True).inner_text()
        await visit.button("Copy: Code").click()
        assert await visit.page.evaluate("navigator.clipboard.readText()") == code
        await visit.page.reload()
        await expect(visit.page.get_by_label("Code", exact=True)).to_have_text(code)
        link = visit.page.get_by_role("link", name="Open the page")
        tab = await tab_opened_by(visit, link)
        await expect(tab.get_by_text(code)).to_be_visible()
        await press_in(tab, "Approve")
        await expect_signed_in(visit, "builder-code")
        await assert_nothing_of(visit, code)
    assert (await gateway.get(f"/admin/accounts/{account}"))["auth_method"] == "builder_id"


async def test_an_organisation_with_several_profiles(
    browser: Browser, gateway: AdminGateway, kiro: Kiro
) -> None:
    account = await new_account(gateway, "org-code")
    profiles = [
        {"region": "us-east-1", "name": "red"},
        {"region": "eu-central-1", "name": "blue"},
    ]
    await kiro.control("POST", "/people", {"way": "awsidc", "name": "worker"})
    await kiro.control("PUT", "/profiles", {"account": "worker", "profiles": profiles})
    async with visiting(browser, gateway, expected={502}) as visit:
        await open_wizard(visit, account)
        await way(visit, "IAM Identity Center").click()
        start_url = visit.page.get_by_label("Start URL")
        region = visit.page.get_by_role("combobox", name="Region")
        await visit.button("Get a code").click()
        await expect(start_url).to_be_focused()
        await expect(visit.page.get_by_text("Fill this in.")).to_be_visible()
        await start_url.fill("http://simulated-org.awsapps.com/start")
        await region.fill("Ireland")
        await region.press("Tab")
        await visit.button("Get a code").click()
        await expect(visit.page.get_by_text("begins with https://")).to_be_visible()
        await expect(visit.page.get_by_text("A region looks like")).to_be_visible()
        # The organisation is in another region: only the service knows that.
        await start_url.fill(START_URL)
        await region.fill("us-east-1")
        await visit.button("Get a code").click()
        refused = visit.page.get_by_text("does not know this start URL in this region")
        await expect(refused).to_be_visible()
        await expect(start_url).to_be_focused()
        await visit.shot("sign-in-organisation-refused")
        await region.fill("eu-west-1")
        await visit.button("Get a code").click()
        code = await visit.page.get_by_label("Code", exact=True).inner_text()
        order = {"decision": "approve", "user_code": code, "account": "worker"}
        await kiro.control("PUT", "/device", order)
        await expect(visit.page.get_by_text("Choose a profile")).to_be_visible()
        confirm = visit.button("Use this profile")
        await expect(confirm).to_be_disabled()
        await visit.check_accessible()
        await visit.shot("sign-in-profile")
        await visit.page.get_by_role("radio", name="red, us-east-1").click()
        await confirm.click()
        await expect_signed_in(visit, "org-code")
        # The next account of the same organisation has less to type.
        another = await new_account(gateway, "org-code-2")
        await open_wizard(visit, another)
        await way(visit, "IAM Identity Center").click()
        await expect(visit.page.get_by_label("Start URL")).to_have_value(START_URL)
        await expect(visit.page.get_by_role("combobox", name="Region")).to_have_value("eu-west-1")
    signed_in = await gateway.get(f"/admin/accounts/{account}")
    assert signed_in["auth_method"] == "idc"
    assert "us-east-1" in signed_in["token_info"]["profile_arn"]


async def test_an_identity_providers_page_ends_on_an_address_to_be_pasted(
    browser: Browser, gateway: AdminGateway
) -> None:
    account = await new_account(gateway, "provider")
    async with visiting(browser, gateway) as visit:
        await open_wizard(visit, account)
        await way(visit, "Your organisation’s own provider").click()
        tab = await tab_opened_by(visit, visit.button("Open Kiro’s page"))
        await press_in(tab, "Your organization's identity provider")
        await expect(
            visit.page.get_by_text("Sign in at your organisation’s provider")
        ).to_be_visible()
        await visit.check_accessible()
        await visit.shot("sign-in-provider")
        link = visit.page.get_by_role("link", name="Open the provider’s page")
        page = await tab_opened_by(visit, link)
        await page.get_by_role("button").first.click()
        address = await page.get_by_label("Address").input_value()
        assert address.startswith("kiro://")
        field = visit.page.get_by_label("Address that the browser ended on")
        await field.fill(address.replace("kiro://kiro.oauth/", "http://localhost:3128/"))
        await visit.button("Continue").click()
        await expect(visit.page.get_by_text("belongs to another step")).to_be_visible()
        await field.fill(address)
        await visit.button("Continue").click()
        await expect_signed_in(visit, "provider")
        await assert_nothing_of(visit, member(address, "code"), member(address, "state"))
    assert (await gateway.get(f"/admin/accounts/{account}"))["auth_method"] == "external_idp"


async def test_a_sign_in_on_the_gateways_machine_is_copied(
    browser: Browser, gateway: AdminGateway, places: list[Path]
) -> None:
    account = await new_account(gateway, "copied")
    async with visiting(browser, gateway, expected={400, 409}) as visit:
        await open_wizard(visit, account)
        await way(visit, "Copy from kiro-cli or the IDE").click()
        await expect(visit.page.get_by_text("No sign-in was found")).to_be_visible()
        await expect(visit.page.get_by_text(str(places[1]))).to_be_visible()
        sign_in_of_the_ide(places[1])
        await visit.button("Look again").click()
        await expect(visit.page.get_by_text("Google or GitHub, token until")).to_be_visible()
        await visit.page.get_by_role("radio", name="Kiro IDE").click()
        await visit.check_accessible()
        await visit.shot("sign-in-copy")
        await visit.button("Copy this sign-in").click()
        # These tokens are none of the service's, which is found out at once.
        await expect(visit.page.get_by_text("Kiro does not accept it")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("sign-in-not-accepted")
        await assert_nothing_of(visit, "aoaAAAAAIDEACCESS", "aorAAAAAIDEREFRESH")
    assert (await gateway.get(f"/admin/accounts/{account}"))["auth_method"] == "social"


async def test_a_kiro_api_key(browser: Browser, gateway: AdminGateway) -> None:
    key = next(it.api_key for it in DEMO_ACCOUNTS if it.api_key)
    assert key is not None
    account = await new_account(gateway, "by-key")
    async with visiting(browser, gateway, expected={409}) as visit:
        await open_wizard(visit, account)
        await way(visit, "Kiro API key").click()
        field = visit.page.get_by_label(re.compile("^Kiro API key"))
        await visit.button("Save the key").click()
        await expect(visit.page.get_by_text("Fill this in.")).to_be_visible()
        await field.fill("ksk_ two words")
        await visit.button("Save the key").click()
        await expect(visit.page.get_by_text("Copy the key again.")).to_be_visible()
        await field.fill("ksk_mistyped")
        await visit.button("Save the key").click()
        await expect(visit.page.get_by_text("Kiro does not accept it")).to_be_visible()
        await visit.button("Try again").click()
        await field.fill(key)
        await visit.check_accessible()
        await visit.shot("sign-in-key")
        await visit.button("Save the key").click()
        await expect_signed_in(visit, "by-key")
        await assert_nothing_of(visit, key)
    assert (await gateway.get(f"/admin/accounts/{account}"))["auth_method"] == "api_key"


async def test_what_goes_wrong_is_said_with_what_to_do(
    browser: Browser, gateway: AdminGateway, kiro: Kiro
) -> None:
    account = await new_account(gateway, "unlucky")
    async with visiting(browser, gateway) as visit:
        await open_wizard(visit, account)
        await way(visit, "AWS Builder ID").click()
        for decision, title in (
            ("deny", "It was refused in the browser"),
            ("expire", "Nobody finished it in time"),
        ):
            await visit.button("Get a code").click()
            code = await visit.page.get_by_label("Code", exact=True).inner_text()
            await kiro.control("PUT", "/device", {"decision": decision, "user_code": code})
            await expect(visit.page.get_by_text(title)).to_be_visible()
            await visit.check_accessible()
            await visit.shot(f"sign-in-{decision}")
            await visit.button("Try again").click()
        await kiro.scenario("no-refresh-token", operation="poll")
        await kiro.control("PUT", "/device", {"decision": "approve"})
        await visit.button("Get a code").click()
        await expect(visit.page.get_by_text("Kiro gave no refresh token")).to_be_visible()
        await visit.button("Another way").click()
        # Whoever comes back later is told as well.
        await expect(visit.page.get_by_text("Kiro gave no refresh token")).to_be_visible()
    assert (await gateway.get(f"/admin/accounts/{account}"))["auth_method"] is None


async def test_a_service_that_fails_keeps_what_was_typed(
    browser: Browser, gateway: AdminGateway, kiro: Kiro
) -> None:
    account = await new_account(gateway, "failing")
    await kiro.scenario("internal", operation="register")
    async with visiting(browser, gateway, expected={502}) as visit:
        await open_wizard(visit, account)
        await way(visit, "IAM Identity Center").click()
        await visit.page.get_by_label("Start URL").fill(START_URL)
        await visit.page.get_by_role("combobox", name="Region").fill("eu-west-1")
        await visit.button("Get a code").click()
        alert = visit.page.get_by_role("alert")
        await expect(alert).to_contain_text("The sign-in could not be started")
        await expect(visit.page.get_by_label("Start URL")).to_have_value(START_URL)
        await visit.shot("sign-in-service-fails")
        await visit.button("Get a code").click()
        await expect(visit.page.get_by_label("Code", exact=True)).to_be_visible()
        await visit.button("Cancel the sign-in").click()
        await expect(visit.page.get_by_role("combobox", name="Region")).to_have_value("eu-west-1")


async def test_a_taken_port_is_told_at_its_field(browser: Browser, gateway: AdminGateway) -> None:
    account = await new_account(gateway, "port-taken")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with visiting(browser, gateway, expected={409}) as visit:
            await open_wizard(visit, account)
            await way(visit, "Kiro’s sign-in page").click()
            await visit.button("Advanced").click()
            field = visit.page.get_by_label("Port to come back to")
            await field.fill("70000")
            await visit.button("Open Kiro’s page").click()
            await expect(visit.page.get_by_text("from 1 to 65535")).to_be_visible()
            await field.fill(str(port))
            await visit.button("Open Kiro’s page").click()
            await expect(visit.page.get_by_text("Another program has this port.")).to_be_visible()
            await expect(field).to_be_focused()
            await expect(field).to_have_value(str(port))
            assert len(visit.page.context.pages) == 1
            await visit.check_accessible()
            await visit.shot("sign-in-port-taken")


async def test_a_refusal_at_kiros_page_and_a_code_that_is_not_accepted(
    browser: Browser, gateway: AdminGateway, kiro: Kiro
) -> None:
    account = await new_account(gateway, "refused")
    async with visiting(browser, gateway) as visit:
        await open_wizard(visit, account)
        await way(visit, "Kiro’s sign-in page").click()
        tab = await tab_opened_by(visit, visit.button("Open Kiro’s page"))
        await press_in(tab, "Cancel")
        await expect(visit.page.get_by_text("It was refused in the browser")).to_be_visible()
        await visit.button("Try again").click()
        await kiro.scenario("internal", operation="exchange")
        await kiro.control("PUT", "/sign-in", {"way": "google"})
        await tab_opened_by(visit, visit.button("Open Kiro’s page"))
        await expect(visit.page.get_by_text("The code was not accepted")).to_be_visible()


async def test_two_at_once_do_not_get_in_each_others_way(
    browser: Browser, gateway: AdminGateway, kiro: Kiro
) -> None:
    first, second = await new_account(gateway, "first"), await new_account(gateway, "second")
    async with visiting(browser, gateway) as one, visiting(browser, gateway) as two:
        for visit, account in ((one, first), (two, second)):
            await open_wizard(visit, account)
            await way(visit, "Kiro’s sign-in page").click()
        tabs = [await tab_opened_by(it, it.button("Open Kiro’s page")) for it in (one, two)]
        await press_in(tabs[1], "Google")
        await expect_signed_in(two, "second")
        await press_in(tabs[0], "GitHub")
        await expect_signed_in(one, "first")


async def test_by_keyboard_alone(browser: Browser, gateway: AdminGateway) -> None:
    account = await new_account(gateway, "by-keyboard")
    async with visiting(browser, gateway) as visit:
        await open_wizard(visit, account)
        press = visit.page.keyboard.press
        await expect(way(visit, "AWS Builder ID")).to_be_visible()
        await visit.page.keyboard.press("Tab")
        title = "AWS Builder IDConfirm a code in any browser, on any computer."
        await visit.tab_to(title)
        await press("Enter")
        # The focus goes along from one view to the next.
        await expect(visit.button("Get a code")).to_be_focused()
        await press("Enter")
        await expect(visit.page.get_by_label("Code", exact=True)).to_be_visible()
        await visit.tab_to("Cancel the sign-in")
        await press("Enter")
        await expect(visit.button("Get a code")).to_be_focused()
        await visit.tab_to("Another way")
        await press("Enter")
        await expect(way(visit, "Kiro’s sign-in page")).to_be_focused()
