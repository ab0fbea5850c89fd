"""Whether bytes are the JSON text of an object, without building it."""

from typing import Final

import msgspec


class _Object(msgspec.Struct):
    """Any object: members that it does not name are read over."""


_read: Final = msgspec.json.Decoder(_Object).decode


def is_json_object(text: bytes) -> bool:
    """True for well-formed UTF-8 JSON text whose root is an object."""
    try:
        _read(text)
        if not text.isascii():
            text.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True
