"""Escapes in JSON text that have no place in UTF-8."""

import re
from typing import Final

_ESCAPES: Final = re.compile(
    rb"(?:\\\\)+"  # backslashes that begin no escape
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    rb"|\\u[dD](?P<half>[89a-fA-F])[0-9a-fA-F]{2}"
)


def without_half_pairs(text: bytes) -> bytes:
    """JSON text with U+FFFD for each escape that is half of a surrogate pair.

    Programs that cut strings by UTF-16 units leave such halves, and conversations repeat what was
    cut once. The text stays as long as it was, so positions in it still hold.
    """
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found["half"] else found[0], text)
