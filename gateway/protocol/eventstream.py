"""Frames of the AWS event-stream encoding (`application/vnd.amazon.eventstream`), without I/O.

A frame, all integers big-endian:

    u32 length of the whole frame, this field and the last one included
    u32 length of the headers
    u32 CRC-32 of the eight bytes above
    headers: u8 length and name, u8 type, value
    payload
    u32 CRC-32 of everything above

The format is published with the AWS SDKs ("event stream encoding"). A frame that fails a check
fails the stream: what follows a bad length cannot be trusted, and going on after a bad payload
would drop text without anybody noticing.
"""

import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct
from types import MappingProxyType
from uuid import UUID

import msgspec

from gateway.errors import FrameError

# Only a corrupt or hostile length exceeds these, and it must not make us buffer without end. The
# headers' limit is the format's own, the frame's is what the AWS SDKs accept as a payload.
MAX_FRAME = 24 * 1024 * 1024  # bytes
MAX_HEADERS = 128 * 1024  # bytes
MAX_HEADER_COUNT = 256

# Header blocks repeat: those of one type of event are the same bytes, about 100 in practice. Larger
# ones are not kept, or the sender would choose how much memory the cache takes.
MAX_CACHED_BLOCK = 512  # bytes
CACHED_BLOCKS = 128
CACHED_PRELUDES = 1024  # lengths repeat too: most deltas are of a few dozen characters

PRELUDE = Struct("!III")
CRC = Struct("!I")
OVERHEAD = PRELUDE.size + CRC.size

TRUE, FALSE, BYTE, SHORT, INTEGER, LONG, BYTES, STRING, TIMESTAMP, UUID_TYPE = range(10)
INTEGERS = {BYTE: Struct("!b"), SHORT: Struct("!h"), INTEGER: Struct("!i"), LONG: Struct("!q")}
LENGTH = Struct("!H")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

HeaderValue = bool | int | bytes | str | datetime | UUID
"""An integer of any width is an `int`, a timestamp an aware `datetime` (milliseconds, UTC)."""


