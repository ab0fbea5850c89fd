"""Which pictures of a conversation go up."""

from collections.abc import Sequence
from typing import Final, Literal

from gateway.conversation import Image, Note
from gateway.errors import InvalidRequest
from gateway.kiro.body import ImageBlock, ImageSource
from gateway.kiro.turns import MendedTurn

MAX_IMAGES: Final = 10
MAX_IMAGE_BYTES: Final = 10 * 1024 * 1024
FORMATS: Final = frozenset({"png", "jpeg", "gif", "webp"})

ImageFault = Literal["format", "size", "data"]

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_COMPLAINTS: Final[dict[ImageFault, str]] = {
    "format": "has a format other than png, jpeg, gif and webp",
    "size": f"is larger than {MAX_IMAGE_BYTES} bytes",
    "data": "is not valid base64",
}


def image_fault(image_format: str, data: str) -> ImageFault | None:
    """What the service would refuse in a picture; `data` is its base64."""
    if image_format not in FORMATS:
        return "format"
    if len(data) // 4 * 3 - data.count("=", -2) > MAX_IMAGE_BYTES:
        return "size"
    return None if _is_base64(data) else "data"


def _is_base64(data: str) -> bool:
    """Standard alphabet, padded. Five times as fast as decoding, and pictures are large."""
    if not data or len(data) % 4 or not data.isascii():
        return False
    padding = data.encode().translate(None, _ALPHABET)
    return padding in (b"", b"=", b"==") and data.endswith(padding.decode())


def choose_images(turns: Sequence[MendedTurn], notes: dict[Note, None]) -> None:
    """Leave in `turns` the pictures that go up: of more than the service takes, the newest.

    Raises:
        InvalidRequest: the last turn, which the client waits on, has one that cannot go. One of
            an older turn is dropped instead, or the conversation could never go on.
    """
    left = MAX_IMAGES
    for turn in reversed(turns):
        if not turn.images:
            continue
        kept: list[Image] = []
        for image in reversed(turn.images):
            fault = image_fault(image.format, image.data) if left else None
            if fault and turn is turns[-1]:
                raise InvalidRequest(f"an image of the last message {_COMPLAINTS[fault]}")
            if fault or not left:
                notes[Note("dropped", "image")] = None
            else:
                kept.append(image)
                left -= 1
        turn.images = kept[::-1]


def image_blocks(images: Sequence[Image]) -> tuple[ImageBlock, ...]:
    """The pictures as the body has them."""
    return tuple(ImageBlock(image.format, ImageSource(image.data)) for image in images)
