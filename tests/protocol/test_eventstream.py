import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from struct import pack
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import FrameError
from gateway.protocol import eventstream
from gateway.protocol.eventstream import (
    MAX_CACHED_BLOCK,
    MAX_FRAME,
    MAX_HEADER_COUNT,
    MAX_HEADERS,
    Frame,
    FrameParser,
    HeaderValue,
    encode_frame,
)

EVENT = bytes.fromhex(
    "0000007c0000005c3bddcf78"
    "0b3a6576656e742d74797065070016617373697374616e74526573706f6e73654576656e74"
    "0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e"
    "0d3a6d6573736167652d747970650700056576656e74"
    "7b22636f6e74656e74223a224869227d"
    "b02babdc"
)
EXCEPTION = bytes.fromhex(
    "0000008800000061de0175f4"
    "0f3a657863657074696f6e2d747970650700135468726f74746c696e67457863657074696f6e"
    "0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e"
    "0d3a6d6573736167652d74797065070009657863657074696f6e"
    "7b226d657373616765223a22736c6f7720646f776e227d"
    "5b4bbb49"
)
SMALLEST = bytes.fromhex("000000100000000005c248eb7d98c8ff")
STREAM = EVENT + SMALLEST + EXCEPTION

EVENT_HEADERS = {
    ":event-type": "assistantResponseEvent",
    ":content-type": "application/json",
    ":message-type": "event",
}


def parse(*chunks: bytes) -> list[Frame]:
    parser = FrameParser()
    frames: list[Frame] = []
    for chunk in chunks:
        parser.receive_data(chunk)
        frames += parser.frames()
    parser.receive_eof()
    return frames


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def frame_of(headers: bytes, payload: bytes = b"") -> bytes:
    """A frame with right lengths and checksums around any header bytes."""
    lengths = pack("!II", 16 + len(headers) + len(payload), len(headers))
    frame = lengths + pack("!I", zlib.crc32(lengths)) + headers + payload
    return frame + pack("!I", zlib.crc32(frame))


def prelude_of(total: int, headers_length: int) -> bytes:
    lengths = pack("!II", total, headers_length)
    return lengths + pack("!I", zlib.crc32(lengths))


def test_an_event_frame_is_read() -> None:
    [frame] = parse(EVENT)
    assert dict(frame.headers.values) == EVENT_HEADERS
    assert frame.headers.message_type == "event"
    assert frame.headers.event_type == "assistantResponseEvent"
    assert frame.payload == b'{"content":"Hi"}'


def test_an_exception_frame_is_read() -> None:
    [frame] = parse(EXCEPTION)
    assert frame.headers.message_type == "exception"
    assert frame.headers.exception_type == "ThrottlingException"
    assert frame.headers.event_type == ""
    assert frame.payload == b'{"message":"slow down"}'


def test_the_smallest_frame_has_no_headers_and_counts_as_an_event() -> None:
    [frame] = parse(SMALLEST)
    assert dict(frame.headers.values) == {}
    assert frame.headers.message_type == "event"
    assert frame.payload == b""


def test_an_error_frame_tells_its_code_and_message() -> None:
    headers = {":message-type": "error", ":error-code": "E1", ":error-message": "no"}
    [frame] = parse(encode_frame(headers))
    assert (frame.headers.error_code, frame.headers.error_message) == ("E1", "no")


def test_a_well_known_header_that_is_no_string_counts_as_absent() -> None:
    [frame] = parse(encode_frame({":message-type": 7, ":event-type": b"x"}))
    assert (frame.headers.message_type, frame.headers.event_type) == ("event", "")


@pytest.mark.parametrize(
    ("headers", "payload", "frame"),
    [
        (EVENT_HEADERS, b'{"content":"Hi"}', EVENT),
        (
            {
                ":exception-type": "ThrottlingException",
                ":content-type": "application/json",
                ":message-type": "exception",
            },
            b'{"message":"slow down"}',
            EXCEPTION,
        ),
        ({}, b"", SMALLEST),
    ],
    ids=["event", "exception", "smallest"],
)
def test_frames_are_written_byte_for_byte(
    headers: Mapping[str, HeaderValue], payload: bytes, frame: bytes
) -> None:
    assert encode_frame(headers, payload) == frame


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 64, 4096])
def test_a_stream_reads_the_same_however_cut(size: int) -> None:
    assert parse(*cut(STREAM * 3, size)) == parse(STREAM * 3)


def test_a_stream_reads_the_same_with_one_cut_at_any_position() -> None:
    expected = parse(STREAM)
    for at in range(len(STREAM) + 1):
        assert parse(STREAM[:at], STREAM[at:]) == expected


def test_a_frame_is_given_out_with_its_last_byte() -> None:
    parser = FrameParser()
    parser.receive_data(EVENT[:-1])
    assert list(parser.frames()) == []
    parser.receive_data(EVENT[-1:] + SMALLEST[:5])
    assert len(list(parser.frames())) == 1


