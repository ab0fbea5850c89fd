"""Write SHA256SUMS for a folder of release files, and sign it.

    python -m build.checksums dist/release

The private key, PEM, is taken from the environment variable KIRO_GATEWAY_RELEASE_KEY. Without it
there is no signature, which --signed makes an error.
"""

import argparse
import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.release_key import PUBLIC_KEYS, is_signed

SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"
KEY_VARIABLE = "KIRO_GATEWAY_RELEASE_KEY"


def write_sums(folder: Path) -> Path:
    """Write the hashes of all files in a folder, as `sha256sum --check` takes them."""
    files = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in {SUMS, SIGNATURE}
    ]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    sums = folder / SUMS
    sums.write_bytes("".join(lines).encode())
    return sums


def sign(sums: Path, pem: str, keys: tuple[str, ...] = PUBLIC_KEYS) -> Path:
    """Write the signature beside the sums.

    Raises:
        ValueError: the key is no Ed25519 key, or not the one that people check with.
    """
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(  # noqa: TRY004  # it is what the variable holds that is wrong
            f"{KEY_VARIABLE} holds no Ed25519 key"
        )
    content = sums.read_bytes()
    signature = key.sign(content)
    if not is_signed(content, signature, keys):
        raise ValueError(
            f"{KEY_VARIABLE} does not belong to gateway/release_key.py: nobody could check this "
            "signature. `make release-key` makes a pair."
        )
    path = sums.with_name(SIGNATURE)
    path.write_bytes(signature)
    return path


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--signed", action="store_true", help="fail where there is no key")
    wanted = parser.parse_args()
    sums = write_sums(wanted.folder)
    (wanted.folder / SIGNATURE).unlink(missing_ok=True)
    print(sums.read_text(), end="")
    if pem := os.environ.get(KEY_VARIABLE):
        try:
            print(f"signed: {sign(sums, pem)}")
        except ValueError as exc:
            parser.error(str(exc))
    elif wanted.signed:
        parser.error(f"{KEY_VARIABLE} is not set, and a release is signed")
    else:
        print(f"not signed: {KEY_VARIABLE} is not set")


if __name__ == "__main__":
    main()
