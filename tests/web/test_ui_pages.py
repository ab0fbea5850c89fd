"""/ui: what the gateway serves there, and to whom."""

import gzip
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from gateway.web.admin.client_address import FORWARDING_HEADERS
from gateway.web.page_files import PageFiles, chosen_encoding
from tests.harness import Gateway

pytestmark = pytest.mark.anyio

DOCUMENT = '<!doctype html><meta name="csp-nonce" content="__CSP_NONCE__"><p>pages</p>'
SCRIPT = b"console.log('here')\n" * 100
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def build(folder: Path, text: str = DOCUMENT) -> None:
    """What `make ui` leaves behind, as far as the gateway looks at it."""
    assets = folder / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(text)
    (assets / "index-AbC123.js").write_bytes(SCRIPT)
    (assets / "index-AbC123.js.gz").write_bytes(gzip.compress(SCRIPT))
    # Nobody but a browser undoes it here.
    (assets / "index-AbC123.js.br").write_bytes(b"as brotli")
    (assets / "mark-D4.svg").write_text("<svg/>")
    (folder / "secret.js").write_text("not an asset")


@pytest.fixture
def folder(gateway: Gateway, tmp_path: Path) -> Iterator[Path]:
    before = gateway.services.pages
    gateway.services.pages = PageFiles(tmp_path)
    yield tmp_path
    gateway.services.pages = before


@pytest.fixture
def built(folder: Path) -> Path:
    build(folder)
    return folder


async def get(
    gateway: Gateway, path: str, headers: Mapping[str, str] | None = None, *, raw: bool = False
) -> tuple[httpx.Response, bytes]:
    """An answer and its body; `raw`: as it came over the wire."""
    async with gateway.http.stream("GET", gateway.url + path, headers=headers) as answer:
        parts = answer.aiter_raw() if raw else answer.aiter_bytes()
        return answer, b"".join([part async for part in parts])


