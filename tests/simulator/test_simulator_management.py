"""Models, usage limits, profiles and web search."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.catalogue import MODELS
from gateway.simulator.quota import next_month
from tests.simulator.simulator_client import (
    ACCOUNTS,
    KEY,
    MANAGEMENT,
    Body,
    ask,
    headers_of,
    last_rules,
    post,
)

ORGANISATION = ACCOUNTS["organisation"]
SOCIAL = ACCOUNTS["social"]


def call(
    http: httpx.Client, operation: str, members: Body, account: DemoAccount = KEY
) -> httpx.Response:
    return http.post("/", headers=headers_of(account, MANAGEMENT + operation), json=members)


def get(http: httpx.Client, path: str, account: DemoAccount = KEY, **query: Any) -> httpx.Response:
    headers = headers_of(account, None)
    del headers["content-type"]
    return http.get(path, headers=headers, params=query)


def test_both_forms_list_the_same_models(http: httpx.Client) -> None:
    by_call = call(http, "ListAvailableModels", {"origin": "AI_EDITOR"})
    by_get = get(http, "/ListAvailableModels", origin="AI_EDITOR")
    assert by_call.json() == by_get.json()
    assert [m["modelId"] for m in by_call.json()["models"]] == [m.model_id for m in MODELS]
    assert by_call.json()["nextToken"] is None
    assert by_call.json()["defaultModel"] == {"modelId": "auto"}


def test_a_model_tells_its_rate_limits_inputs_and_caching(http: httpx.Client) -> None:
    models = {
        m["modelId"]: m
        for m in call(http, "ListAvailableModels", {"origin": "CLI"}).json()["models"]
    }
    sonnet = models["claude-sonnet-4.5"]
    assert sonnet["tokenLimits"] == {"maxInputTokens": 200_000, "maxOutputTokens": 64_000}
    assert sonnet["supportedInputTypes"] == ["TEXT", "IMAGE"]
    assert sonnet["promptCaching"]["supportsPromptCaching"] is True
    assert (sonnet["rateMultiplier"], sonnet["rateUnit"]) == (1.3, "Credit")
    assert "additionalModelRequestFieldsSchema" not in sonnet
    opus = models["claude-opus-4.6"]["additionalModelRequestFieldsSchema"]["properties"]
    assert opus["output_config"]["properties"]["effort"]["enum"] == ["low", "medium", "high", "max"]
    gpt = models["gpt-5.6-sol"]["additionalModelRequestFieldsSchema"]["properties"]
    assert "xhigh" in gpt["reasoning"]["properties"]["effort"]["enum"]


def test_small_pages_lead_to_each_other_until_the_end(http: httpx.Client) -> None:
    found: list[str] = []
    token: str | None = None
    pages = 0
    while True:
        members = {"origin": "CLI", "maxResults": 3, **({"nextToken": token} if token else {})}
        page = call(http, "ListAvailableModels", members).json()
        found += [model["modelId"] for model in page["models"]]
        pages += 1
        token = page["nextToken"]
        if token is None:
            break
    assert found == [model.model_id for model in MODELS]
    assert pages == 4


def test_a_free_account_has_fewer_models(http: httpx.Client) -> None:
    reply = call(http, "ListAvailableModels", {"origin": "CLI"}, ACCOUNTS["builder"])
    assert [m["modelId"] for m in reply.json()["models"]] == [m.model_id for m in MODELS if m.free]


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({}, "origin"),
        ({"origin": "NOWHERE"}, "unknown-value"),
        ({"origin": "CLI", "nextToken": "page-900"}, "next-token"),
        ({"origin": "CLI", "nextToken": ""}, "wrong-type"),
        ({"origin": "CLI", "maxResults": 0}, "page-size"),
        ({"origin": "CLI", "maxResults": True}, "page-size"),
        ({"origin": "CLI", "modelProvider": "OTHER"}, "unknown-value"),
        ({"origin": "CLI", "profileArn": "arn:aws:codewhisperer:x"}, "profile-matches"),
        ({"origin": "CLI", "profileArn": None}, "wrong-type"),
        ({"origin": "CLI", "verbose": True}, "unknown-member"),
    ],
)
def test_a_wrong_parameter_is_refused(http: httpx.Client, members: Body, rule: str) -> None:
    assert call(http, "ListAvailableModels", members).status_code == 400
    assert last_rules(http) == [rule]


def test_usage_limits_are_complete(http: httpx.Client) -> None:
    query = {"origin": "AI_EDITOR", "resourceType": "AGENTIC_REQUEST"}
    usage = get(http, "/getUsageLimits", SOCIAL, **query).json()
    breakdown = usage["usageBreakdownList"][0]
    assert breakdown["resourceType"] == "CREDIT"
    assert (breakdown["usageLimit"], breakdown["usageLimitWithPrecision"]) == (1000, 1000.0)
    assert breakdown["freeTrialInfo"]["freeTrialStatus"] == "ACTIVE"
    assert {bonus["status"] for bonus in breakdown["bonuses"]} == {"ACTIVE", "EXPIRED"}
    assert usage["subscriptionInfo"]["subscriptionTitle"] == "KIRO PRO"
    assert usage["overageConfiguration"] == {"overageStatus": "DISABLED"}
    assert usage["nextDateReset"] == breakdown["nextDateReset"]
    assert usage["userInfo"]["email"] is None


def test_the_email_is_told_when_asked_for(http: httpx.Client) -> None:
    by_get = get(http, "/getUsageLimits", SOCIAL, isEmailRequired="true").json()
    by_call = call(http, "GetUsageLimits", {"isEmailRequired": True}, SOCIAL).json()
    assert by_get["userInfo"] == by_call["userInfo"]
    assert by_get["userInfo"]["email"] == SOCIAL.email


def test_answers_are_paid_from_the_trial_first(http: httpx.Client) -> None:
    http.put("/_sim/credits", json={"account": "key", "used": 632.29})
    breakdown = get(http, "/getUsageLimits").json()["usageBreakdownList"][0]
    assert breakdown["freeTrialInfo"]["currentUsageWithPrecision"] == 500
    assert (breakdown["currentUsage"], breakdown["currentUsageWithPrecision"]) == (132, 132.29)
    post(http, ask("Hello"))
    after = get(http, "/getUsageLimits").json()["usageBreakdownList"][0]
    assert after["currentUsageWithPrecision"] > 132.29


def test_a_spent_account_gets_the_monthly_limit(http: httpx.Client) -> None:
    http.put("/_sim/credits", json={"account": "builder", "used": 150})
    reply = post(http, ask("Hello"), ACCOUNTS["builder"])
    assert (reply.status_code, reply.json()["reason"]) == (402, "MONTHLY_REQUEST_COUNT")
    breakdown = get(http, "/getUsageLimits", ACCOUNTS["builder"]).json()["usageBreakdownList"][0]
    assert breakdown["currentUsage"] == breakdown["usageLimit"] == 50
    assert breakdown["bonuses"][0]["currentUsage"] == breakdown["bonuses"][0]["usageLimit"]


def test_an_organisation_must_name_its_profile_to_see_its_usage(http: httpx.Client) -> None:
    assert get(http, "/getUsageLimits", ORGANISATION).status_code == 400
    assert last_rules(http) == ["profile-needed"]
    named = get(http, "/getUsageLimits", ORGANISATION, profileArn=ORGANISATION.profile_arn)
    assert named.json()["subscriptionInfo"]["subscriptionTitle"] == "KIRO POWER"


@pytest.mark.parametrize(
    ("now", "reset"),
    [("2026-11-22T10:00:00", "2026-12-01"), ("2026-12-31T23:59:59", "2027-01-01")],
)
def test_a_month_ends_at_midnight_utc_of_the_first(now: str, reset: str) -> None:
    def seconds(text: str) -> float:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()

    assert next_month(seconds(now)) == seconds(reset)


@pytest.mark.parametrize("name", ["social", "organisation", "external"])
def test_an_account_with_a_profile_finds_it(http: httpx.Client, name: str) -> None:
    account = ACCOUNTS[name]
    reply = call(http, "ListAvailableProfiles", {"maxResults": 10}, account)
    assert [profile["arn"] for profile in reply.json()["profiles"]] == [account.profile_arn]


@pytest.mark.parametrize("name", ["builder", "key"])
def test_an_account_without_profiles_may_not_list_them(http: httpx.Client, name: str) -> None:
    reply = call(http, "ListAvailableProfiles", {}, ACCOUNTS[name])
    assert reply.status_code == 403
    assert reply.headers["x-amzn-errortype"] == "AccessDeniedException"


SEARCH_ID = "web_search_tooluse_4fQ0b2nKx7LmA9sTzW1cPd_1767225600000_k3j9x0ab"


def search(query: object, **changes: Any) -> Body:
    return {
        "id": SEARCH_ID,
        "jsonrpc": "2.0",
        "method": "tools/call",
        "params": {"name": "web_search", "arguments": {"query": query}},
        "profileArn": SOCIAL.profile_arn,
        **changes,
    }


def mcp(http: httpx.Client, body: Body) -> httpx.Response:
    headers = {**headers_of(SOCIAL, None), "content-type": "application/json"}
    return http.post("/mcp", headers=headers, json=body)


def test_a_search_finds_results_as_json_inside_text(http: httpx.Client) -> None:
    reply = mcp(http, search("rye bread")).json()
    assert (reply["id"], reply["error"], reply["result"]["isError"]) == (SEARCH_ID, None, False)
    found = json.loads(reply["result"]["content"][0]["text"])
    assert found["query"] == "rye bread"
    assert found["totalResults"] == len(found["results"]) == 2
    assert found["results"][0].keys() >= {"title", "url", "snippet", "publishedDate"}


def test_a_search_that_finds_nothing_is_an_error_that_says_so(http: httpx.Client) -> None:
    reply = mcp(http, search("xyzzy"))
    assert reply.status_code == 200
    assert reply.json()["error"]["message"].startswith("No results found")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (search("x", id="1"), "search-id-form"),
        (search("x", jsonrpc="1.0"), "search-method"),
        (search("x", method="tools/list"), "search-method"),
        (search("x", params={"name": "fetch", "arguments": {"query": "x"}}), "search-tool"),
        (search(" "), "search-query"),
        (search(["x"]), "search-query"),
        (search("x", profileArn="arn:other"), "profile-matches"),
        (search("x", stream=True), "unknown-root-member"),
    ],
)
def test_a_wrong_search_is_refused(http: httpx.Client, body: Body, rule: str) -> None:
    assert mcp(http, body).status_code == 400
    assert last_rules(http) == [rule]
