"""The key that releases are signed with, as everybody who checks them needs it.

`SHA256SUMS` of a release names its files and their hashes; `SHA256SUMS.sig` is the Ed25519
signature of that file, 64 bytes (RFC 8032). The private key is known to the release workflow alone;
`make release-key` makes a pair and writes the public half here, see docs/building.md.
"""

PUBLIC_KEYS: tuple[str, ...] = ()
"""SubjectPublicKeyInfo as PEM. Several while one takes over from another; none: nobody can sign."""


def is_signed(content: bytes, signature: bytes, keys: tuple[str, ...] = PUBLIC_KEYS) -> bool:
    """Whether `signature` is one of `content` by any of the keys."""
    # Only an update needs it, and it takes long to load.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    for pem in keys:
        key = load_pem_public_key(pem.encode("ascii"))
        if not isinstance(key, Ed25519PublicKey):
            raise TypeError("release keys are Ed25519 keys")
        try:
            key.verify(signature, content)
        except InvalidSignature:
            continue
        return True
    return False