@pytest.mark.parametrize(
    "path", ["/ui", "/ui/", "/ui/keys", "/ui/keys/a.b%2Fc", "/ui/no/such/page", "/ui?x=1"]
)
async def test_every_page_is_the_document_with_a_nonce_of_its_own(
    gateway: Gateway, built: Path, path: str
) -> None:
    nonces = set()
    for _ in range(2):
        answer, body = await get(gateway, path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        (nonce,) = re.findall(r"'nonce-([\w-]{20,})'", policy)
        assert f'content="{nonce}"'.encode() in body
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize(
    ("accept", "encoding", "body"),
    [
        ("gzip, deflate, br", "br", b"as brotli"),
        ("gzip", "gzip", SCRIPT),
        ("identity", None, SCRIPT),
        ("br;q=0, gzip;q=0.5", "gzip", SCRIPT),
    ],
)
async def test_assets_come_in_the_encoding_that_is_liked_and_are_kept_for_good(
    gateway: Gateway, built: Path, accept: str, encoding: str | None, body: bytes
) -> None:
    path = "/ui/assets/index-AbC123.js"
    answer, raw = await get(gateway, path, {"accept-encoding": accept}, raw=True)
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert int(answer.headers["content-length"]) == len(raw)
    assert (gzip.decompress(raw) if encoding == "gzip" else raw) == body


async def test_an_asset_without_compressed_copies_is_served_as_it_is(
    gateway: Gateway, built: Path
) -> None:
    answer, body = await get(gateway, "/ui/assets/mark-D4.svg", {"accept-encoding": "br, gzip"})
    assert (answer.headers["content-type"], body) == ("image/svg+xml", b"<svg/>")
    assert "content-encoding" not in answer.headers


async def test_head_is_get_without_a_body(gateway: Gateway, built: Path) -> None:
    for path in ("/ui", "/ui/assets/mark-D4.svg"):
        head = await gateway.http.head(gateway.url + path)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize(
    "name",
    [
        "gone-123.js",
        "",
        "..%2Fsecret.js",
        "%2e%2e/secret.js",
        "..%5Csecret.js",
        "%00.js",
        "index-AbC123.js.br",
        "a" * 5000 + ".js",
    ],
)
async def test_what_is_no_asset_is_404(gateway: Gateway, built: Path, name: str) -> None:
    url = httpx.URL(gateway.url).copy_with(raw_path=b"/ui/assets/" + name.encode())
    answer = await gateway.http.get(url)
    assert (answer.status_code, "not an asset" in answer.text) in {(404, False), (200, False)}
    # A slash at the end is cut off, and what is left is a page's name.
    assert answer.status_code == (200 if name == "" else 404)


async def test_another_build_is_noticed(gateway: Gateway, built: Path) -> None:
    assert b"pages" in (await get(gateway, "/ui"))[1]
    assert (await get(gateway, "/ui/assets/new-1.js"))[0].status_code == 404
    build(built, DOCUMENT.replace("pages", "a newer build"))
    (built / "assets" / "new-1.js").write_text("new")
    assert b"a newer build" in (await get(gateway, "/ui"))[1]
    assert (await get(gateway, "/ui/assets/new-1.js"))[1] == b"new"


async def test_without_a_build_it_says_how_to_make_one(gateway: Gateway, folder: Path) -> None:
    answer, body = await get(gateway, "/ui")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert b"make ui" in body
    assert (await get(gateway, "/ui/assets/index.js"))[0].status_code == 404


async def test_only_get_is_answered(gateway: Gateway, built: Path) -> None:
    answer = await gateway.http.post(gateway.url + "/ui")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


# Who may see them


@pytest.mark.parametrize("path", ["/ui", "/ui/assets/mark-D4.svg"])
@pytest.mark.parametrize("name", FORWARDING_HEADERS)
async def test_who_comes_through_an_unknown_proxy_is_told_what_to_set(
    gateway: Gateway, built: Path, name: str, path: str
) -> None:
    answer, body = await get(gateway, path, {name: "127.0.0.1"})
    assert answer.status_code == 403
    assert b"auth.admin_allowed_networks" in body
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example.com", "127.0.0.1.nip.io", ""])
async def test_a_host_that_is_not_ours_gets_no_page(
    gateway: Gateway, built: Path, host: str
) -> None:
    answer, body = await get(gateway, "/ui", {"host": host})
    assert answer.status_code == 403
    assert b"auth.admin_hosts" in body
    assert b"<p>pages</p>" not in body


async def test_a_link_on_another_site_may_lead_here(gateway: Gateway, built: Path) -> None:
    headers = {**HTML, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    answer, body = await get(gateway, "/ui/keys", headers)
    assert answer.status_code == 200
    assert b"pages" in body


# The root


async def test_a_browser_at_the_root_is_sent_to_the_pages(gateway: Gateway, built: Path) -> None:
    answer, _ = await get(gateway, "/", HTML)
    assert (answer.status_code, answer.headers["location"]) == (302, "/ui")
    assert answer.headers["vary"] == "accept"


async def test_a_program_at_the_root_is_told_what_there_is(gateway: Gateway, built: Path) -> None:
    for accept in ("*/*", "application/json"):
        answer, body = await get(gateway, "/", {"accept": accept})
        assert answer.status_code == 200
        assert b"/v1/messages" in body
    probe = await gateway.http.head(gateway.url + "/", headers=HTML)
    assert probe.status_code == 200


async def test_without_a_build_a_browser_is_told_the_same(gateway: Gateway, folder: Path) -> None:
    answer, body = await get(gateway, "/", HTML)
    assert answer.status_code == 200
    assert b"/v1/messages" in body


@pytest.mark.parametrize(
    ("accept", "available", "expected"),
    [
        ("", {"", "br", "gzip"}, ""),
        ("br, gzip", {""}, ""),
        ("gzip, br", {"", "br", "gzip"}, "br"),
        ("gzip;q=1.0, br;q=0.5", {"", "br", "gzip"}, "gzip"),
        ("*", {"", "br", "gzip"}, "br"),
        ("*;q=0", {"", "br", "gzip"}, ""),
        ("BR", {"", "br"}, "br"),
        ("br;q=nonsense, gzip", {"", "br", "gzip"}, "gzip"),
        ("zstd", {"", "br", "gzip"}, ""),
    ],
)
def test_the_encoding_is_the_one_that_is_liked_best(
    accept: str, available: set[str], expected: str
) -> None:
    assert chosen_encoding(accept, available) == expected
