"""Credits of every kind, the odd shapes of what is told of them, and suspended accounts."""

import re
from typing import Any

import httpx
import pytest

from gateway.simulator.catalogue import MODELS
from gateway.simulator.odd_answers import odd_answers
from tests.simulator.sign_in_client import advance, arm
from tests.simulator.simulator_client import ACCOUNTS, MANAGEMENT, Body, ask, headers_of, post

SOCIAL = ACCOUNTS["social"]
BUILDER = ACCOUNTS["builder"]


def order_quota(http: httpx.Client, account: str = "key", **order: Any) -> None:
    reply = http.put("/_sim/quota", json={"account": account, **order})
    assert reply.status_code == 200, reply.text


def raw_usage(http: httpx.Client, account: str = "key") -> httpx.Response:
    one = ACCOUNTS[account]
    query = {"profileArn": one.profile_arn} if one.profile_arn else {}
    return http.get("/getUsageLimits", headers=headers_of(one, None), params=query)


def usage(http: httpx.Client, account: str = "key") -> Body:
    body: Body = raw_usage(http, account).json()
    return body


def breakdown(http: httpx.Client, account: str = "key") -> Body:
    (only,) = usage(http, account)["usageBreakdownList"]
    body: Body = only
    return body


def reason(reply: httpx.Response) -> tuple[int, str | None]:
    return reply.status_code, reply.json().get("reason") if reply.status_code != 200 else None


def test_every_kind_of_credits_can_be_set(http: httpx.Client) -> None:
    order_quota(
        http,
        plan={"limit": 2000, "used": 132.29},
        trial={"limit": 500, "used": 40.5, "status": "EXPIRED"},
        bonuses=[{"limit": 100, "used": 12}, {"limit": 5, "used": 5, "status": "EXPIRED"}],
        overage="ENABLED",
        overage_cap=25,
        overages=2.5,
    )
    told = breakdown(http)
    assert (told["currentUsage"], told["currentUsageWithPrecision"]) == (132, 132.29)
    assert (told["usageLimit"], told["usageLimitWithPrecision"]) == (2000, 2000.0)
    trial = told["freeTrialInfo"]
    assert (trial["freeTrialStatus"], trial["currentUsageWithPrecision"]) == ("EXPIRED", 40.5)
    assert [(b["status"], b["currentUsage"]) for b in told["bonuses"]] == [
        ("ACTIVE", 12.0),
        ("EXPIRED", 5.0),
    ]
    assert (told["currentOverages"], told["currentOveragesWithPrecision"]) == (2, 2.5)
    assert (told["overageCap"], told["overageCharges"]) == (25, 0.1)
    assert usage(http)["overageConfiguration"] == {"overageStatus": "ENABLED"}


def test_a_change_leaves_the_rest_and_the_others_alone(http: httpx.Client) -> None:
    order_quota(http, plan={"limit": 10, "used": 3})
    order_quota(http, trial=None)
    told = breakdown(http)
    assert (told["usageLimit"], told["currentUsage"]) == (10, 3)
    assert "freeTrialInfo" not in told
    assert len(told["bonuses"]) == 2
    assert breakdown(http, "social")["usageLimit"] == 1000


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ({"trial": None, "bonuses": []}, (402, "MONTHLY_REQUEST_COUNT")),
        ({"trial": {"limit": 5}, "bonuses": []}, (200, None)),
        ({"trial": {"limit": 5, "status": "EXPIRED"}, "bonuses": []},
         (402, "MONTHLY_REQUEST_COUNT")),
        ({"trial": None, "bonuses": [{"limit": 5}]}, (200, None)),
        ({"trial": None, "bonuses": [{"limit": 5, "used": 5}]}, (402, "MONTHLY_REQUEST_COUNT")),
        ({"trial": None, "bonuses": [], "overage": "ENABLED"}, (200, None)),
        ({"trial": None, "bonuses": [], "overage": "ENABLED", "overage_cap": 9, "overages": 9},
         (402, "OVERAGE_REQUEST_LIMIT_EXCEEDED")),
        ({"trial": None, "bonuses": [], "overage": "ENABLED", "overage_cap": 9, "overages": 8.9},
         (200, None)),
    ],
    ids=str,
)  # fmt: skip
def test_an_account_answers_while_any_kind_has_something_left(
    http: httpx.Client, order: Body, outcome: tuple[int, str | None]
) -> None:
    order_quota(http, plan={"limit": 50, "used": 50}, **order)
    assert reason(post(http, ask("Hello"))) == outcome


