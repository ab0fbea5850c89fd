"""Fetching what a URL names that somebody else wrote: an identity provider's, a client's.

Such a URL could name what only this machine reaches. So: https, public addresses, judged by what
the name resolves to at the very connection, and again for each redirect; size and time are bounded.
"""

import re
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp
import anyio
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.errors import InvalidRequest, UpstreamBadGateway, UpstreamTimeout
from gateway.upstream.http import CONNECT_TIMEOUT, is_loopback, network_errors, socks_connector, tls
from gateway.upstream.signin.answers import Answer

MAX_REDIRECTS = 3
MAX_URL = 2048  # characters
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Whatever else a URL's parsers might make of a host, they agree on these.
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
# Addresses that stand for another one: what they lead to is inside them.
_NAT64 = ip_network("64:ff9b::/96")


class AddressRefused(InvalidRequest):
    """The URL is not a public https address, or leads to something that is not public."""


class _NotPublic(OSError):
    """A name resolves to an address that is not public."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Fetches URLs that are not ours.

    Attributes:
        user_agent: what we call ourselves.
        allowed_hosts: hosts that may be private or spoken to by plain http, because the operator
            says so.
        allow_loopback: the same for this machine; for when everything upstream is here too.
        resolver: makes what looks names up.
    """

    user_agent: str
    allowed_hosts: frozenset[str] = frozenset()
    allow_loopback: bool = False
    resolver: Callable[[], AbstractResolver] = ThreadedResolver

    def check(self, url: str) -> SplitResult:
        """The parts of a URL that may be fetched, as far as can be told without asking DNS.

        Raises:
            AddressRefused: it may not.
        """
        try:
            parts = urlsplit(url)
            host, _ = _host_of(parts), parts.port
        except ValueError:
            raise AddressRefused("The address cannot be read.") from None
        literal = _literal(host)
        readable = literal is not None or (_HOST.fullmatch(host) and not _is_number(host))
        if not readable or len(url) > MAX_URL or any(c <= " " or c == "\\" for c in url):
            raise AddressRefused("The address cannot be read.")
        trusted = self.is_trusted(host)
        if parts.scheme != "https" and not (trusted and parts.scheme == "http"):
            raise AddressRefused("The address does not begin with https://.")
        if parts.username is not None:
            raise AddressRefused("The address holds a user name.")
        if not trusted and (is_loopback(host) or (literal is not None and not is_public(literal))):
            raise AddressRefused(
                "The address is not public. If it is right, add its host to "
                "upstream.allowed_private_hosts."
            )
        return parts

    def is_trusted(self, host: str) -> bool:
        """Whether the operator lets this host be private."""
        return host in self.allowed_hosts or (self.allow_loopback and is_loopback(host))

    async def get(
        self, url: str, *, proxy: str | None, what: str, limit: int, seconds: float
    ) -> Answer:
        """GET, following a few redirects.

        Args:
            url: what to fetch.
            proxy: the proxy to go through; a loopback address is never proxied.
            what: the far side's name in errors.
            limit: bytes of the body.
            seconds: for everything together.

        Raises:
            AddressRefused: an address on the way is not to be fetched.
            UpstreamError: there is no answer within the limits.
        """
        with _in_time(seconds, what):
            for _ in range(MAX_REDIRECTS + 1):
                answer = await self._send("GET", url, {}, b"", proxy, what, limit)
                location = answer.headers.get("location")
                if answer.status not in _REDIRECTS or not location:
                    return answer
                try:
                    url = urljoin(url, location)
                except ValueError:
                    raise AddressRefused("The address is redirected to none.") from None
        raise AddressRefused("The address is redirected too often.")

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        proxy: str | None,
        what: str,
        limit: int,
        seconds: float,
    ) -> Answer:
        """POST; redirects are not followed. As `get`."""
        with _in_time(seconds, what):
            return await self._send("POST", url, headers, body, proxy, what, limit)

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        proxy: str | None,
        what: str,
        limit: int,
    ) -> Answer:
        host = _host_of(self.check(url))
        trusted = self.is_trusted(host)
        if is_loopback(host):
            proxy = None
        socks = proxy is not None and proxy.startswith("socks")
        if proxy is not None and not trusted:
            await _check_name(host)
        connector = (
            socks_connector(proxy)
            if proxy and socks
            else aiohttp.TCPConnector(
                ssl=tls(), resolver=None if trusted or proxy else _PublicResolver(self.resolver())
            )
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            proxy=None if socks else proxy,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        )
        every = {"user-agent": self.user_agent, "accept": "*/*", **headers}
        async with session:
            with network_errors(what):
                try:
                    async with session.request(
                        method, url, headers=every, data=body or None, allow_redirects=False
                    ) as response:
                        answer = await _read(response, limit)
                except aiohttp.ClientConnectorDNSError as exc:
                    if isinstance(exc.os_error, _NotPublic):
                        raise _name_refused(host) from None
                    raise
        if answer is None:
            raise UpstreamBadGateway(f"{what} answers with more than {limit} bytes.")
        return answer


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to the public internet, and not to a part of it with a meaning.

    Addresses that only wrap another one (IPv4 in IPv6, 6to4, Teredo, NAT64) are judged by it.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


class _PublicResolver(AbstractResolver):
    """Resolves names to public addresses or not at all: whoever mixes them means no good."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(_is_public_text(entry["host"]) for entry in found):
            raise _NotPublic(host)
        return found

    async def close(self) -> None:
        await self._resolver.close()


async def _check_name(host: str) -> None:
    """Look a name up before it is handed to a proxy, which may resolve what we cannot."""
    try:
        found = await anyio.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return
    if not all(_is_public_text(str(address[0])) for *_, address in found):
        raise _name_refused(host)


async def _read(response: aiohttp.ClientResponse, limit: int) -> Answer | None:
    """None when there is more than `limit`."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            return None
    return Answer(response.status, response.headers, bytes(body))


@contextmanager
def _in_time(seconds: float, what: str) -> Iterator[None]:
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as exc:
        raise UpstreamTimeout(f"{what} did not answer in time.", code="timeout") from exc


def _name_refused(host: str) -> AddressRefused:
    return AddressRefused(
        f"{host} leads to an address that is not public. If it is right, add it to "
        "upstream.allowed_private_hosts."
    )


def _host_of(parts: SplitResult) -> str:
    return (parts.hostname or "").lower().rstrip(".")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_number(host: str) -> bool:
    """Whether this is an address in one of its older spellings, such as 127.1: never resolved."""
    return host.replace(".", "").isdigit()


def _is_public_text(text: str) -> bool:
    literal = _literal(text.partition("%")[0])
    return literal is not None and is_public(literal)


def allowing(hosts: Collection[str], urls: Collection[str], user_agent: str) -> Guard:
    """The guard that the settings mean.

    Args:
        hosts: `upstream.allowed_private_hosts`.
        urls: `upstream.*_url`; when all are on this machine, so may be what they name.
        user_agent: what we call ourselves.
    """
    local = all(is_loopback(urlsplit(url).hostname or "") for url in urls)
    return Guard(user_agent, frozenset(host.lower() for host in hosts), local)
