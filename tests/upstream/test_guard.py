"""What may be fetched on the word of others."""

import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.errors import UpstreamBadGateway, UpstreamUnreachable
from gateway.upstream.guard import AddressRefused, Guard, allowing, is_public
from tests.sign_in_service import Answer, SignInService, sign_in_service

pytestmark = pytest.mark.anyio

STRICT = Guard("test")
LOCAL = Guard("test", allow_loopback=True)


@pytest.fixture
async def service() -> AsyncIterator[SignInService]:
    async with sign_in_service() as service:
        service.reply = lambda _: Answer(200, {"hello": "there"})
        yield service


async def fetch(guard: Guard, url: str, *, limit: int = 1000, proxy: str | None = None) -> bytes:
    answer = await guard.get(url, proxy=proxy, what="the provider", limit=limit, seconds=5)
    return answer.body


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("127.255.255.254", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("172.32.0.1", True),
        ("192.0.2.1", False),
        ("192.168.1.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("64:ff9b::a9fe:a9fe", False),
    ],
)
def test_an_address_is_public_or_not(address: str, *, public: bool) -> None:
    assert is_public(ip_address(address)) is public


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://a.localhost/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://127。0。0。1/",
        "https://%31%32%37.0.0.1/",
        "https://example.com/\n",
        "https://example.com/" + "a" * 3000,
    ],
    ids=repr,
)
def test_some_addresses_are_refused_without_asking_anybody(url: str) -> None:
    with pytest.raises(AddressRefused):
        STRICT.check(url)


@pytest.mark.parametrize(
    "url", ["https://example.com", "https://login.example.com:8443/a?b=c", "https://93.184.216.34/"]
)
def test_public_https_addresses_may_be_fetched(url: str) -> None:
    STRICT.check(url)


async def test_this_machine_is_let_through_only_while_everything_is_here(
    service: SignInService,
) -> None:
    with pytest.raises(AddressRefused, match="https"):
        await fetch(STRICT, service.url)
    assert await fetch(LOCAL, service.url) == b'{"hello": "there"}'
    assert (
        await fetch(Guard("test", frozenset({"127.0.0.1"})), service.url) == b'{"hello": "there"}'
    )


@pytest.mark.parametrize(
    ("urls", "let_through"),
    [
        (["http://127.0.0.1:1", "http://localhost:2"], True),
        (["http://127.0.0.1:1", "https://q.{region}.amazonaws.com"], False),
    ],
)
def test_the_settings_decide_about_this_machine(urls: list[str], *, let_through: bool) -> None:
    assert allowing((), urls, "test").allow_loopback is let_through


class Names(AbstractResolver):
    """A DNS of its own."""

    def __init__(self, **names: list[str]) -> None:
        self.names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for address in self.names[host.partition(".")[0]]
        ]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["127.0.0.1"], ["93.184.216.34", "10.0.0.1"]])
async def test_a_name_that_leads_inside_is_refused(addresses: list[str]) -> None:
    guard = Guard("test", resolver=lambda: Names(inside=addresses))
    with pytest.raises(AddressRefused, match=r"inside\.example leads to an address"):
        await fetch(guard, "https://inside.example/")


async def test_a_name_is_judged_again_behind_each_redirect(service: SignInService) -> None:
    service.reply = lambda _: Answer(302, b"", {"location": "https://inside.example/secret"})
    guard = Guard("test", allow_loopback=True, resolver=lambda: Names(inside=["10.0.0.1"]))
    with pytest.raises(AddressRefused, match=r"inside\.example"):
        await fetch(guard, service.url)


@pytest.mark.parametrize(
    "location", ["http://example.com/", "https://169.254.169.254/", "file:///etc/passwd", "//[::1"]
)
async def test_a_redirect_to_elsewhere_is_refused(service: SignInService, location: str) -> None:
    service.reply = lambda _: Answer(301, b"", {"location": location})
    with pytest.raises(AddressRefused):
        await fetch(LOCAL, service.url)


async def test_redirects_are_followed_a_few_times(service: SignInService) -> None:
    def reply(asked: object) -> Answer:
        if len(service.requests) <= 3:
            return Answer(307, b"", {"location": f"/{len(service.requests)}"})
        return Answer(200, b"arrived")

    service.reply = reply
    assert await fetch(LOCAL, service.url) == b"arrived"
    assert [asked.path for asked in service.requests] == ["/", "/1", "/2", "/3"]
    service.reply = lambda _: Answer(307, b"", {"location": "/again"})
    with pytest.raises(AddressRefused, match="too often"):
        await fetch(LOCAL, service.url)


async def test_a_post_is_not_sent_on(service: SignInService) -> None:
    service.reply = lambda _: Answer(307, b"", {"location": "/elsewhere"})
    answer = await LOCAL.post(
        service.url, b"secret", {}, proxy=None, what="the provider", limit=100, seconds=5
    )
    assert (answer.status, len(service.requests)) == (307, 1)


async def test_more_than_was_asked_for_is_not_read(service: SignInService) -> None:
    service.reply = lambda _: Answer(200, b"x" * 2000)
    with pytest.raises(UpstreamBadGateway, match="more than 1000 bytes"):
        await fetch(LOCAL, service.url)


async def test_no_answer_is_told_as_that() -> None:
    with pytest.raises(UpstreamUnreachable):
        await fetch(LOCAL, "http://127.0.0.1:1/")
