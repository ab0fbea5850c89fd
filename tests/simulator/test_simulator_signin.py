import base64
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gateway.simulator.accounts import DEMO_ACCOUNTS, DemoAccount
from gateway.simulator.tokens import TokenDesk
from tests.simulator.simulator_client import ACCOUNTS, Body, ask, last_rules, post

REFRESHED = [account for account in DEMO_ACCOUNTS if account.refresh_token]
NAMES = {"accessToken": "access_token", "refreshToken": "refresh_token", "expiresIn": "expires_in"}


def refresh(http: httpx.Client, account: DemoAccount, **changes: Any) -> httpx.Response:
    """Spend the account's refresh token as its kind does it."""
    if account.auth_method == "external_idp":
        form = {
            "client_id": account.client_id,
            "grant_type": "refresh_token",
            "refresh_token": account.refresh_token,
            "scope": " ".join(account.scopes),
            **changes,
        }
        return http.post(account.token_endpoint, data=form)
    members: Body = {"refreshToken": account.refresh_token}
    if account.auth_method != "social":
        members |= {
            "clientId": account.client_id,
            "clientSecret": account.client_secret,
            "grantType": "refresh_token",
        }
    return http.post(account.token_endpoint, json={**members, **changes})


def granted(reply: httpx.Response) -> Body:
    """The grant with snake_case names, whatever the endpoint calls them."""
    assert reply.status_code == 200, reply.text
    return {NAMES.get(name, name): value for name, value in reply.json().items()}


def answers(http: httpx.Client, account: DemoAccount) -> int:
    body = ask("Hello")
    if account.profile_arn:
        body["profileArn"] = account.profile_arn
    return post(http, body, account).status_code


@pytest.mark.parametrize("account", REFRESHED, ids=lambda a: a.name)
def test_a_refresh_gives_a_new_pair_and_the_next_needs_the_new_token(
    http: httpx.Client, account: DemoAccount
) -> None:
    first = granted(refresh(http, account))
    assert first["expires_in"] == 3600
    assert first["access_token"] != account.access_token
    renewed = replace(
        account, access_token=first["access_token"], refresh_token=first["refresh_token"]
    )
    assert answers(http, renewed) == 200
    second = granted(refresh(http, renewed))
    assert second["refresh_token"] not in {account.refresh_token, renewed.refresh_token}


@pytest.mark.parametrize("account", REFRESHED, ids=lambda a: a.name)
def test_a_spent_refresh_token_is_refused_and_counted(
    http: httpx.Client, account: DemoAccount
) -> None:
    granted(refresh(http, account))
    again = refresh(http, account)
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"
    assert last_rules(http) == ["refresh-token-reused"]
    counts = {one["name"]: one for one in http.get("/_sim/accounts").json()["accounts"]}
    assert (counts[account.name]["refreshes"], counts[account.name]["reuses"]) == (1, 1)


@pytest.mark.parametrize("account", REFRESHED, ids=lambda a: a.name)
def test_the_old_access_token_lives_on_after_a_refresh(
    http: httpx.Client, account: DemoAccount
) -> None:
    granted(refresh(http, account))
    assert answers(http, account) == 200


@pytest.mark.parametrize("account", REFRESHED, ids=lambda a: a.name)
def test_a_refresh_token_of_nobody_is_refused(http: httpx.Client, account: DemoAccount) -> None:
    name = "refresh_token" if account.auth_method == "external_idp" else "refreshToken"
    reply = refresh(http, account, **{name: "aor-nobody"})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")


def test_a_refresh_token_is_only_good_at_its_own_endpoint(http: httpx.Client) -> None:
    social = ACCOUNTS["social"]
    builder = ACCOUNTS["builder"]
    crossed = refresh(http, builder, refreshToken=social.refresh_token)
    assert crossed.json()["error"] == "invalid_grant"
    assert refresh(http, social).status_code == 200


@pytest.mark.parametrize("name", ["builder", "organisation"])
@pytest.mark.parametrize("member", ["clientId", "clientSecret"])
def test_an_oidc_client_must_prove_itself(http: httpx.Client, name: str, member: str) -> None:
    reply = refresh(http, ACCOUNTS[name], **{member: "somebody-else"})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_client")
    assert refresh(http, ACCOUNTS[name]).status_code == 200


