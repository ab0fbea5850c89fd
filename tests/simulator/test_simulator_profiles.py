"""Profiles: several, none, in one region, on several pages; and what depends on them."""

import httpx
import pytest

from tests.simulator.sign_in_client import (
    ORGANISATION,
    OidcClient,
    advance,
    arm,
    decide,
    exchange,
    generate,
    script,
    sent_to,
    visit_portal,
)
from tests.simulator.simulator_client import (
    ACCOUNTS,
    MANAGEMENT,
    Body,
    ask,
    headers_of,
    last_rules,
    post,
)

SOCIAL = ACCOUNTS["social"]
ACCOUNT = ACCOUNTS["organisation"]
US, EU = "us-east-1", "eu-central-1"


def give(http: httpx.Client, *profiles: Body, account: str = "organisation") -> list[str]:
    reply = http.put("/_sim/profiles", json={"account": account, "profiles": profiles})
    assert reply.status_code == 200, reply.text
    arns: list[str] = reply.json()["profile_arns"]
    return arns


def ask_for(http: httpx.Client, region: str = "", **members: object) -> httpx.Response:
    headers = headers_of(ACCOUNT, MANAGEMENT + "ListAvailableProfiles")
    return http.post(f"/{region}/" if region else "/", headers=headers, json=members)


def listed(http: httpx.Client, region: str = "") -> list[str]:
    reply = ask_for(http, region)
    assert reply.status_code == 200, reply.text
    return [profile["arn"] for profile in reply.json()["profiles"]]


def test_each_region_lists_its_own_profiles(http: httpx.Client) -> None:
    in_us, in_eu, also_in_eu = give(
        http,
        {"region": US, "name": "alpha"},
        {"region": EU, "name": "beta", "id": "EXAMPLEPROF1"},
        {"region": EU, "name": "gamma", "status": "UPDATING"},
    )
    assert in_eu == "arn:aws:codewhisperer:eu-central-1:111122223333:profile/EXAMPLEPROF1"
    assert listed(http, US) == [in_us]
    assert listed(http, EU) == [in_eu, also_in_eu]
    assert listed(http) == [in_us, in_eu, also_in_eu]
    names = [(p["profileName"], p["status"]) for p in ask_for(http, EU).json()["profiles"]]
    assert names == [("beta", "ACTIVE"), ("gamma", "UPDATING")]


def test_an_organisation_can_have_no_profile(http: httpx.Client) -> None:
    assert give(http) == []
    assert listed(http) == listed(http, EU) == []
    assert generate(http, ACCOUNT.bearer, ACCOUNT.profile_arn) == 400
    assert last_rules(http) == ["profile-matches"]


@pytest.mark.parametrize("path", ["", f"/{EU}"])
def test_every_profile_of_its_own_will_do_and_no_other(http: httpx.Client, path: str) -> None:
    first, second = give(http, {"region": EU, "name": "alpha"}, {"region": EU, "name": "beta"})
    headers = headers_of(ACCOUNT)
    for arn, status in [(first, 200), (second, 200), (ACCOUNT.profile_arn, 400)]:
        body = {**ask("Hello"), "profileArn": arn}
        assert http.post(f"{path}/", headers=headers, json=body).status_code == status


def test_a_profile_is_only_good_at_the_hosts_of_its_region(http: httpx.Client) -> None:
    body = {**ask("Hello"), "profileArn": ACCOUNT.profile_arn}
    headers = headers_of(ACCOUNT)
    assert http.post(f"/{US}/generateAssistantResponse", headers=headers,
                     json=body).status_code == 400  # fmt: skip
    assert last_rules(http) == ["profile-matches"]
    assert http.post(f"/{EU}/generateAssistantResponse", headers=headers,
                     json=body).status_code == 200  # fmt: skip
    query = {"origin": "AI_EDITOR", "profileArn": ACCOUNT.profile_arn}
    for operation in ("getUsageLimits", "ListAvailableModels"):
        plain = headers_of(ACCOUNT, None)
        assert http.get(f"/{US}/{operation}", headers=plain, params=query).status_code == 400
        assert http.get(f"/{EU}/{operation}", headers=plain, params=query).status_code == 200


@pytest.mark.parametrize("path", ["/", "/generateAssistantResponse", "/mcp"])
def test_a_region_without_such_a_host_does_not_answer(http: httpx.Client, path: str) -> None:
    headers = {**headers_of(ACCOUNT), "content-type": "application/json"}
    if path == "/":
        headers = headers_of(ACCOUNT)
    with pytest.raises(httpx.TransportError):
        http.post(f"/eu-west-1{path}", headers=headers, json=ask("Hello"))
    assert last_rules(http) == ["no-such-host"]


