"""Whether a browser's page may be behind a request: `Host` and `Origin`.

A page on the internet can have its own name resolve to 127.0.0.1 and then speak to the gateway as
to its own server (DNS rebinding): the browser still sends the page's name as `Host`. And any page
can send requests elsewhere with the user's cookies: the browser then sends the page's `Origin`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from gateway.settings.constraints import is_loopback_host

DEFAULT_PORTS = {"http": 80, "https": 443}
OTHER_SITES = frozenset({"cross-site", "same-site"})


@dataclass(frozen=True, slots=True)
class Authority:
    """A host with its port; None is the scheme's default port."""

    host: str
    port: int | None


def parse_authority(text: str) -> Authority | None:
    """Read a `Host` header; None when it is no authority."""
    if not text or any(char in text for char in "/@?#\\ \t,"):
        return None
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return Authority(host.rstrip("."), port) if host else None


def requested_host(headers: Headers) -> Authority | None:
    """Whom the client believes to speak to; None when it says nothing, or two things."""
    given = headers.getlist("host")
    return parse_authority(given[0]) if len(given) == 1 else None


def is_own_host(host: Authority, own: Collection[str]) -> bool:
    """Whether a name or address is one of ours: loopback's, or listed in `own` (lower case).

    An entry of `own` may name a port; without one it stands for every port.
    """
    if is_loopback_host(host.host):
        return True
    for name in own:
        entry = parse_authority(name if name.count(":") < 2 or "[" in name else f"[{name}]")
        if entry is not None and entry.host == host.host and entry.port in {None, host.port}:
            return True
    return False


def is_foreign_page(
    headers: Headers, host: Authority, scheme: str | None, allowed: Collection[str]
) -> bool:
    """Whether a page of another origin, not among the `allowed` ones, has sent the request.

    Args:
        headers: as they came.
        host: whom the request was sent to.
        scheme: what the client spoke; None when a proxy in between did not say.
        allowed: origins such as `https://admin.example.com`.
    """
    origins = headers.getlist("origin")
    if not origins:
        # Old browsers leave Origin out of some requests; new ones then say where they come from.
        return headers.get("sec-fetch-site", "").strip().lower() in OTHER_SITES
    if len(origins) > 1:
        return True
    return origins[0] not in allowed and not _is_same_origin(origins[0], host, scheme)


def _is_same_origin(origin: str, host: Authority, scheme: str | None) -> bool:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in DEFAULT_PORTS or scheme not in {None, parts.scheme}:
        return False
    default = DEFAULT_PORTS[parts.scheme]
    return parts.hostname == host.host and (port or default) == (host.port or default)
