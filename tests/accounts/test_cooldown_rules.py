"""How long an account sits out after each kind of refusal, and what ends it early."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway import errors
from gateway.accounts.cooldown_rules import (
    after_quota,
    begin,
    has_room,
    is_forgotten,
    kind_of,
    refusal,
)
from gateway.kiro.quota import Amount, Overage, Quota
from gateway.store.accounts import Account
from gateway.store.cooldowns import Cooldown

NOW = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)
RESET = datetime(2026, 12, 1, tzinfo=UTC)
ACCOUNT = Account(
    id="a",
    name="work",
    enabled=True,
    auth_method="social",
    auth_region="us-east-1",
    api_region=None,
    proxy=None,
    profile_arn=None,
    email=None,
    subscription=None,
    credentials=None,
    generation=7,
    created_at=NOW,
    updated_at=NOW,
)


def quota(
    used: float,
    limit: float = 100.0,
    *,
    resets_at: datetime | None = RESET,
    overage: bool = False,
    overages: float = 0.0,
    overage_cap: float | None = None,
    known: bool = True,
) -> Quota:
    return Quota(
        known=known,
        resource_type="CREDIT",
        display_name="Credit",
        unit="INVOCATIONS",
        currency="USD",
        base=Amount(used, limit),
        trial=None,
        bonuses=(),
        overage=Overage(overage, overages, cap=overage_cap),
        resets_at=resets_at,
        days_until_reset=None,
        subscription_title="",
        subscription_type="",
        email=None,
    )


def begun(error: errors.GatewayError, **more: Any) -> Cooldown:
    known = {"previous": None, "quota": None, "now": NOW, **more}
    found = begin(error, ACCOUNT, "claude-opus-4.6", **known)
    assert found is not None
    return found


def spent(period: errors.QuotaPeriod = "month") -> errors.QuotaSpent:
    return errors.QuotaSpent("spent", period=period)


UNTIL: dict[str, tuple[errors.UpstreamError, Quota | None, datetime | None]] = {
    "rate": (errors.RateLimited("x"), None, NOW + timedelta(seconds=10)),
    "rate, told how long": (
        errors.RateLimited("x", retry_after=45),
        None,
        NOW + timedelta(seconds=45),
    ),
    "rate, told something absurd": (
        errors.RateLimited("x", retry_after=1e8),
        None,
        NOW + timedelta(days=1),
    ),
    "suspended": (errors.AccountSuspended("x"), None, None),
    "month, reset unknown": (spent(), None, NOW + timedelta(hours=24)),
    "month": (spent(), quota(100), RESET),
    "month, reset is past": (
        spent(),
        quota(100, resets_at=NOW - timedelta(days=1)),
        NOW + timedelta(hours=24),
    ),
    "overage": (spent("overage"), quota(100), RESET),
    "any 402": (spent("unknown"), quota(100), RESET),
    "day": (spent("day"), quota(20), datetime(2026, 11, 23, tzinfo=UTC)),
    "token": (errors.AccountSignInFailed("x"), None, None),
}


@pytest.mark.parametrize("case", UNTIL)
def test_each_class_has_its_time(case: str) -> None:
    error, known, until = UNTIL[case]
    found = begun(error, quota=known)
    assert found.until == until
    assert found.model == ("claude-opus-4.6" if case.startswith("rate") else "")
    assert found.generation == ACCOUNT.generation
    assert found.holds(NOW)


NO_COOLDOWN = (
    errors.ModelOverloaded,
    errors.UpstreamUnavailable,
    errors.UpstreamInternal,
    errors.UpstreamBadGateway,
    errors.UpstreamUnreachable,
    errors.UpstreamTimeout,
    errors.UpstreamRejected,
    errors.UpstreamAccessDenied,
    errors.UpstreamModelNotFound,
    errors.ProfileRejected,
)


@pytest.mark.parametrize("kind", NO_COOLDOWN)
def test_capacity_network_and_the_clients_own_faults_cool_nothing_down(
    kind: type[errors.UpstreamError],
) -> None:
    assert kind_of(kind("x")) is None
    assert begin(kind("x"), ACCOUNT, "m", previous=None, quota=None, now=NOW) is None


def test_a_rate_cool_down_doubles_each_time_up_to_two_minutes() -> None:
    now, previous, pauses = NOW, None, []
    for _ in range(6):
        previous = begun(errors.RateLimited("x"), previous=previous, now=now)
        assert previous.until is not None
        pauses.append((previous.until - now).total_seconds())
        now = previous.until
    assert pauses == [10, 20, 40, 80, 120, 120]


def test_requests_that_are_refused_together_count_once() -> None:
    first = begun(errors.RateLimited("x"))
    second = begun(errors.RateLimited("x"), previous=first, now=NOW + timedelta(seconds=1))
    assert second.strikes == 1
    assert second.since == first.since


def test_a_longer_wait_that_one_of_them_was_told_stays() -> None:
    first = begun(errors.RateLimited("x", retry_after=90))
    second = begun(errors.RateLimited("x"), previous=first)
    assert second.until == first.until


def test_after_a_quiet_while_the_pauses_begin_anew() -> None:
    first = begun(errors.RateLimited("x"))
    later = NOW + timedelta(minutes=11)
    assert is_forgotten(first, later)
    assert begun(errors.RateLimited("x"), previous=first, now=later).strikes == 1


@pytest.mark.parametrize(
    ("told", "room"),
    [
        (quota(99.99), True),
        (quota(100), False),
        (quota(120), False),
        (quota(100, overage=True), True),
        (quota(100, overage=True, overages=10, overage_cap=10), False),
        (quota(100, overage=True, overages=9, overage_cap=10), True),
        (quota(0, 0), None),
        (quota(0, known=False), None),
    ],
)
def test_room_is_what_is_left_or_may_be_run_up(told: Quota, room: bool | None) -> None:
    assert has_room(told) is room


def heard(current: Cooldown | None, told: Quota, **more: Any) -> Cooldown | None:
    return after_quota(ACCOUNT, told, current, **{"now": NOW, "learning": False, **more})


def test_a_quota_without_room_takes_the_account_out_until_its_reset() -> None:
    found = heard(None, quota(100))
    assert found is not None
    assert (found.kind, found.until, found.model) == ("exhausted", RESET, "")


def test_figures_of_a_period_that_is_over_take_nobody_out() -> None:
    assert heard(None, quota(100, resets_at=NOW - timedelta(minutes=1))) is None


def test_unknown_is_not_exhausted() -> None:
    assert heard(None, quota(0, known=False)) is None


def test_a_quota_with_room_ends_it() -> None:
    ended = heard(begun(spent()), quota(40))
    assert ended is not None
    assert not ended.holds(NOW)


def test_a_refusal_after_that_is_not_ended_by_the_same_figures_again() -> None:
    ended = heard(begun(spent()), quota(40))
    again = begun(spent(), previous=ended, quota=quota(40))
    assert again.strikes == 2
    kept = heard(again, quota(40))
    assert kept is not None
    assert kept.holds(NOW)


def test_more_room_than_there_was_ends_that_too() -> None:
    again = replace(begun(spent(), quota=quota(40)), strikes=2)
    ended = heard(again, quota(40, 200))
    assert ended is not None
    assert not ended.holds(NOW)


def test_what_is_asked_only_for_the_reset_date_sets_that_and_ends_nothing() -> None:
    found = heard(begun(spent()), quota(40), learning=True)
    assert found is not None
    assert (found.until, found.units_left) == (RESET, 60)


CLASSES: dict[str, tuple[errors.UpstreamError, type[errors.GatewayError]]] = {
    "rate": (errors.RateLimited("x"), errors.RateLimited),
    "suspended": (errors.AccountSuspended("x"), errors.AccountSuspended),
    "exhausted": (spent(), errors.QuotaSpent),
    "daily": (spent("day"), errors.QuotaSpent),
    "sign_in": (errors.AccountSignInFailed("x"), errors.NoAccountAvailable),
}


@pytest.mark.parametrize("case", CLASSES)
def test_who_is_turned_away_hears_which_account_it_is_and_until_when(case: str) -> None:
    error, kind = CLASSES[case]
    cooldown = begun(error)
    told = refusal(cooldown, "work", NOW + timedelta(seconds=2))
    assert type(told) is kind
    assert '"work"' in str(told)
    if cooldown.until is not None:
        assert told.retry_after == (cooldown.until - NOW).total_seconds() - 2
