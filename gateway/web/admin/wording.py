"""What is wrong with a query or a body, in words that say what to write instead."""

import re
from collections.abc import Callable

import msgspec

_PLACE = re.compile(r"(.*?)(?: - at `(?:key in )?\$\.?(.*?)`)?", re.DOTALL)
_KINDS = {
    "array": "a list",
    "bool": "true or false",
    "datetime": "a time such as 2026-01-31T09:00:00Z",
    "float": "a number",
    "int": "a whole number",
    "null": "null",
    "object": "an object",
    "str": "text",
}
_BOUNDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_TIME = "has to be a time with its offset, such as 2026-01-31T09:00:00Z"

_Rule = tuple[str, Callable[[re.Match[str], str, str], str]]
_RULES: tuple[_Rule, ...] = (
    (
        r"Object missing required field `(.*)`",
        lambda m, place, _: f"{_in(place, m[1])} is required",
    ),
    (
        r"Object contains unknown field `(.*)`",
        lambda m, place, _: f"{_in(place, m[1])}: there is no such member here",
    ),
    (
        r"Expected `(\w+)` of length (\S+) (\d+)",
        lambda m, place, _: _at(
            place,
            f"has to have {_BOUNDS[m[2]]} {m[3]} " + ("characters" if m[1] == "str" else "of them"),
        ),
    ),
    (
        r"Expected `\w+` (\S+) ([\d.e+]+)",
        lambda m, place, _: _at(place, f"has to be {_BOUNDS[m[1]]} {m[2].removesuffix('.0')}"),
    ),
    (
        r"Expected `\w+` matching regex .*",
        lambda _, place, about: _at(place, f"does not have the right form. {about}".strip()),
    ),
    (r"Invalid RFC3339 encoded datetime", lambda _, place, __: _at(place, _TIME)),
    (r"Expected `datetime` with a timezone component", lambda _, place, __: _at(place, _TIME)),
    (
        r"Invalid enum value (.*)",
        lambda m, place, about: _at(place, f"{m[1]} is not among {about}" if about else m[0]),
    ),
    (r"Expected `([\w| ]+)`, got `(\w+)`", lambda m, place, _: _at(place, _other_kind(m))),
)


def wrong_input(exc: msgspec.ValidationError, kind: type[msgspec.Struct]) -> str:
    """What a validation error says of an input that should have been a `kind`."""
    match = _PLACE.fullmatch(str(exc))
    assert match is not None
    said, place = match[1], match[2] or ""
    about = _about(kind, re.split(r"[.\[]", place, maxsplit=1)[0])
    for pattern, words in _RULES:
        if (found := re.fullmatch(pattern, said, re.DOTALL)) is not None:
            return words(found, place, about)
    return _at(place, said[:1].lower() + said[1:])


def _in(place: str, member: str) -> str:
    return f"{place}.{member}" if place else member


def _at(place: str, words: str) -> str:
    return f"{place}: {words}" if place else f"The request has the wrong form: it {words}"


def _other_kind(match: re.Match[str]) -> str:
    wanted = [_KINDS.get(name, name) for name in match[1].split(" | ")]
    return f"has to be {' or '.join(wanted)}, not {_KINDS.get(match[2], match[2])}"


def _about(kind: type[msgspec.Struct], member: str) -> str:
    """What the OpenAPI document says of a member: its values if they are few, else its meaning."""
    from msgspec import inspect  # noqa: PLC0415  # only who is wrong pays for it

    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        if field.encode_name == member:
            return _described(field.type)
    return ""


def _described(info: object) -> str:
    from msgspec import inspect  # noqa: PLC0415

    match info:
        case inspect.LiteralType(values=values):
            return ", ".join(str(value) or '""' for value in values)
        case inspect.UnionType(types=types):
            return next(filter(None, map(_described, types)), "")
        case inspect.Metadata(type=inner, extra_json_schema=schema):
            return str((schema or {}).get("description", "")) or _described(inner)
        case _:
            return ""
