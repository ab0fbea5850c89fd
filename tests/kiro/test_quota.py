"""What an answer of GetUsageLimits means, in the shapes that have been seen."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kiro.quota import Amount, Overage, Quota, parse_quota

RESET = 1.7960832e9
RESETS_AT = datetime.fromtimestamp(RESET, UTC)
CREDIT = {
    "resourceType": "CREDIT",
    "displayName": "Credit",
    "displayNamePlural": "Credits",
    "unit": "INVOCATIONS",
    "currentUsage": 132,
    "currentUsageWithPrecision": 132.29,
    "usageLimit": 1000,
    "usageLimitWithPrecision": 1000.0,
    "currentOverages": 0,
    "currentOveragesWithPrecision": 0.0,
    "overageCharges": 0.0,
    "overageRate": 0.04,
    "overageCap": 10000,
    "overageCapWithPrecision": 10000.0,
    "currency": "USD",
    "nextDateReset": RESET,
}
TRIAL = {
    "freeTrialStatus": "ACTIVE",
    "freeTrialExpiry": 1.797e9,
    "currentUsage": 40,
    "currentUsageWithPrecision": 40.5,
    "usageLimit": 500,
    "usageLimitWithPrecision": 500.0,
}
BONUS = {"status": "ACTIVE", "currentUsage": 0.0, "usageLimit": 100.0}
PRO = {
    "type": "Q_DEVELOPER_STANDALONE_PRO",
    "subscriptionTitle": "KIRO PRO",
    "upgradeCapability": "UPGRADE_CAPABLE",
    "overageCapability": "OVERAGE_CAPABLE",
    "subscriptionManagementTarget": "MANAGE",
}


def answer(*breakdowns: dict[str, Any], overage: str = "DISABLED", **more: Any) -> dict[str, Any]:
    return {
        "daysUntilReset": 0,
        "nextDateReset": RESET,
        "limits": [],
        "usageBreakdown": None,
        "usageBreakdownList": list(breakdowns),
        "subscriptionInfo": PRO,
        "overageConfiguration": {"overageStatus": overage},
        "userInfo": {"userId": "d-0000000000.1111", "email": "dev@example.com"},
        **more,
    }


def without(members: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in names}


def parse(value: object) -> Quota:
    return parse_quota(msgspec.json.encode(value))


@dataclass(frozen=True)
class Case:
    """An answer, and what it means: base, trial, bonus as (used, limit)."""

    answer: dict[str, Any]
    base: tuple[float, float]
    trial: tuple[float, float] = (0, 0)
    bonus: tuple[float, float] = (0, 0)
    percent: float = 0.0
    exhausted: bool = False
    known: bool = True


CASES = {
    "trial and bonus": Case(
        answer(CREDIT | {"freeTrialInfo": TRIAL, "bonuses": [BONUS]}),
        base=(132.29, 1000),
        trial=(40.5, 500),
        bonus=(0, 100),
        percent=172.79 / 1600 * 100,
    ),
    "a trial that is over": Case(
        answer(CREDIT | {"freeTrialInfo": TRIAL | {"freeTrialStatus": "EXPIRED"}}),
        base=(132.29, 1000),
        percent=13.229,
    ),
    "several bonuses, one of them expired": Case(
        answer(
            CREDIT
            | {
                "bonuses": [
                    BONUS | {"currentUsage": 25.5},
                    BONUS | {"status": "EXPIRED", "currentUsage": 20.0, "usageLimit": 20.0},
                    BONUS | {"usageLimit": 50.0},
                ]
            }
        ),
        base=(132.29, 1000),
        bonus=(25.5, 150),
        percent=157.79 / 1150 * 100,
    ),
    "a whole zero beside a precise figure": Case(
        answer(CREDIT | {"currentUsage": 0, "currentUsageWithPrecision": 0.01}),
        base=(0.01, 1000),
        percent=0.001,
    ),
    "a precise zero beside a whole figure": Case(
        answer(CREDIT | {"currentUsage": 1, "currentUsageWithPrecision": 0.0}),
        base=(0, 1000),
    ),
    "whole figures only": Case(
        answer(without(CREDIT, "currentUsageWithPrecision", "usageLimitWithPrecision")),
        base=(132, 1000),
        percent=13.2,
    ),
    "all used up": Case(
        answer(CREDIT | {"currentUsage": 1000, "currentUsageWithPrecision": 1000.0}),
        base=(1000, 1000),
        percent=100,
        exhausted=True,
    ),
    "the plan used up, a bonus left": Case(
        answer(CREDIT | {"currentUsageWithPrecision": 1000.0, "bonuses": [BONUS]}),
        base=(1000, 1000),
        bonus=(0, 100),
        percent=1000 / 1100 * 100,
    ),
    "used up, with overage": Case(
        answer(
            CREDIT
            | {
                "currentUsageWithPrecision": 1000.0,
                "currentOverages": 12,
                "currentOveragesWithPrecision": 12.5,
                "overageCharges": 0.5,
            },
            overage="ENABLED",
        ),
        base=(1000, 1000),
        percent=100,
    ),
    "overage used up too": Case(
        answer(
            CREDIT | {"currentUsageWithPrecision": 1000.0, "currentOveragesWithPrecision": 10000.0},
            overage="ENABLED",
        ),
        base=(1000, 1000),
        percent=100,
        exhausted=True,
    ),
    "overage by the other version's word": Case(
        answer(
            CREDIT | {"currentUsageWithPrecision": 1000.0},
            overageConfiguration={"overageEnabled": True},
        ),
        base=(1000, 1000),
        percent=100,
    ),
    "the older single form": Case(
        answer(usageBreakdown=CREDIT, usageBreakdownList=None), base=(132.29, 1000), percent=13.229
    ),
    "credits after something else": Case(
        answer(CREDIT | {"resourceType": "VIBE", "usageLimitWithPrecision": 5.0}, CREDIT),
        base=(132.29, 1000),
        percent=13.229,
    ),
    "no credits, something else that is used up": Case(
        answer(
            CREDIT
            | {
                "resourceType": "AGENTIC_REQUEST",
                "currentUsageWithPrecision": 50.0,
                "usageLimitWithPrecision": 50.0,
            }
        ),
        base=(50, 50),
        percent=100,
    ),
    "bonuses of shapes nobody has seen": Case(
        answer(CREDIT | {"bonuses": [None, "10", {"status": 7}, BONUS, {"usageLimit": "many"}]}),
        base=(132.29, 1000),
        bonus=(0, 100),
        percent=132.29 / 1100 * 100,
    ),
    "a trial in plain text": Case(
        answer(CREDIT | {"freeTrialInfo": "ACTIVE until March", "bonuses": [BONUS]}),
        base=(132.29, 1000),
        bonus=(0, 100),
        percent=132.29 / 1100 * 100,
    ),
    "a trial of a shape nobody has seen": Case(
        answer(CREDIT | {"freeTrialInfo": {"usageLimit": "many"}}),
        base=(132.29, 1000),
        percent=13.229,
    ),
    "no breakdown": Case(answer(), base=(0, 0), known=False),
    "an empty place for a breakdown": Case(
        {"usageBreakdownList": [None, CREDIT]}, base=(132.29, 1000), percent=13.229
    ),
    "a breakdown without a limit": Case(
        answer({"resourceType": "CREDIT", "currentUsage": 3}), base=(3, 0), known=False
    ),
    "nothing at all": Case({}, base=(0, 0), known=False),
    "everything null": Case(
        answer(
            dict.fromkeys(CREDIT) | {"freeTrialInfo": None, "bonuses": None},
            nextDateReset=None,
            daysUntilReset=None,
            subscriptionInfo=None,
            overageConfiguration=None,
            userInfo=None,
        ),
        base=(0, 0),
        known=False,
    ),
    "words that are new": Case(
        answer(
            CREDIT | {"bonuses": [BONUS | {"status": "PENDING"}], "addOnMetadata": {"x": 1}},
            subscriptionInfo=PRO | {"type": "KIRO_STANDALONE_ULTRA"},
            totalUsage=[],
        ),
        base=(132.29, 1000),
        percent=13.229,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_answer_is_read_whole(case: Case) -> None:
    quota = parse(case.answer)
    assert (quota.base.used, quota.base.limit) == case.base
    assert (quota.active_trial.used, quota.active_trial.limit) == case.trial
    assert (quota.bonus.used, quota.bonus.limit) == case.bonus
    parts = (case.base, case.trial, case.bonus)
    assert quota.total == Amount(sum(used for used, _ in parts), sum(limit for _, limit in parts))
    assert quota.total.percent_used == pytest.approx(case.percent)
    assert quota.is_exhausted is case.exhausted
    assert quota.known is case.known


def test_every_part_has_its_place() -> None:
    quota = parse(CASES["used up, with overage"].answer)
    assert quota.overage == Overage(enabled=True, used=12.5, charges=0.5, rate=0.04, cap=10000.0)
    assert (quota.subscription_title, quota.subscription_type, quota.currency, quota.unit) == (
        "KIRO PRO",
        "Q_DEVELOPER_STANDALONE_PRO",
        "USD",
        "INVOCATIONS",
    )
    assert (quota.resets_at, quota.email) == (RESETS_AT, "dev@example.com")
    trial = parse(CASES["trial and bonus"].answer).trial
    assert trial is not None
    assert trial.expires_at == datetime.fromtimestamp(1.797e9, UTC)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (RESET, RESETS_AT),
        (RESET * 1000, RESETS_AT),
        (str(int(RESET)), RESETS_AT),
        (RESETS_AT.isoformat(), RESETS_AT),
        (RESETS_AT.strftime("%Y-%m-%dT%H:%M:%S.000Z"), RESETS_AT),
        (RESETS_AT.strftime("%Y-%m-%dT%H:%M:%S"), RESETS_AT),
        (0, None),
        (-1.0, None),
        (1e300, None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_reset_date_is_read_in_every_spelling(written: object, read: datetime | None) -> None:
    assert parse({"nextDateReset": written}).resets_at == read
    # The breakdown knows it too.
    assert parse(answer({"nextDateReset": written}, nextDateReset=None)).resets_at == read


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_what_is_left_is_never_below_nothing(used: float, limit: float) -> None:
    amount = Amount(used, limit)
    assert amount.remaining == max(0, limit - used)
    assert amount.percent_used == (used / limit * 100 if limit else 0)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"usageBreakdownList": 5}', b"<html>"])
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        parse_quota(body)


def test_a_quota_survives_the_way_through_json() -> None:
    for case in CASES.values():
        quota = parse(case.answer)
        assert msgspec.json.decode(msgspec.json.encode(quota), type=Quota) == quota
