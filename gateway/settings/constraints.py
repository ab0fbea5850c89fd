"""What a setting may be, beyond its type: markers for the annotations in `schema`."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import SplitResult, parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Allowed:
    """A text value must pass `test`; `words` complete the sentence “… is not <words>”."""

    words: str
    test: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Marker:
    """A property of a setting that its type cannot carry."""

    name: str


SECRET = Marker("secret")
"""Never shown: not in a repr, an error, a log line or `config show`."""

BYTES = Marker("bytes")
"""An integer that may be written with a unit: `64 KiB`, `32MiB`, `1 GiB`."""

PATH = Marker("path")
"""A leading `~` means the home directory."""

EXPANDED = Marker("expanded")
"""`${VAR}` in it is replaced from the environment."""

REGION_PLACEHOLDER = "{region}"


def split_url(value: str) -> SplitResult | None:
    """Take a URL apart; None when it is no usable one: no host, a bad port, white space."""
    parts = _parts(value)
    return parts if parts and parts.hostname else None


def _parts(value: str) -> SplitResult | None:
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        return None
    try:
        parts = urlsplit(value)
        _ = parts.port  # a bad one raises only when asked for
    except ValueError:
        return None
    return parts


def is_loopback_host(host: str) -> bool:
    """Tell whether a host name or address never leaves this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_service_url(value: str) -> bool:
    parts = split_url(value.replace(REGION_PLACEHOLDER, "us-east-1"))
    return (
        parts is not None
        and parts.scheme in {"http", "https"}
        and not parts.query
        and not parts.fragment
        and parts.username is None
        and "{" not in parts.geturl()
    )


def _is_web_url(value: str) -> bool:
    parts = split_url(value)
    return parts is not None and parts.scheme in {"http", "https"}


def _is_proxy_url(value: str) -> bool:
    parts = split_url(value)
    return (
        parts is not None
        and parts.scheme in {"http", "https", "socks5"}
        and parts.path in {"", "/"}
        and not parts.query
    )


def _is_origin(value: str) -> bool:
    parts = split_url(value)
    return (
        parts is not None
        and parts.scheme in {"http", "https"}
        and not (parts.path or parts.query or parts.fragment)
    )


def _is_network(value: str) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def _is_database_url(value: str) -> bool:
    parts = _parts(value)
    if parts is None or parts.scheme not in {"postgresql", "postgres"} or len(parts.path) < 2:
        return False
    # A server's socket has no place before the path: postgresql:///gateway?host=/run/postgresql
    return bool(parts.hostname or parse_qs(parts.query).get("host"))


def _is_timezone(value: str) -> bool:
    if value == "Local":
        return True
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # reads files, and hardly anybody sets this

    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):  # a missing zone is a KeyError
        return False
    return True


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


ServiceUrl = Annotated[
    str, Allowed("an http(s) URL without query; {region} may stand in it", _is_service_url)
]
ProxyUrl = Annotated[
    str, Allowed("a proxy URL such as http://host:3128 or socks5://host:1080", _is_proxy_url)
]
WebUrl = Annotated[str, Allowed("an http(s) URL", _is_web_url)]
DatabaseUrl = Annotated[
    str, Allowed("a URL such as postgresql://user:password@host/database", _is_database_url)
]
Origin = Annotated[
    str, Allowed("an origin such as https://admin.example.com (no path, no *)", _is_origin)
]
Network = Annotated[
    str, Allowed("an address or network such as 10.0.0.0/8 or fd00::/8", _is_network)
]
HostName = Annotated[
    str,
    Allowed("a host name or address, without scheme or path", _matches(r"[A-Za-z0-9._:\[\]-]+")),
]
HeaderText = Annotated[
    str, Allowed("printable ASCII text, 1 to 256 characters", _matches(r"[\x20-\x7e]{1,256}"))
]
NonEmpty = Annotated[str, Allowed("text of at least one character", _matches(r"(?s).+"))]
Timezone = Annotated[str, Allowed("Local or a time zone such as Europe/Berlin", _is_timezone)]
TimeOfDay = Annotated[
    str, Allowed("a time of day such as 09:30", _matches(r"([01][0-9]|2[0-3]):[0-5][0-9]"))
]
