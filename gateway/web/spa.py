"""/ui: the admin pages. They are one document, which asks the admin API for everything it shows."""

import secrets
from html import escape

import anyio
from starlette.datastructures import Headers

from gateway.errors import NotAllowed, NotFound
from gateway.web.admin.access import check_place
from gateway.web.exchange import Exchange
from gateway.web.page_files import NONCE

ASSETS = "/assets/"
HTML = "text/html; charset=utf-8"

PAGE_HEADERS = {
    # Asked for each time: it names the assets of the newest build, and carries a nonce.
    "cache-control": "no-cache",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
ASSET_HEADERS = {
    # The name changes with the content.
    "cache-control": "public, max-age=31536000, immutable",
    "cross-origin-resource-policy": "same-origin",
    "vary": "accept-encoding",
}

NOT_BUILT = (
    "The admin pages have not been built. In a clone of the repository run make ui, which needs "
    "Node.js 20 or newer; released packages have them inside."
)


async def ui(exchange: Exchange) -> None:
    """GET /ui and below: a file of the build, or the document for every page there is."""
    pages = exchange.services.pages
    name = exchange.tail
    try:
        check_place(exchange)
    except NotAllowed as exc:
        exchange.facts.note_error(exc)
        await _say(exchange, 403, "Not from here", "此地址无法访问管理页面", str(exc))
        return
    if name.startswith(ASSETS):
        await _asset(exchange, name.removeprefix(ASSETS))
        return
    document = await anyio.to_thread.run_sync(pages.document)
    if document is None:
        await _say(exchange, 404, "Not built", "管理页面尚未构建", NOT_BUILT)
        return
    nonce = secrets.token_urlsafe(16)
    await exchange.respond(
        document.replace(NONCE, nonce.encode(), 1),
        headers=PAGE_HEADERS | {"content-security-policy": _policy(nonce)},
        content_type=HTML,
    )


def is_browser(headers: Headers) -> bool:
    """Whether somebody is looking, rather than a program asking."""
    return "text/html" in headers.get("accept", "")


async def sends_to_ui(exchange: Exchange) -> bool:
    """Send a browser that asks for the root to the pages; False when it is none, or there are none.

    HEAD is how some clients look whether anything is there.
    """
    if exchange.scope["method"] != "GET" or not is_browser(exchange.headers):
        return False
    if await anyio.to_thread.run_sync(exchange.services.pages.document) is None:
        return False
    headers = {"location": "/ui", "cache-control": "no-store", "vary": "accept"}
    await exchange.respond(b"", status=302, headers=headers)
    return True


async def _asset(exchange: Exchange, name: str) -> None:
    asset = await anyio.to_thread.run_sync(exchange.services.pages.asset, name)
    if asset is None:
        raise NotFound("There is no such file. Reload the page: the gateway may be a newer one.")
    encoding, content = asset.version_for(exchange.headers.get("accept-encoding", ""))
    headers = ASSET_HEADERS | ({"content-encoding": encoding} if encoding else {})
    await exchange.respond(content, headers=headers, content_type=asset.content_type)


def _policy(nonce: str) -> str:
    """Only what the build contains, and styles that carry the nonce: components make some."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


async def _say(exchange: Exchange, status: int, title: str, chinese: str, text: str) -> None:
    """A page of a few words, where the real ones are not to be had."""
    nonce = secrets.token_urlsafe(16)
    page = f"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} · Kiro Gateway</title>
<style nonce="{nonce}">
body {{ font: 16px/1.6 system-ui, sans-serif }}
main {{ max-width: 36em; margin: 15vh auto; padding: 0 1.5em }}
h1 {{ font-size: 1.3em }}
</style>
<main>
<h1>{escape(title)} · <span lang="zh">{escape(chinese)}</span></h1>
<p>{escape(text)}</p>
</main>
"""
    headers = PAGE_HEADERS | {
        "cache-control": "no-store",
        "content-security-policy": f"default-src 'none'; style-src 'nonce-{nonce}'; "
        "frame-ancestors 'none'",
    }
    await exchange.respond(page.encode(), status=status, headers=headers, content_type=HTML)