def test_frames_that_were_not_fetched_are_not_lost() -> None:
    parser = FrameParser()
    parser.receive_data(EVENT + EXCEPTION)
    first = next(parser.frames())
    parser.receive_data(SMALLEST)
    assert [first, *parser.frames()] == parse(EVENT + EXCEPTION + SMALLEST)
    parser.receive_eof()


def test_an_empty_read_changes_nothing() -> None:
    assert parse(b"", EVENT[:20], b"", EVENT[20:], b"") == parse(EVENT)


def test_an_end_at_any_offset_inside_a_frame_is_an_error() -> None:
    boundaries = {0, len(EVENT), len(EVENT) + len(SMALLEST), len(STREAM)}
    for at in range(len(STREAM) + 1):
        if at in boundaries:
            parse(STREAM[:at])
        else:
            with pytest.raises(FrameError, match="into a frame"):
                parse(STREAM[:at])


def test_any_flipped_bit_is_an_error() -> None:
    for bit in range(len(EVENT) * 8):
        broken = bytearray(EVENT)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FrameError):
            parse(bytes(broken))


def test_the_frames_before_a_bad_one_are_given_out() -> None:
    parser = FrameParser()
    parser.receive_data(EVENT + SMALLEST + EVENT[:-1] + b"\0" + EVENT)
    frames = parser.frames()
    assert [next(frames).headers.event_type, next(frames).payload] == [
        "assistantResponseEvent",
        b"",
    ]
    with pytest.raises(FrameError, match="checksum"):
        next(frames)


def test_a_parser_that_failed_goes_on_failing() -> None:
    parser = FrameParser()
    parser.receive_data(EVENT[:-1] + b"\0")
    for _ in range(2):
        with pytest.raises(FrameError, match="checksum"):
            list(parser.frames())
    with pytest.raises(FrameError):
        parser.receive_eof()


@pytest.mark.parametrize(
    ("total", "headers_length"),
    [
        (15, 0),
        (0, 0),
        (16, 1),
        (MAX_FRAME + 1, 0),
        (0xFFFFFFFF, 0),
        (MAX_FRAME, MAX_HEADERS + 1),
        (100, 0xFFFFFFFF),
    ],
)
def test_an_impossible_length_is_an_error_at_once(total: int, headers_length: int) -> None:
    parser = FrameParser()
    parser.receive_data(prelude_of(total, headers_length) + b"\0\0\0\0")
    with pytest.raises(FrameError, match="impossible frame"):
        list(parser.frames())


def test_the_longest_frame_and_headers_are_read_in_many_cuts() -> None:
    headers = {f"h{n}": "x" * 60_000 for n in range(2)}
    overhead = len(encode_frame(headers))
    frame = encode_frame(headers, b"p" * (MAX_FRAME - overhead))
    [parsed] = parse(*cut(frame, 4096))
    assert len(frame) == MAX_FRAME
    assert dict(parsed.headers.values) == headers
    assert len(parsed.payload) == MAX_FRAME - overhead


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (0, b"", True),
        (1, b"", False),
        (2, b"\x80", -128),
        (3, b"\xff\x7f", -129),
        (4, b"\x7f\xff\xff\xff", 2**31 - 1),
        (5, b"\x80" + b"\0" * 7, -(2**63)),
        (6, b"\0\x02\xff\0", b"\xff\0"),
        (7, b"\0\x04" + "übe".encode(), "übe"),
        (8, pack("!q", 1_700_000_000_123), datetime(2023, 11, 14, 22, 13, 20, 123000, UTC)),
        (8, pack("!q", -1), datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)),
        (9, bytes(range(16)), UUID(bytes=bytes(range(16)))),
    ],
)
def test_each_type_of_header_is_read_and_written(kind: int, raw: bytes, value: HeaderValue) -> None:
    event_type = b"\x0b:event-type\x07\0\x01e"
    frame = frame_of(b"\x01n" + bytes([kind]) + raw + event_type, b"{}")
    [parsed] = parse(frame)
    assert parsed.headers.values["n"] == value
    assert type(parsed.headers.values["n"]) is type(value)
    assert parsed.headers.event_type == "e"
    assert encode_frame({"n": value, ":event-type": "e"}, b"{}") == frame


@pytest.mark.parametrize(
    ("value", "kind"),
    [(127, 2), (128, 3), (32767, 3), (32768, 4), (2**31, 5), (-(2**31) - 1, 5)],
)
def test_an_integer_takes_the_narrowest_type(value: int, kind: int) -> None:
    assert encode_frame({"n": value})[14] == kind


