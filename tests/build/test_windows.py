import struct
import zlib
from typing import Any

import pytest

from build.windows import SIZES, ico, png, version_resource


def pixels(image: bytes) -> list[bytes]:
    """The rows of a PNG as this module writes it, each without its filter byte."""
    width, height = struct.unpack(">II", image[16:24])
    (length,) = struct.unpack(">I", image[33:37])
    raw = zlib.decompress(image[41 : 41 + length])
    stride = 4 * width + 1
    return [raw[row * stride + 1 : (row + 1) * stride] for row in range(height)]


def test_the_icon_has_round_corners_and_the_colours_of_the_page() -> None:
    rows = pixels(png(32))
    assert rows[0][:4] == bytes(4)
    assert rows[4][4 * 16 : 4 * 16 + 4] == bytes([0x33, 0x50, 0xBD, 255])
    assert rows[12][4 * 9 - 4 : 4 * 9 + 4] == bytes([255] * 8)
    assert rows[9][4 * 23 : 4 * 23 + 4] == bytes([0x94, 0xAB, 0xF2, 255])


def test_an_icon_file_has_every_size_where_it_says() -> None:
    content = ico()
    assert struct.unpack("<HHH", content[:6]) == (0, 1, len(SIZES))
    for number, size in enumerate(SIZES):
        entry = content[6 + 16 * number : 22 + 16 * number]
        side, _, _, _, planes, bits, length, offset = struct.unpack("<BBBBHHII", entry)
        assert (side, planes, bits) == (size, 1, 32)
        assert content[offset : offset + length] == png(size)


@pytest.mark.parametrize(
    ("number", "four"),
    [("1.2.3", (1, 2, 3, 0)), ("1.2.3-rc.4", (1, 2, 3, 0)), ("0.1.0.dev5", (0, 1, 0, 5))],
)
def test_the_version_is_told_in_numbers_and_in_words(number: str, four: tuple[int, ...]) -> None:
    seen: dict[str, list[Any]] = {}

    def note(kind: str) -> object:
        return lambda *args, **named: seen.setdefault(kind, []).append((args, named))

    kinds = ("VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "StringStruct")
    names = {kind: note(kind) for kind in (*kinds, "VarFileInfo", "VarStruct")}
    eval(version_resource(number), names)
    assert seen["FixedFileInfo"] == [((), {"filevers": four, "prodvers": four})]
    strings = dict(args for args, _ in seen["StringStruct"])
    assert strings["ProductVersion"] == strings["FileVersion"] == number
