"""Encoding of server-sent events, as the HTML standard defines `text/event-stream`.

Everything is bytes: JSON comes encoded, and its text holds no line break, so one `data` line is
enough.
"""

from collections.abc import Callable

import msgspec


def event(name: bytes, data: bytes) -> bytes:
    """A named event. Neither part may hold a line break; compact JSON never does."""
    return b"event: %b\ndata: %b\n\n" % (name, data)


def data(data: bytes) -> bytes:
    """An event without a name, the form of OpenAI's APIs; `data` holds no line break."""
    return b"data: %b\n\n" % data


def comment(text: bytes) -> bytes:
    """A line that clients skip, to keep a silent connection open; `text` holds no line break."""
    return b": %b\n\n" % text


json_string: Callable[[str], bytes] = msgspec.json.Encoder().encode
"""A `str` as JSON with its quotes, to be put into a template; line breaks come out escaped.

Raises `UnicodeEncodeError` on a lone surrogate, which the decoder of Kiro's stream lets none pass.
"""


def json_text(text: str) -> bytes:
    """`json_string` as one line, whoever splits the lines."""
    encoded = json_string(text)
    return encoded if text.isascii() else one_line(encoded)


def one_line(json: bytes) -> bytes:
    """JSON text without anything that Unicode calls a line break.

    Some clients split at those as well, and JSON leaves these three as they are. They can stand
    only inside its strings.
    """
    return (
        json.replace(b"\xe2\x80\xa8", b"\\u2028")
        .replace(b"\xe2\x80\xa9", b"\\u2029")
        .replace(b"\xc2\x85", b"\\u0085")
    )
