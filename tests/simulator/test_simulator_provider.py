"""The organisation's own identity provider."""

import base64
import json
import re
from html import unescape
from typing import Any

import httpx
import pytest

from tests.simulator.sign_in_client import (
    PROOF,
    STATE,
    VERIFIER,
    Callback,
    arm,
    callback,
    challenge_of,
    generate,
    script,
    sent_to,
    visit_portal,
)
from tests.simulator.simulator_client import ACCOUNTS, Body, headers_of, last_rules

KIRO = "kiro://kiro.oauth/callback"
API = "api://kiro-simulator/codewhisperer"
SCOPE = f"{API}:conversations {API}:completions offline_access"
CLIENT = "simulated-external-client"


def discovered(http: httpx.Client) -> Body:
    script(http, way="external_idp")
    issuer = sent_to(visit_portal(http)).query["issuer_url"]
    reply = http.get(f"{issuer}/.well-known/openid-configuration")
    assert reply.status_code == 200, reply.text
    document: Body = reply.json()
    assert document["issuer"] == issuer
    return document


def open_page(http: httpx.Client, **changes: str | None) -> httpx.Response:
    query = {
        **PROOF,
        "client_id": CLIENT,
        "response_type": "code",
        "redirect_uri": KIRO,
        "scope": SCOPE,
        "response_mode": "query",
        **changes,
    }
    known = {name: value for name, value in query.items() if value is not None}
    return http.get(discovered(http)["authorization_endpoint"], params=known)


def code_of(http: httpx.Client, scope: str = SCOPE, **order: Any) -> str:
    script(http, page="provider", **order)
    return sent_to(open_page(http, scope=scope)).query["code"]


def exchange(http: httpx.Client, code: str, /, **changes: str | None) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": CLIENT,
        "code": code,
        "redirect_uri": KIRO,
        "code_verifier": VERIFIER,
        **changes,
    }
    known = {name: value for name, value in form.items() if value is not None}
    return http.post(discovered(http)["token_endpoint"], data=known)


def refresh(http: httpx.Client, refresh_token: str, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT,
        "refresh_token": refresh_token,
        **changes,
    }
    return http.post(discovered(http)["token_endpoint"], data=form)


def claims_of(access_token: str) -> Body:
    part = access_token.split(".")[1]
    claims: Body = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def opens(http: httpx.Client, access_token: str) -> bool:
    """Whether the token generates, with the profile that it finds."""
    target = "AmazonCodeWhispererService.ListAvailableProfiles"
    headers = {
        **headers_of(ACCOUNTS["external"], target),
        "authorization": f"Bearer {access_token}",
    }
    found = http.post("/", headers=headers, json={})
    if found.status_code != 200:
        return False
    (profile,) = found.json()["profiles"]
    return generate(http, access_token, profile["arn"], "EXTERNAL_IDP") == 200


def test_an_employee_signs_in_at_their_own_provider_and_generates(http: httpx.Client) -> None:
    script(http, page="provider")
    back = sent_to(open_page(http, login_hint="dev@example.com"))
    assert (back.address, back.query["state"]) == (KIRO, STATE)
    tokens = exchange(http, back.query["code"], scope=SCOPE).json()
    assert tokens.keys() == {"access_token", "refresh_token", "expires_in", "token_type"}
    assert opens(http, tokens["access_token"])
    assert generate(http, tokens["access_token"], None) == 403, "without TokenType"
    claims = claims_of(tokens["access_token"])
    assert claims["aud"] == "api://kiro-simulator"
    assert "codewhisperer:conversations" in claims["scp"].split()


def press(http: httpx.Client, page: httpx.Response, **fields: str) -> httpx.Response:
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    return http.post(str(page.url).partition("?")[0], data={**hidden, **fields})


def shown(page: httpx.Response) -> Callback:
    address = re.search(r'<input id="address" readonly value="([^"]+)">', page.text)
    assert address is not None
    return callback(unescape(address[1]))


def test_a_click_ends_on_a_page_with_the_address_to_copy(http: httpx.Client) -> None:
    page = open_page(http, login_hint="<dev>@example.com")
    assert "&lt;dev&gt;@example.com" in page.text
    back = shown(press(http, page, go="on", account="external"))
    assert back.address == KIRO
    assert opens(http, exchange(http, back.query["code"]).json()["access_token"])
    refused = shown(press(http, page, error="access_denied"))
    assert (refused.query["error"], refused.query["state"]) == ("access_denied", STATE)


