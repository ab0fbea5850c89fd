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
