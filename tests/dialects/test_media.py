import base64

import pytest

from gateway.conversation import Image, Note
from gateway.dialects import media
from gateway.errors import InvalidRequest

FILES = {
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "gif": b"GIF89a\x01\x00\x01\x00",
    "webp": b"RIFF\x1a\x00\x00\x00WEBPVP8L",
}
# Bytes whose base64 holds both characters in which the two alphabets differ.
AWKWARD = FILES["png"] + b"\xfb\xef\xff\xbf"


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("image_format", FILES)
def test_an_image_of_each_supported_type_is_taken(image_format: str) -> None:
    data = encoded(FILES[image_format])
    image = media.image_from_base64(f"image/{image_format}", data)
    assert (image.format, image.data) == (image_format, data)


@pytest.mark.parametrize(
    ("media_type", "image_format"),
    [
        ("image/jpg", "jpeg"),
        ("IMAGE/JPEG", "jpeg"),
        ("image/jpeg; charset=binary", "jpeg"),
        (None, "gif"),
        ("image/png", "webp"),
    ],
    ids=["jpg", "upper case", "parameters", "no type", "mislabelled"],
)
def test_the_bytes_decide_the_format_whatever_the_label_says(
    media_type: str | None, image_format: str
) -> None:
    image = media.image_from_base64(media_type, encoded(FILES[image_format]))
    assert image.format == image_format


@pytest.mark.parametrize(
    "data",
    [
        base64.encodebytes(AWKWARD * 8).decode(),
        encoded(AWKWARD * 8).rstrip("="),
        base64.urlsafe_b64encode(AWKWARD * 8).decode(),
        " " + encoded(AWKWARD * 8) + "\r\n",
    ],
    ids=["line breaks", "no padding", "URL alphabet", "blanks around"],
)
def test_unusual_base64_is_brought_into_standard_form(data: str) -> None:
    assert media.image_from_base64("image/png", data) == Image("png", encoded(AWKWARD * 8))


def test_a_data_prefix_is_stripped_and_its_type_trusted() -> None:
    data = "data:image/png;base64," + encoded(FILES["png"])
    assert media.image_from_base64("application/nonsense", data).data == encoded(FILES["png"])


@pytest.mark.parametrize(
    ("media_type", "data", "message"),
    [
        ("image/tiff", encoded(FILES["png"]), "media type image/tiff is not supported"),
        ("application/pdf", encoded(FILES["png"]), "application/pdf is not supported"),
        ("image/png", "!not base64!", "not valid base64"),
        ("image/png", "iVBORw0KGgo=é", "not valid base64"),
        ("image/png", "A", "not valid base64"),
        ("image/png", "", "the data is empty"),
        (None, encoded(b"%PDF-1.7"), "not an image"),
        ("image/png", "data:image/png;base64", "no comma"),
        ("image/png", "data:image/svg+xml,<svg/>", "only base64"),
    ],
    ids=[
        "type",
        "document",
        "alphabet",
        "non-ASCII",
        "length",
        "empty",
        "no image",
        "no comma",
        "percent",
    ],
)
def test_what_is_no_image_is_refused_with_the_reason(
    media_type: str | None, data: str, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        media.image_from_base64(media_type, data)


def test_the_declared_type_counts_where_the_bytes_tell_none() -> None:
    image = media.image_from_base64("IMAGE/JPG", encoded(b"abc"))
    assert image == Image("jpeg", encoded(b"abc"))


def test_a_link_is_no_data_url() -> None:
    assert media.image_from_data_url("https://example.com/a.png") is None


def test_an_image_in_a_data_url_is_taken() -> None:
    url = "DATA:image/gif;base64," + encoded(FILES["gif"])
    assert media.image_from_data_url(url) == Image("gif", encoded(FILES["gif"]))


def test_a_linked_image_becomes_a_line_and_a_note_without_the_link() -> None:
    text, note = media.remote_image_text("https://example.com/a.png")
    assert text == "[Image not loaded: https://example.com/a.png]"
    assert note == Note("dropped", "image_url")


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/markdown; charset=utf-8",
        "application/json",
        "application/vnd.api+json",
        "image/svg+xml",
        "application/x-yaml",
        "application/octet-stream",
        None,
    ],
)
def test_a_document_of_text_becomes_that_text_under_its_title(media_type: str | None) -> None:
    text, note = media.document_text(media_type, encoded("naïve\n{}".encode()), "notes.md")
    assert text == "[Document: notes.md]\nnaïve\n{}"
    assert note is None


@pytest.mark.parametrize(
    ("media_type", "raw"),
    [
        ("text/plain", "größer".encode("utf-16")),
        ("text/plain", b"\xef\xbb\xbf" + "größer".encode()),
        ("text/plain; charset=iso-8859-1", "größer".encode("latin-1")),
        ('text/csv; header=present; charset="windows-1252"', "größer".encode("cp1252")),
    ],
    ids=["UTF-16", "byte order mark", "Latin 1", "Windows"],
)
def test_a_document_in_another_encoding_is_read(media_type: str, raw: bytes) -> None:
    assert media.document_text(media_type, encoded(raw))[0] == "[Document]\ngrößer"


@pytest.mark.parametrize("charset", ["utf-7", "zlib", "no-such", "a\0b", ""])
def test_a_document_in_an_encoding_not_offered_is_read_as_utf8(charset: str) -> None:
    text, _ = media.document_text(f"text/plain; charset={charset}", encoded(b"plain"))
    assert text == "[Document]\nplain"


@pytest.mark.parametrize(
    ("media_type", "raw", "shown"),
    [
        ("application/pdf", b"%PDF-1.7", " (application/pdf)"),
        ("application/octet-stream", b"\x00\x01", " (application/octet-stream)"),
        (None, b"\xff\xfe\xfd", ""),
    ],
    ids=["PDF", "bytes", "unknown"],
)
def test_a_binary_document_becomes_a_line_and_a_note(
    media_type: str | None, raw: bytes, shown: str
) -> None:
    text, note = media.document_text(media_type, encoded(raw), "a\nb.bin")
    assert text == f"[Document: a b.bin: content not available{shown}]"
    assert note == Note("dropped", "document")


def test_a_binary_document_need_not_be_valid_base64() -> None:
    assert media.document_text("application/pdf", "***")[1] == Note("dropped", "document")


def test_a_text_document_has_to_be_valid_base64() -> None:
    with pytest.raises(InvalidRequest, match="not valid base64"):
        media.document_text("text/plain", "***")


def test_an_empty_text_document_is_no_error() -> None:
    assert media.document_text("text/plain", "") == ("[Document]\n", None)


def test_a_document_in_a_data_url_is_read_by_the_type_in_it() -> None:
    url = "data:text/plain;base64," + encoded(b"hello")
    assert media.document_text("application/pdf", url) == ("[Document]\nhello", None)


def test_a_long_document_is_cut_and_says_so() -> None:
    limit = media.MAX_DOCUMENT_CHARACTERS
    text, note = media.plain_document_text("é" * (limit + 5), "long.txt")
    head, _, rest = text.partition("\n")
    assert head == f"[Document: long.txt, first {limit} of {limit + 5} characters]"
    assert rest == "é" * limit
    assert note == Note("trimmed", "document")


def test_a_document_of_just_the_limit_is_whole() -> None:
    text, note = media.plain_document_text("x" * media.MAX_DOCUMENT_CHARACTERS)
    assert len(text) == media.MAX_DOCUMENT_CHARACTERS + len("[Document]\n")
    assert note is None