def test_overage_is_what_answers_are_paid_from_when_all_else_is_gone(http: httpx.Client) -> None:
    nothing = {"limit": 0}
    order_quota(http, plan=nothing, trial=None, bonuses=[], overage="ENABLED")
    assert post(http, ask("[[say 400 words]]")).status_code == 200
    told = breakdown(http)
    assert told["currentOveragesWithPrecision"] > 0
    assert told["currentUsage"] == 0


def test_a_new_month_brings_the_plan_back_and_nothing_else(http: httpx.Client) -> None:
    order_quota(
        http,
        plan={"limit": 50, "used": 50},
        trial={"limit": 5, "used": 5},
        bonuses=[],
        resets_in_seconds=60,
    )
    assert post(http, ask("Hello")).status_code == 402
    before = usage(http)["nextDateReset"]
    advance(http, 61)
    assert post(http, ask("Hello")).status_code == 200
    told = usage(http)
    assert told["nextDateReset"] > before
    assert told["usageBreakdownList"][0]["currentUsage"] == 0
    assert told["usageBreakdownList"][0]["freeTrialInfo"]["currentUsage"] == 5


def test_what_was_used_is_told_of_each_account(http: httpx.Client) -> None:
    http.put("/_sim/credits", json={"account": "builder", "used": 60})
    counts = {one["name"]: one["credits"] for one in http.get("/_sim/accounts").json()["accounts"]}
    assert (counts["builder"], counts["key"]) == (60, 0)
    told = breakdown(http, "builder")
    assert (told["currentUsage"], told["bonuses"][0]["currentUsage"]) == (50, 10)


ODD = [one.name for one in odd_answers() if one.operations == {"usage"} and one.alter]


def seen(http: httpx.Client, scenario: str) -> Body:
    arm(http, scenario, "usage", account="key")
    return usage(http)


def test_integers_can_be_zero_beside_precise_values(http: httpx.Client) -> None:
    (told,) = seen(http, "usage-zero-integers")["usageBreakdownList"]
    assert (told["currentUsage"], told["currentUsageWithPrecision"]) == (0, 0.01)
    assert told["freeTrialInfo"]["currentUsageWithPrecision"] == 0.01


def test_precise_values_can_be_missing(http: httpx.Client) -> None:
    assert "WithPrecision" not in str(seen(http, "usage-no-precision"))


def test_dates_can_be_iso_texts(http: httpx.Client) -> None:
    told = seen(http, "usage-iso-dates")
    form = r"\d{4}-\d\d-01T00:00:00\.000\+00:00"
    assert re.fullmatch(form, told["nextDateReset"])
    assert re.fullmatch(form, told["usageBreakdownList"][0]["nextDateReset"])
    assert "T" in told["usageBreakdownList"][0]["freeTrialInfo"]["freeTrialExpiry"]


def test_dates_can_have_exponents(http: httpx.Client) -> None:
    plain = usage(http)["nextDateReset"]
    arm(http, "usage-exponent-dates", "usage")
    reply = raw_usage(http)
    assert re.search(r'"nextDateReset":\d\.\d+E9[,}]', reply.text)
    assert reply.json()["nextDateReset"] == pytest.approx(plain)


def test_parts_can_be_missing_or_null(http: httpx.Client) -> None:
    assert seen(http, "usage-bare").keys() == {"usageBreakdownList"}
    nulls = seen(http, "usage-nulls")
    assert nulls["subscriptionInfo"] is nulls["userInfo"] is nulls["nextDateReset"] is None
    assert nulls["usageBreakdownList"][0]["bonuses"] is None
    assert "nextDateReset" not in seen(http, "usage-no-dates")
    assert seen(http, "usage-empty") == {}


def test_the_breakdown_can_be_elsewhere_or_about_something_else(http: httpx.Client) -> None:
    old = seen(http, "usage-old-form")
    assert (old["usageBreakdownList"], old["usageBreakdown"]["resourceType"]) == (None, "CREDIT")
    assert old["overageConfiguration"] == {"overageEnabled": False}
    first = seen(http, "usage-other-first")["usageBreakdownList"]
    assert [one["resourceType"] for one in first] == ["VIBE", "CREDIT"]
    only = seen(http, "usage-other-only")["usageBreakdownList"]
    assert [one["resourceType"] for one in only] == ["SPEC"]
    assert seen(http, "usage-no-breakdown")["usageBreakdownList"] == []
    assert seen(http, "usage-zero-limit")["usageBreakdownList"][0]["usageLimit"] == 0


def test_values_can_be_unheard_of(http: httpx.Client) -> None:
    told = seen(http, "usage-unknown-values")
    assert told["subscriptionInfo"]["subscriptionTitle"] == "KIRO GALACTIC"
    assert told["usageBreakdownList"][0]["bonuses"][0]["status"] == "UPCOMING"


