import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.update.versions import Version

# The order of section 11 of Semantic Versioning 2.0.0, and more of the same kind.
IN_ORDER = [
    "0.9.10",
    "1.0.0-0",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1-rc.1",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
]
identifiers = st.one_of(
    st.integers(0, 10**6).map(str), st.from_regex(r"[0-9]*[A-Za-z-][0-9A-Za-z-]*", fullmatch=True)
)
versions = st.builds(
    Version,
    st.tuples(*[st.integers(0, 10**6)] * 3),
    st.lists(identifiers, max_size=4).map(tuple),
)


def test_versions_are_ordered_as_their_specification_says() -> None:
    assert sorted(map(Version.parse, reversed(IN_ORDER))) == list(map(Version.parse, IN_ORDER))


@pytest.mark.parametrize("text", ["1.2.3", "v1.2.3", " v1.2.3\n", "1.2.3+build.7"])
def test_a_v_and_a_build_do_not_count(text: str) -> None:
    assert Version.parse(text) == Version.parse("1.2.3")


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3-a..b", "latest", "v-1"],
)
def test_what_is_no_version_is_told_apart(text: str) -> None:
    with pytest.raises(ValueError, match="is no version"):
        Version.parse(text)


@given(versions)
def test_a_version_reads_as_it_was_written(version: Version) -> None:
    assert Version.parse(str(version)) == version


@given(versions, versions)
def test_of_two_versions_one_is_older_or_they_are_the_same(a: Version, b: Version) -> None:
    assert (a < b) + (b < a) + (a == b) == 1
