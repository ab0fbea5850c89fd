"""Which pages may be behind a request to the admin API."""

import pytest
from starlette.datastructures import Headers

from gateway.web.admin.same_site import (
    Authority,
    is_foreign_page,
    is_own_host,
    parse_authority,
    requested_host,
)

OWN = ("admin.example.com", "gateway.example.com:8443", "192.168.1.5", "2001:db8::5")
LISTED = ("https://console.example.com",)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8080",
        "LOCALHOST:8080",
        "localhost.",
        "gateway.localhost",
        "127.0.0.1:8080",
        "127.1.2.3",
        "[::1]",
        "[::1]:8080",
        "admin.example.com",
        "Admin.Example.Com:9999",
        "gateway.example.com:8443",
        "192.168.1.5:8080",
        "[2001:db8::5]:8080",
    ],
)
def test_these_hosts_are_ours(host: str) -> None:
    found = parse_authority(host)
    assert found is not None
    assert is_own_host(found, OWN)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "localhost.evil.example.com",
        "127.0.0.1.evil.example.com",
        "127.0.0.1.nip.io",
        "admin.example.com.evil.net",
        "gateway.example.com",
        "gateway.example.com:80",
        "192.168.1.6",
        "[2001:db8::6]",
        "2130706433",
        "0x7f.1",
    ],
)
def test_these_hosts_are_not(host: str) -> None:
    found = parse_authority(host)
    assert found is not None
    assert not is_own_host(found, OWN)


@pytest.mark.parametrize(
    "text",
    ["", ":80", "a b", "localhost, evil.com", "user@localhost", "localhost/x", "localhost:x",
     "localhost:99999", "[::1", "localhost#", "localhost?", "localhost\\@evil.com"],
    ids=repr,
)  # fmt: skip
def test_what_is_no_authority_is_nobodys_host(text: str) -> None:
    assert parse_authority(text) is None


def test_two_host_headers_name_nobody() -> None:
    both = Headers(raw=[(b"host", b"localhost"), (b"host", b"evil.example.com")])
    assert requested_host(both) is None
    assert requested_host(Headers()) is None


@pytest.mark.parametrize(
    ("origin", "foreign"),
    [
        ("http://localhost:8080", False),
        ("https://console.example.com", False),
        ("https://localhost:8080", True),
        ("http://localhost", True),
        ("http://localhost:8081", True),
        ("http://127.0.0.1:8080", True),
        ("http://evil.example.com", True),
        ("http://console.example.com", True),
        ("https://console.example.com:8443", True),
        ("http://localhost:8080.evil.example.com", True),
        ("file://", True),
        ("null", True),
        ("", True),
        ("chrome-extension://abc", True),
    ],
    ids=repr,
)
def test_a_page_belongs_here_if_its_origin_is_ours_or_listed(origin: str, foreign: bool) -> None:
    sent = Headers({"origin": origin, "sec-fetch-site": "same-origin"})
    assert is_foreign_page(sent, Authority("localhost", 8080), "http", LISTED) is foreign


@pytest.mark.parametrize(
    ("scheme", "origin", "foreign"),
    [
        ("https", "https://admin.example.com", False),
        ("https", "https://admin.example.com:443", False),
        ("https", "http://admin.example.com", True),
        (None, "https://admin.example.com", False),
        (None, "http://admin.example.com", False),
        (None, "https://evil.example.com", True),
    ],
)
def test_the_scheme_counts_where_it_is_known(
    scheme: str | None, origin: str, foreign: bool
) -> None:
    sent = Headers({"origin": origin})
    assert is_foreign_page(sent, Authority("admin.example.com", None), scheme, ()) is foreign


@pytest.mark.parametrize(
    ("site", "foreign"),
    [("cross-site", True), ("same-site", True), ("same-origin", False), ("none", False)],
)
def test_without_an_origin_the_browser_s_own_word_counts(site: str, foreign: bool) -> None:
    sent = Headers({"sec-fetch-site": site})
    assert is_foreign_page(sent, Authority("localhost", None), "http", LISTED) is foreign


def test_a_program_that_is_no_browser_says_neither() -> None:
    assert not is_foreign_page(Headers(), Authority("localhost", None), "http", ())


def test_two_origins_are_foreign() -> None:
    both = Headers(raw=[(b"origin", b"http://localhost"), (b"origin", b"http://evil.com")])
    assert is_foreign_page(both, Authority("localhost", None), "http", ())