@pytest.mark.parametrize("scenario", ODD)
def test_an_odd_answer_comes_as_often_as_ordered_and_to_whom(
    http: httpx.Client, scenario: str
) -> None:
    usual = usage(http)
    arm(http, scenario, "usage", account="key", times=2)
    assert usage(http, "social")["usageBreakdownList"][0]["usageLimit"] == 1000
    odd = [raw_usage(http).text for _ in range(2)]
    assert odd[0] == odd[1] != httpx.Response(200, json=usual).text
    assert usage(http) == usual


@pytest.mark.parametrize("name", ["usage", "models"])
def test_a_management_answer_can_be_no_json(http: httpx.Client, name: str) -> None:
    arm(http, f"{name}-no-json", name)
    path = "/getUsageLimits" if name == "usage" else "/ListAvailableModels?origin=CLI"
    reply = http.get(path, headers=headers_of(BUILDER, None))
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html")


def models(http: httpx.Client, scenario: str) -> list[Body]:
    arm(http, scenario, "models")
    reply = http.get("/ListAvailableModels?origin=CLI", headers=headers_of(SOCIAL, None))
    listed: list[Body] = reply.json()["models"]
    return listed


def test_a_model_list_can_be_empty_or_bare(http: httpx.Client) -> None:
    assert models(http, "models-none") == []
    sparse = models(http, "models-sparse")
    assert [one["modelId"] for one in sparse] == [one.model_id for one in MODELS]
    assert sparse[0].keys() == {"modelId"}
    assert sparse[1]["tokenLimits"] is sparse[1]["promptCaching"] is None


def test_a_model_list_can_repeat_itself_and_lack_ids(http: httpx.Client) -> None:
    ids = [one.get("modelId") for one in models(http, "models-doubled")]
    assert ids[-4:] == ["auto", "  ", " auto ", None]


def test_a_model_list_can_tell_of_caching_as_it_used_to(http: httpx.Client) -> None:
    listed = models(http, "models-flat-caching")
    assert {one["supportsPromptCache"] for one in listed} == {True, False}
    assert not [one for one in listed if "promptCaching" in one]


def test_a_model_list_can_be_large(http: httpx.Client) -> None:
    assert len(models(http, "models-large")[0]["description"]) == 1024 * 1024


@pytest.mark.parametrize(
    ("scenario", "status"),
    [
        ("suspended", 403),
        ("suspicious-activity", 429),
        ("monthly-limit", 402),
        ("monthly-limit-429", 429),
        ("daily-limit", 429),
        ("unavailable", 503),
    ],
)
def test_everything_of_one_account_can_fail_until_reset(
    http: httpx.Client, scenario: str, status: int
) -> None:
    arm(http, scenario, "api", account="social", times=None)
    body = {**ask("Hello"), "profileArn": SOCIAL.profile_arn}
    profiles = headers_of(SOCIAL, MANAGEMENT + "ListAvailableProfiles")
    replies = [
        post(http, body, SOCIAL),
        raw_usage(http, "social"),
        http.get("/ListAvailableModels?origin=CLI", headers=headers_of(SOCIAL, None)),
        http.post("/", headers=profiles, json={}),
    ]
    assert [reply.status_code for reply in replies] == [status] * 4
    renewed = http.post("/refreshToken", json={"refreshToken": SOCIAL.refresh_token})
    assert renewed.status_code == 200, "tokens are another matter"
    assert post(http, ask("Hello"), BUILDER).status_code == 200
    http.post("/_sim/reset")
    assert post(http, body, SOCIAL).status_code == 200


def test_only_answers_of_every_operation_can_be_ordered_for_all(http: httpx.Client) -> None:
    order = {"name": "stall-mid-stream", "operation": "api"}
    assert http.put("/_sim/scenario", json=order).status_code == 400
    arm(http, "reset-before-status", "api")
    with pytest.raises(httpx.TransportError):
        raw_usage(http)
    assert raw_usage(http).status_code == 200


@pytest.mark.parametrize(
    "order",
    [
        {"account": "nobody"},
        {"account": "key", "plan": {"limit": -1}},
        {"account": "key", "bonuses": [{"limit": 1, "used": -1}]},
        {"account": "key", "overage": "SOMETIMES"},
        {"account": "key", "plan": None},
    ],
    ids=str,
)
def test_a_senseless_quota_is_refused(http: httpx.Client, order: Body) -> None:
    assert http.put("/_sim/quota", json=order).status_code == 400
