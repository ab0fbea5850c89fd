"""Where a request comes from, judged by its connection and, through known proxies, by headers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Whoever sends one of these speaks for somebody else, or pretends to.
FORWARDING_HEADERS = (
    "cf-connecting-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-original-forwarded-for",
    "x-real-ip",
)


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """The address a request comes from; `known` is None when that cannot be told.

    `scheme` is what the client itself spoke, None where a proxy in between keeps it back.
    `forwarded` is true when somebody stands between who is no trusted proxy: such a request is
    nobody's own.
    """

    known: Address | None
    peer: str
    scheme: str | None = None
    forwarded: bool = False

    @property
    def text(self) -> str:
        """What failures are counted under and logs may say."""
        return str(self.known) if self.known is not None else self.peer

    def is_local(self, allowed: Sequence[Network]) -> bool:
        """Whether it comes from this machine itself or from an allowed network."""
        if self.known is None or self.forwarded:
            return False
        return self.known.is_loopback or is_within(self.known, allowed)


@lru_cache(maxsize=16)
def networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    """Read networks as settings hold them: checked already, host bits allowed."""
    return tuple(ip_network(name, strict=False) for name in names)


def is_within(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks."""
    return any(address in network for network in allowed)


def client_of(scope: Scope, headers: Headers, trusted_proxies: tuple[str, ...]) -> ClientAddress:
    """Who sent a request, as `client_address` finds it."""
    peer = scope["client"][0] if scope.get("client") else ""
    return client_address(
        peer,
        headers,
        networks(trusted_proxies),
        scheme=scope.get("scheme", "http"),
        http_version=scope.get("http_version", "1.1"),
    )


def client_address(
    peer: str,
    headers: Headers,
    trusted: Sequence[Network],
    *,
    scheme: str = "http",
    http_version: str = "1.1",
) -> ClientAddress:
    """Find out who is asking.

    Only a trusted proxy is believed what it says in `X-Forwarded-For`, and of that only the part
    that trusted proxies wrote: the rightmost entry that is none of them. A trusted proxy that says
    nothing leaves the client unknown.

    Args:
        peer: the other end of the socket; empty for one without an address.
        headers: as they came.
        trusted: networks of proxies that are believed.
        scheme: what the peer speaks.
        http_version: of the request; see below why it matters.
    """
    address = _address(peer)
    if address is not None and is_within(address, trusted):
        entries = [
            entry.strip()
            for line in headers.getlist("x-forwarded-for")
            for entry in line.split(",")
        ]
        told = headers.get("x-forwarded-proto", "").strip().lower()
        return ClientAddress(
            _forwarded_for(entries, trusted), peer, told if told in {"http", "https"} else None
        )
    # nginx, unless told otherwise, adds no header at all but speaks HTTP/1.0, as no browser does.
    forwarded = http_version == "1.0" or any(name in headers for name in FORWARDING_HEADERS)
    return ClientAddress(address, peer, scheme, forwarded)


def _forwarded_for(entries: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    nearest: Address | None = None
    for entry in reversed(entries):
        nearest = _address(_without_port(entry))
        if nearest is None or not is_within(nearest, trusted):
            return nearest
    return nearest  # the client itself is in a trusted network


def _without_port(entry: str) -> str:
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
