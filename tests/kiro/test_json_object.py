import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.kiro.json_object import is_json_object, is_sound_object, without_repeated_names
from tests.strategies import ANY_SPEED

NAMES = st.sampled_from(["a", "b", "", "é", '"', "\n", "a:", "{"])
SCALARS = st.sampled_from([None, True, 0, -1.5, 10**30, "x", '{"a":1,"a":2}', "長\u2028", "a"])


class Members(list[tuple[str, object]]):
    """An object as it is written: its members in a row, names repeated or not."""


def _members(inner: st.SearchStrategy[object]) -> st.SearchStrategy[Members]:
    return st.lists(st.tuples(NAMES, inner), max_size=4).map(Members)


VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | _members(inner), max_leaves=8
)


def written(value: object, separators: tuple[str, str], *, escaped: bool) -> str:
    comma, colon = separators
    if isinstance(value, Members):
        parts = (
            json.dumps(name, ensure_ascii=escaped) + colon + written(v, separators, escaped=escaped)
            for name, v in value
        )
        return "{" + comma.join(parts) + "}"
    if isinstance(value, list):
        return "[" + comma.join(written(v, separators, escaped=escaped) for v in value) + "]"
    return json.dumps(value, ensure_ascii=escaped)


def repeats(value: object) -> bool:
    if isinstance(value, Members):
        names: Sequence[str] = [name for name, _ in value]
        return len(set(names)) < len(names) or any(repeats(inner) for _, inner in value)
    return isinstance(value, list) and any(map(repeats, value))


@settings(ANY_SPEED, max_examples=200)
@given(
    _members(VALUES), st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:")]), st.booleans()
)
def test_repeated_names_are_found_however_the_text_is_written(
    value: Members, separators: tuple[str, str], escaped: bool
) -> None:
    text = written(value, separators, escaped=escaped).encode()
    assert is_json_object(text)
    assert is_sound_object(text) is not repeats(value)
    mended = without_repeated_names(text)
    assert mended is not None
    assert json.loads(mended) == json.loads(text)
    assert is_sound_object(mended)


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b'"{}"', b'{"a":', b'{"a":"\xff"}', b"{}x"])
def test_what_is_no_object_is_told(text: bytes) -> None:
    assert not is_json_object(text)
    assert not is_sound_object(text)


@pytest.mark.parametrize("text", [b'{"a":1e400}', b'{"a":' + b"9" * 5000 + b"}"])
def test_numbers_that_cannot_be_written_again_are_not_mended(text: bytes) -> None:
    assert is_json_object(text)
    assert without_repeated_names(text) is None
