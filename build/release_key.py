"""Make the pair of keys that releases are signed and checked with.

    python -m build.release_key FILE

FILE gets the private key, for its owner alone; it goes into the secret KIRO_GATEWAY_RELEASE_KEY of
the release workflow and a safe, and nowhere else. The public key is written to where it is checked:
gateway/release_key.py and the installers.
"""

import argparse
import os
import re
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from build.product import ROOT
from gateway.release_key import PUBLIC_KEYS

MODULE = Path("gateway/release_key.py")
INSTALLERS = (Path("scripts/install.sh"), Path("scripts/install.ps1"))

IN_MODULE = re.compile(r"^PUBLIC_KEYS: tuple\[str, \.\.\.\] = \(.*?\)$", re.MULTILINE | re.DOTALL)
# In the installers the keys stand, one after the other, between two lines that end like this.
IN_INSTALLER = re.compile(
    r"(?<=release keys begin\n).*?(?=^[^\n]*release keys end$)", re.MULTILINE | re.DOTALL
)


def new_pair() -> tuple[str, str]:
    """A private and a public key, as PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def put_in(root: Path, keys: Iterable[str]) -> list[Path]:
    """Write the public keys to where they are checked; gives the files that changed."""
    keys = list(keys)
    blocks = "".join('    """\\\n' + pem + '""",\n' for pem in keys)
    changed = [_replace(root / MODULE, IN_MODULE, f"PUBLIC_KEYS: tuple[str, ...] = (\n{blocks})")]
    there = [root / name for name in INSTALLERS if (root / name).exists()]
    return changed + [_replace(path, IN_INSTALLER, "".join(keys)) for path in there]


def _replace(path: Path, pattern: re.Pattern[str], text: str) -> Path:
    before = path.read_text("utf-8")
    after, count = pattern.subn(lambda _: text, before)
    if count != 1:
        raise ValueError(f"{path} has {count} places for the keys, not one")
    path.write_bytes(after.encode())
    return path


def main() -> None:
    """Make a pair and put its halves where they belong."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("file", type=Path, help="where the private key goes; must not exist")
    parser.add_argument("--keep", action="store_true", help="the old public keys stay good as well")
    wanted = parser.parse_args()
    private, public = new_pair()
    try:
        descriptor = os.open(wanted.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        parser.error(f"{wanted.file} exists; a key is never written over another")
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123  # made with its mode
        file.write(private)
    changed = put_in(ROOT, [*(PUBLIC_KEYS if wanted.keep else ()), public])
    print(f"The private key is in {wanted.file}. Keep it out of the repository.")
    print("The public key is in", *(str(path.relative_to(ROOT)) for path in changed))


if __name__ == "__main__":
    main()