@pytest.mark.parametrize("member", ["clientId", "clientSecret", "grantType", "refreshToken"])
def test_the_oidc_members_are_all_needed(http: httpx.Client, member: str) -> None:
    reply = refresh(http, ACCOUNTS["builder"], **{member: None})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


def test_the_oidc_endpoint_takes_no_form(http: httpx.Client) -> None:
    account = ACCOUNTS["builder"]
    form = {"client_id": account.client_id, "refresh_token": account.refresh_token}
    assert http.post("/token", data=form).status_code == 400
    assert last_rules(http) == ["content-type"]


def test_another_grant_type_is_not_served(http: httpx.Client) -> None:
    for name, member in (("builder", "grantType"), ("external", "grant_type")):
        reply = refresh(http, ACCOUNTS[name], **{member: "password"})
        assert reply.json()["error"] == "unsupported_grant_type"


def test_an_external_provider_takes_its_own_scopes_only(http: httpx.Client) -> None:
    account = ACCOUNTS["external"]
    assert refresh(http, account, scope="api://else/x").json()["error"] == "invalid_scope"
    assert refresh(http, account, scope=" ".join(account.scopes)).status_code == 200


def test_an_external_access_token_tells_the_scope_of_its_refresh(http: httpx.Client) -> None:
    account = ACCOUNTS["external"]
    token = granted(refresh(http, account))["access_token"]
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    scopes = {f"{claims['aud']}/{scope}" for scope in claims["scp"].split()}
    assert scopes | {"offline_access"} == set(account.scopes)


def test_a_social_refresh_names_the_profile(http: httpx.Client) -> None:
    account = ACCOUNTS["social"]
    assert refresh(http, account).json()["profileArn"] == account.profile_arn


@pytest.mark.parametrize("account", REFRESHED, ids=lambda a: a.name)
def test_expired_tokens_are_refused_until_refreshed(
    http: httpx.Client, account: DemoAccount
) -> None:
    assert http.post("/_sim/expire-tokens", json={"account": account.name}).json()["expired"] >= 1
    body = ask("Hello")
    if account.profile_arn:
        body["profileArn"] = account.profile_arn
    reply = post(http, body, account)
    assert reply.status_code == 403
    assert reply.json() == {"message": "The bearer token included in the request is invalid."}
    grant = granted(refresh(http, account))
    assert answers(http, replace(account, access_token=grant["access_token"])) == 200


def test_expiring_everybody_spares_api_keys(http: httpx.Client) -> None:
    assert http.post("/_sim/expire-tokens").json() == {"expired": len(REFRESHED)}
    assert answers(http, ACCOUNTS["key"]) == 200
    assert answers(http, ACCOUNTS["builder"]) == 403


def test_a_refresh_can_be_made_to_fail(http: httpx.Client) -> None:
    http.put(
        "/_sim/scenario", json={"name": "internal", "operation": "refresh", "account": "social"}
    )
    assert refresh(http, ACCOUNTS["builder"]).status_code == 200
    failed = refresh(http, ACCOUNTS["social"])
    assert failed.status_code == 500
    assert refresh(http, ACCOUNTS["social"]).status_code == 200


def test_a_token_ends_with_its_lifetime_on_the_clock() -> None:
    now = 1000.0
    desk = TokenDesk(DEMO_ACCOUNTS, seed=0, clock=lambda: now)
    account = ACCOUNTS["social"]
    assert desk.holder(account.bearer) == account
    now += 3599
    assert desk.holder(account.bearer) == account
    now += 1
    assert desk.holder(account.bearer) is None
    grant = desk.exchange(str(account.refresh_token))
    assert grant is not None
    assert desk.holder(grant.access_token) == account


def test_tokens_follow_from_the_seed() -> None:
    def granted_with(seed: int) -> str | None:
        grant = TokenDesk(DEMO_ACCOUNTS, seed=seed, clock=lambda: 0.0).exchange(
            str(ACCOUNTS["social"].refresh_token)
        )
        return grant.access_token if grant else None

    assert granted_with(1) == granted_with(1) != granted_with(2)
