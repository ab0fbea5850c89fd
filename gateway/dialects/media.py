"""Pictures and documents inside messages, for every dialect.

Functions that raise `InvalidRequest` don't know where in the request they are: callers put the
path of the offending part in front of the message.
"""

import binascii
import codecs
import re
from typing import Final

from gateway.conversation import Image, ImageFormat, Note
from gateway.errors import InvalidRequest

# Long enough for a book chapter; anything over it would only crowd out the conversation itself.
MAX_DOCUMENT_CHARACTERS: Final = 200_000

_FORMATS: Final[dict[str, ImageFormat]] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",  # no registered type, but common
    "image/pjpeg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_SUPPORTED: Final = "image/jpeg, image/png, image/gif or image/webp"

_TEXT_TYPES: Final = frozenset(
    {
        "application/ecmascript",
        "application/graphql",
        "application/javascript",
        "application/json",
        "application/ld+json",
        "application/sql",
        "application/toml",
        "application/typescript",
        "application/x-httpd-php",
        "application/x-javascript",
        "application/x-json",
        "application/x-ndjson",
        "application/x-python",
        "application/x-sh",
        "application/x-shellscript",
        "application/x-toml",
        "application/x-typescript",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    }
)
# Types that say nothing: what the bytes are has to be found out from the bytes.
_UNTOLD_TYPES: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})

# Python's names of what text files really come in. Some other codecs take quadratic time.
_CHARSETS: Final = frozenset(
    {
        "ascii",
        "big5",
        "cp1250",
        "cp1251",
        "cp1252",
        "euc_jp",
        "euc_kr",
        "gb18030",
        "gb2312",
        "gbk",
        "iso8859-1",
        "iso8859-15",
        "iso8859-2",
        "koi8-r",
        "shift_jis",
        "utf-16-be",
        "utf-16-le",
    }
)

_BLANKS: Final = re.compile(r"\s+")
_FROM_URL_ALPHABET: Final = str.maketrans("-_", "+/")


def image_from_base64(media_type: str | None, data: str) -> Image:
    """An image from its base64 text, with or without a `data:` prefix (whose type then counts).

    The bytes decide the format where they show one: many programs label a JPEG as PNG. The declared
    type has to be one we know in any case.

    Raises:
        InvalidRequest: unsupported type, invalid base64, or neither type nor bytes tell the format.
    """
    if data[:5].lower() == "data:":
        media_type, data = _split_data_url(data)
    declared = None if media_type is None else _FORMATS.get(_bare_type(media_type))
    if media_type is not None and declared is None:
        raise InvalidRequest(f"media type {_shown(media_type)} is not supported; use {_SUPPORTED}")
    data, raw = _decoded(data)
    if not raw:
        raise InvalidRequest("the data is empty")
    image_format = _sniffed(raw) or declared
    if image_format is None:
        raise InvalidRequest(f"the data is not an image of type {_SUPPORTED}")
    return Image(image_format, data)


def image_from_data_url(url: str) -> Image | None:
    """The image in a `data:` URL; None if the URL is of another kind.

    Raises:
        InvalidRequest: as `image_from_base64`, or the data URL is not base64.
    """
    if url[:5].lower() != "data:":
        return None
    return image_from_base64(None, url)


def remote_image_text(url: str) -> tuple[str, Note]:
    """What stands for an image that is only linked to; images are never fetched here."""
    return f"[Image not loaded: {_shown(url)}]", Note("dropped", "image_url")


def document_text(
    media_type: str | None, data: str, title: str | None = None
) -> tuple[str, Note | None]:
    """A base64 document (or a `data:` URL of one) as text under a line with its title.

    Types that are text become that text, at most `MAX_DOCUMENT_CHARACTERS` of it; a missing type
    or `application/octet-stream` counts as text if the bytes are UTF-8. Everything else becomes a
    placeholder line. The note tells what was cut or left out.

    Raises:
        InvalidRequest: a text document whose base64 is invalid.
    """
    if data[:5].lower() == "data:":
        told, data = _split_data_url(data)
        media_type = told or media_type
    bare = _bare_type(media_type or "")
    if _is_text(bare):
        return plain_document_text(_text_of(_decoded(data)[1], media_type or ""), title)
    if bare in _UNTOLD_TYPES and (text := _utf8_or_none(_decoded(data)[1])) is not None:
        return plain_document_text(text, title)
    return unread_document_text(bare, title)


def plain_document_text(text: str, title: str | None = None) -> tuple[str, Note | None]:
    """A document that is text already, under a line with its title and cut to the limit."""
    label = _label(title)
    if len(text) <= MAX_DOCUMENT_CHARACTERS:
        return f"[{label}]\n{text}", None
    head = f"[{label}, first {MAX_DOCUMENT_CHARACTERS} of {len(text)} characters]"
    return f"{head}\n{text[:MAX_DOCUMENT_CHARACTERS]}", Note("trimmed", "document")


def unread_document_text(media_type: str | None, title: str | None = None) -> tuple[str, Note]:
    """The placeholder line for a document whose text can't be had: binary, linked or uploaded."""
    kind = f" ({_shown(media_type)})" if media_type else ""
    return f"[{_label(title)}: content not available{kind}]", Note("dropped", "document")


def _label(title: str | None) -> str:
    title = _BLANKS.sub(" ", title or "").strip()
    return f"Document: {_shown(title)}" if title else "Document"


def _bare_type(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _is_text(bare: str) -> bool:
    return bare.startswith("text/") or bare in _TEXT_TYPES or bare.endswith(("+json", "+xml"))


def _shown(text: str) -> str:
    # Titles, types and links are the client's; a runaway one must not fill a message.
    return text if len(text) <= 500 else text[:499] + "…"


def _split_data_url(url: str) -> tuple[str | None, str]:
    """The media type with its parameters (None if left out) and the base64 text."""
    head, comma, data = url[5:].partition(",")
    if not comma:
        raise InvalidRequest("the data URL has no comma before its data")
    media_type, _, encoding = head.rpartition(";")
    if encoding.strip().lower() != "base64":
        raise InvalidRequest("only base64 data URLs are supported")
    return media_type.strip() or None, data


def _decoded(data: str) -> tuple[str, bytes]:
    """Standard base64 with padding, and its bytes. Mends line breaks, padding and the URL alphabet.

    Nearly all data is in standard form, which one strict pass in C both proves and decodes.
    """
    try:
        raw = binascii.a2b_base64(data, strict_mode=True)
    except ValueError:  # also what non-ASCII text raises; binascii.Error is one
        data = _BLANKS.sub("", data).translate(_FROM_URL_ALPHABET).rstrip("=")
        data += "=" * (-len(data) % 4)
        try:
            raw = binascii.a2b_base64(data, strict_mode=True)
        except ValueError:
            raise InvalidRequest("the data is not valid base64") from None
    return data, raw


def _sniffed(raw: bytes) -> ImageFormat | None:
    if raw.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if raw.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if raw.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if raw.startswith(b"RIFF") and raw[8:12] == b"WEBP":
        return "webp"
    return None


def _text_of(raw: bytes, media_type: str) -> str:
    """Text bytes as str: by byte order mark, by charset parameter, else UTF-8; never fails."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    return raw.decode(_charset(media_type) or "utf-8-sig", errors="replace")


def _charset(media_type: str) -> str | None:
    for parameter in media_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            try:
                charset = codecs.lookup(value.strip().strip('"')).name
            except (LookupError, ValueError):  # unknown, or no possible name
                return None
            return charset if charset in _CHARSETS else None
    return None


def _utf8_or_none(raw: bytes) -> str | None:
    if b"\0" in raw:
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
