"""How many tokens a picture costs, from its size in pixels.

Only the header is decoded: a few base64 groups at the place where a format keeps its size.
"""

from binascii import a2b_base64
from typing import Final

from gateway.conversation import Image

# Anthropic's rule: width × height / 750. Larger pictures are scaled down to about this cost.
PIXELS_PER_TOKEN: Final = 750
MAX_IMAGE_TOKENS: Final = 1600

# A start-of-frame marker of any JPEG process; C4, C8 and CC in that range mean something else.
_JPEG_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
# Files have a handful of segments before the frame; an adversary's could have a million.
_MAX_JPEG_SEGMENTS: Final = 200

Size = tuple[int, int]
"""Width and height in pixels."""


def image_tokens(image: Image) -> int:
    """Tokens of a picture; 1600, the most one can cost, where its size can't be told."""
    size = image_size(image)
    if size is None:
        return MAX_IMAGE_TOKENS
    width, height = size
    return max(1, min(MAX_IMAGE_TOKENS, -(-width * height // PIXELS_PER_TOKEN)))


def image_size(image: Image) -> Size | None:
    """Width and height in pixels, None where the data does not tell."""
    try:
        match image.format:
            case "png":
                return _png(image.data)
            case "jpeg":
                return _jpeg(image.data)
            case "gif":
                return _gif(image.data)
            case "webp":
                return _webp(image.data)
    except ValueError:  # binascii.Error is one: no base64 at all
        return None


def _bytes_at(data: str, offset: int, count: int) -> bytes:
    """`count` bytes of what base64 `data` encodes, from byte `offset`; fewer at its end."""
    skipped = offset % 3
    start = offset // 3 * 4
    groups = (skipped + count + 2) // 3
    return a2b_base64(data[start : start + 4 * groups])[skipped : skipped + count]


def _png(data: str) -> Size | None:
    # PNG specification, 11.2.1: the IHDR chunk comes first.
    head = _bytes_at(data, 0, 24)
    if len(head) < 24 or head[:8] != b"\x89PNG\r\n\x1a\n" or head[12:16] != b"IHDR":
        return None
    return _size(int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))


def _gif(data: str) -> Size | None:
    # GIF89a, 18: the logical screen descriptor follows the signature.
    head = _bytes_at(data, 0, 10)
    if len(head) < 10 or head[:3] != b"GIF":
        return None
    return _size(int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"))


def _jpeg(data: str) -> Size | None:
    # ITU T.81, annex B: segments of marker and length, until a frame header tells the size.
    if _bytes_at(data, 0, 2) != b"\xff\xd8":
        return None
    offset = 2
    for _ in range(_MAX_JPEG_SEGMENTS):
        segment = _bytes_at(data, offset, 9)
        if len(segment) < 4 or segment[0] != 0xFF:
            return None
        if segment[1] == 0xFF:  # fill bytes may stand before a marker
            offset += 1
        elif segment[1] in _JPEG_FRAMES:
            if len(segment) < 9:
                return None
            return _size(int.from_bytes(segment[7:9], "big"), int.from_bytes(segment[5:7], "big"))
        else:
            offset += 2 + int.from_bytes(segment[2:4], "big")
    return None


def _webp(data: str) -> Size | None:
    # RFC 9649, 2.5 to 2.7: a lossy, a lossless or an extended file, by its first chunk.
    head = _bytes_at(data, 0, 30)
    if len(head) < 25 or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    match head[12:16]:
        case b"VP8 " if len(head) == 30:
            width, height = head[26:28], head[28:30]
            return _size(
                int.from_bytes(width, "little") & 0x3FFF, int.from_bytes(height, "little") & 0x3FFF
            )
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return _size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X" if len(head) == 30:
            width, height = head[24:27], head[27:30]
            return _size(int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1)
        case _:
            return None


def _size(width: int, height: int) -> Size | None:
    return (width, height) if width and height else None