@pytest.mark.parametrize(
    "block",
    [
        b"\0\x07\0\x01x",
        b"\x05ab",
        b"\x01n",
        b"\x01n\x0a",
        b"\x01n\xff",
        b"\x01n\x02",
        b"\x01n\x05\0\0\0",
        b"\x01n\x07\0",
        b"\x01n\x07\0\x05abc",
        b"\x01n\x06\xff\xff",
        b"\x01n\x07\0\x01\xff",
        b"\x01\xff\x00",
        b"\x01n\x08" + b"\x7f" + b"\xff" * 7,
        b"\x01n\x09abc",
        b"\x01n\x00\x01n\x01",
    ],
    ids=[
        "empty name",
        "cut name",
        "no type",
        "unknown type 10",
        "unknown type 255",
        "cut byte",
        "cut long",
        "cut string length",
        "cut string",
        "cut bytes",
        "string that is no UTF-8",
        "name that is no UTF-8",
        "timestamp beyond the calendar",
        "cut UUID",
        "same name twice",
    ],
)
def test_headers_that_cannot_be_read_are_an_error(block: bytes) -> None:
    with pytest.raises(FrameError, match="header"):
        parse(frame_of(block))


def test_too_many_headers_are_an_error() -> None:
    headers = b"".join(b"\x03%03d\0" % n for n in range(MAX_HEADER_COUNT))
    [frame] = parse(frame_of(headers))
    assert len(frame.headers.values) == MAX_HEADER_COUNT
    with pytest.raises(FrameError, match="more than 256"):
        parse(frame_of(headers + b"\x03xyz\0"))


def test_frames_of_one_kind_share_their_headers() -> None:
    first, other, second = parse(EVENT + EXCEPTION, EVENT)
    assert first.headers is second.headers
    assert first.headers is not other.headers


def test_header_blocks_are_only_remembered_while_they_are_small_and_few() -> None:
    large = encode_frame({"n": "x" * MAX_CACHED_BLOCK})
    first, second = parse(large, large)
    assert first.headers is not second.headers
    for n in range(3 * eventstream.CACHED_BLOCKS):
        [frame] = parse(encode_frame({"n": n, "size": "x" * (n % 300)}, b"y" * n * 11))
        assert frame.headers.values["n"] == n
    assert len(eventstream._known_headers) <= eventstream.CACHED_BLOCKS


def test_the_memory_for_frame_lengths_is_bounded() -> None:
    for size in range(2 * eventstream.CACHED_PRELUDES):
        [frame] = parse(encode_frame({}, b"x" * size))
        assert len(frame.payload) == size
    assert len(eventstream._known_preludes) <= eventstream.CACHED_PRELUDES


def test_what_was_read_is_not_kept() -> None:
    parser = FrameParser()
    parser.receive_data(EVENT * 100 + EVENT[:50])
    assert len(list(parser.frames())) == 100
    assert len(parser._buffer) == 50


@pytest.mark.parametrize(
    ("headers", "payload"),
    [
        ({"": "x"}, b""),
        ({"n" * 256: "x"}, b""),
        ({"n": "x" * 65_536}, b""),
        ({"n": b"x" * 65_536}, b""),
        ({"n": 2**63}, b""),
        ({str(n): "x" * 60_000 for n in range(3)}, b""),
        ({str(n): True for n in range(MAX_HEADER_COUNT + 1)}, b""),
        ({}, b"x" * MAX_FRAME),
    ],
    ids=[
        "empty name",
        "long name",
        "long string",
        "long bytes",
        "65 bits",
        "long headers",
        "many headers",
        "long frame",
    ],
)
def test_what_no_parser_would_take_is_not_written(
    headers: Mapping[str, HeaderValue], payload: bytes
) -> None:
    with pytest.raises(ValueError, match=r"header|frame"):
        encode_frame(headers, payload)


NAMES = st.text(min_size=1, max_size=20)
VALUES: st.SearchStrategy[HeaderValue] = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.binary(max_size=40),
    st.text(max_size=40),
    st.uuids(),
    st.datetimes(timezones=st.just(UTC)).map(
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    ),
)
FRAMES = st.lists(
    st.tuples(st.dictionaries(NAMES, VALUES, max_size=5), st.binary(max_size=60)), max_size=6
)


@settings(max_examples=200, deadline=None)
@given(frames=FRAMES, cuts=st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_what_is_written_is_read_back(
    frames: list[tuple[dict[str, HeaderValue], bytes]], cuts: list[int]
) -> None:
    data = b"".join(encode_frame(headers, payload) for headers, payload in frames)
    read = parse(*uneven(data, cuts))
    assert [(dict(frame.headers.values), frame.payload) for frame in read] == frames
    for frame, (headers, _) in zip(read, frames, strict=True):
        assert list(map(type, frame.headers.values.values())) == list(map(type, headers.values()))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_garbage_is_a_frame_error_and_nothing_else(data: bytes, cuts: list[int]) -> None:
    try:
        frames = parse(*uneven(data, cuts))
    except FrameError:
        return
    assert data == b""
    assert frames == []


@settings(max_examples=200, deadline=None)
@given(block=st.binary(max_size=80))
def test_header_garbage_is_a_frame_error_and_nothing_else(block: bytes) -> None:
    try:
        [frame] = parse(frame_of(block))
    except FrameError:
        return
    assert bool(frame.headers.values) == bool(block)


def uneven(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    chunks = []
    for size in sizes:
        chunks.append(data[:size])
        data = data[size:]
    return [*chunks, data]
