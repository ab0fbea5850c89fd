"""The playground in the browser: asking as a client does, and seeing all that comes back."""

import base64
import json
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.browser.visit import DESKTOP, PHONE, Language, Scheme, Visit, visiting
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway

pytestmark = pytest.mark.anyio

LOOKS: list[tuple[Language, Scheme, int]] = [("en", "light", DESKTOP), ("zh", "dark", PHONE)]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def turns(visit: Visit) -> Locator:
    return visit.page.locator("ol > li[data-role]")


async def say(visit: Visit, text: str) -> None:
    message = {"en": "Message", "zh": "消息"}[visit.language]
    await visit.page.get_by_role("textbox", name=message, exact=True).fill(text)
    await visit.page.keyboard.press("Enter")


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
async def test_an_answer_comes_with_its_thinking_and_its_events(
    browser: Browser, gateway: AdminGateway, language: Language, scheme: Scheme, width: int
) -> None:
    look: dict[str, Any] = {"language": language, "scheme": scheme, "width": width}
    thinking, effort, title, events = {
        "en": ("Thinking", "low", "Ask something", "Events"),
        "zh": ("思考", "低", "提个问题", "事件"),
    }[language]
    async with visiting(browser, gateway, **look) as visit:
        page = visit.page
        await visit.open("/ui/playground?account=social&model=claude-sonnet-4.5")
        await expect(page.get_by_text(title)).to_be_visible()
        await visit.check_accessible()
        await visit.shot("playground-empty")
        await page.get_by_label(thinking).select_option(label=effort)
        await say(visit, "[[think Let me count first.]] [[count to 5]]")
        answer = turns(visit).nth(1)
        await expect(answer).to_contain_text("1")
        await expect(answer).to_contain_text("HTTP 200")
        await answer.get_by_text(thinking).click()
        await expect(answer).to_contain_text("Let me count first.")
        await expect(page.get_by_role("list", name=events)).to_contain_text("message_start")
        await visit.check_accessible()
        await visit.shot("playground")
        # It goes on with what was said.
        await say(visit, "[[describe]]")
        await expect(turns(visit)).to_have_count(4)
        await expect(turns(visit).nth(3)).to_contain_text("history")


async def test_tools_are_called_answered_and_the_conversation_goes_on(
    browser: Browser, kiro: Kiro, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway) as visit:
        page = visit.page
        await visit.open("/ui/playground?account=social&model=claude-sonnet-4.5&dialect=openai")
        await visit.button("System prompt, tools, length").click()
        await page.get_by_label("System prompt", exact=True).fill("You are a weather vane.")
        tools = page.get_by_role("textbox", name="Tools")
        await tools.fill("{")
        await say(visit, '[[call get_weather {"place": "Rome"}]]')
        await expect(page.get_by_text("This is no JSON list of tools")).to_be_visible()
        await expect(turns(visit)).to_have_count(0)
        await tools.fill("")
        await visit.button("Insert an example").click()
        await page.get_by_role("textbox", name="Message", exact=True).press("Enter")
        call = turns(visit).nth(1)
        await expect(call).to_contain_text("get_weather")
        await expect(call).to_contain_text("Rome")
        await visit.shot("playground-tool")
        await page.get_by_label("Result of get_weather").fill("Sunny, 21 degrees")
        await visit.button("Send").click()
        await expect(turns(visit).nth(3)).to_contain_text("HTTP 200")
        sent = (await kiro.log())[-1]["body"]["conversationState"]
        results = json.dumps(sent["currentMessage"])
        assert "Sunny, 21 degrees" in results
        assert "weather vane" in json.dumps(sent)
        await page.get_by_role("tab", name="curl").click()
        command = page.get_by_label("curl", exact=True).locator("visible=true").first
        await expect(command).to_contain_text("/a/social/v1/chat/completions")
        await expect(command).to_contain_text("sk-kiro-")
        await page.get_by_role("tab", name="Request").click()
        await expect(page.get_by_label("Request", exact=True).last).to_contain_text("tool_call_id")
        await visit.button("New conversation").click()
        await expect(turns(visit)).to_have_count(0)


async def test_images_are_checked_shown_and_sent(
    browser: Browser, kiro: Kiro, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway) as visit:
        page = visit.page
        await visit.open("/ui/playground?account=social&model=claude-sonnet-4.5")
        chooser = page.locator("input[type=file]")
        await chooser.set_input_files(
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"text"}
        )
        await expect(page.get_by_role("alert")).to_contain_text("notes.txt is no PNG")
        await chooser.set_input_files({"name": "dot.png", "mimeType": "image/png", "buffer": PIXEL})
        await expect(visit.button("Remove dot.png")).to_be_visible()
        await say(visit, "What is this?")
        await expect(turns(visit).nth(1)).to_contain_text("HTTP 200")
        await expect(turns(visit).first.get_by_role("img", name="dot.png")).to_be_visible()
        current = (await kiro.log())[-1]["body"]["conversationState"]["currentMessage"]
        assert len(current["userInputMessage"]["images"]) == 1


async def test_errors_stand_where_they_happened_and_it_can_be_tried_again(
    browser: Browser, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway, expected={400, 403, 404, 529}) as visit:
        page = visit.page
        await visit.open("/ui/playground?account=social&model=claude-sonnet-4.5")
        await say(visit, "[[scenario:no-capacity x3]] Hello")
        answer = turns(visit).nth(1)
        await expect(answer).to_contain_text("The Kiro service")
        await expect(answer).to_contain_text("HTTP 529")
        await visit.check_accessible()
        await visit.shot("playground-failed")
        await visit.button("Try again").click()
        await expect(answer).to_contain_text("HTTP 200")
        await answer.get_by_role("link", name="In the request log").click()
        await expect(page.get_by_text("Asked in the playground.")).to_be_visible()
        # A key with what it may not do.
        await gateway.call("PUT", "/admin/keys/test", {"enabled": False})
        key = (await gateway.get("/admin/keys/test"))["id"]
        await visit.open(f"/ui/playground?key={key}&model=claude-sonnet-4.5")
        await say(visit, "Hello")
        await expect(turns(visit).nth(1)).to_contain_text("The API key")
        await gateway.call("PUT", "/admin/keys/test", {"enabled": True})
        await visit.button("Try again").click()
        await expect(turns(visit).nth(1)).to_contain_text("HTTP 200")
        await page.route("**/admin/playground", lambda route: route.abort())
        visit.problems.clear()
        await say(visit, "Is anybody there?")
        await expect(page.get_by_role("alert").last).to_contain_text("The gateway does not answer")
        await page.unroute_all()
        await visit.button("Try again").click()
        await expect(turns(visit).nth(3)).to_contain_text("HTTP 200")
        visit.problems = [one for one in visit.problems if "ERR_FAILED" not in one]


async def test_an_answer_is_stopped_and_keeps_what_has_come(
    browser: Browser, kiro: Kiro, gateway: AdminGateway
) -> None:
    async with visiting(browser, gateway) as visit:
        await visit.open("/ui/playground?account=social&model=claude-sonnet-4.5")
        await say(visit, "[[scenario:stall-mid-stream]] [[say 400 words]]")
        await visit.button("Stop").click()
        await expect(turns(visit).nth(1)).to_contain_text(re.compile("stopped"))
        await expect(visit.button("Send")).to_be_visible()
