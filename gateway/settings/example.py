"""The text of `config.example.yaml`, made from the settings so that the two cannot disagree."""

import re
import textwrap
from collections.abc import Mapping

import msgspec

from gateway.settings.constraints import BYTES
from gateway.settings.load import LoadedSettings
from gateway.settings.schema import HIDDEN, KEYS, SECTIONS, Key, Section
from gateway.settings.values import allowed_words, shape_of

HEADER = """\
# Kiro Gateway: every setting with its default; each line may be left out.
# A line that begins with "#" and a name is a setting without a default: take the "#" away.
# The environment wins over this file, and flags win over both. In the environment server.port is
# KIRO_GATEWAY_SERVER_PORT; lists have commas, and sizes may be written 64KiB or 32MiB, as here.
"""
WIDTH = 96
INDENT = "  # "
MIB = 1024 * 1024
PLAIN = re.compile(r"(~/)?[A-Za-z0-9/._][A-Za-z0-9 /._-]*")


def example_config(chosen: Mapping[str, object] | None = None) -> str:
    """Give the whole file; `chosen` values (by dotted name) stand where defaults would."""
    chosen = chosen or {}
    lines = [HEADER]
    for section, kind in SECTIONS.items():
        lines += [f"# {(kind.__doc__ or section).splitlines()[0]}", f"{section}:"]
        for key in KEYS.values():
            if key.name.startswith(f"{section}."):
                lines += _key_lines(key, chosen.get(key.name))
        lines.append("")
    return "\n".join(lines)


def _key_lines(key: Key, chosen: object | None) -> list[str]:
    name = key.name.rpartition(".")[2]
    lines = textwrap.wrap(_sentence(key), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
    if chosen is not None:
        return [*lines, f"  {name}: {as_yaml(chosen)}"]
    if key.example is not None:
        return [*lines, f"  # {name}: {as_yaml(key.example)}"]
    default = key.default
    if isinstance(default, int) and BYTES in shape_of(key.hint).markers and default % MIB == 0:
        return [*lines, f"  {name}: {default // MIB} MiB"]
    return [*lines, f"  {name}: {as_yaml(default)}"]


def _sentence(key: Key) -> str:
    words = allowed_words(key.hint)
    # Whatever else is allowed follows from the sentence, or from the value below it.
    if words.startswith("one of ") or " to " in words:
        return f"{key.description} ({words[0].upper()}{words[1:]}.)"
    return key.description


def as_yaml(value: object) -> str:
    """Write a value as YAML; as JSON, which YAML includes, where it needs brackets or quotes."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return value
    return msgspec.json.encode(value).decode()


def shown_settings(loaded: LoadedSettings) -> dict[str, object]:
    """Give every setting in force by dotted name, secrets replaced by `***`."""
    shown: dict[str, object] = {}
    for name, key in KEYS.items():
        section, _, field = name.partition(".")
        value = getattr(getattr(loaded.settings, section), field)
        if key.secret and value:
            value = HIDDEN
        elif isinstance(value, tuple):
            value = [_shown(item) for item in value]
        shown[name] = value
    return shown


def _shown(item: object) -> object:
    return dict(item.__rich_repr__()) if isinstance(item, Section) else item