def test_a_callback_of_the_provider_can_be_forged(http: httpx.Client) -> None:
    script(http, page="provider", query={"state": "foreign"})
    assert sent_to(open_page(http)).query["state"] == "foreign"
    script(http, page="provider", query={"state": None})
    assert "state" not in sent_to(open_page(http)).query


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"client_id": "somebody"}, "parameter-value"),
        ({"response_type": "token"}, "parameter-value"),
        ({"response_mode": "fragment"}, "parameter-value"),
        ({"redirect_uri": "http://localhost:3128"}, "parameter-value"),
        ({"scope": "api://else/read"}, "parameter-value"),
        ({"scope": None}, "missing-parameter"),
        ({"code_challenge_method": "plain"}, "parameter-value"),
        ({"state": None}, "missing-parameter"),
        ({"login_hint": ""}, "empty-parameter"),
        ({"prompt": "login"}, "unknown-parameter"),
    ],
    ids=str,
)
def test_a_wrong_visit_to_the_provider_is_refused(
    http: httpx.Client, changes: dict[str, str | None], rule: str
) -> None:
    assert open_page(http, **changes).status_code == 400
    assert last_rules(http) == [rule]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "SIM-unknown"}, "invalid_grant"),
        ({"code_verifier": challenge_of("another")}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:3128"}, "invalid_grant"),
        ({"client_id": "somebody"}, "invalid_client"),
        ({"client_secret": "guess"}, "invalid_client"),
        ({"scope": f"{API}:everything"}, "invalid_scope"),
        ({"code_verifier": None}, "invalid_request"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
    ids=str,
)
def test_a_wrong_exchange_at_the_provider_is_refused(
    http: httpx.Client, changes: dict[str, str | None], error: str
) -> None:
    reply = exchange(http, code_of(http), **changes)
    assert (reply.status_code, reply.json()["error"]) == (400, error)


def test_the_provider_takes_forms_and_no_json(http: httpx.Client) -> None:
    endpoint = discovered(http)["token_endpoint"]
    assert http.post(endpoint, json={"grant_type": "refresh_token"}).status_code == 400
    assert last_rules(http) == ["content-type"]


def test_a_refresh_token_is_only_given_for_offline_access(http: httpx.Client) -> None:
    tokens = exchange(http, code_of(http, f"{API}:conversations openid")).json()
    assert "refresh_token" not in tokens
    assert opens(http, tokens["access_token"])


def test_a_token_without_the_right_scope_is_for_somebody_else(http: httpx.Client) -> None:
    tokens = exchange(http, code_of(http, "openid offline_access")).json()
    assert claims_of(tokens["access_token"])["aud"] != "api://kiro-simulator"
    assert not opens(http, tokens["access_token"])


def test_a_refresh_says_what_the_token_is_for_or_gets_one_that_opens_nothing(
    http: httpx.Client,
) -> None:
    tokens = exchange(http, code_of(http)).json()
    vague = refresh(http, tokens["refresh_token"]).json()
    assert claims_of(vague["access_token"])["aud"] != "api://kiro-simulator"
    assert not opens(http, vague["access_token"])
    exact = refresh(http, vague["refresh_token"], scope=SCOPE).json()
    assert opens(http, exact["access_token"])
    brief = refresh(http, exact["refresh_token"], scope=f"{API}:conversations").json()
    assert opens(http, brief["access_token"])
    assert "refresh_token" not in brief


def test_a_reused_refresh_token_of_the_provider_ends_the_family(http: httpx.Client) -> None:
    tokens = exchange(http, code_of(http)).json()
    second = refresh(http, tokens["refresh_token"], scope=SCOPE).json()
    for token in (tokens["refresh_token"], second["refresh_token"]):
        assert refresh(http, token, scope=SCOPE).json()["error"] == "invalid_grant"


NOT_FOLLOWED = {
    "discovery-foreign": ("token_endpoint", "https://login.foreign.example/token"),
    "discovery-foreign-token": ("token_endpoint", "https://collector.foreign.example/token"),
    "discovery-http": ("token_endpoint", "http://login.example.com/token"),
    "discovery-private": ("authorization_endpoint", "https://10.0.0.1/authorize"),
    "discovery-metadata": ("token_endpoint", "http://169.254.169.254/latest/token"),
    "discovery-file": ("token_endpoint", "file:///etc/token"),
    "discovery-userinfo": ("token_endpoint", "https://login.example.com@10.0.0.1/token"),
    "discovery-issuer": ("issuer", "https://login.foreign.example/tenant"),
    "discovery-incomplete": ("token_endpoint", None),
}


def raw_discovery(http: httpx.Client, scenario: str) -> httpx.Response:
    arm(http, scenario, "discovery")
    return http.get("/idp/simulated-tenant/v2.0/.well-known/openid-configuration")


@pytest.mark.parametrize(("scenario", "member"), NOT_FOLLOWED.items(), ids=list(NOT_FOLLOWED))
def test_a_discovery_document_can_mislead(
    http: httpx.Client, scenario: str, member: tuple[str, str | None]
) -> None:
    document = raw_discovery(http, scenario).json()
    assert document.get(member[0]) == member[1]


def test_a_discovery_document_can_be_huge_and_still_correct(http: httpx.Client) -> None:
    reply = raw_discovery(http, "discovery-huge")
    assert len(reply.content) > 5_000_000
    assert reply.json()["token_endpoint"] == discovered(http)["token_endpoint"]


@pytest.mark.parametrize(
    ("scenario", "location"),
    [
        ("discovery-redirect-private", "http://10.0.0.1/.well-known/openid-configuration"),
        ("discovery-redirect-metadata", "http://169.254.169.254/latest/meta-data/"),
        ("discovery-redirect-loop", "openid-configuration"),
    ],
)
def test_discovery_can_be_redirected(http: httpx.Client, scenario: str, location: str) -> None:
    reply = raw_discovery(http, scenario)
    assert (reply.status_code, reply.headers["location"]) == (302, location)


@pytest.mark.parametrize("scenario", ["discovery-no-json", "discovery-list"])
def test_discovery_can_answer_something_else(http: httpx.Client, scenario: str) -> None:
    reply = raw_discovery(http, scenario)
    assert (reply.status_code, reply.content[:1] in b"<[") == (200, True)


@pytest.mark.parametrize(
    ("scenario", "status"), [("internal", 500), ("bad-gateway", 502), ("request-timeout", 408)]
)
def test_discovery_can_fail(http: httpx.Client, scenario: str, status: int) -> None:
    assert raw_discovery(http, scenario).status_code == status


def test_the_demo_account_renews_at_the_discovered_endpoint_too(http: httpx.Client) -> None:
    account = ACCOUNTS["external"]
    reply = refresh(http, account.refresh_token or "", scope=" ".join(account.scopes))
    assert opens(http, reply.json()["access_token"])
