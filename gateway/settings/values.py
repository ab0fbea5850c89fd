"""From text to a typed value, and the words for what would have been accepted.

Files, environment variables and flags all arrive here as text, so a value means the same wherever
it was written.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from msgspec import Meta

from gateway.settings.constraints import BYTES, EXPANDED, SECRET, Allowed

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})
UNITS = {"": 1, "b": 1, "kib": 1024, "mib": 1024**2, "gib": 1024**3}


class BadValue(ValueError):  # internal; becomes a SettingsError with key and source
    """A text that its setting does not accept; `str(exc)` completes “<key>: …”."""

    def __init__(self, message: str, *, item: int | None = None) -> None:
        super().__init__(message)
        self.item = item


@dataclass(frozen=True, slots=True)
class Shape:
    """An annotation taken apart: the bare type, whether None is one of its values, its markers."""

    type: object
    optional: bool
    markers: tuple[object, ...]

    @property
    def secret(self) -> bool:
        """Whether a value must not be repeated in a message."""
        return SECRET in self.markers


def shape_of(hint: object) -> Shape:
    """Take an annotation apart, through `Annotated` and `… | None`."""
    markers: list[object] = []
    optional = False
    while True:
        if get_origin(hint) is Annotated:
            hint, *found = get_args(hint)
            markers += found
        elif get_origin(hint) in (Union, UnionType):
            (hint,) = (arm for arm in get_args(hint) if arm is not NoneType)
            optional = True
        else:
            return Shape(hint, optional, tuple(markers))


def allowed_words(hint: object) -> str:
    """Say what a setting accepts, so that it completes “is not …” and “must be …”."""
    shape = shape_of(hint)
    base = shape.type
    for marker in shape.markers:
        if isinstance(marker, Allowed):
            return marker.words
    if base is bool:
        return "true or false"
    if base in (int, float):
        return _number_words(shape)
    match get_origin(base):
        case origin if origin is Literal:
            return "one of " + ", ".join(map(str, get_args(base)))
        case origin if origin is tuple:
            return f"a list, each item {allowed_words(get_args(base)[0])}"
        case origin if origin is dict:
            return f"a mapping, each value {allowed_words(get_args(base)[1])}"
    return "text"


def _number_words(shape: Shape) -> str:
    words = "a whole number" if shape.type is int else "a number"
    if BYTES in shape.markers:
        words = "a number of bytes, or one with KiB, MiB or GiB,"
    for meta in shape.markers:
        if isinstance(meta, Meta):
            if meta.ge is not None and meta.le is not None:
                return f"{words} from {meta.ge} to {meta.le}"
            if meta.ge is not None:
                return f"{words} of at least {meta.ge}"
            if meta.gt is not None:
                return f"{words} above {meta.gt}"
    return words.rstrip(",")


def parse_scalar(text: str, hint: object, environ: Mapping[str, str]) -> object:
    """Read a bool, number, word or text.

    Raises:
        BadValue: it is none that the setting accepts; secrets are not repeated.
    """
    shape = shape_of(hint)
    if EXPANDED in shape.markers:
        text = _expand(text, environ)
    value = _read(text.strip() if shape.type is not str else text, shape)
    if value is None or not _passes(value, shape.markers):
        shown = "the value" if shape.secret else _quoted(text)
        raise BadValue(f"{shown} is not {allowed_words(hint)}")
    return value


def check_value(value: object, hint: object) -> None:
    """Hold a value that has its type already, such as one from JSON, to what its setting accepts.

    Raises:
        BadValue: as `parse_scalar`; for an item of a list `item` says which.
    """
    shape = shape_of(hint)
    if isinstance(value, tuple):
        item_hint = get_args(shape.type)[0]
        for index, item in enumerate(value):
            try:
                check_value(item, item_hint)
            except BadValue as exc:
                raise BadValue(str(exc), item=index) from None
    elif not _passes(value, shape.markers):
        shown = "the value" if shape.secret else _quoted(str(value))
        raise BadValue(f"{shown} is not {allowed_words(hint)}")


def parse_text(text: str, hint: object, environ: Mapping[str, str]) -> object:
    """Read a whole setting from one line of text: lists have commas, mappings `name=value` too.

    Raises:
        BadValue: as `parse_scalar`.
    """
    base = shape_of(hint).type
    items = [item.strip() for item in text.split(",")]
    if get_origin(base) is tuple:
        item_hint = get_args(base)[0]
        return tuple(parse_scalar(item, item_hint, environ) for item in items if item)
    if get_origin(base) is dict:
        name_hint, value_hint = get_args(base)
        pairs = [item.rpartition("=") for item in items if item]
        return {
            parse_scalar(name.strip(), name_hint, environ): parse_scalar(value, value_hint, environ)
            for name, _, value in pairs
        }
    return parse_scalar(text, hint, environ)


def _read(text: str, shape: Shape) -> object | None:
    """Turn text into a value of the bare type; None where that is impossible."""
    base = shape.type
    if base is bool:
        word = text.lower()
        return True if word in TRUE else False if word in FALSE else None
    if base is int:
        return _read_bytes(text) if BYTES in shape.markers else _read_int(text)
    if base is float:
        return _read_float(text)
    if get_origin(base) is Literal:
        return next((word for word in get_args(base) if word == text.lower()), None)
    return text


def _read_int(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?[0-9][0-9_]{0,17}", text) else None


def _read_float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _read_bytes(text: str) -> int | None:
    match = re.fullmatch(r"([0-9][0-9_]{0,17}) ?([a-z]*)", text.lower())
    if match is None or match[2] not in UNITS:
        return None
    return int(match[1]) * UNITS[match[2]]


def _passes(value: object, markers: tuple[object, ...]) -> bool:
    for marker in markers:
        if isinstance(marker, Allowed) and not (isinstance(value, str) and marker.test(value)):
            return False
        if isinstance(marker, Meta) and isinstance(value, int | float) and not _in(value, marker):
            return False
    return True


def _in(number: float, meta: Meta) -> bool:
    return (
        (meta.ge is None or number >= meta.ge)
        and (meta.gt is None or number > meta.gt)
        and (meta.le is None or number <= meta.le)
    )


def _expand(text: str, environ: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[1] not in environ:
            raise BadValue(f"${{{match[1]}}} is not set in the environment")
        return environ[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", replace, text)


def _quoted(text: str) -> str:
    shown = text if len(text) <= 60 else text[:60] + "…"
    return '"' + "".join(char if char.isprintable() else "?" for char in shown) + '"'
