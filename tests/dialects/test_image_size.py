import base64
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.conversation import Image, ImageFormat
from gateway.dialects.image_size import image_size, image_tokens


def image(image_format: ImageFormat, data: bytes) -> Image:
    return Image(image_format, base64.b64encode(data).decode())


def png(width: int, height: int) -> bytes:
    header = struct.pack(">II", width, height) + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + b"crc!" + b"\0" * 50


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\xf7\0\0" + b"\0" * 50


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(width: int, height: int, *, before: bytes = b"", frame: int = 0xC0) -> bytes:
    body = b"\x08" + struct.pack(">HH", height, width) + b"\x03" + b"\0" * 9
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0") + before + segment(frame, body) + b"\0" * 50


def webp(kind: bytes, body: bytes) -> bytes:
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def lossy(width: int, height: int) -> bytes:
    return webp(
        b"VP8 ", b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0" * 9
    )


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", width - 1 | (height - 1) << 14))


def extended(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X", b"\x10\0\0\0" + size)


# A thumbnail inside the camera's own segment has a frame of its own, which is not the picture's.
EXIF = segment(0xE1, b"Exif\0\0" + jpeg(160, 120) + b"\0" * 60_000)

SAMPLES = [
    pytest.param("png", png, id="PNG"),
    pytest.param("gif", gif, id="GIF"),
    pytest.param("jpeg", jpeg, id="JPEG"),
    pytest.param("jpeg", lambda w, h: jpeg(w, h, frame=0xC2), id="progressive JPEG"),
    pytest.param("jpeg", lambda w, h: jpeg(w, h, before=EXIF), id="JPEG behind a thumbnail"),
    pytest.param("jpeg", lambda w, h: jpeg(w, h, before=b"\xff" * 3), id="JPEG with fill bytes"),
    pytest.param(
        "jpeg", lambda w, h: jpeg(w, h, before=segment(0xC4, b"\0" * 9)), id="JPEG tables"
    ),
    pytest.param("webp", lossy, id="lossy WebP"),
    pytest.param("webp", lossless, id="lossless WebP"),
    pytest.param("webp", extended, id="extended WebP"),
]


@pytest.mark.parametrize(("image_format", "make"), SAMPLES)
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (1023, 4097)], ids=str)
def test_the_size_is_read_from_the_header(
    image_format: ImageFormat, make: object, size: tuple[int, int]
) -> None:
    assert callable(make)
    assert image_size(image(image_format, make(*size))) == size


@pytest.mark.parametrize(("image_format", "make"), SAMPLES)
def test_a_header_that_is_cut_off_has_no_size(image_format: ImageFormat, make: object) -> None:
    assert callable(make)
    whole = make(640, 480)
    answers = {image_size(image(image_format, whole[:length])) for length in range(30)}
    assert answers <= {None, (640, 480)}
    assert image_size(image(image_format, whole[:9])) is None


@pytest.mark.parametrize(
    ("size", "tokens"),
    [((750, 1), 1), ((751, 1), 2), ((200, 200), 54), ((1000, 1000), 1334), ((4000, 4000), 1600)],
    ids=str,
)
def test_a_picture_costs_a_token_for_750_pixels_up_to_1600(
    size: tuple[int, int], tokens: int
) -> None:
    assert image_tokens(image("png", png(*size))) == tokens


def test_a_picture_without_extent_costs_as_much_as_an_unreadable_one() -> None:
    assert image_tokens(image("png", png(0, 100))) == 1600
    assert image_tokens(Image("png", "not base64!")) == 1600
    assert image_tokens(Image("jpeg", "")) == 1600


def test_a_jpeg_of_endless_segments_is_given_up() -> None:
    endless = b"\xff\xd8" + segment(0xE1, b"") * 5000
    assert image_size(image("jpeg", endless)) is None


@settings(max_examples=200)
@given(
    st.sampled_from(["png", "jpeg", "gif", "webp"]),
    st.sampled_from([b"", b"\xff\xd8", b"RIFF\0\0\0\0WEBPVP8X", b"\x89PNG\r\n\x1a\n", b"GIF89a"]),
    st.binary(max_size=60),
)
def test_no_bytes_make_it_fail(image_format: ImageFormat, head: bytes, rest: bytes) -> None:
    assert 1 <= image_tokens(image(image_format, head + rest)) <= 1600
