"""What a browser brings back from a sign-in page: read with distrust.

Anybody who gets a browser to open an address of this machine can write one. Only the `state` tells
ours from theirs, so an address without it is nobody's, and tokens are never taken from one.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from gateway.errors import InvalidRequest
from gateway.upstream.http import is_loopback

MAX_ADDRESS = 8192  # characters
_MOST_MEMBERS = 50
_LONGEST_MEMBER = 4096  # characters
_LOGIN_OPTION = re.compile(r"[a-z][a-z0-9_]{0,31}")
_EXTERNAL = ("kiro", "kiro.oauth", "/callback")
# Both spellings are in use.
_NAMES = {"loginOption": "login_option", "issuerUrl": "issuer_url", "idcRegion": "idc_region"}
_TOKENS = frozenset(
    {"access_token", "accessToken", "refresh_token", "refreshToken", "id_token", "idToken"}
)
_KNOWN = (
    "state",
    "code",
    "login_option",
    "issuer_url",
    "idc_region",
    "client_id",
    "scopes",
    "login_hint",
    "error",
    "error_description",
)


Kind = Literal["malformed", "no_state", "foreign_state", "tokens", "provider"]


class CallbackRefused(InvalidRequest):
    """This address is not the answer to a sign-in, or not to this one; nothing has changed.

    Attributes:
        kind: what is wrong with it: it cannot be read, has no or another state, holds tokens, or
            names an identity provider that must not be asked.
    """

    def __init__(self, message: str, *, kind: Kind = "malformed") -> None:
        super().__init__(message, code=kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Callback:
    """An address that a browser was sent to, taken apart. What was missing is empty.

    `external` tells the two legs apart: true for the custom scheme that identity providers of
    organisations send to, false for a port of this machine.
    """

    external: bool
    path: str
    state: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    login_option: str = ""
    issuer_url: str = ""
    idc_region: str = ""
    client_id: str = ""
    scopes: str = ""
    login_hint: str = field(default="", repr=False)
    error: str = ""
    error_description: str = ""

    def has_state(self, expected: str) -> bool:
        """Whether it answers the question that `expected` went out with."""
        return bool(expected) and hmac.compare_digest(self.state.encode(), expected.encode())


def read_address(text: str) -> Callback:
    """What a person has pasted: the whole address, as the browser shows it.

    Raises:
        CallbackRefused: it is none of the addresses that a sign-in ends on.
    """
    text = text.strip().strip("<>\"'").strip()
    if len(text) > MAX_ADDRESS:
        raise CallbackRefused("This is longer than any address that a sign-in ends on.")
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        raise CallbackRefused(_NOT_AN_ADDRESS) from None
    if (parts.scheme, host, parts.path.rstrip("/")) == _EXTERNAL:
        return read_query(parts.query, path=parts.path, external=True)
    if parts.scheme != "http" or not is_loopback(host):
        raise CallbackRefused(_NOT_AN_ADDRESS)
    return read_query(parts.query, path=parts.path or "/")


def read_query(query: str, *, path: str, external: bool = False) -> Callback:
    """Take a callback's query apart.

    Raises:
        CallbackRefused: it is no answer of a sign-in page, lacks the state, or holds tokens.
    """
    try:
        members = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_MEMBERS)
    except ValueError:
        raise CallbackRefused("The address has more members than any answer.") from None
    given: dict[str, str] = {}
    for written, value in members:
        name = _NAMES.get(written, written)
        if name in _TOKENS:
            raise CallbackRefused(
                "The address holds tokens. Those are never taken from one.", kind="tokens"
            )
        if name in _KNOWN and (name in given or len(value) > _LONGEST_MEMBER):
            raise CallbackRefused("The address says something twice, or too much of it.")
        given[name] = value
    return _callback(given, path, external=external)


def _callback(given: Mapping[str, str], path: str, *, external: bool) -> Callback:
    known = {name: given[name].strip() for name in _KNOWN if name in given}
    callback = Callback(external, path, **known)
    if not callback.state:
        raise CallbackRefused(
            "The address carries no state, so it belongs to no sign-in.", kind="no_state"
        )
    if not (callback.code or callback.error or callback.issuer_url or callback.login_option):
        raise CallbackRefused("The address holds neither a code nor an error.")
    if callback.login_option and not _LOGIN_OPTION.fullmatch(callback.login_option):
        raise CallbackRefused("The address names no way to sign in.")
    return callback


_NOT_AN_ADDRESS = (
    "This is not the address that the sign-in ended on. It begins with http://localhost: or "
    "kiro://kiro.oauth/callback; copy it whole from the browser's address bar."
)
