"""The oldest glibc that a Linux binary runs on: `python -m build.glibc_floor dist/kiro-gateway`.

Reads the symbol versions that the binary and every library packed into it ask of the C library, and
fails when one is newer than --at-most. Needs PyInstaller and binutils.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from build.contents import packed

Version = tuple[int, ...]

REFERENCE = re.compile(r"\bName: GLIBC_([0-9.]+)")


def parse(text: str) -> Version:
    """Turn 2.28 into numbers that compare."""
    return tuple(int(part) for part in text.split("."))


def needed_by(file: Path) -> Version:
    """The newest version of glibc's symbols that an ELF file refers to; (0,) for none."""
    shown = subprocess.run(
        ["readelf", "--version-info", "--wide", file],  # noqa: S607  # of the build machine
        capture_output=True,
        text=True,
        check=True,
    )
    return max((parse(found) for found in REFERENCE.findall(shown.stdout)), default=(0,))


def needs(binary: Path) -> dict[str, Version]:
    """For the binary and each library in it, the glibc that it needs."""
    found = {binary.name: needed_by(binary)}
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "library")
        for name, content in packed(binary):
            if content.startswith(b"\x7fELF"):
                library.write_bytes(content)
                found[name] = needed_by(library)
    return found


def main() -> int:
    """Print the floor and what sets it."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--at-most", metavar="VERSION", help="such as 2.28")
    wanted = parser.parse_args()
    found = needs(wanted.binary)
    floor = max(found.values())
    shown = ".".join(map(str, floor))
    setters = sorted(name for name, version in found.items() if version == floor)
    print(f"glibc {shown} or newer is needed ({', '.join(setters[:4])})")
    if wanted.at_most and floor > parse(wanted.at_most):
        for name, version in sorted(found.items()):
            if version > parse(wanted.at_most):
                print(f"  {name} needs {'.'.join(map(str, version))}")
        print(f"That is newer than {wanted.at_most}: build on an older system.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
