"""JSON text of objects, judged without a closer look where that can be avoided."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec


class _Object(msgspec.Struct):
    """Any object: members that it does not name are read over."""


_read: Final = msgspec.json.Decoder(_Object).decode
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_MAX_CACHED: Final = 1024  # bytes of one text


def is_json_object(text: bytes) -> bool:
    """True for well-formed UTF-8 JSON text whose root is an object."""
    try:
        _read(text)
        if not text.isascii():
            text.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def is_sound_object(text: bytes) -> bool:
    """The same, and no object in it, at any depth, names two members alike.

    Readers differ in what they make of such text, if they do not refuse it. Bodies are judged when
    they are built and again before they are sent, and clients repeat all of a conversation with
    every request, so verdicts are kept.
    """
    return _cached(text) if len(text) <= _MAX_CACHED else _is_sound(text)


def _is_sound(text: bytes) -> bool:
    try:
        # On the way through values nothing but white space is lost, or nearly always so.
        value = _decode(text)
        again = _encode(value)
        if again == text:
            return isinstance(value, dict)
        if again == msgspec.json.format(text, indent=-1):
            return isinstance(value, dict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # perhaps only for numbers that the standard library has room for
    if not is_json_object(text):
        return False
    try:
        json.loads(text, object_pairs_hook=_refuse_repetition)
    except (ValueError, RecursionError):
        return False
    return True


_cached = lru_cache(maxsize=4096)(_is_sound)


def without_repeated_names(text: bytes) -> bytes | None:
    """A sound object in place of one that only repeats names: the last of each stays.

    None where there are numbers in it that cannot be written again.
    """
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None


def _refuse_repetition(members: Sequence[tuple[str, object]]) -> None:
    if len({name for name, _ in members}) < len(members):
        raise ValueError("a name is repeated")
