"""The way to each host that is really used: proxy, name, connection, TLS, and its clock."""

import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from gateway.doctor.findings import Finding
from gateway.errors import UpstreamError, UpstreamUntrusted
from gateway.store.accounts import Account
from gateway.upstream.endpoints import EndpointUrls, endpoints_of
from gateway.upstream.http import HttpClients, is_loopback, network_errors
from gateway.upstream.signin.refresh import RefreshUrls

NAME_LIMIT = 5.0  # seconds
LIMIT = 15.0  # seconds for a whole exchange
TOLERANCE, TOO_FAR = 60.0, 300.0  # seconds that the clock may differ


@dataclass(frozen=True, slots=True)
class Host:
    """An address without its path, through which proxy it is reached, and what it is for."""

    url: str
    proxy: str | None
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Visit:
    """How the way to a host was, and how many seconds our clock is ahead of its."""

    finding: Finding
    ahead: float | None


def hosts_of(
    accounts: Iterable[Account], urls: EndpointUrls, refresh: RefreshUrls, proxy: str | None
) -> tuple[Host, ...]:
    """The hosts that these accounts use, without doubles; without accounts, the usual ones."""
    purposes: dict[tuple[str, str | None], list[str]] = {}

    def use(url: str | None, through: str | None, purpose: str) -> None:
        if url is None:
            return
        parts = urlsplit(url)
        known = purposes.setdefault((f"{parts.scheme}://{parts.netloc}", through), [])
        if purpose not in known:
            known.append(purpose)

    any_account = False
    for account in accounts:
        any_account = True
        endpoints = endpoints_of(account, urls, refresh)
        through = account.proxy or proxy
        use(endpoints.runtime, through, "requests")
        use(endpoints.management, through, "models and quota")
        use(endpoints.sign_in, through, "sign-in")
    if not any_account:
        for url, purpose in (
            (urls.runtime_url, "requests"),
            (urls.management_url, "models and quota"),
            (refresh.auth, "sign-in"),
            (refresh.oidc, "sign-in"),
        ):
            use(url.replace("{region}", "us-east-1"), proxy, purpose)
    return tuple(Host(url, through, tuple(several)) for (url, through), several in purposes.items())


async def check_proxy(proxy: str) -> Finding:
    """Connect to a proxy, and no further."""
    parts = urlsplit(proxy)
    place = f"{parts.hostname}:{parts.port or 80}"
    try:
        with anyio.fail_after(LIMIT):
            stream = await anyio.connect_tcp(parts.hostname or "", parts.port or 80)
        await stream.aclose()
    except (OSError, TimeoutError) as exc:
        return Finding(
            "proxy",
            "problem",
            f"{place} cannot be reached: {_reason(exc)}.",
            place,
            mend="Look at upstream.proxy, or at the proxy of the account that uses it.",
        )
    return Finding("proxy", "ok", f"{place} takes connections.", place)


async def visit(host: Host, clients: HttpClients, *, hint: str = "") -> Visit:
    """Look a host's name up, connect, and see whether it answers at all; the status is no matter.

    `hint` is added to what to do when it cannot be reached.
    """
    parts = urlsplit(host.url)
    name = parts.hostname or ""
    facts: dict[str, object] = {"url": host.url, "for": list(host.purposes)}
    purpose = ", ".join(host.purposes)
    if host.proxy is None and not is_loopback(name):
        try:
            facts["addresses"] = await _look_up(name, parts.port or 443)
        except (OSError, TimeoutError) as exc:
            return Visit(
                Finding(
                    "host",
                    "problem",
                    f"{name} ({purpose}) has no address: {_reason(exc)}.",
                    name,
                    mend=f"See to this machine's DNS. {hint}".strip(),
                    facts=facts,
                ),
                None,
            )
    client = clients.client_for(host.url, host.proxy)
    started_at = time.perf_counter()
    before = datetime.now(UTC)
    try:
        with anyio.fail_after(LIMIT), network_errors(name):
            answer = await client.get(host.url + "/", timeout=LIMIT)
    except (UpstreamError, TimeoutError) as exc:
        says = str(exc) or f"{name} did not answer in time."
        return Visit(_unreachable(host, says, exc, hint, facts), None)
    seconds = time.perf_counter() - started_at
    facts |= {"milliseconds": round(seconds * 1000), "status": answer.status_code}
    if answer.status_code == 407:
        says = f"The proxy in front of {name} wants another user or password."
        return Visit(_unreachable(host, says, None, hint, facts), None)
    way = " through the proxy" if host.proxy else ""
    secure = " over TLS" if parts.scheme == "https" else ""
    says = f"{parts.netloc} ({purpose}) answers{secure}{way}, in {seconds * 1000:.0f} ms."
    ahead = _ahead(answer.headers.get("date"), before, seconds)
    return Visit(Finding("host", "ok", says, name, facts=facts), ahead)


def check_clock(visits: Iterable[Visit]) -> Finding:
    """Compare this machine's clock to those of the hosts that tell the time."""
    known = sorted(visit.ahead for visit in visits if visit.ahead is not None)
    if not known:
        return Finding("clock", "skipped", "No host was reached that tells the time.")
    ahead = known[len(known) // 2]
    facts = {"seconds_ahead": round(ahead, 1)}
    if abs(ahead) <= TOLERANCE:
        return Finding("clock", "ok", "It agrees with those of the hosts.", facts=facts)
    where = "ahead of" if ahead > 0 else "behind"
    return Finding(
        "clock",
        "problem" if abs(ahead) > TOO_FAR else "warning",
        f"It is {_duration(abs(ahead))} {where} those of the hosts, so that tokens seem to end at "
        "other times than they do.",
        mend="Let this machine set its clock by the network (NTP).",
        facts=facts,
    )


def hint_of(variables: Mapping[str, str], proxy: str | None) -> str:
    """What to say about a proxy that this machine seems to need and the gateway was not told of."""
    if proxy is not None or not variables:
        return ""
    names = " and ".join(variables)
    return f"{names} is set here, which the gateway does not heed: put it into upstream.proxy."


def _unreachable(
    host: Host, says: str, exc: Exception | None, hint: str, facts: Mapping[str, object]
) -> Finding:
    name = urlsplit(host.url).hostname or ""
    mend = "See to the network of this machine, its firewall and upstream.proxy."
    if isinstance(exc, UpstreamUntrusted):
        mend = (
            "Where a proxy opens TLS, put its certificate among the trusted ones and name that "
            "file in SSL_CERT_FILE."
        )
    says = says if name in says else f"{name}: {says}"
    return Finding("host", "problem", says, name, mend=" ".join(_parts(mend, hint)), facts=facts)


def _parts(*texts: str) -> Iterator[str]:
    yield from filter(None, texts)


async def _look_up(name: str, port: int) -> list[str]:
    with anyio.fail_after(NAME_LIMIT):
        found = await anyio.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return sorted({str(address[4][0]) for address in found})


def _ahead(date: str | None, before: datetime, seconds: float) -> float | None:
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    if theirs.tzinfo is None:
        return None
    # Theirs was written about half-way, and cut to whole seconds.
    ahead: float = (before - theirs).total_seconds() + seconds / 2
    return ahead - 0.5


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def _reason(exc: BaseException) -> str:
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    cause = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
    return str(getattr(cause, "strerror", None) or cause).lower()
