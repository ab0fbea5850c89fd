"""What Windows shows of the executable: its icon, and its version in the properties.

Both are made for each build; neither is in the repository.
"""

import re
import struct
import zlib
from itertools import pairwise
from pathlib import Path

SIZES = (16, 32, 48, 64)  # what Explorer asks for, from lists to icons
SAMPLES = 3  # along each side of a pixel, so that edges are smooth

Colour = tuple[int, int, int]
Point = tuple[float, float]

# The page's own icon, ui/src/favicon.svg, in its units: a square of 32 with a K of lines in it.
SIDE, CORNER = 32.0, 8.0
BACKGROUND: Colour = (0x33, 0x50, 0xBD)
STROKE, STROKE_COLOUR = 2.6 / 2, (0xFF, 0xFF, 0xFF)
DOT, DOT_COLOUR = 2.2, (0x94, 0xAB, 0xF2)
DOTS: tuple[Point, ...] = ((23, 9), (23, 23))


def _curve(points: tuple[Point, Point, Point, Point], steps: int = 8) -> list[Point]:
    """Points along a cubic Bezier curve."""
    along = []
    for step in range(steps + 1):
        t = step / steps
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        pairs = list(zip(weights, points, strict=True))
        along.append((sum(w * x for w, (x, _) in pairs), sum(w * y for w, (_, y) in pairs)))
    return along


UPPER = _curve(((13.5, 16), (18, 16), (17.5, 9), (23, 9)))
LOWER = [(x, SIDE - y) for x, y in UPPER]
LINES: tuple[tuple[Point, Point], ...] = (
    ((9, 8), (9, 24)),
    ((9, 16), (13.5, 16)),
    *pairwise(UPPER),
    *pairwise(LOWER),
)


def _distance(point: Point, line: tuple[Point, Point]) -> float:
    (x, y), ((x0, y0), (x1, y1)) = point, line
    dx, dy = x1 - x0, y1 - y0
    along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)
    along = max(0.0, min(1.0, along))
    return float(((x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2) ** 0.5)


def _colour(x: float, y: float) -> Colour | None:
    """What is seen at a point; None outside of the square with its round corners."""
    over = [max(0.0, CORNER - edge) for edge in (min(x, SIDE - x), min(y, SIDE - y))]
    if over[0] ** 2 + over[1] ** 2 > CORNER**2:
        return None
    if any((x - cx) ** 2 + (y - cy) ** 2 <= DOT**2 for cx, cy in DOTS):
        return DOT_COLOUR
    if any(_distance((x, y), line) <= STROKE for line in LINES):
        return STROKE_COLOUR
    return BACKGROUND


def _pixel(column: int, row: int, size: int) -> bytes:
    seen = []
    for sample in range(SAMPLES**2):
        x = (column + (sample % SAMPLES + 0.5) / SAMPLES) * SIDE / size
        y = (row + (sample // SAMPLES + 0.5) / SAMPLES) * SIDE / size
        if (colour := _colour(x, y)) is not None:
            seen.append(colour)
    if not seen:
        return bytes(4)
    mixed = [round(sum(part) / len(seen)) for part in zip(*seen, strict=True)]
    return bytes([*mixed, round(255 * len(seen) / SAMPLES**2)])


def png(size: int) -> bytes:
    """The icon as a PNG with transparency."""
    rows = b"".join(
        b"\0" + b"".join(_pixel(column, row, size) for column in range(size)) for row in range(size)
    )

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def ico(sizes: tuple[int, ...] = SIZES) -> bytes:
    """The icon in several sizes, in the form of an .ico file with PNGs in it."""
    images = [png(size) for size in sizes]
    offset = 6 + 16 * len(images)
    directory = b""
    for size, image in zip(sizes, images, strict=True):
        directory += struct.pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(image), offset)
        offset += len(image)
    return struct.pack("<HHH", 0, 1, len(images)) + directory + b"".join(images)


def version_resource(number: str) -> str:
    """The version as PyInstaller's text form of a VS_VERSIONINFO resource."""
    parts = [int(part) for part in re.findall(r"\d+", number.partition("-")[0])]
    four = tuple((*parts, 0, 0, 0, 0)[:4])
    shown = {
        "FileDescription": "Kiro Gateway",
        "FileVersion": number,
        "InternalName": "kiro-gateway",
        "LegalCopyright": "MIT License",
        "OriginalFilename": "kiro-gateway.exe",
        "ProductName": "Kiro Gateway",
        "ProductVersion": number,
    }
    strings = ", ".join(f"StringStruct({name!r}, {text!r})" for name, text in shown.items())
    # 0x0409 and 1200: English, in Unicode.
    return (
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={four}, prodvers={four}), kids=["
        f"StringFileInfo([StringTable('040904B0', [{strings}])]), "
        "VarFileInfo([VarStruct('Translation', [0x0409, 1200])])])"
    )


def write(folder: Path, number: str) -> tuple[Path, Path]:
    """Write icon and version where PyInstaller can read them; gives both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    icon, resource = folder / "kiro-gateway.ico", folder / "version.txt"
    icon.write_bytes(ico())
    resource.write_text(version_resource(number), "utf-8")
    return icon, resource
