"""Whom the admin API believes to speak to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from gateway.web.admin.client_address import FORWARDING_HEADERS, client_address, networks

PROXIES = networks(("10.0.0.0/8", "::1"))


def headers(*pairs: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.encode(), value.encode("latin-1")) for name, value in pairs])


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.1.7", False),
        ("::ffff:192.168.1.7", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("", False),
        ("localhost", False),
    ],
    ids=repr,
)
def test_loopback_is_what_the_socket_says(peer: str, local: bool) -> None:
    assert client_address(peer, headers(), ()).is_local(()) is local


@pytest.mark.parametrize("name", FORWARDING_HEADERS)
def test_a_request_through_an_unknown_proxy_is_not_local(name: str) -> None:
    address = client_address("127.0.0.1", headers((name, "127.0.0.1")), ())
    assert not address.is_local(networks(("0.0.0.0/0", "::/0")))


def test_a_proxy_that_speaks_http_1_0_and_adds_nothing_makes_nobody_local() -> None:
    assert not client_address("127.0.0.1", headers(), (), http_version="1.0").is_local(())


@pytest.mark.parametrize("name", FORWARDING_HEADERS)
def test_what_strangers_say_of_themselves_changes_nothing(name: str) -> None:
    address = client_address("203.0.113.5", headers((name, "127.0.0.1")), PROXIES)
    assert not address.is_local(())
    assert address.text == "203.0.113.5"


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["127.0.0.1, 198.51.100.1"], "198.51.100.1"),
        (["127.0.0.1", "198.51.100.1"], "198.51.100.1"),
        (["198.51.100.1, 10.1.1.1"], "198.51.100.1"),
        (["127.0.0.1, 198.51.100.1, 10.1.1.1, 10.2.2.2"], "198.51.100.1"),
        (["198.51.100.1:4711"], "198.51.100.1"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
        (["10.9.9.9, 10.1.1.1"], "10.9.9.9"),
        (["127.0.0.1"], "127.0.0.1"),
        (["127.0.0.1, unknown"], None),
        (["127.0.0.1, "], None),
        ([""], None),
        ([], None),
    ],
    ids=repr,
)
def test_behind_a_trusted_proxy_the_rightmost_stranger_is_the_client(
    forwarded: list[str], found: str | None
) -> None:
    lines = headers(*(("x-forwarded-for", line) for line in forwarded))
    address = client_address("10.0.0.1", lines, PROXIES)
    assert (str(address.known) if address.known else None) == found
    assert address.is_local(()) is (found == "127.0.0.1")


def test_a_trusted_proxy_on_this_machine_that_says_nothing_makes_nobody_local() -> None:
    assert not client_address("::1", headers(), PROXIES).is_local(())


@pytest.mark.parametrize(
    ("peer", "told", "scheme"),
    [
        ("10.0.0.1", "https", "https"),
        ("10.0.0.1", "HTTP", "http"),
        ("10.0.0.1", "gopher", None),
        ("10.0.0.1", None, None),
        ("203.0.113.5", "https", "http"),
        ("203.0.113.5", None, "http"),
    ],
)
def test_only_a_trusted_proxy_says_what_the_client_spoke(
    peer: str, told: str | None, scheme: str | None
) -> None:
    sent = headers(
        ("x-forwarded-for", "198.51.100.1"), *([("x-forwarded-proto", told)] if told else [])
    )
    assert client_address(peer, sent, PROXIES, scheme="http").scheme == scheme


def test_an_allowed_network_counts_as_local() -> None:
    allowed = networks(("172.17.0.0/16",))
    assert client_address("172.17.0.1", headers(), ()).is_local(allowed)
    assert not client_address("172.18.0.1", headers(), ()).is_local(allowed)


@given(st.lists(st.one_of(st.ip_addresses().map(str), st.text("0123456789abcdef.:[], "))))
def test_no_header_makes_a_stranger_local(entries: list[str]) -> None:
    sent = headers(("x-forwarded-for", ",".join(entries)))
    assert not client_address("203.0.113.5", sent, PROXIES).is_local(())


@given(st.lists(st.ip_addresses().map(str)))
def test_what_a_client_wrote_before_its_proxy_never_counts(entries: list[str]) -> None:
    sent = headers(("x-forwarded-for", ",".join([*entries, "198.51.100.1"])))
    assert client_address("10.0.0.1", sent, PROXIES).text == "198.51.100.1"
