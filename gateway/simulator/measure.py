"""How much a request holds: tokens, by a rule of thumb, and pictures, by their own headers."""

import binascii
import json
import struct
from dataclasses import dataclass

from gateway.simulator.body import AssistantMessage, Body, UserMessage

_MESSAGE_TOKENS = 4
_TOKENS_OF_UNKNOWN_IMAGE = 1600
_PIXELS_PER_TOKEN = 750


def count_tokens(text: str) -> int:
    """Tokens of a text: four ASCII characters make one, any other character is one."""
    ascii_characters = len(text.encode("ascii", "ignore"))
    return (ascii_characters + 3) // 4 + len(text) - ascii_characters


def input_tokens(body: Body) -> int:
    """Tokens of everything the model would read."""
    total = 0
    for message in body.messages:
        total += _MESSAGE_TOKENS + count_tokens(message.content)
        if isinstance(message, AssistantMessage):
            for use in message.tool_uses:
                total += count_tokens(use.name) + count_tokens(json.dumps(use.input))
            if message.reasoning is not None:
                total += count_tokens(json.dumps(message.reasoning))
        else:
            total += _context_tokens(message)
    return total


def _context_tokens(message: UserMessage) -> int:
    total = 0
    for result in message.tool_results:
        for part in result.parts:
            total += count_tokens(json.dumps(part, ensure_ascii=False))
    for tool in message.tools:
        total += count_tokens(tool.name) + count_tokens(tool.description or "")
        total += count_tokens(json.dumps(tool.schema, ensure_ascii=False))
    for image in message.images:
        # Base64 of the first bytes is enough for the size; the check of all of it is a rule's.
        total += image_tokens(picture_of_base64(image.data))
    return total


@dataclass(frozen=True, slots=True)
class Picture:
    """What the first bytes of a picture tell; all None when they tell nothing."""

    format: str | None = None
    width: int | None = None
    height: int | None = None


def image_tokens(picture: Picture) -> int:
    """Tokens of a picture by its pixels."""
    if picture.width is None or picture.height is None:
        return _TOKENS_OF_UNKNOWN_IMAGE
    return min(picture.width * picture.height // _PIXELS_PER_TOKEN, _TOKENS_OF_UNKNOWN_IMAGE) + 1


def picture_of_base64(data: str) -> Picture:
    """Read the size out of base64 that need not be valid."""
    try:
        return picture_of(binascii.a2b_base64(data[: 64 * 1024]))
    except ValueError:
        return Picture()


def picture_of(raw: bytes) -> Picture:
    """Read format and size out of PNG, GIF, JPEG or WebP."""
    try:
        if raw.startswith(b"\x89PNG\r\n\x1a\n"):
            return Picture("png", *struct.unpack_from(">II", raw, 16))
        if raw[:6] in (b"GIF87a", b"GIF89a"):
            return Picture("gif", *struct.unpack_from("<HH", raw, 6))
        if raw.startswith(b"\xff\xd8"):
            return _jpeg(raw)
        if raw.startswith(b"RIFF") and raw[8:12] == b"WEBP":
            return _webp(raw)
    except (struct.error, IndexError):
        pass
    return Picture()


def _jpeg(raw: bytes) -> Picture:
    at = 2
    while raw[at] == 0xFF:
        marker = raw[at + 1]
        # Every "start of frame" marker carries the size; C4, C8 and CC only look like one.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", raw, at + 5)
            return Picture("jpeg", width, height)
        at += 2 + struct.unpack_from(">H", raw, at + 2)[0]
    return Picture("jpeg")


def _webp(raw: bytes) -> Picture:
    kind = raw[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", raw, 26)
        return Picture("webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", raw, 21)[0]
        return Picture("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        width = int.from_bytes(raw[24:27], "little") + 1
        height = int.from_bytes(raw[27:30], "little") + 1
        return Picture("webp", width, height)
    return Picture("webp")
