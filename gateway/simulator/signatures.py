"""Signatures under reasoning: only what this simulator thought may come back to it."""

import base64
import hashlib
import hmac


class ReasoningSigner:
    """Signs reasoning text and sealed reasoning; the key follows from the seed."""

    def __init__(self, seed: int) -> None:
        self._key = f"reasoning of {seed}".encode()

    def sign(self, text: str) -> str:
        """The signature of a reasoning text, base64."""
        return base64.b64encode(b"kiro-sim" + self._mac(b"text " + text.encode())).decode()

    def is_ours(self, text: str, signature: str) -> bool:
        """Whether the signature was made here, for exactly this text."""
        return hmac.compare_digest(self.sign(text).encode(), signature.encode())

    def seal(self, text: str) -> str:
        """Reasoning that only the service can read, base64."""
        content = hashlib.sha256(text.encode()).digest()
        return base64.b64encode(content + self._mac(b"seal " + content)).decode()

    def is_sealed_here(self, sealed: str) -> bool:
        """Whether `sealed` comes from `seal`."""
        try:
            raw = base64.b64decode(sealed, validate=True)
        except ValueError:
            return False
        return hmac.compare_digest(self._mac(b"seal " + raw[:32]), raw[32:])

    def _mac(self, data: bytes) -> bytes:
        return hmac.new(self._key, data, hashlib.sha256).digest()
