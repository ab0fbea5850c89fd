"""What an examination finds: one sentence each, and where something is wrong, what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Area = Literal[
    "settings", "port", "database", "secret key", "proxy", "host", "clock", "api keys", "account"
]
Status = Literal["ok", "warning", "problem", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    `subject` tells several of one area apart: a host; an account's name and what of it. `mend` is
    what to do, None where there is nothing to be done. `facts` are for programs.
    """

    area: Area
    status: Status
    says: str
    subject: str = ""
    mend: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found; `ok` unless something has to be mended. Warnings may wait."""

    ok: bool
    version: str
    at: datetime
    findings: tuple[Finding, ...]


Tell = Callable[[Finding], None]
"""Called with each finding as soon as it is there."""
