import subprocess
import sys

import pytest

from build.product import ROOT, version
from build.release_notes import section

CHANGELOG = """\
# Changelog

## [Unreleased]

### Added

- Something to come.

## [1.2.0] - 2026-11-01

### Added

- The thing.

## [1.2.0-rc.1] - 2026-10-01

- A trial.

## [1.1.0] - 2026-09-01

[1.2.0]: https://example.com/1.2.0
"""


@pytest.mark.parametrize(
    ("number", "text"),
    [("1.2.0", "### Added\n\n- The thing."), ("1.2.0-rc.1", "- A trial.")],
)
def test_the_notes_are_what_the_changelog_says_of_the_version(number: str, text: str) -> None:
    assert section(CHANGELOG, number) == text


@pytest.mark.parametrize("number", ["1.1.0", "1.3.0", "1.2"])
def test_a_version_of_which_nothing_is_said_is_not_released(number: str) -> None:
    with pytest.raises(LookupError, match=f"says nothing of {number}"):
        section(CHANGELOG, number)


def test_a_tag_that_is_not_the_version_of_the_sources_is_refused() -> None:
    command = [sys.executable, "-m", "build.release_notes", "v99.0.0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (
        f"v99.0.0 is the tag, and the version in gateway/__init__.py is {version()}" in done.stderr
    )
