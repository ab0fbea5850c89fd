from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.limits import OutputLimiter
from gateway.dialects.token_estimate import TokenCounter, estimate_text
from gateway.events import (
    ContentEvent,
    RedactedThinking,
    Stop,
    TextDelta,
    ThinkingDelta,
    ThinkingSignature,
    ToolUseDelta,
    ToolUseEnd,
    ToolUseStart,
)


def limiter(*stop_sequences: str, max_tokens: int | None = None) -> OutputLimiter:
    return OutputLimiter(stop_sequences, max_tokens, TokenCounter())


def run(limit: OutputLimiter, events: Iterable[ContentEvent]) -> list[ContentEvent]:
    out: list[ContentEvent] = []
    for event in events:
        out += limit.feed(event)
    out += limit.finish()
    return out


def text_of(events: Iterable[ContentEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def texts(*pieces: str) -> list[ContentEvent]:
    return [TextDelta(piece) for piece in pieces]


def cut(text: str, sizes: Sequence[int]) -> list[ContentEvent]:
    """The text in pieces of these sizes, taken in turn."""
    pieces, at, turn = [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        pieces.append(TextDelta(text[at : at + size]))
        at, turn = at + size, turn + 1
    return list(pieces)


CALL: list[ContentEvent] = [
    ToolUseStart("t1", "read"),
    ToolUseDelta("t1", '{"path":'),
    ToolUseDelta("t1", '"a"}'),
    ToolUseEnd("t1"),
]


@pytest.mark.parametrize(
    ("stops", "pieces", "passed", "stopped"),
    [
        (["END"], ["one END two"], "one ", "END"),
        (["END"], ["one E", "N", "D two"], "one ", "END"),
        (["END"], ["ENDless"], "", "END"),
        (["END"], ["one EN"], "one EN", None),
        (["END"], ["EEND"], "E", "END"),
        (["aab"], ["a", "a", "a", "b"], "a", "aab"),
        (["END", "two"], ["one two END"], "one ", "two"),
        (["abcd", "bc"], ["abcd"], "a", "bc"),
        (["bc", "abc"], ["xabc"], "x", "abc"),
        (["\n\n"], ["a\nb\n", "\nc"], "a\nb", "\n\n"),
        (["。"], ["你好。再见"], "你好", "。"),
        (["x"], ["no such letter"], "no such letter", None),
        ([""], ["anything"], "anything", None),
    ],
    ids=[
        "inside a delta",
        "across deltas",
        "at the very start",
        "only begun",
        "after its own first letter",
        "after its own beginning",
        "the earlier of two",
        "the one complete first",
        "the longer of two that end together",
        "line breaks",
        "a multi-byte character",
        "absent",
        "an empty one matches nothing",
    ],
)
def test_a_stop_sequence_ends_the_text_in_front_of_it(
    stops: list[str], pieces: list[str], passed: str, stopped: str | None
) -> None:
    limit = limiter(*stops)
    out = run(limit, texts(*pieces))
    assert text_of(out) == passed
    assert limit.stopped == (Stop("stop_sequence", stopped) if stopped else None)


def test_only_a_possible_beginning_of_a_stop_sequence_is_held_back() -> None:
    limit = limiter("STOP", "\n\nHuman:")
    assert limit.feed(TextDelta("So it goes")) == (TextDelta("So it goes"),)
    assert limit.feed(TextDelta(" on, S")) == (TextDelta(" on, "),)
    assert limit.feed(TextDelta("T")) == ()
    assert limit.feed(TextDelta("ART")) == (TextDelta("START"),)
    assert limit.feed(TextDelta("\n")) == ()
    assert limit.feed(TextDelta("Hum")) == (TextDelta("\nHum"),)


@pytest.mark.parametrize(
    "event",
    [ThinkingDelta("hm"), ThinkingSignature("s"), RedactedThinking("r"), CALL[0]],
    ids=lambda event: type(event).__name__,
)
def test_held_text_goes_out_before_any_other_kind_of_event(event: ContentEvent) -> None:
    limit = limiter("END")
    assert limit.feed(TextDelta("the EN")) == (TextDelta("the "),)
    assert limit.feed(event) == (TextDelta("EN"), event)


def test_a_stop_sequence_does_not_match_across_a_tool_call() -> None:
    limit = limiter("END")
    out = run(limit, [TextDelta("EN"), *CALL, TextDelta("D")])
    assert out == [TextDelta("EN"), *CALL, TextDelta("D")]
    assert limit.stopped is None


def test_thinking_and_tool_input_may_contain_a_stop_sequence() -> None:
    limit = limiter("END")
    events: list[ContentEvent] = [
        ThinkingDelta("END"),
        ToolUseStart("t", "END"),
        ToolUseDelta("t", '{"a":"END"}'),
        ToolUseEnd("t"),
    ]
    assert run(limit, events) == events
    assert limit.stopped is None


def test_nothing_passes_once_the_reply_is_cut() -> None:
    limit = limiter("END")
    limit.feed(TextDelta("END"))
    assert run(limit, [TextDelta("more"), ThinkingDelta("more"), *CALL]) == []


PROSE = "The quick brown fox jumps over the lazy dog, again and again. " * 400


@pytest.mark.parametrize("max_tokens", [1, 2, 10, 100, 1000])
def test_text_is_cut_when_it_is_ten_percent_over(max_tokens: int) -> None:
    limit = limiter(max_tokens=max_tokens)
    counted = estimate_text(text_of(run(limit, cut(PROSE, [5]))))
    assert limit.stopped == Stop("max_tokens")
    assert max_tokens * 1.1 < counted <= max_tokens * 1.1 + 3


def test_text_of_many_tokens_per_character_is_cut_in_time_too() -> None:
    limit = limiter(max_tokens=1000)
    counted = estimate_text(text_of(run(limit, cut("字😀𠀀7" * 3000, [3]))))
    assert 1100 < counted <= 1110


def test_a_reply_within_the_allowance_is_left_alone() -> None:
    text = PROSE[:2000]
    limit = limiter(max_tokens=int(estimate_text(text) / 1.05))
    assert text_of(run(limit, cut(text, [9]))) == text
    assert limit.stopped is None


def test_thinking_and_tool_input_do_not_count() -> None:
    limit = limiter(max_tokens=5)
    events: list[ContentEvent] = [
        ThinkingDelta(PROSE),
        ToolUseStart("t", "write"),
        ToolUseDelta("t", f'{{"text":"{PROSE}"}}'),
        ToolUseEnd("t"),
        TextDelta("Done."),
    ]
    assert run(limit, events) == events
    assert limit.stopped is None


def test_the_counter_counts_exactly_what_went_through() -> None:
    counter = TokenCounter()
    limit = OutputLimiter(("lazy dog, twice",), 300, counter)
    out = run(limit, cut(PROSE, [11]))
    assert counter.total == estimate_text(text_of(out))


@pytest.mark.parametrize("limit_by", ["stop sequence", "max_tokens"])
def test_a_tool_call_in_progress_always_finishes(limit_by: str) -> None:
    limit = limiter("END") if limit_by == "stop sequence" else limiter(max_tokens=1)
    start, first, second, end = CALL
    assert run_each(limit, start, first) == [start, first]
    limit.feed(TextDelta("END" + PROSE))
    assert stop_reason(limit) is None
    assert run_each(limit, TextDelta("more"), ToolUseStart("t2", "x"), second) == [second]
    assert run_each(limit, ToolUseDelta("t2", "{}"), ToolUseEnd("t2"), end) == [end]
    assert stop_reason(limit) == limit_by.replace(" ", "_")
    assert run_each(limit, *CALL) == []


def stop_reason(limit: OutputLimiter) -> str | None:
    return limit.stopped.reason if limit.stopped else None


def run_each(limit: OutputLimiter, *events: ContentEvent) -> list[ContentEvent]:
    return [out for event in events for out in limit.feed(event)]


def test_a_call_that_never_ends_does_not_hide_why_the_reply_was_cut() -> None:
    limit = limiter("END")
    run(limit, [CALL[0], TextDelta("END")])
    assert limit.stopped == Stop("stop_sequence", "END")


# Few letters, so that sequences begin, overlap and complete often.
@settings(max_examples=200)
@given(
    text=st.text("ab\n", max_size=60),
    stops=st.lists(st.text("ab\n", min_size=1, max_size=5), max_size=3),
    max_tokens=st.none() | st.integers(1, 20),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_what_passes_does_not_depend_on_how_the_text_is_cut(
    text: str, stops: list[str], max_tokens: int | None, sizes: list[int]
) -> None:
    whole, pieces = limiter(*stops, max_tokens=max_tokens), limiter(*stops, max_tokens=max_tokens)
    expected = text_of(run(whole, texts(text) if text else []))
    assert text_of(run(pieces, cut(text, sizes))) == expected
    assert pieces.stopped == whole.stopped


@settings(max_examples=200)
@given(
    text=st.text("ab", max_size=40),
    stops=st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
)
def test_no_stop_sequence_ever_passes(text: str, stops: list[str], sizes: list[int]) -> None:
    limit = limiter(*stops)
    passed = text_of(run(limit, cut(text, sizes)))
    assert not any(stop in passed for stop in stops)
    assert text.startswith(passed)
    assert (limit.stopped is None) == (passed == text)


@settings(max_examples=100)
@given(cuts=st.lists(st.integers(1, 300), min_size=1, max_size=6), max_tokens=st.integers(1, 900))
def test_max_tokens_cuts_prose_at_the_same_place_however_it_arrives(
    cuts: list[int], max_tokens: int
) -> None:
    expected = text_of(run(limiter(max_tokens=max_tokens), texts(PROSE)))
    assert text_of(run(limiter(max_tokens=max_tokens), cut(PROSE, cuts))) == expected
    assert PROSE.startswith(expected)


def test_no_event_is_ever_empty() -> None:
    limit = limiter("ab", max_tokens=1000)
    out = run(limit, texts("a", "c", "a", "a", "b"))
    assert all(event != TextDelta("") for event in out)
    assert text_of(out) == "aca"
