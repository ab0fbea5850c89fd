"""How large a binary is, what makes it so, and whether it is small enough.

python -m build.size dist/kiro-gateway
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from PyInstaller.archive.readers import CArchiveReader

from build.product import LARGEST_BINARY


def main() -> int:
    """Print it; fail when it is too large."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("binary", type=Path)
    binary = parser.parse_args().binary
    parts: Counter[str] = Counter()
    for name, (_, packed, *_) in CArchiveReader(str(binary)).toc.items():
        parts[Path(name).parts[0]] += packed
    size = binary.stat().st_size
    largest = ", ".join(f"{name} {part / 2**20:.1f}" for name, part in parts.most_common(6))
    print(f"{binary}: {size / 2**20:.1f} MiB of {LARGEST_BINARY / 2**20:.0f} ({largest})")
    return int(size > LARGEST_BINARY)


if __name__ == "__main__":
    sys.exit(main())
