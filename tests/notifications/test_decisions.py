"""What a channel is told, from what it was told and what is seen."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kiro.quota import Amount
from gateway.notifications.decisions import SETTLED, ChannelState, Thresholds, Told, decide
from gateway.notifications.notices import (
    AccountsInTrouble,
    DailySummary,
    KeysNearLimit,
    Notice,
    QuotaReached,
)
from gateway.notifications.observation import Condition, Observation
from gateway.notifications.thresholds import Mark
from tests.notifications.seen import NOW, RESET, account, key, later, seen

USUAL = Thresholds((90, 100), (90, 100))
ACCOUNTS_ONLY = Thresholds((90, 100), ())
N = TypeVar("N", bound=Notice)


class Channel:
    """One to which everything is delivered, unless told otherwise."""

    def __init__(self, thresholds: Thresholds = USUAL) -> None:
        self.thresholds = thresholds
        self.state = ChannelState()

    def look(
        self, observation: Observation, *, summary: datetime | None = None, delivered: bool = True
    ) -> list[Notice]:
        """The notices of one look."""
        before = msgspec.json.decode(msgspec.json.encode(self.state), type=ChannelState)
        assert before == self.state, "it survives being stored"
        self.state, due = decide(self.state, observation, self.thresholds, summary_due=summary)
        if delivered:
            for one in due:
                self.state = one.changes.applied_to(self.state)
        return [one.notice for one in due]

    def only(self, kind: type[N], observation: Observation, *, delivered: bool = True) -> N:
        """The one notice of a look."""
        (notice,) = self.look(observation, delivered=delivered)
        assert isinstance(notice, kind)
        return notice


def test_thresholds_that_are_reached_together_are_one_message() -> None:
    channel = Channel()
    one = seen(account("a", 95), account("b", 100), account("c", 10), account("d", 199))
    notice = channel.only(QuotaReached, one)
    assert [(x.account.name, x.threshold) for x in notice.accounts] == [
        ("d", 100),
        ("b", 100),
        ("a", 90),
    ]
    assert (notice.total, notice.total_threshold, notice.counted) == (Amount(404, 400), 100, 4)
    assert channel.look(one) == []


def test_the_total_alone_can_reach_its_threshold() -> None:
    notice = Channel(Thresholds((), (50,))).only(QuotaReached, seen(account(used=60)))
    assert (notice.accounts, notice.total_threshold) == ((), 50)


def test_accounts_that_are_disabled_or_unknown_do_not_count() -> None:
    channel = Channel()
    others = (
        account("off", 100, enabled=False),
        account("new", None),
        account("unlimited", figures=Amount(5, 0)),
        account("old", 100, resets_at=NOW - timedelta(days=3)),
    )
    notice = channel.only(QuotaReached, seen(account("a", 95), *others))
    assert (notice.total, notice.counted) == (Amount(95, 100), 1)


def test_what_was_not_delivered_is_told_at_the_next_look() -> None:
    channel = Channel()
    channel.only(QuotaReached, seen(account(used=95)), delivered=False)
    channel.only(QuotaReached, seen(account(used=96)), delivered=False)
    channel.only(QuotaReached, seen(account(used=97)))
    assert channel.look(seen(account(used=98))) == []


def test_what_is_over_before_it_could_be_delivered_is_not_told() -> None:
    channel = Channel()
    channel.only(QuotaReached, seen(account(used=95)), delivered=False)
    assert channel.look(seen(account(used=50))) == []


def test_a_channel_that_was_down_over_the_reset_is_told_of_the_new_period() -> None:
    channel = Channel(ACCOUNTS_ONLY)
    channel.only(QuotaReached, seen(account(used=95)))
    new = account(used=93, resets_at=RESET + timedelta(days=31))
    after = seen(new, at=RESET + timedelta(days=20))
    channel.only(QuotaReached, after)
    assert channel.look(after) == []


def test_right_after_a_reset_the_total_waits_for_fresh_figures() -> None:
    channel = Channel(Thresholds((), (90,)))
    old = account("old", 10, resets_at=NOW - timedelta(hours=1))
    assert channel.look(seen(account("full", 95), old)) == []
    fresh = account("old", 1, resets_at=RESET)
    assert channel.look(seen(account("full", 95), fresh)) == []
    # One that cannot be asked does not keep the others' total back for ever.
    gone = account("old", 10, resets_at=NOW - timedelta(hours=1), condition="login_needed")
    seen_now = seen(account("full", 95), gone)
    assert any(isinstance(one, QuotaReached) for one in channel.look(seen_now))


@pytest.mark.parametrize("condition", ["login_needed", "suspended", "exhausted"])
def test_a_trouble_is_told_once(condition: Condition) -> None:
    channel = Channel()
    bad = seen(account(condition=condition, reason="Because."), account("other"))
    notice = channel.only(AccountsInTrouble, bad)
    assert [one.name for one in notice.accounts] == ["work"]
    assert channel.look(bad) == []


def test_another_trouble_is_news() -> None:
    channel = Channel()
    channel.only(AccountsInTrouble, seen(account(condition="login_needed")))
    channel.only(AccountsInTrouble, seen(account(condition="suspended")))


@pytest.mark.parametrize(("fine_for", "news"), [(SETTLED - timedelta(seconds=1), 0), (SETTLED, 1)])
def test_the_same_trouble_is_news_only_after_a_real_recovery(
    fine_for: timedelta, news: int
) -> None:
    channel = Channel()
    bad = account(condition="login_needed")
    channel.look(seen(bad))
    channel.look(seen(account(), at=later(minutes=10)))
    relapse = later(minutes=10) + fine_for
    assert len(channel.look(seen(bad, at=relapse))) == news
    assert channel.look(seen(bad, at=relapse + timedelta(minutes=5))) == []


def test_a_trouble_that_comes_and_goes_is_told_once() -> None:
    channel = Channel()
    told = 0
    for minute in range(0, 300, 5):
        condition: Condition = "suspended" if minute % 10 == 0 else "fine"
        told += len(channel.look(seen(account(condition=condition), at=later(minutes=minute))))
    assert told == 1


def test_what_may_pass_by_itself_is_neither_told_nor_a_recovery() -> None:
    channel = Channel()
    assert channel.look(seen(account(condition="unclear"))) == []
    channel.only(AccountsInTrouble, seen(account(condition="login_needed")))
    for minute in (10, 20, 30, 40):
        assert channel.look(seen(account(condition="unclear"), at=later(minutes=minute))) == []
    assert channel.look(seen(account(condition="login_needed"), at=later(minutes=50))) == []


def test_a_disabled_account_is_in_no_trouble() -> None:
    channel = Channel()
    off = account(condition="login_needed", enabled=False)
    assert channel.look(seen(off)) == []
    channel.only(AccountsInTrouble, seen(replace(off, enabled=True)))
    assert channel.look(seen(off, at=later(days=1))) == []
    assert channel.look(seen(replace(off, enabled=True), at=later(days=2))) == []


def test_a_used_up_quota_is_one_message_and_not_two() -> None:
    channel = Channel(ACCOUNTS_ONLY)
    spent = account(used=100, condition="exhausted")
    channel.only(QuotaReached, seen(spent))
    assert channel.look(seen(spent)) == []
    # Nor when the figures are gone while it still sits out.
    over = RESET + timedelta(minutes=5)
    assert channel.look(seen(spent, at=over)) == []


def test_an_account_that_reached_its_threshold_first_and_is_then_refused_is_told_once() -> None:
    channel = Channel(ACCOUNTS_ONLY)
    channel.only(QuotaReached, seen(account(used=100)))
    assert channel.look(seen(account(used=100, condition="exhausted"))) == []


def test_an_exhausted_account_is_told_of_where_no_threshold_says_so() -> None:
    day_spent = seen(account(used=40, condition="exhausted"))
    Channel().only(AccountsInTrouble, day_spent)
    spent = seen(account(used=100, condition="exhausted"))
    Channel(Thresholds((), ())).only(AccountsInTrouble, spent)


def test_keys_near_their_limits_are_one_message() -> None:
    channel = Channel()
    uses = (
        key("a", 91),
        key("b", 100),
        key("c", 50),
        key("a", 95, limit="credits_per_month", resets_at=RESET),
    )
    notice = channel.only(KeysNearLimit, seen(*uses))
    assert [(use.key_name, use.limit, level) for use, level in notice.keys] == [
        ("b", "tokens_per_day", 100),
        ("a", "credits_per_month", 80),
        ("a", "tokens_per_day", 80),
    ]
    assert channel.look(seen(*uses)) == []


def test_credits_of_a_new_month_are_news() -> None:
    channel = Channel()
    credits_ = key(used=95, limit="credits_per_month", resets_at=RESET)
    channel.only(KeysNearLimit, seen(credits_))
    next_month = replace(credits_, resets_at=RESET + timedelta(days=31))
    channel.only(KeysNearLimit, seen(next_month, at=RESET + timedelta(days=2)))


def test_a_summary_is_sent_with_all_there_is() -> None:
    channel = Channel(Thresholds((), ()))
    accounts = (account("a", 10), account("off", enabled=False), account("new", None))
    (notice,) = channel.look(seen(*accounts, account("b", 20)), summary=NOW)
    assert isinstance(notice, DailySummary)
    assert [one.name for one in notice.accounts] == ["b", "a", "new"]
    assert channel.state.summary_of == NOW


def test_a_summary_without_figures_stays_due() -> None:
    channel = Channel()
    assert channel.look(seen(account(used=None)), summary=NOW) == []
    assert channel.state.summary_of is None
    assert channel.look(seen(), summary=NOW) == []
    (notice,) = channel.look(seen(account(used=1)), summary=NOW)
    assert isinstance(notice, DailySummary)


def test_a_summary_that_failed_stays_due() -> None:
    channel = Channel()
    assert channel.look(seen(account()), summary=NOW, delivered=False)
    assert channel.state.summary_of is None


def test_notices_of_one_look_do_not_depend_on_each_other() -> None:
    everything = seen(account("a", 95), account("b", condition="login_needed"), key("k", 99))
    state, due = decide(ChannelState(), everything, USUAL, summary_due=NOW)
    kinds = [type(one.notice) for one in due]
    assert kinds == [QuotaReached, AccountsInTrouble, KeysNearLimit, DailySummary]
    for lost in due:
        after = state
        for one in reversed(due):
            if one is not lost:
                after = one.changes.applied_to(after)
        still_due = None if after.summary_of else NOW
        _, again = decide(after, everything, USUAL, summary_due=still_due)
        assert [type(one.notice) for one in again] == [type(lost.notice)]


def test_what_is_gone_is_forgotten() -> None:
    channel = Channel()
    channel.look(seen(account("a", 95, condition="login_needed"), key("k", 95)))
    assert channel.state.accounts
    assert channel.state.troubles
    assert channel.state.keys
    channel.look(seen(account("b", None)))
    assert channel.state == ChannelState(
        total=channel.state.total, accounts={"id-b": Mark()}, summary_of=None
    )


def test_a_renamed_account_is_still_the_same() -> None:
    channel = Channel(ACCOUNTS_ONLY)
    channel.only(QuotaReached, seen(account(used=95)))
    assert channel.look(seen(replace(account(used=95), name="renamed"))) == []


CONDITIONS: list[Condition] = ["fine", "unclear", "login_needed", "suspended", "exhausted"]


@given(
    st.lists(st.tuples(st.sampled_from(CONDITIONS), st.integers(1, 40), st.booleans()), max_size=40)
)
def test_no_trouble_is_delivered_twice_without_a_recovery_in_between(
    steps: list[tuple[Condition, int, bool]],
) -> None:
    channel = Channel(Thresholds((), ()))
    now = NOW
    without: dict[Condition, datetime | None] = {}  # since when, for those that were told
    for condition, minutes, delivered in steps:
        now += timedelta(minutes=minutes)
        told = channel.look(seen(account(condition=condition), at=now), delivered=delivered)
        if told and condition in without:
            since = without[condition]
            assert since is not None
            assert now - since >= SETTLED
        if (told and delivered) or (not told and condition in without):
            without[condition] = None
        for other, since in without.items():
            if condition not in {other, "unclear"} and since is None:
                without[other] = now
    assert all(isinstance(one, Told) for one in channel.state.troubles.values())
