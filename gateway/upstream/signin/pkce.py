"""Proof Key for Code Exchange (RFC 7636): shows that who redeems a code is who asked for it."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pkce:
    """A verifier that stays here, and the challenge (S256) that goes along with the question."""

    verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """What is sent first; the verifier cannot be told from it."""
        return _base64url(hashlib.sha256(self.verifier.encode()).digest())


def new_pkce() -> Pkce:
    """A fresh pair; 43 characters each."""
    return Pkce(_base64url(secrets.token_bytes(32)))


def new_state() -> str:
    """What an answer has to bring back so that it is believed to be one."""
    return secrets.token_urlsafe(32)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
