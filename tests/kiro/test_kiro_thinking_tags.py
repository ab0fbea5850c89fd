from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.events import TextDelta, ThinkingDelta
from gateway.kiro.thinking_tags import MAX_LEADING_SPACE, ThinkingTagParser

Read = tuple[str, str]
"""All thinking, all text."""


def read(*pieces: str) -> Read:
    parser = ThinkingTagParser()
    deltas = [delta for piece in pieces for delta in parser.feed(piece)]
    deltas += parser.flush()
    assert all(delta.text for delta in deltas)
    kinds = [type(delta) for delta in deltas]
    assert kinds == sorted(kinds, key=(ThinkingDelta, TextDelta).index)
    thinking = "".join(delta.text for delta in deltas if isinstance(delta, ThinkingDelta))
    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    return thinking, text


CASES = {
    "a block and an answer": ("<thinking>why</thinking>\n\nBecause.", ("why", "Because.")),
    "think": ("<think>why</think>\nBecause.", ("why", "Because.")),
    "reasoning": ("<reasoning>why</reasoning>\nBecause.", ("why", "Because.")),
    "thought": ("<thought>why</thought>\nBecause.", ("why", "Because.")),
    "white space in front": (" \n\t<thinking>why</thinking>\nYes", ("why", "Yes")),
    "line breaks of Windows": ("<thinking>why</thinking>\r\n\r\nYes", ("why", "Yes")),
    "indentation behind is kept": ("<thinking>why</thinking>\n\n  Yes", ("why", "  Yes")),
    "line breaks inside are kept": ("<thinking>\nwhy\n</thinking>\nYes", ("\nwhy\n", "Yes")),
    "no tag": ("Because.", ("", "Because.")),
    "no tag behind white space": ("  Because.", ("", "  Because.")),
    "only white space": (" \n ", ("", " \n ")),
    "nothing": ("", ("", "")),
    "tag after text": (
        "So <thinking>why</thinking>\nYes",
        ("", "So <thinking>why</thinking>\nYes"),
    ),
    "another tag": ("<thinks>why</thinks>\nYes", ("", "<thinks>why</thinks>\nYes")),
    "capitals": ("<Thinking>why</Thinking>\nYes", ("", "<Thinking>why</Thinking>\nYes")),
    "half a tag at the end": ("<thin", ("", "<thin")),
    "closed at the end": ("<thinking>why</thinking>", ("why", "")),
    "never closed": ("<thinking>why not", ("why not", "")),
    "half a closing tag at the end": ("<thinking>why</thin", ("why</thin", "")),
    "closed with the other tag": ("<think>a</thinking>\nb</think>\nc", ("a</thinking>\nb", "c")),
    "closing tag before other text": (
        "<thinking>a</thinking> b</thinking>\nc",
        ("a</thinking> b", "c"),
    ),
    "quoted with backticks": (
        "<thinking>write `</thinking>`\nor `</thinking>\n no</thinking>\nYes",
        ("write `</thinking>`\nor `</thinking>\n no", "Yes"),
    ),
    "quoted with quotes": (
        "<thinking>'</thinking>\n\"</thinking>\n</thinking>\nYes",
        ("'</thinking>\n\"</thinking>\n", "Yes"),
    ),
    "quoted at the end": ("<thinking>a `</thinking>", ("a `</thinking>", "")),
    "a second block is text": (
        "<thinking>a</thinking>\n<thinking>b</thinking>\nc",
        ("a", "<thinking>b</thinking>\nc"),
    ),
    "empty block": ("<thinking></thinking>\nYes", ("", "Yes")),
    "angle brackets": ("<thinking>a<<b<</thinking>\n<c", ("a<<b<", "<c")),
    "beyond ASCII": ("<thinking>思考🤔</thinking>\n答え", ("思考🤔", "答え")),
    "too much white space": (
        " " * (MAX_LEADING_SPACE + 1) + "<think>a</think>\nb",
        ("", " " * (MAX_LEADING_SPACE + 1) + "<think>a</think>\nb"),
    ),
    "just not too much white space": (
        " " * MAX_LEADING_SPACE + "<think>a</think>\nb",
        ("a", "b"),
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_thinking_is_told_from_text(text: str, expected: Read) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_one_cut_anywhere_changes_nothing(text: str, expected: Read) -> None:
    for at in range(len(text) + 1):
        assert read(text[:at], text[at:]) == expected


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_a_cut_after_every_character_changes_nothing(text: str, expected: Read) -> None:
    assert read(*text) == expected


def test_two_cuts_anywhere_change_nothing() -> None:
    text, expected = CASES["quoted with backticks"]
    for first, second in combinations(range(len(text) + 1), 2):
        assert read(text[:first], text[first:second], text[second:]) == expected


PARTS = st.sampled_from(
    ["<thinking>", "</thinking>", "<think>", "</think>", "\n", "\r", " ", "`", '"', "<", "</", "a"]
)


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(PARTS, max_size=12), data=st.data())
def test_cuts_never_change_what_comes_out(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    pieces = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    assert read(*pieces) == read(text)


def test_thinking_is_given_out_as_soon_as_it_is_certain() -> None:
    parser = ThinkingTagParser()
    assert parser.feed("<thinking>step one") == (ThinkingDelta("step one"),)
    assert parser.feed(", step two</thin") == (ThinkingDelta(", step two"),)
    assert parser.feed("gs>") == (ThinkingDelta("</things>"),)


def test_text_is_given_out_as_soon_as_no_tag_can_come() -> None:
    parser = ThinkingTagParser()
    assert parser.feed("\n<thi") == ()
    assert not parser.done
    assert parser.feed("rd>") == (TextDelta("\n<third>"),)
    assert parser.done


def test_text_after_a_flush_is_text() -> None:
    parser = ThinkingTagParser()
    parser.feed("<thinking>a</thinking>")
    assert parser.flush() == ()
    assert parser.done
    assert parser.feed("</thinking>\nb") == (TextDelta("</thinking>\nb"),)
