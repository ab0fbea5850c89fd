"""Print what the changelog says of a version, for the page of its release.

    python -m build.release_notes v1.2.3

Fails when that is not the version of the sources, or when the changelog says nothing of it.
"""

import argparse
import re

from build.product import ROOT, version

INTRODUCTION = """\
Install or update:

```
curl -fsSL https://raw.githubusercontent.com/pinealctx/kiro-gateway/main/scripts/install.sh | sh
```

`SHA256SUMS` has the checksums of all files, `SHA256SUMS.sig` is its signature.
"""


def section(changelog: str, number: str) -> str:
    """What stands under the heading of a version, without the heading.

    Raises:
        LookupError: there is no such heading, or nothing under it.
    """
    found = re.search(
        rf"^## \[{re.escape(number)}\][^\n]*\n(.*?)(?=^## |^\[[^\]\n]+\]: |\Z)",
        changelog,
        re.MULTILINE | re.DOTALL,
    )
    if found is None or not found[1].strip():
        raise LookupError(f"CHANGELOG.md says nothing of {number}")
    return found[1].strip()


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("tag")
    tag = parser.parse_args().tag
    number = version()
    if tag != f"v{number}":
        parser.error(f"{tag} is the tag, and the version in gateway/__init__.py is {number}")
    try:
        print(section((ROOT / "CHANGELOG.md").read_text("utf-8"), number))
    except LookupError as exc:
        parser.error(str(exc))
    print(f"\n{INTRODUCTION}", end="")


if __name__ == "__main__":
    main()
