"""The HTTP client under every conversation with Kiro: httpx on aiohttp, one pool for each proxy.

httpx's own transport costs ten times the CPU for two hundred streams. The bridge to aiohttp has
traps, each mended here: it caps connections at a hundred unless it is handed a session, it keeps
cookies across accounts, it speaks HTTP to SOCKS proxies, and it gives refused and broken
connections the name of a timeout (see `network_errors`).
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from gateway.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable, UpstreamUntrusted

CONNECT_TIMEOUT = 15.0  # seconds
# A pooled connection that the far side has closed fails at its next use; services behind load
# balancers close after sixty seconds of silence, so ours go first.
KEEPALIVE = 50.0  # seconds
_STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)


@dataclass(frozen=True, slots=True)
class Pool:
    """The connections through one proxy, as httpx's client and as the aiohttp session under it."""

    client: httpx.AsyncClient
    session: aiohttp.ClientSession

    async def post_stream(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> aiohttp.ClientResponse:
        """POST and read a stream of small pieces, past what httpx would do with each.

        Waits as long as it takes, but for the connection. Redirects are not followed.
        """
        return await self.session.post(
            url, data=body, headers=headers, allow_redirects=False, timeout=_STREAM_TIMEOUT
        )


class HttpClients:
    """Pools, made when first asked for. Close them with `aclose`."""

    def __init__(self, user_agent: str) -> None:
        self._user_agent = user_agent
        self._pools: dict[str | None, Pool] = {}

    def client_for(self, url: str, proxy: str | None) -> httpx.AsyncClient:
        """The client for `url` through `proxy`; a loopback address is never proxied."""
        return self.pool_for(url, proxy).client

    def pool_for(self, url: str, proxy: str | None) -> Pool:
        """The connections for `url` through `proxy`; a loopback address is never proxied."""
        if proxy is not None and is_loopback(urlsplit(url).hostname or ""):
            proxy = None
        pool = self._pools.get(proxy)
        if pool is None:
            pool = self._pools[proxy] = self._open(proxy)
        return pool

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.client.aclose()
        self._pools.clear()

    def _open(self, proxy: str | None) -> Pool:
        socks = proxy is not None and proxy.startswith("socks")
        session = aiohttp.ClientSession(
            connector=socks_connector(proxy) if socks and proxy else _tcp_connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            proxy=None if socks else proxy,
        )
        client = httpx.AsyncClient(
            transport=AiohttpTransport(verify=tls(), client=session),
            headers={"user-agent": self._user_agent, "accept": "*/*"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(30.0, connect=CONNECT_TIMEOUT, pool=None),
            follow_redirects=False,
            trust_env=False,
        )
        return Pool(client, session)


def is_loopback(host: str) -> bool:
    """Whether a host name or address of a URL means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@cache
def tls() -> ssl.SSLContext:
    """One TLS context for all: each would hold the list of authorities again."""
    return httpx.create_ssl_context()


def _tcp_connector() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(limit=0, ssl=tls(), keepalive_timeout=KEEPALIVE)


def socks_connector(proxy: str) -> aiohttp.BaseConnector:
    """What opens connections through a SOCKS proxy, which also resolves the names."""
    from aiohttp_socks import ProxyConnector  # noqa: PLC0415  # only few installations have one

    # socks5h says that the proxy resolves names; that is what this connector always does.
    url = proxy.replace("socks5h://", "socks5://", 1)
    connector: aiohttp.BaseConnector = ProxyConnector.from_url(
        url, rdns=True, limit=0, ssl=tls(), keepalive_timeout=KEEPALIVE
    )
    return connector


@contextmanager
def network_errors(what: str) -> Iterator[None]:
    """Turn what httpx, aiohttp and SOCKS raise into our errors; `what` names the far side.

    Raises:
        UpstreamTimeout: no connection or no bytes in time.
        UpstreamUntrusted: TLS failed; trying again cannot help.
        UpstreamUnreachable: anything else between here and there.
    """
    try:
        yield
    except Exception as exc:
        if (translated := translate(exc, what)) is not None:
            raise translated from exc
        raise


def translate(exc: Exception, what: str) -> UpstreamError | None:
    """The error of ours that a network failure means; None for other exceptions."""
    if isinstance(exc, httpx.HTTPError | httpx.InvalidURL):
        return _translated(exc, exc.__cause__ or exc, what)
    # The SOCKS library has a tree of its own, loaded only when such a proxy is set.
    socks = type(exc).__module__.partition(".")[0] in {"python_socks", "aiohttp_socks"}
    if socks or isinstance(exc, OSError | aiohttp.ClientError):
        return _translated(exc, exc, what)
    return None


def _translated(exc: BaseException, cause: BaseException, what: str) -> UpstreamError:
    if isinstance(cause, aiohttp.ClientSSLError | ssl.SSLError):
        return UpstreamUntrusted(
            f"The TLS connection to {what} could not be verified. Check the clock, the proxy and "
            "the certificates of this machine.",
            code="upstream_unreachable",
        )
    timeout_kinds = (aiohttp.ServerTimeoutError, TimeoutError, httpx.TimeoutException)
    if isinstance(cause, timeout_kinds) and not _is_refusal(cause):
        return UpstreamTimeout(f"{what} did not answer in time. Try again.", code="timeout")
    if isinstance(exc, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return UpstreamUntrusted(
            f"The address configured for {what} cannot be used.", code="upstream_unreachable"
        )
    return UpstreamUnreachable(
        f"The connection to {what} failed ({_kind(cause)}). Check the network and the proxy.",
        code="upstream_unreachable",
    )


def _is_refusal(cause: BaseException) -> bool:
    # The bridge calls these timeouts although nothing timed out.
    return isinstance(cause, aiohttp.ClientConnectionError) and not isinstance(
        cause, aiohttp.ServerTimeoutError
    )


def _kind(cause: BaseException) -> str:
    match cause:
        case aiohttp.ClientConnectorDNSError():
            return "its name does not resolve"
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return "the proxy refused"
        case aiohttp.ClientConnectorError():
            return "no connection"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return "it was cut"
        case _ if "roxy" in type(cause).__name__:
            return "the proxy refused"
        case _:
            return "it broke"