def test_one_region_can_fail_while_the_other_answers(http: httpx.Client) -> None:
    arm(http, "internal", "profiles", region=US, times=None)
    assert ask_for(http, US).status_code == 500
    assert listed(http, EU) == [ACCOUNT.profile_arn]
    assert ask_for(http, US).status_code == 500


def test_a_list_comes_in_the_pages_that_were_asked_for(http: httpx.Client) -> None:
    arns = give(http, *({"region": US, "name": f"p{number}"} for number in range(5)))
    found: list[str] = []
    members: Body = {"maxResults": 2}
    for _ in range(3):
        page = ask_for(http, **members).json()
        found += [profile["arn"] for profile in page["profiles"]]
        members["nextToken"] = page["nextToken"]
    assert (found, members["nextToken"]) == (arns, None)


def test_pages_can_be_shorter_than_asked_for(http: httpx.Client) -> None:
    arns = give(http, *({"region": US, "name": f"p{number}"} for number in range(3)))
    arm(http, "short-pages", "profiles", times=None)
    first = ask_for(http, maxResults=10).json()
    second = ask_for(http, maxResults=10, nextToken=first["nextToken"]).json()
    assert [len(first["profiles"]), len(second["profiles"])] == [2, 1]
    assert first["profiles"][0]["arn"] == arns[0]
    assert second["nextToken"] is None


@pytest.mark.parametrize("operation", ["ListAvailableProfiles", "ListAvailableModels"])
def test_a_page_token_can_come_again_and_again(http: httpx.Client, operation: str) -> None:
    name = "profiles" if operation.endswith("Profiles") else "models"
    arm(http, "repeated-page-token", name, times=None)
    headers = headers_of(SOCIAL, MANAGEMENT + operation)
    members: Body = {} if name == "profiles" else {"origin": "CLI"}
    pages = []
    for _ in range(3):
        page = http.post("/", headers=headers, json=members).json()
        pages.append(page)
        members["nextToken"] = page["nextToken"]
    assert pages[0] == pages[1] == pages[2]
    assert pages[0]["nextToken"]


def test_somebody_can_be_given_profiles_before_they_sign_in(http: httpx.Client) -> None:
    made = http.post("/_sim/people", json={"way": "awsidc", "name": "ana", "subscription": "pro"})
    assert made.json()["auth_method"] == "idc"
    arns = give(http, {"region": US, "name": "one"}, {"region": EU, "name": "two"}, account="ana")
    client = OidcClient(http)
    decide(http, "approve", account="ana")
    device_code = client.begin(ORGANISATION)["deviceCode"]
    advance(http, 1)
    bearer = client.poll(device_code).json()["accessToken"]
    assert [generate(http, bearer, arn) for arn in arns] == [200, 200]
    again = http.post("/_sim/people", json={"way": "awsidc", "name": "ana"})
    assert again.status_code == 400


def test_a_social_sign_in_is_told_the_first_profile_or_none(http: httpx.Client) -> None:
    first, _ = give(
        http, {"region": EU, "name": "one"}, {"region": US, "name": "two"}, account="social"
    )
    for expected in (first, None):
        script(http, account="social")
        tokens = exchange(http, sent_to(visit_portal(http)).query["code"]).json()
        assert tokens.get("profileArn") == expected
        give(http, account="social")


@pytest.mark.parametrize(
    "order",
    [
        {"account": "nobody", "profiles": []},
        {"account": "builder", "profiles": []},
        {"account": "organisation", "profiles": [{"region": "eu-west-1", "name": "x"}]},
        {"account": "organisation", "profiles": [{"region": US}]},
        {"account": "organisation", "profiles": [{"region": US, "name": "x", "status": "?"}]},
    ],
    ids=str,
)
def test_a_senseless_order_about_profiles_is_refused(http: httpx.Client, order: Body) -> None:
    assert http.put("/_sim/profiles", json=order).status_code == 400


def test_one_model_of_one_account_can_be_throttled(http: httpx.Client) -> None:
    arm(http, "throttled", "generate", account="key", model="claude-sonnet-4.5", times=None)
    assert post(http, ask("Hello", "claude-sonnet-4.5")).status_code == 429
    assert post(http, ask("Hello", "claude-haiku-4.5")).status_code == 200
    assert post(http, ask("Hello", "claude-sonnet-4.5"), ACCOUNTS["builder"]).status_code == 200
    assert post(http, ask("Hello", "claude-sonnet-4.5")).status_code == 429
