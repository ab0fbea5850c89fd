"""A YAML text, read along the settings' own types.

Nodes are composed but never constructed: a scalar stays the text that was written, so `18:00` is no
number in base 60, `no` no boolean where a word is wanted, and every value knows its line.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args, get_origin

import yaml
from msgspec import structs

from gateway.errors import SettingsError
from gateway.settings.schema import KEYS, SECTIONS, Section
from gateway.settings.values import BadValue, allowed_words, parse_scalar, shape_of

NULL = "tag:yaml.org,2002:null"
# The C parser is ten times as fast, but not every build of PyYAML has it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Given:
    """A value, and where an operator wrote it."""

    value: object
    origin: str


@dataclass(slots=True)
class YamlReader:
    """Reads one text. Collects problems rather than stopping at the first."""

    source: str
    environ: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def read(self, text: str) -> dict[str, Given]:
        """Give the settings in a file's text, by dotted name.

        Raises:
            SettingsError: it is no YAML.
        """
        root = self._compose(text)
        given: dict[str, Given] = {}
        for section, section_node in self._members(root, "", SECTIONS):
            for name, node in self._members(section_node, section, _names_in(section)):
                key = KEYS[f"{section}.{name}"]
                value = self._value(node, key.hint, key.name)
                given[key.name] = Given(value, self.at(node))
        return given

    def read_value(self, text: str, hint: object, key: str) -> object:
        """Read one setting from YAML (or JSON) text, as an environment variable may hold."""
        return self._value(self._compose(text), hint, key)

    def at(self, node: yaml.Node) -> str:
        """Name the place of a node."""
        return f"{self.source}, line {node.start_mark.line + 1}"

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            return yaml.compose(text, Loader=LOADER)
        except yaml.MarkedYAMLError as exc:
            mark = exc.problem_mark or exc.context_mark
            line = f", line {mark.line + 1}" if mark else ""
            raise SettingsError(f"{self.source}{line}: {exc.problem or exc.context}") from exc
        except yaml.YAMLError as exc:
            raise SettingsError(f"{self.source}: not readable as YAML text") from exc

    def _members(
        self, node: yaml.Node | None, path: str, known: Mapping[str, object]
    ) -> Iterator[tuple[str, yaml.Node]]:
        # A section whose lines are all commented out is null.
        if node is None or node.tag == NULL:
            return
        if not isinstance(node, yaml.MappingNode):
            what = path or "the file"
            self._problem(what, node, "must be a mapping of names to values")
            return
        seen: dict[str, int] = {}
        for name_node, value_node in node.value:
            name = name_node.value if isinstance(name_node, yaml.ScalarNode) else "?"
            full = f"{path}.{name}" if path else name
            if name in seen:
                self._problem(full, name_node, f"stands twice, first in line {seen[name]}")
            elif name not in known:
                self._problem(full, name_node, "no such setting" + _suggestion(full, path, known))
            else:
                yield name, value_node
            seen.setdefault(name, name_node.start_mark.line + 1)

    def _value(self, node: yaml.Node | None, hint: object, key: str) -> object:
        shape = shape_of(hint)
        base = shape.type
        if node is None or node.tag == NULL:
            if not shape.optional:
                self._problem(
                    key, node, f"has no value; leave it out, or give {allowed_words(hint)}"
                )
            return None
        if isinstance(base, type) and issubclass(base, Section):
            return self._struct(node, base, key)
        if get_origin(base) is tuple:
            return self._items(node, hint, key)
        if get_origin(base) is dict:
            return self._mapping(node, hint, key)
        if not isinstance(node, yaml.ScalarNode):
            self._problem(key, node, f"must be {allowed_words(hint)}")
            return None
        try:
            return parse_scalar(node.value, hint, self.environ)
        except BadValue as exc:
            self._problem(key, node, str(exc))
            return None

    def _items(self, node: yaml.Node, hint: object, key: str) -> object:
        item_hint = get_args(shape_of(hint).type)[0]
        if not isinstance(node, yaml.SequenceNode):
            self._problem(key, node, f"must be {allowed_words(hint)}")
            return ()
        return tuple(
            self._value(item, item_hint, f"{key}[{index}]") for index, item in enumerate(node.value)
        )

    def _mapping(self, node: yaml.Node, hint: object, key: str) -> object:
        if not isinstance(node, yaml.MappingNode):
            self._problem(key, node, f"must be {allowed_words(hint)}")
            return {}
        name_hint, value_hint = get_args(shape_of(hint).type)
        return {
            self._value(name, name_hint, key): self._value(value, value_hint, f"{key}.{name.value}")
            for name, value in node.value
        }

    def _struct(self, node: yaml.Node, kind: type[Section], key: str) -> object:
        fields = {field.name: field for field in structs.fields(kind)}
        found = {
            name: self._value(value, fields[name].type, f"{key}.{name}")
            for name, value in self._members(node, key, fields)
        }
        missing = [name for name, field in fields.items() if field.required and name not in found]
        if missing:
            self._problem(key, node, "needs " + " and ".join(missing))
            return None
        return kind(**found)

    def _problem(self, key: str, node: yaml.Node | None, problem: str) -> None:
        self.problems.append(f"{key} ({self.at(node) if node else self.source}): {problem}")


def _names_in(section: str) -> Mapping[str, object]:
    return dict.fromkeys(SECTIONS[section].__struct_fields__)


def _suggestion(full: str, path: str, known: Mapping[str, object]) -> str:
    """Say which existing name was probably meant, or which ones there are."""
    last = full.rpartition(".")[2]
    if close := difflib.get_close_matches(last, known, n=1, cutoff=0.6):
        return f"; did you mean {path}.{close[0]}?" if path else f"; did you mean {close[0]}?"
    # Written one level too high, or in the wrong section.
    if elsewhere := [key for key in KEYS if key.rpartition(".")[2] == last]:
        return f"; did you mean {elsewhere[0]}?"
    return f"; known here: {', '.join(known)}"
