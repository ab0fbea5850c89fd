"""Signing in, being told why not, staying signed in, and signing out."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from gateway.web.admin.identity import new_one_time_link
from gateway.web.server import listen
from tests.browser.visit import DESKTOP, PHONE, Language, Scheme, visiting
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

LOOKS: list[tuple[Language, Scheme, int]] = [
    ("en", "light", DESKTOP),
    ("zh", "dark", DESKTOP),
    ("zh", "light", PHONE),
    ("en", "dark", PHONE),
]


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
async def test_the_way_in_is_in_the_language_and_scheme_of_the_browser(
    browser: Browser, gateway: AdminGateway, language: Language, scheme: Scheme, width: int
) -> None:
    async with visiting(
        browser, gateway, signed_in=False, language=language, scheme=scheme, width=width
    ) as visit:
        await visit.open()
        title = {"en": "Sign in", "zh": "登录"}[language]
        await expect(visit.page.get_by_role("heading", name=title)).to_be_visible()
        await expect(visit.page).to_have_title(f"{title} · Kiro Gateway")
        assert await visit.page.evaluate("document.documentElement.lang") == language
        dark = await visit.page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 60"
        )
        assert dark == (scheme == "dark")
        await visit.check_accessible()
        await visit.shot("sign-in")


async def test_the_admin_key_opens_and_is_nowhere_afterwards(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway, signed_in=False) as visit:
        await visit.open("/ui/keys?q=test")
        await visit.page.get_by_label("Admin key", exact=True).fill(f"  {gateway.admin_key} ")
        await visit.page.keyboard.press("Enter")
        # Where one wanted to go in the first place.
        await expect(visit.page.get_by_role("heading", name="API keys")).to_be_visible()
        assert visit.page.url.endswith("/ui/keys?q=test")
        everything = await visit.page.evaluate(
            "() => JSON.stringify([document.documentElement.outerHTML, location.href, "
            "{...localStorage}, {...sessionStorage}, document.cookie, history.state, "
            "[...document.querySelectorAll('input')].map((it) => it.value)])"
        )
        assert gateway.admin_key not in everything
        assert "kiro_gateway_session" not in everything


async def test_a_wrong_key_is_told_as_such_and_may_be_mended(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway, signed_in=False, expected={401}) as visit:
        await visit.open()
        await visit.button("Sign in").click()
        await expect(visit.page.get_by_text("Enter the admin key.")).to_be_visible()
        await visit.page.get_by_label("Admin key", exact=True).fill("kiro-admin-wrong")
        await visit.button("Sign in").click()
        await expect(visit.page.get_by_role("alert")).to_contain_text("This is not the admin key")
        await visit.check_accessible()
        await visit.shot("sign-in-wrong-key")
        await visit.page.get_by_label("Admin key", exact=True).fill(gateway.admin_key)
        await visit.button("Sign in").click()
        await expect(visit.button("Sign out")).to_be_visible()


async def test_a_one_time_link_signs_in_once_and_leaves_the_address(
    browser: Browser, gateway: AdminGateway
) -> None:
    link = await new_one_time_link(gateway.services, gateway.url)
    token = link.partition("#link=")[2]
    async with visiting(browser, gateway, signed_in=False) as visit:
        await visit.page.goto(link)
        await expect(visit.button("Sign out")).to_be_visible()
        assert token not in visit.page.url
        assert await visit.page.evaluate("history.length") == 2  # the blank page, and this one
    async with visiting(browser, gateway, signed_in=False, expected={401}) as visit:
        await visit.page.goto(link)
        await expect(visit.page.get_by_role("alert")).to_contain_text("does not work any more")
        await expect(visit.page.get_by_label("Admin key", exact=True)).to_be_focused()


async def test_guessing_too_fast_is_told_with_the_time_to_wait(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with (
        admin_gateway(kiro, tmp_path) as gateway,
        visiting(browser, gateway, signed_in=False, expected={429}) as visit,
    ):
        await visit.open()
        attempts = gateway.services.admin.attempts
        attempts._waiting["127.0.0.1"] = 99
        await visit.page.get_by_label("Admin key", exact=True).fill("guess")
        await visit.button("Sign in").click()
        alert = visit.page.get_by_role("alert")
        await expect(alert).to_contain_text("Too many wrong keys")
        await expect(alert).to_contain_text("Try again in")
        await expect(visit.button("Sign in")).to_be_disabled()
        attempts._waiting.clear()
        await expect(visit.button("Sign in")).to_be_enabled()


async def test_an_address_that_is_not_allowed_is_told_so(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    async with (
        admin_gateway(kiro, tmp_path) as gateway,
        visiting(browser, gateway, signed_in=False, expected={403}) as visit,
    ):
        await visit.page.route(
            "**/admin/**",
            lambda route: route.continue_(
                headers={**route.request.headers, "x-forwarded-for": "203.0.113.9"}
            ),
        )
        await visit.open()
        alert = visit.page.get_by_role("alert")
        await expect(alert).to_contain_text("do not answer to this address")
        await expect(alert).to_contain_text("auth.admin_allowed_networks")
        await expect(visit.page.get_by_label("Admin key", exact=True)).to_have_count(0)
        await visit.check_accessible()
        await visit.page.unroute_all()
        await visit.button("Try again").click()
        await expect(visit.page.get_by_label("Admin key", exact=True)).to_be_visible()


async def test_a_gateway_that_is_away_is_waited_for_with_all_that_was_typed(
    browser: Browser, kiro: Kiro, tmp_path: Path
) -> None:
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    key = {"admin_key": "the same after a restart"}
    async with AsyncExitStack() as first:
        gateway = await first.enter_async_context(
            admin_gateway(kiro, tmp_path / "first", sock=sock, auth=key)
        )
        async with visiting(browser, gateway, away=True, expected={401}) as visit:
            await visit.open("/ui/keys")
            await visit.button("New key").click()
            name = visit.dialog.get_by_label("Name")
            await name.fill("typed before")
            await visit.choose("Accounts", "social")
            await first.aclose()
            await visit.button("Create").click()
            await expect(visit.dialog.get_by_role("alert")).to_contain_text("does not answer")
            await expect(name).to_have_value("typed before")
            await expect(visit.page.get_by_text("Trying again by itself")).to_have_count(1)
            await visit.shot("gateway-away")
            # Another database: the session is gone, and asked for without losing the form.
            again = admin_gateway(
                kiro, tmp_path / "again", sock=listen("127.0.0.1", port), auth=key
            )
            async with again:
                expired = visit.page.get_by_role("dialog", name="Your session has ended")
                await expect(expired).to_be_visible()
                await visit.shot("session-ended")
                await expired.get_by_label("Admin key", exact=True).fill(gateway.admin_key)
                await visit.button("Sign in", within=expired).click()
                await expect(expired).to_have_count(0)
                await expect(name).to_have_value("typed before")
                await visit.button("Create").click()
                await expect(visit.dialog).to_contain_text("typed before is ready")


async def test_signing_out_ends_the_session_for_good(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway) as visit:
        await visit.open()
        cookies = await visit.page.context.cookies()
        (session,) = (cookie for cookie in cookies if cookie["name"] == "kiro_gateway_session")
        assert session["httpOnly"]
        assert session["sameSite"] == "Strict"
        await visit.button("Sign out").click()
        await expect(visit.page.get_by_label("Admin key", exact=True)).to_be_visible()
        answer = await gateway.anonymous(
            "GET", "/admin/version", cookie=f"kiro_gateway_session={session['value']}"
        )
        assert answer.status_code == 401


async def test_language_and_appearance_are_chosen_and_kept(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway) as visit:
        await visit.open("/ui/keys")
        await visit.button("Appearance and language").click()
        await visit.page.get_by_text("中文").click()
        await expect(visit.page.get_by_role("heading", name="API 密钥")).to_be_visible()
        await visit.page.get_by_text("深色", exact=True).click()
        scheme = visit.page.locator("html[data-mantine-color-scheme=dark]")
        await expect(scheme).to_have_count(1)
        await visit.shot("preferences")
        await visit.page.reload()
        await expect(visit.page.get_by_role("heading", name="API 密钥")).to_be_visible()
        await expect(scheme).to_have_count(1)
        # Like the system again, and it follows while the page is open.
        await visit.button("外观与语言").click()
        await visit.page.get_by_text("跟随系统").click()
        await expect(scheme).to_have_count(0)
        await visit.page.emulate_media(color_scheme="dark")
        await expect(scheme).to_have_count(1)


async def test_another_site_can_neither_frame_the_pages_nor_act_through_them(
    browser: Browser, gateway: AdminGateway
) -> None:
    """The attacker's page is on `localhost`: another site than 127.0.0.1, and loopback as well."""
    attacker = gateway.url.replace("127.0.0.1", "localhost")
    async with visiting(browser, gateway, expected={401, 403}) as visit:
        await visit.page.goto(attacker + "/health")
        outcome = await visit.page.evaluate(
            """async (url) => {
              const frame = document.createElement('iframe')
              frame.src = url + '/ui'
              const framed = new Promise((done) => {
                frame.onload = () => done(frame.contentDocument?.body.innerHTML ?? 'opaque')
              })
              document.body.append(frame)
              const posted = await fetch(url + '/admin/keys', {
                method: 'POST', credentials: 'include', mode: 'no-cors',
                headers: { 'content-type': 'text/plain' },
                body: JSON.stringify({ name: 'stolen', kiro_accounts: ['social'] }),
              }).then((answer) => answer.type, () => 'failed')
              return { framed: await framed, posted }
            }""",
            gateway.url,
        )
        assert outcome["framed"] == "opaque"
        frames = [frame.url for frame in visit.page.frames if frame.parent_frame]
        assert not any(url.startswith(gateway.url) for url in frames)
        visit.problems.clear()  # refused frames and requests are told on the console
    keys = (await gateway.get("/admin/keys"))["keys"]
    assert "stolen" not in [key["name"] for key in keys]
