"""Versions, ordered as Semantic Versioning 2.0.0 says (section 11)."""

import re
from dataclasses import dataclass, field
from functools import total_ordering

_FORM = re.compile(
    r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A version; what is behind a `+` is kept and does not count."""

    numbers: tuple[int, int, int]
    pre_release: tuple[str, ...] = ()
    build: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read `1.2.3`, `v1.2.3-rc.1` and the like.

        Raises:
            ValueError: it is none.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no version; one looks like v1.2.3")
        major, minor, patch, pre_release, build = found.groups()
        parts = tuple(pre_release.split(".")) if pre_release else ()
        if any(part.isdigit() and part != "0" and part.startswith("0") for part in parts):
            raise ValueError(f"{text!r} is no version: a number in it begins with 0")
        return cls((int(major), int(minor), int(patch)), parts, build or "")

    def __str__(self) -> str:
        text = ".".join(map(str, self.numbers))
        if self.pre_release:
            text += "-" + ".".join(self.pre_release)
        return f"{text}+{self.build}" if self.build else text

    def __lt__(self, other: "Version") -> bool:
        return self._rank() < other._rank()

    def _rank(self) -> tuple[object, ...]:
        # Numbers come before words, and a longer list of the same beginning after a shorter one.
        parts = [
            (0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre_release
        ]
        return (self.numbers, not self.pre_release, parts)
