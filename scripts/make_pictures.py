"""Takes the pictures of the README, docs/pictures/NAME.LANGUAGE.png, from a demo with traffic.

    make ui && .venv/bin/python scripts/make_pictures.py

They are for people: look at them before they are kept.
"""

import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from tests.browser.chromium import ARGUMENTS, executable

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
COMMAND = Path(sys.executable).with_name("kiro-gateway")

LOCALES = {"en": "en-GB", "zh": "zh-CN"}
PAGES = {"keys": "/keys", "overview": "/overview"}
SIZE = ViewportSize(width=1200, height=720)

QUESTIONS = (
    "Why is the build red?",
    "[[say 120 words]]",
    "Write a test for the parser",
    "[[think Let me see.]] What does this function do?",
)


def main() -> None:
    """Start a demo, ask it something, and look at its pages in each language."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    demo = subprocess.Popen(  # noqa: S603  # our own command
        [COMMAND, "demo", "--port", str(port), "--log-level", "error"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout is not None
        printed = ""
        while "  claude\n" not in printed:
            line = demo.stdout.readline()
            assert line, printed
            printed += line
        take_all(f"http://127.0.0.1:{port}", printed)
    finally:
        demo.terminate()
        demo.wait(30)


def take_all(url: str, printed: str) -> None:
    """Take every picture of the demo that printed this."""
    (key,) = set(re.findall(r"sk-kiro-[\w-]+", printed))
    (admin_key,) = re.findall(r"kiro-admin-[\w-]+", printed)
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {admin_key}"}) as http:
        for name, limits in (("laptop", {}), ("ci", {"requests_per_minute": 60})):
            order = {"name": name, "kiro_accounts": ["demo"], **limits}
            made = http.post("/admin/keys", json=order).raise_for_status().json()
            ask(url, made["key"], 3)
        ask(url, key, 8)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
            for language, locale in LOCALES.items():
                context = browser.new_context(
                    base_url=url, locale=locale, viewport=SIZE, color_scheme="light"
                )
                answer = context.request.post("/admin/session", data={"admin_key": admin_key})
                assert answer.ok, answer.text()
                page = context.new_page()
                for name, path in PAGES.items():
                    take(page, path, PICTURES / f"{name}.{language}.png")
                context.close()
            browser.close()


def ask(url: str, key: str, count: int) -> None:
    """Send so many requests with a key."""
    for number in range(count):
        model = ("claude-sonnet-4.5", "claude-haiku-4.5", "claude-opus-4.5")[number % 3]
        question = {"role": "user", "content": QUESTIONS[number % len(QUESTIONS)]}
        body = {"model": model, "max_tokens": 500, "messages": [question]}
        httpx.post(f"{url}/v1/messages", json=body, headers={"x-api-key": key}).raise_for_status()


def take(page: Page, path: str, file: Path) -> None:
    """Take one picture, once the page has all of what it shows."""
    page.goto("/ui" + path)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=30_000)
    page.wait_for_load_state("networkidle")
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=file, animations="disabled")
    sys.stdout.write(f"{file.relative_to(ROOT)} {file.stat().st_size}\n")


if __name__ == "__main__":
    main()
