"""Encryption at rest: without a key, the database file tells nothing of tokens and secrets.

The key comes from `KIRO_GATEWAY_SECRET_KEY` or a file beside the database: 32 bytes as base64, or
as 64 hex digits. Several keys, separated by commas or line breaks, allow a rotation: the first one
encrypts, all of them decrypt.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import StoreError

KEY_SIZE = 32  # bytes: AES-256
NONCE_SIZE = 12  # bytes
SCHEME = "v1"
PREFIX_LENGTH = len(SCHEME) + 1 + 8
"""Characters of an encrypted text that name its scheme and key."""


class SecretBox:
    """Encrypts short texts with AES-256-GCM.

    The result reads `v1:<key id>:<base64url of nonce and ciphertext>` and is bound to a `place`,
    such as `accounts/<id>/credentials`: moved to another row or column it no longer opens.
    """

    def __init__(self, *keys: bytes) -> None:
        """`keys` have 32 bytes each; the first encrypts."""
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        # Another key for another purpose, though made of the same.
        self._fingerprints = hmac.digest(keys[0], b"kiro-gateway fingerprints", "sha256")
        self.key_id = _key_id(keys[0])

    def __repr__(self) -> str:
        return f"SecretBox(key_id={self.key_id!r})"

    def encrypt(self, text: str, *, place: str) -> str:
        """Seal a text for one place; the same text gives another result each time."""
        return self.encrypt_bytes(text.encode(), place=place)

    def encrypt_bytes(self, content: bytes, *, place: str) -> str:
        """As `encrypt`."""
        nonce = secrets.token_bytes(NONCE_SIZE)
        sealed = self._ciphers[self.key_id].encrypt(nonce, content, place.encode())
        return f"{SCHEME}:{self.key_id}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, sealed: str, *, place: str) -> str:
        """Open what `encrypt` made for the same place.

        Raises:
            StoreError: sealed with a key that is not ours, for another place, or damaged.
        """
        return self.decrypt_bytes(sealed, place=place).decode()

    def decrypt_bytes(self, sealed: str, *, place: str) -> bytes:
        """As `decrypt`."""
        cipher = self._cipher(sealed)
        try:
            raw = base64.urlsafe_b64decode(sealed.rpartition(":")[2])
            return cipher.decrypt(raw[:NONCE_SIZE], raw[NONCE_SIZE:], place.encode())
        except (InvalidTag, ValueError) as exc:
            raise StoreError(
                f"The encrypted value at {place} is damaged. Restore the database from a backup, "
                "or sign the account in again."
            ) from exc

    def fingerprint(self, text: str, *, place: str) -> str:
        """The same 64 hex digits for the same text and place; without our key, nothing at all."""
        return hmac.new(
            self._fingerprints, f"{place}\0{text}".encode("utf-8", "surrogatepass"), "sha256"
        ).hexdigest()

    def check(self, sealed: str) -> None:
        """Tell, from the first `PREFIX_LENGTH` characters of a sealed text, if it was our key.

        Raises:
            StoreError: it was another, or something else altogether.
        """
        self._cipher(sealed)

    def _cipher(self, sealed: str) -> AESGCM:
        scheme, _, rest = sealed.partition(":")
        sealed_by = rest.partition(":")[0]
        if scheme != SCHEME or not sealed_by:
            raise StoreError("The database holds an encrypted value in an unknown format.")
        cipher = self._ciphers.get(sealed_by)
        if cipher is None:
            raise StoreError(
                f"The secrets in the database were encrypted with another key (its id is "
                f"{sealed_by}, this one's {self.key_id}). Put the right one into "
                "KIRO_GATEWAY_SECRET_KEY, or restore the secret.key file that belongs to this "
                "database."
            )
        return cipher


def open_secrets(value: str | None, key_file: Path) -> SecretBox:
    """The box for the keys in `value` or, when that is empty, in `key_file`.

    A missing file is made, readable by its owner alone; processes that start together agree on one.

    Raises:
        StoreError: the value or the file holds no key, or the file cannot be read or made.
    """
    if value and value.strip():
        return SecretBox(*parse_keys(value, source="KIRO_GATEWAY_SECRET_KEY"))
    try:
        text = _read_or_create(key_file)
    except (OSError, UnicodeDecodeError) as exc:
        raise StoreError(
            f"The secret key file {key_file} cannot be used: {_reason(exc)}. Mend its "
            "permissions, or set KIRO_GATEWAY_SECRET_KEY."
        ) from exc
    return SecretBox(*parse_keys(text, source=str(key_file)))


def new_key() -> str:
    """A fresh random key in the form that `KIRO_GATEWAY_SECRET_KEY` takes."""
    return base64.b64encode(secrets.token_bytes(KEY_SIZE)).decode()


def parse_keys(text: str, *, source: str) -> tuple[bytes, ...]:
    """Read keys; `source` is what an error names instead of showing the text.

    Raises:
        StoreError: there is no key, or one is malformed.
    """
    keys = tuple(_parse_key(word, source) for word in re.split(r"[,\s]+", text.strip()) if word)
    if not keys:
        raise _malformed(source)
    return keys


def _parse_key(word: str, source: str) -> bytes:
    if re.fullmatch(r"[0-9a-fA-F]{64}", word):
        return bytes.fromhex(word)
    standard = word.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError as exc:
        raise _malformed(source) from exc
    if len(key) != KEY_SIZE:
        raise _malformed(source)
    return key


def _malformed(source: str) -> StoreError:
    return StoreError(
        f"{source} holds no secret key: 32 random bytes as base64 are expected, as "
        "`openssl rand -base64 32` prints them."
    )


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"kiro-gateway secret key\0" + key).hexdigest()[:8]


def _read_or_create(path: Path) -> str:
    try:
        text = path.read_text()
    except FileNotFoundError:
        return _create(path)
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return text


def _create(path: Path) -> str:
    """Write the file beside its place, then move it there unless another process was first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            # Neither replaces a file that is there: a link on POSIX, a rename on Windows.
            (os.rename if sys.platform == "win32" else os.link)(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text()


def _reason(exc: Exception) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or "it is not text"
