"""List what is packed into a binary: `python -m build.contents dist/kiro-gateway`.

A line for each file and module: SHA-256 of its bytes as unpacked, size, and name. Two builds of the
same sources have the same lines. Needs PyInstaller.
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PyInstaller.archive.readers import CArchiveReader

MODULES = "PYZ.pyz"
OPTION = "o"


class Packed(NamedTuple):
    """One packed file, or a module as `PYZ.pyz/its.name`."""

    name: str
    content: bytes


def packed(binary: Path) -> Iterator[Packed]:
    """Everything in a binary, in the order of names."""
    archive = CArchiveReader(str(binary))
    for name, (*_, kind) in sorted(archive.toc.items()):
        if kind == OPTION:
            yield Packed(name, b"")
        elif name == MODULES:
            modules = archive.open_embedded_archive(name)
            for module in sorted(modules.toc):
                yield Packed(f"{name}/{module}", modules.extract(module, raw=True) or b"")
        else:
            yield Packed(name, archive.extract(name))


def main() -> None:
    """Print the list."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("binary", type=Path)
    for name, content in packed(parser.parse_args().binary):
        print(hashlib.sha256(content).hexdigest(), f"{len(content):10}", name)


if __name__ == "__main__":
    main()
