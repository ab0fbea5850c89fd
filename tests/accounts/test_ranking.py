"""Which account is asked first: table by table, and that sessions spread and stick."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.ranking import Candidate, rank

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
SOON, LATER = NOW + timedelta(seconds=8), NOW + timedelta(days=8)
NEVER = datetime.max.replace(tzinfo=UTC)

A, B, C = Candidate("a"), Candidate("b"), Candidate("c")


def order(*candidates: Candidate, session: str = "s") -> list[str]:
    return rank(candidates, session, now=NOW)


BETTER: dict[str, tuple[Candidate, Candidate]] = {
    "one in good order before one in trouble": (A, Candidate("b", in_order=False)),
    "one in good order before the preferred one in trouble": (
        A,
        Candidate("b", preferred=True, in_order=False),
    ),
    "one that serves before the preferred one that sits out": (
        A,
        Candidate("b", preferred=True, blocked_until=SOON),
    ),
    "one with a place before the preferred one without": (
        Candidate("a", cap=2, running=1),
        Candidate("b", preferred=True, cap=1, running=1),
    ),
    "the preferred one before the others": (Candidate("a", preferred=True, running=9), B),
    "the preferred one with little quota before the others": (
        Candidate("a", preferred=True, quota_left=0.01),
        Candidate("b", quota_left=0.9),
    ),
    "one with a valid token before one without": (A, Candidate("b", has_token=False)),
    "one with nothing to do before a busy one": (A, Candidate("b", running=20)),
    "one with quota before one that has nearly none": (
        Candidate("a", quota_left=0.2),
        Candidate("b", quota_left=0.02),
    ),
    "one of unknown quota before one that has nearly none": (A, Candidate("b", quota_left=0.02)),
    "one that is back soon before one that is not": (
        Candidate("a", blocked_until=SOON),
        Candidate("b", preferred=True, blocked_until=LATER),
    ),
    "one that comes back before one that may not": (
        Candidate("a", blocked_until=LATER),
        Candidate("b", blocked_until=NEVER),
    ),
    "one whose time is over before one in trouble": (
        Candidate("a", blocked_until=NOW),
        Candidate("b", in_order=False),
    ),
}


@pytest.mark.parametrize("case", BETTER)
@pytest.mark.parametrize("session", ["one", "another", "a third", ""])
def test_the_better_account_comes_first_whatever_the_session(case: str, session: str) -> None:
    better, worse = BETTER[case]
    assert rank([worse, better], session, now=NOW) == ["a", "b"]


def test_who_lacks_the_model_is_left_out() -> None:
    assert order(Candidate("a", lacks_model=True, preferred=True), B) == ["b"]


def test_when_all_lack_it_the_preferred_one_may_say_so() -> None:
    nobody = [Candidate("a", lacks_model=True), Candidate("b", lacks_model=True, preferred=True)]
    assert order(*nobody) == ["b"]


def test_nobody_is_nobody() -> None:
    assert order() == []


candidates = st.lists(
    st.builds(
        Candidate,
        id=st.text(min_size=1, max_size=16),
        preferred=st.booleans(),
        in_order=st.booleans(),
        has_token=st.booleans(),
        blocked_until=st.sampled_from([None, NOW, SOON, LATER, NEVER]),
        lacks_model=st.booleans(),
        quota_left=st.none() | st.floats(0, 2),
        running=st.integers(0, 100),
        cap=st.none() | st.integers(1, 10),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)


@given(candidates, st.text())
def test_the_order_depends_on_nothing_but_the_facts(found: list[Candidate], session: str) -> None:
    first = rank(found, session, now=NOW)
    assert rank(list(reversed(found)), session, now=NOW) == first
    assert len(first) == len(set(first))
    assert set(first) <= {one.id for one in found}
    assert bool(first) == bool(found)


@given(candidates, st.text())
def test_who_sits_out_comes_after_everybody_who_does_not(
    found: list[Candidate], session: str
) -> None:
    by_id = {one.id: one for one in found}
    until = [by_id[one].blocked_until for one in rank(found, session, now=NOW)]
    sits_out = [moment is not None and moment > NOW for moment in until]
    assert sits_out == sorted(sits_out)


SESSIONS = [f"session-{number}" for number in range(3000)]


def chi_square(counted: Counter[str], expected: dict[str, float]) -> float:
    return sum((counted[one] - share) ** 2 / share for one, share in expected.items())


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_sessions_spread_over_equal_accounts(count: int) -> None:
    accounts = [Candidate(f"account-{number}") for number in range(count)]
    counted = Counter(rank(accounts, session, now=NOW)[0] for session in SESSIONS)
    share = len(SESSIONS) / count
    # For 7 degrees of freedom, one in ten thousand is above 29.9.
    assert chi_square(counted, {one.id: share for one in accounts}) < 30


@pytest.mark.parametrize("shape", ["{} hello", "hello {}", "same beginning " * 500 + "{}", "{}"])
def test_sessions_spread_however_alike_their_names_are(shape: str) -> None:
    sessions = [shape.format(number) for number in range(3000)]
    counted = Counter(order(A, B, C, session=session)[0] for session in sessions)
    assert chi_square(counted, {"a": 1000, "b": 1000, "c": 1000}) < 30


def test_sessions_spread_in_proportion_to_the_quota_that_is_left() -> None:
    accounts = [Candidate("full", quota_left=1.0), Candidate("quarter", quota_left=0.25)]
    counted = Counter(rank(accounts, session, now=NOW)[0] for session in SESSIONS)
    assert chi_square(counted, {"full": 2400, "quarter": 600}) < 30


def test_a_session_stays_with_its_account_while_others_come_and_go() -> None:
    for session in SESSIONS[:300]:
        before = order(A, B, C, session=session)
        assert order(A, B, C, Candidate("d", blocked_until=SOON), session=session)[:3] == before
        # Without its second choice, the first is still the first.
        without = [one for one in (A, B, C) if one.id != before[1]]
        assert order(*without, session=session)[0] == before[0]


def test_when_an_account_drops_out_its_sessions_spread_over_all_that_are_left() -> None:
    gone = Candidate("a", blocked_until=LATER)
    moved = [
        order(gone, B, C, session=session)[0]
        for session in SESSIONS
        if order(A, B, C, session=session)[0] == "a"
    ]
    assert chi_square(Counter(moved), {"b": len(moved) / 2, "c": len(moved) / 2}) < 30


def test_a_little_less_quota_moves_no_session() -> None:
    for session in SESSIONS[:300]:
        before = order(
            Candidate("a", quota_left=0.6), Candidate("b", quota_left=0.9), session=session
        )
        after = order(
            Candidate("a", quota_left=0.55), Candidate("b", quota_left=0.8), session=session
        )
        assert before == after


def test_an_overloaded_account_gives_new_work_to_others_until_it_has_caught_up() -> None:
    for session in SESSIONS[:100]:
        home = order(A, B, C, session=session)[0]
        loaded = [Candidate(one.id, running=12 if one.id == home else 1) for one in (A, B, C)]
        assert rank(loaded, session, now=NOW)[0] != home
        eased = [Candidate(one.id, running=4 if one.id == home else 2) for one in (A, B, C)]
        assert rank(eased, session, now=NOW)[0] == home
