import json

import pytest

from gateway.protocol import sse


def test_a_named_event_is_two_lines_and_an_empty_one() -> None:
    wire = sse.event(b"ping", b'{"type":"ping"}')
    assert wire == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_an_event_without_a_name_is_one_line_and_an_empty_one() -> None:
    assert sse.data(b"[DONE]") == b"data: [DONE]\n\n"


def test_a_comment_begins_with_a_colon() -> None:
    assert sse.comment(b"keep-alive") == b": keep-alive\n\n"


@pytest.mark.parametrize(
    "text", ["", "Zürich 東京 😀", 'a "quote" and \\', "line\nbreak\r\nand\ttab", "\0\x1f\x7f"]
)
def test_a_string_keeps_its_content_on_one_line(text: str) -> None:
    encoded = sse.json_string(text)
    assert json.loads(encoded) == text
    assert b"\n" not in encoded
    assert b"\r" not in encoded


@pytest.mark.parametrize("text", ["", "東京 😀", "a\u2028b\u2029c\x85d", "\u2027\u202a\x84\x86Â"])
def test_a_text_keeps_its_content_on_one_line_whoever_splits_lines(text: str) -> None:
    encoded = sse.json_text(text)
    assert json.loads(encoded) == text
    assert len(encoded.decode().splitlines()) == 1
