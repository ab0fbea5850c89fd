"""Authorization codes: bound to a proof key and an address, good once and not for long."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.rule import refused
from gateway.simulator.tokens import Family

CODE_SECONDS = 300
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")

Endpoint = Literal["social", "oidc", "external"]


@dataclass(slots=True)
class Authorization:
    """What a person allowed, and what whoever brings the code has to prove.

    Attributes:
        endpoint: which token endpoint takes the code.
        redirect_uri: what the exchange has to name, letter by letter.
        family: the tokens that the code bought; None: none yet.
    """

    endpoint: Endpoint
    account: DemoAccount
    challenge: str
    redirect_uri: str
    client_id: str | None = None
    scopes: tuple[str, ...] = ()
    expires_at: float = 0.0
    spent: bool = False
    family: Family | None = None


class CodeDesk:
    """Issues codes and takes each back once."""

    def __init__(self, *, seed: int, clock: Callable[[], float]) -> None:
        self._key = f"codes of {seed}".encode()
        self._clock = clock
        self._codes: dict[str, Authorization] = {}

    def clear(self) -> None:
        """Forget every code."""
        self._codes.clear()

    def issue(self, authorization: Authorization) -> str:
        """A code for this authorization."""
        authorization.expires_at = self._clock() + CODE_SECONDS
        mac = hmac.new(self._key, str(len(self._codes)).encode(), hashlib.sha256)
        code = f"SIM-{mac.hexdigest()[:40]}"
        self._codes[code] = authorization
        return code

    def redeem(
        self,
        endpoint: Endpoint,
        code: str,
        verifier: str,
        redirect_uri: str,
        client_id: str | None = None,
    ) -> Authorization:
        """Take a code back. Whatever comes of it, the code is spent.

        Raises:
            Refused: with the reason for the log; the answer is a plain 400 for the caller to
                reword. A code that comes a second time also revokes what it had bought.
        """
        authorization = self._codes.get(code)
        if authorization is None or authorization.endpoint != endpoint:
            raise refused("code", "code")
        if authorization.spent:
            if authorization.family is not None:
                authorization.family.revoked = True
            raise refused("code-used", "code")
        authorization.spent = True
        if authorization.expires_at <= self._clock():
            raise refused("code-expired", "code")
        if authorization.client_id != client_id:
            raise refused("code-client", "client")
        if not is_verifier(verifier) or challenge_of(verifier) != authorization.challenge:
            raise refused("code-verifier", "code verifier")
        if redirect_uri != authorization.redirect_uri:
            raise refused("code-redirect", f"{redirect_uri}, not {authorization.redirect_uri}")
        return authorization

    def owner_of(self, code: str) -> str | None:
        """Who got this code, by name."""
        authorization = self._codes.get(code)
        return authorization.account.name if authorization else None

    def spend(self, code: str) -> None:
        """Make a code worthless without taking it."""
        if authorization := self._codes.get(code):
            authorization.spent = True


def is_challenge(text: str) -> bool:
    """Whether this can be the SHA-256 of a verifier, base64url without padding."""
    return _CHALLENGE.fullmatch(text) is not None


def is_verifier(text: str) -> bool:
    """Whether RFC 7636 allows this as a verifier."""
    return _VERIFIER.fullmatch(text) is not None


def challenge_of(verifier: str) -> str:
    """The S256 challenge of RFC 7636."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
