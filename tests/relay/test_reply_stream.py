"""What holds for every answer, however upstream tells it and however it is cut."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.limits import ALLOWANCE
from gateway.dialects.token_estimate import estimate_text
from gateway.simulator.wire import Event, error_frame, event_frame, exception_frame
from gateway.web.error_responses import Dialect
from tests.relay.aggregate import Json, completion_of, message_of
from tests.relay.replay import (
    DIALECTS,
    Form,
    Reading,
    Replayed,
    new_reply,
    new_translator,
    replay,
)
from tests.strategies import ANY_SPEED

FORMS: tuple[Form, ...] = ("stream", "answer")
TOOLS = ("look", "Read")

PIECES = st.one_of(
    st.sampled_from(
        ["", " ", "\n", "ha ", "<think", "ing>", "<thinking>", "</thinking>", "`", "ST", "OP", "好"]
    ),
    st.text(max_size=6),
)
INPUTS: st.SearchStrategy[object] = st.sampled_from(
    ["", "{", "}", '{"a":', '"b"}', "{}", '{"a":1}', '{"path":"x"}', '["x"]', {}, {"a": 1}, None]
)


def _present(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


TEXTS = PIECES.map(lambda text: Event("assistantResponseEvent", {"content": text}).frame())
REASONING = st.builds(
    lambda **members: Event("reasoningContentEvent", _present(**members)).frame(),
    text=st.none() | PIECES,
    signature=st.none() | st.sampled_from(["", "c2ln"]),
    redactedContent=st.none() | st.just("cmVk"),
)
CALLS = st.builds(
    lambda **members: Event("toolUseEvent", _present(**members)).frame(),
    toolUseId=st.sampled_from([None, "", "a", "a", "b", "b", "c"]),
    name=st.sampled_from([None, "", "look", "look", "Read", "readFile", "browser_click"]),
    input=INPUTS,
    stop=st.sampled_from([None, None, False, True]),
)
CLOSING = st.sampled_from(
    [
        Event("meteringEvent", {"unit": "credit", "usage": 0.5}),
        Event("metadataEvent", {"tokenUsage": {"uncachedInputTokens": 8, "outputTokens": 3}}),
        Event("metadataEvent", {"tokenUsage": {"totalTokens": 0}}),
        Event("contextUsageEvent", {"contextUsagePercentage": 3.4}),
        Event("contextUsageEvent", {"contextUsagePercentage": 100}),
    ]
).map(Event.frame)
OTHERS = st.sampled_from(
    [
        event_frame("initial-response", b"{}"),
        event_frame("eventFromTheFuture", b"\xff"),
        event_frame("toolUse", b'{"toolUseId":"d","name":"look","input":{"a":1}}'),
        event_frame("assistantResponseEvent", b'{"content":"\\ud83d"}'),
        event_frame("assistantResponseEvent", b'{"content":"old","toolUseId":"e","name":"look"}'),
        event_frame("assistantResponseEvent", b""),
    ]
)
FAILURES = st.sampled_from(
    [
        exception_frame("ThrottlingException", "Slow down."),
        exception_frame("ContentLengthExceededException", "Too long."),
        exception_frame("error", "No."),
        error_frame("InternalServerException", "No."),
        event_frame("invalidStateEvent", b'{"reason":"X","message":"No."}'),
        event_frame("assistantResponseEvent", b'{"content":'),
        b"\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2H\xeb0000",  # a checksum that is wrong
    ]
)
CONTENT = st.one_of(TEXTS, TEXTS, CALLS, CALLS, REASONING, OTHERS)

READINGS = st.builds(
    Reading,
    tools=st.sampled_from([(), TOOLS]),
    thinking=st.booleans(),
    show_thinking=st.booleans(),
    live_tools=st.booleans(),
    stop_sequences=st.sampled_from([(), (), ("STOP",), ("OP", "TOP", "\n"), ("look",)]),
    max_tokens=st.sampled_from([None, None, 1, 3, 10]),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Frames in any order; as a rule an ending, now and then a failure or a cut."""
    sent = draw(st.lists(CONTENT, max_size=12))
    ending = draw(st.sampled_from(["closed", "closed", "closed", "open", "failed", "cut"]))
    if ending == "failed":
        sent.insert(draw(st.integers(0, len(sent))), draw(FAILURES))
    if ending != "open":
        sent += draw(st.lists(CLOSING, min_size=1, max_size=3))
    data = b"".join(sent)
    return data[: -draw(st.integers(1, len(data)))] if ending == "cut" else data


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes in pieces of any size, none among them."""
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=20)))
    return [data[i:j] for i, j in zip([0, *places], [*places, len(data)], strict=True)]


def read(data: bytes, reading: Reading, dialect: Dialect, form: Form) -> Replayed:
    return replay([data], reading, dialect, form)


def put_together(stream: bytes, dialect: Dialect) -> Json:
    return message_of(stream) if dialect == "anthropic" else completion_of(stream)


@settings(ANY_SPEED, max_examples=150)
@given(streams(), READINGS, st.sampled_from(DIALECTS))
def test_every_stream_keeps_its_order_and_says_what_the_collected_answer_says(
    data: bytes, reading: Reading, dialect: Dialect
) -> None:
    stream = read(data, reading, dialect, "stream")
    answer = read(data, reading, dialect, "answer")
    collected: Json = json.loads(answer.body)
    collected.pop("request_id", None)
    if stream.started or stream.failure is None:
        assert put_together(stream.body, dialect) == collected
    else:
        assert stream.body == answer.body


@settings(ANY_SPEED, max_examples=150)
@given(st.data(), streams(), READINGS, st.sampled_from(DIALECTS), st.sampled_from(FORMS))
def test_what_comes_out_does_not_depend_on_how_the_bytes_were_cut(
    draw: st.DataObject, data: bytes, reading: Reading, dialect: Dialect, form: Form
) -> None:
    whole = read(data, reading, dialect, form)
    pieces = replay(draw.draw(cuts(data)), reading, dialect, form)
    assert pieces.body == whole.body
    assert (pieces.started, pieces.stop) == (whole.started, whole.stop)
    assert repr(pieces.failure) == repr(whole.failure)


@settings(ANY_SPEED, max_examples=100)
@given(streams(), READINGS, st.sampled_from(DIALECTS))
def test_a_reply_that_has_ended_has_nothing_to_add(
    data: bytes, reading: Reading, dialect: Dialect
) -> None:
    reply = new_reply(reading, new_translator(reading, dialect, "stream"))
    reply.feed(data)
    reply.finish()
    assert reply.ended
    assert (reply.failure is None) is (reply.stop is not None)
    usage = reply.usage()
    assert reply.finish() == b""
    assert reply.usage() == usage


@settings(ANY_SPEED, max_examples=150)
@given(streams(), READINGS)
def test_a_text_block_never_holds_a_stop_sequence(data: bytes, reading: Reading) -> None:
    body = read(data, reading, "anthropic", "stream").body
    if not body.startswith(b"event"):
        return
    texts = [block["text"] for block in message_of(body).get("content", ()) if "text" in block]
    assert not any(stop in text for stop in reading.stop_sequences for text in texts)


def text_frames(pieces: list[str]) -> bytes:
    closing = Event("meteringEvent", {"unit": "credit", "usage": 0.5}).frame()
    said = [Event("assistantResponseEvent", {"content": piece}).frame() for piece in pieces]
    return b"".join([*said, closing])


SPOKEN = st.lists(
    st.sampled_from(["S", "ST", "OP", "STOP", "one ", "two", "three ", "好", "😀", "\n", ", "]),
    min_size=1,
    max_size=60,
)


@settings(ANY_SPEED, max_examples=150)
@given(
    SPOKEN,
    st.sampled_from([(), ("STOP",), ("TOP", "P,"), ("好好", "好😀")]),
    st.sampled_from([None, 1, 2, 5, 20, 60]),
)
def test_limits_cut_the_text_at_the_same_place_whatever_its_increments(
    pieces: list[str], stops: tuple[str, ...], max_tokens: int | None
) -> None:
    reading = Reading(stop_sequences=stops, max_tokens=max_tokens)
    text = "".join(pieces)
    results = set()
    for increments in (pieces, [text], list(text)):
        reply = read(text_frames(increments), reading, "openai", "answer")
        said = json.loads(reply.body)["choices"][0]["message"]["content"]
        assert reply.stop is not None
        results.add((said, reply.stop.reason, reply.stop.stop_sequence))
    [(said, reason, stop)] = results
    limit = None if max_tokens is None else int(max_tokens * ALLOWANCE)
    match reason:
        case "end_turn":
            assert said == text
            assert not any(each in text for each in stops)
        case "stop_sequence":
            assert text.startswith(f"{said}{stop}")
        case "max_tokens":
            assert text.startswith(said)
            assert limit is not None
            assert estimate_text(said) > limit
        case _:
            raise AssertionError(reason)