@dataclass(frozen=True, slots=True)
class Headers:
    """A frame's headers; the well-known ones are "" where absent or no string.

    Attributes:
        values: every header by its name, in wire order.
        message_type: `event`, `exception` or `error`; `event` where absent.
        event_type: such as `assistantResponseEvent`.
        exception_type: such as `ThrottlingException`.
        error_code: of an `error` message, beside `error_message`.
    """

    values: Mapping[str, HeaderValue]
    message_type: str = "event"
    event_type: str = ""
    exception_type: str = ""
    error_code: str = ""
    error_message: str = ""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame. Frames of the same kind share one `Headers`."""

    headers: Headers
    payload: bytes


class FrameParser:
    """Turn bytes, cut anywhere, into frames.

    Call `receive_data` and drain `frames` as bytes arrive, then `receive_eof`.

    Raises:
        FrameError: bad length, checksum or header, or an early end. Throw the parser away.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._offset = 0  # where the unread part of the buffer begins
        self._arrived: list[bytes] = []  # what comes behind the buffer, not joined to it yet
        self._arrived_size = 0  # bytes
        self._needed = OVERHEAD  # bytes that the next step cannot do without

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes; they are only looked at by `frames`."""
        self._arrived.append(data)
        self._arrived_size += len(data)

    def receive_eof(self) -> None:
        """Say that no more bytes come; a frame must not be in progress."""
        if unread := self._unread():
            raise FrameError(f"the stream ended {unread} bytes into a frame")

    def frames(self) -> Iterator[Frame]:
        """Every frame that is complete by now; those before a bad one are still given out."""
        # Joined only once there is enough to go on with: a frame that came in a thousand cuts is
        # copied once, not a thousand times.
        if self._unread() < self._needed:
            return
        if self._arrived:
            self._buffer = b"".join((self._buffer[self._offset :], *self._arrived))
            self._offset = self._arrived_size = 0
            self._arrived.clear()
        buffer, offset = self._buffer, self._offset
        size = len(buffer)
        known_prelude, known_headers = _known_preludes.get, _known_headers.get
        unpack_crc, crc32 = CRC.unpack_from, zlib.crc32
        while size - offset >= OVERHEAD:
            prelude = buffer[offset : offset + 12]
            total, headers_length, crc = known_prelude(prelude) or _parse_prelude(prelude)
            end = offset + total
            if end > size:
                break
            # The first eight bytes are in `crc` already.
            if crc32(buffer[offset + 8 : end - 4], crc) != unpack_crc(buffer, end - 4)[0]:
                raise FrameError("a frame fails its checksum")
            payload_start = offset + 12 + headers_length
            block = buffer[offset + 12 : payload_start]
            headers = known_headers(block) or _parse_headers(block)
            self._offset = offset = end
            yield Frame(headers, buffer[payload_start : end - 4])
        else:
            total = OVERHEAD
        self._needed = total
        # What was read must not stay in memory while the stream is silent.
        self._buffer, self._offset = buffer[offset:], 0

    def _unread(self) -> int:
        return len(self._buffer) - self._offset + self._arrived_size


def encode_frame(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    """One frame as bytes. An `int` takes the narrowest of the four widths that holds it.

    Raises:
        ValueError: a name, value or the whole is longer than the format or our parser allows.
    """
    block = b"".join(_encode_header(name, value) for name, value in headers.items())
    total = OVERHEAD + len(block) + len(payload)
    if len(headers) > MAX_HEADER_COUNT or len(block) > MAX_HEADERS or total > MAX_FRAME:
        raise ValueError(f"frame too large: {total} bytes, {len(block)} in {len(headers)} headers")
    lengths = PRELUDE.pack(total, len(block), 0)[:8]
    frame = b"".join((lengths, CRC.pack(zlib.crc32(lengths)), block, payload))
    return frame + CRC.pack(zlib.crc32(frame))


def _encode_header(name: str, value: HeaderValue) -> bytes:
    encoded_name = name.encode()
    if not 1 <= len(encoded_name) <= 255:
        raise ValueError(f"a header name has 1 to 255 bytes, not {len(encoded_name)}")
    kind, encoded = _encode_value(value)
    return b"%c%b%c%b" % (len(encoded_name), encoded_name, kind, encoded)


def _encode_value(value: HeaderValue) -> tuple[int, bytes]:
    match value:
        case bool():
            return (TRUE if value else FALSE), b""
        case int():
            for kind, layout in INTEGERS.items():
                if -(1 << 8 * layout.size - 1) <= value < 1 << 8 * layout.size - 1:
                    return kind, layout.pack(value)
            raise ValueError("an integer header has at most 64 bits")
        case bytes():
            return BYTES, _with_length(value)
        case str():
            return STRING, _with_length(value.encode())
        case datetime():
            milliseconds = (value - EPOCH) // timedelta(milliseconds=1)
            return TIMESTAMP, INTEGERS[LONG].pack(milliseconds)
        case UUID():
            return UUID_TYPE, value.bytes


def _with_length(value: bytes) -> bytes:
    if len(value) > 0xFFFF:
        raise ValueError(f"a header value has at most 65535 bytes, not {len(value)}")
    return LENGTH.pack(len(value)) + value


# Plain dicts cost half of what `lru_cache` does. All streams share them: nothing in them is theirs.
_known_preludes: dict[bytes, tuple[int, int, int]] = {}
_known_headers: dict[bytes, Headers] = {}


def _parse_prelude(prelude: bytes) -> tuple[int, int, int]:
    """Length of the frame, length of its headers, CRC of the first eight bytes."""
    total, headers_length, prelude_crc = PRELUDE.unpack(prelude)
    crc = zlib.crc32(prelude[:8])
    if crc != prelude_crc:
        raise FrameError("a frame's prelude fails its checksum")
    if not OVERHEAD + headers_length <= total <= MAX_FRAME or headers_length > MAX_HEADERS:
        raise FrameError(f"impossible frame: {total} bytes, {headers_length} of them headers")
    if len(_known_preludes) >= CACHED_PRELUDES:
        _known_preludes.clear()
    _known_preludes[prelude] = total, headers_length, crc
    return total, headers_length, crc


def _parse_headers(block: bytes) -> Headers:
    values: dict[str, HeaderValue] = {}
    offset = 0
    try:
        while offset < len(block):
            if len(values) == MAX_HEADER_COUNT:
                raise FrameError(f"a frame has more than {MAX_HEADER_COUNT} headers")
            name, offset = _take(block, offset + 1, block[offset])
            if not name or name.decode() in values:
                raise FrameError("a frame has a header without a name, or one twice")
            values[name.decode()], offset = _parse_value(block, offset)
    except (IndexError, ValueError, OverflowError) as error:
        # In this order: cut short, no UTF-8, a timestamp beyond what `datetime` can say.
        raise FrameError("a frame's headers cannot be read") from error

    def text(name: str, default: str = "") -> str:
        value = values.get(name)
        # Interned, because the decoder compares it for every frame.
        return sys.intern(value) if isinstance(value, str) else default

    headers = Headers(
        values=MappingProxyType(values),
        message_type=text(":message-type", "event"),
        event_type=text(":event-type"),
        exception_type=text(":exception-type"),
        error_code=text(":error-code"),
        error_message=text(":error-message"),
    )
    if len(block) <= MAX_CACHED_BLOCK:
        if len(_known_headers) >= CACHED_BLOCKS:
            _known_headers.clear()
        _known_headers[block] = headers
    return headers


def _parse_value(block: bytes, offset: int) -> tuple[HeaderValue, int]:
    kind = block[offset]
    offset += 1
    if kind in (TRUE, FALSE):
        return kind == TRUE, offset
    if kind in INTEGERS:
        raw, offset = _take(block, offset, INTEGERS[kind].size)
        return int.from_bytes(raw, signed=True), offset
    if kind in (BYTES, STRING):
        length, offset = _take(block, offset, LENGTH.size)
        raw, offset = _take(block, offset, int.from_bytes(length))
        return (raw if kind == BYTES else raw.decode()), offset
    if kind == TIMESTAMP:
        raw, offset = _take(block, offset, 8)
        return EPOCH + timedelta(milliseconds=int.from_bytes(raw, signed=True)), offset
    if kind == UUID_TYPE:
        raw, offset = _take(block, offset, 16)
        return UUID(bytes=raw), offset
    raise FrameError(f"a frame has a header of the unknown type {kind}")


def _take(block: bytes, offset: int, length: int) -> tuple[bytes, int]:
    end = offset + length
    if end > len(block):
        raise IndexError("past the end of the headers")
    return block[offset:end], end
