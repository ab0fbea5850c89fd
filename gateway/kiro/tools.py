"""Tools as the service takes them: their names, descriptions and definitions."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import Raw

from gateway.conversation import Note, Tool
from gateway.kiro import texts
from gateway.kiro.body import InputSchema, ToolEntry, ToolSpecification
from gateway.kiro.schemas import EMPTY_SCHEMA, sanitise

MAX_NAME: Final = 64  # characters
MAX_DESCRIPTION: Final = 10_000  # characters
DOCUMENTATION_BUDGET: Final = 100_000
"""Characters of long descriptions that may move to the system text; what is over is cut."""
MANY_TOOLS: Final = 120
"""The service has no stated limit, but failures were seen above this."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
# The service keeps this name for a tool of its own and compares names without their case.
_RESERVED: Final = "web_search"


def is_valid_name(name: str) -> bool:
    """Whether the service takes this tool name."""
    return _NAME.fullmatch(name) is not None


def is_reserved_name(name: str) -> bool:
    """Whether the service would mistake the tool for its own."""
    return name.lower() == _RESERVED


@dataclass(frozen=True, slots=True)
class ToolNames:
    """One request's tool names, both ways.

    Attributes:
        declared: the client's own names of its tools; empty when it wants none called.
        aliases: lower-cased client names that the service would refuse → what it is told.
        originals: the other way round.
    """

    declared: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = field(default_factory=dict)
    originals: Mapping[str, str] = field(default_factory=dict)

    def to_kiro(self, name: str) -> str:
        """What the service is told for the client's `name`."""
        return self.aliases.get(name.lower(), name) if self.aliases else name

    def to_client(self, kiro_name: str) -> str:
        """The client's name for what the service says; names that are no alias stay as they are."""
        return self.originals.get(kiro_name, kiro_name)


def name_tools(declared: Sequence[str], used: Iterable[str] = ()) -> ToolNames:
    """Find an alias for every name of the two that the service would refuse.

    An alias depends on its name alone unless it is already taken by another tool, so it stays the
    same from request to request.
    """
    names = dict.fromkeys((*declared, *used))
    refused = [name for name in names if not is_valid_name(name) or is_reserved_name(name)]
    if not refused:
        return ToolNames(frozenset(declared))
    taken = {name.lower() for name in names} - {name.lower() for name in refused}
    aliases: dict[str, str] = {}
    for lowered in sorted({name.lower() for name in refused}):
        aliases[lowered] = _alias(lowered, taken)
        taken.add(aliases[lowered])
    originals: dict[str, str] = {}
    for name in names:  # declared ones first: their spelling is the one to go back to
        if alias := aliases.get(name.lower()):
            originals.setdefault(alias, name)
    return ToolNames(frozenset(declared), aliases, originals)


def _alias(name: str, taken: set[str]) -> str:
    """Readable, lower case, and at most `MAX_NAME` long."""
    stem = re.sub(r"[^a-z0-9]+", "_", name).strip("_")[:27].rstrip("_") or "tool"
    alias = f"kgw_{stem}_{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    attempt, number = alias, 0
    while attempt in taken:
        number += 1
        attempt = f"{alias[: MAX_NAME - 1 - len(str(number))]}_{number}"
    return attempt


@dataclass(frozen=True, slots=True)
class Declarations:
    """A request's tool list, the descriptions too long for it, and what happened on the way."""

    entries: tuple[ToolEntry, ...] = ()
    documentation: str = ""
    notes: tuple[Note, ...] = ()


def distinct(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """The service takes names that differ in case only for the same: the first of them stays."""
    seen: dict[str, Tool] = {}
    for tool in tools:
        seen.setdefault(tool.name.lower(), tool)
    return tuple(seen.values())


def declare(tools: Sequence[Tool], used: Iterable[str], names: ToolNames) -> Declarations:
    """Define `tools`, and a placeholder for each other name that the history has `used`.

    Args:
        tools: with distinct names.
        used: client names of the tools that the history calls.
        names: made for both.
    """
    notes: list[Note] = []
    documentation: list[str] = []
    budget = DOCUMENTATION_BUDGET
    entries: list[ToolEntry] = []
    for tool in tools:
        name = names.to_kiro(tool.name)
        description = tool.description
        if len(description) > MAX_DESCRIPTION:
            if len(description) <= budget:
                budget -= len(description)
                documentation.append(
                    f"{texts.DOCUMENTATION_HEADING.format(name=name)}\n{description}"
                )
                description = texts.DOCUMENTATION_REFERENCE.format(name=name)
                notes.append(Note("moved", "tool_description"))
            else:
                description = description[:MAX_DESCRIPTION]
                notes.append(Note("cut", "tool_description"))
        if not description or description.isspace():
            description = texts.TOOL_DESCRIPTION.format(name=name)
        schema = sanitise(tool.schema)
        if schema.notes:
            notes += schema.notes
        entries.append(_entry(name, description, schema.text))
    declared = {tool.name.lower() for tool in tools}
    for name in sorted(
        {name.lower(): name for name in used if name.lower() not in declared}.values()
    ):
        kiro_name = names.to_kiro(name)
        entries.append(
            _entry(kiro_name, texts.TOOL_DESCRIPTION.format(name=kiro_name), EMPTY_SCHEMA)
        )
        notes.append(Note("added", "tool"))
    if names.aliases:
        notes.append(Note("renamed", "tool"))
    if len(entries) > MANY_TOOLS:
        notes.append(Note("many", "tools"))
    return Declarations(tuple(entries), "\n\n".join(documentation), tuple(notes))


def _entry(name: str, description: str, schema: bytes) -> ToolEntry:
    return ToolEntry(ToolSpecification(name, description, InputSchema(Raw(schema))))
