"""Settings in the browser: what is in force, what is running, and who is notified."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.async_api import Browser, Locator, expect

from gateway.settings import NotificationChannel, NotificationSettings
from gateway.update import release as release_list
from tests.browser.visit import DESKTOP, PHONE, Language, Scheme, Visit, visiting
from tests.harness import Kiro
from tests.release.release_server import SYSTEM, public_pem, release_server
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

LOOKS: list[tuple[Language, Scheme, int]] = [("en", "light", DESKTOP), ("zh", "dark", PHONE)]


@pytest.fixture(scope="module")
async def configured(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AdminGateway]:
    """With one channel in its file, at a webhook of the simulator."""
    channel = NotificationChannel(
        type="webhook", url=f"{kiro.url}/_sim/webhooks/webhook/pager", name="pager"
    )
    notifications = NotificationSettings(channels=(channel,))
    folder = tmp_path_factory.mktemp("settings")
    auth = {"admin_key": "an-admin-key-for-tests-only-1234"}
    async with admin_gateway(kiro, folder, notifications=notifications, auth=auth) as gateway:
        gateway.services.admin.setting_origins = {
            "server.port": "flag --port",
            "notifications.channels": "config.yaml, line 7",
        }
        yield gateway


def channel(visit: Visit, name: str) -> Locator:
    return visit.page.get_by_role("listitem").filter(has_text=name)


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
async def test_every_tab_in_two_looks(
    browser: Browser, configured: AdminGateway, language: Language, scheme: Scheme, width: int
) -> None:
    look: dict[str, Any] = {"language": language, "scheme": scheme, "width": width}
    notifications, configuration, add, change = {
        "en": ("Notifications", "Configuration", "Add a channel", "Change"),
        "zh": ("通知", "配置", "添加渠道", "修改"),
    }[language]
    async with visiting(browser, configured, **look) as visit:
        page = visit.page
        await visit.open("/ui/settings")
        await expect(page.get_by_text("Python", exact=True)).to_be_visible()
        await visit.check_accessible()
        await visit.shot("settings-general")
        await page.get_by_role("tab", name=configuration).click()
        await expect(page.get_by_text("flag --port")).to_be_visible()
        assert "an-admin-key" not in await page.content()
        await visit.check_accessible()
        await visit.shot("settings-configuration")
        await page.get_by_role("tab", name=notifications).click()
        await expect(channel(visit, "pager")).to_be_visible()
        await visit.check_accessible()
        await visit.shot("settings-notifications")
        await visit.button(add).click()
        await expect(visit.dialog).to_be_visible()
        await visit.check_accessible()
        await visit.shot("settings-channel")
        await page.keyboard.press("Escape")
        await visit.button(change).click()
        await expect(visit.dialog).to_be_visible()
        await visit.check_accessible()
        await visit.shot("settings-rules")


async def test_settings_are_searched_and_the_address_keeps_it(
    browser: Browser, configured: AdminGateway
) -> None:
    async with visiting(browser, configured) as visit:
        page = visit.page
        await visit.open("/ui/settings?tab=configuration")
        names = page.locator("dt code")
        await page.get_by_role("textbox", name="Search settings").fill("server port")
        await expect(names).to_have_text(["server.port"])
        await page.get_by_role("textbox", name="Search settings").fill("")
        await page.get_by_role("checkbox", name="Not the default").check()
        await expect(page.get_by_text("auth.admin_key")).to_be_visible()
        await expect(page.get_by_text("set, hidden")).to_be_visible()
        await expect(page.get_by_text("server.log_format")).to_have_count(0)
        await page.reload()
        await expect(page.get_by_text("auth.admin_key")).to_be_visible()
        await expect(page.get_by_text("server.log_format")).to_have_count(0)


async def test_channels_are_tried_added_changed_and_taken_away(
    browser: Browser, kiro: Kiro, configured: AdminGateway
) -> None:
    url = f"{kiro.url}/_sim/webhooks/webhook/second-secret"
    async with visiting(browser, configured, expected={400}) as visit:
        page = visit.page
        await visit.open("/ui/settings?tab=notifications")
        switch = page.get_by_role("switch", name="Send notifications")
        await switch.click()
        await expect(switch).to_be_checked()
        await expect(page.get_by_text("saved here", exact=True)).to_be_visible()
        await visit.button("Test pager").click()
        await expect(channel(visit, "pager")).to_contain_text("Arrived after")

        await visit.button("Add a channel").click()
        await visit.dialog.get_by_label("Name").fill("second")
        await visit.button("Add", within=visit.dialog).click()
        await expect(visit.dialog).to_contain_text("Fill this in.")
        address = visit.dialog.get_by_label("Webhook URL")
        await address.fill("https://hooks.example.com:99999/")
        await visit.button("Add", within=visit.dialog).click()
        # What the gateway says of it stands at the field, and what was typed is still there.
        await expect(address).to_have_attribute("aria-invalid", "true")
        await expect(visit.dialog.get_by_label("Name")).to_have_value("second")
        await visit.shot("settings-channel-refused")
        await address.fill(url)
        await visit.choose("Kind", "Webhook")
        await visit.button("Test", within=visit.dialog).click()
        await expect(visit.dialog).to_contain_text("Arrived after")
        await visit.button("Add", within=visit.dialog).click()
        await expect(channel(visit, "second")).to_be_visible()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert "second-secret" not in await page.content()

        await visit.button("Edit second").click()
        await visit.dialog.get_by_label("Name").fill("renamed")
        await visit.button("Save", within=visit.dialog).click()
        await visit.button("Test renamed").click()
        await expect(channel(visit, "renamed")).to_contain_text("Arrived after")
        await visit.button("Delete renamed").click()
        await visit.button("Delete the channel").click()
        await expect(channel(visit, "renamed")).to_have_count(0)
        await expect(channel(visit, "pager")).to_be_visible()


async def test_rules_are_checked_at_their_fields_and_can_be_taken_back(
    browser: Browser, configured: AdminGateway
) -> None:
    async with visiting(browser, configured, expected={400}) as visit:
        page = visit.page
        await visit.open("/ui/settings?tab=notifications")
        await visit.button("Change").click()
        times = visit.dialog.get_by_role("combobox", name="Daily summary")
        await times.fill("noon")
        await times.press("Enter")
        await visit.button("Save", within=visit.dialog).click()
        await expect(visit.dialog).to_contain_text("Times of day, such as 09:00.")
        await times.press("Backspace")
        await times.fill("9:30")
        await times.press("Enter")
        zone = visit.dialog.get_by_label("Time zone")
        await zone.fill("Mars/Olympus")
        await visit.button("Save", within=visit.dialog).click()
        await expect(zone).to_have_attribute("aria-invalid", "true")
        await visit.shot("settings-rules-refused")
        await zone.fill("Asia/Tokyo")
        await zone.press("Escape")
        await visit.button("Save", within=visit.dialog).click()
        await expect(page.get_by_text("Asia/Tokyo")).to_be_visible()
        await expect(page.get_by_text("09:30")).to_be_visible()
        saved = await configured.get("/admin/notifications")
        assert (saved["daily_times"], saved["timezone"]) == (["09:30"], "Asia/Tokyo")
        await visit.button("Take back what was saved here").click()
        await visit.button("Take back").click()
        await expect(page.get_by_text("no daily summary")).to_be_visible()
        await expect(page.get_by_text("from config.yaml, line 7")).to_have_count(0)


async def test_an_update_is_looked_for_on_demand_and_told_how_to_get(
    browser: Browser, configured: AdminGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with release_server() as releases:
        monkeypatch.setattr(release_list, "PUBLIC_KEYS", (public_pem(releases.key),))
        monkeypatch.setattr("gateway.update.newest.this_system", lambda: SYSTEM)
        configured.services.admin.releases_url = releases.url
        async with visiting(browser, configured) as visit:
            page = visit.page
            await visit.open("/ui/settings")
            await visit.button("Look for an update").click()
            await expect(page.get_by_text("could not be found out")).to_be_visible()
            releases.publish("99.0.0")
            await visit.button("Look for an update").click()
            await expect(page.get_by_text("99.0.0 is there.")).to_be_visible()
            await expect(page.get_by_text("kiro-gateway update --restart")).to_be_visible()
            await visit.check_accessible()
            await visit.shot("settings-update")
            releases.seal("99.0.0", Ed25519PrivateKey.generate())
            await visit.button("Look for an update").click()
            await expect(page.get_by_text(re.compile("sign"))).to_be_visible()
