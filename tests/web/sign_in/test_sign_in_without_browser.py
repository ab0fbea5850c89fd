"""Ways in that need no browser: other programs' sign-ins, and a Kiro API key."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.simulator.accounts import DEMO_ACCOUNTS, DemoAccount
from tests.web.sign_in.sign_in_gateway import NEW, SignInGateway

pytestmark = pytest.mark.anyio

BY_NAME = {account.name: account for account in DEMO_ACCOUNTS}
IN_AN_HOUR = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
AN_HOUR_AGO = (datetime.now(UTC) - timedelta(hours=1)).isoformat()


@pytest.fixture
def places(gateway: SignInGateway, tmp_path: Path) -> tuple[Path, Path]:
    """Where kiro-cli and the IDE keep theirs."""
    known = (
        tmp_path / "share" / "kiro-cli" / "data.sqlite3",
        tmp_path / ".aws" / "sso" / "cache" / "kiro-auth-token.json",
    )
    gateway.admin.services.admin.local_places = known
    for place in known:
        place.parent.mkdir(parents=True)
    return known


def kiro_cli_rows(account: DemoAccount, upstream: str, expires_at: str) -> dict[str, Any]:
    """What kiro-cli writes down of such a sign-in."""
    token: dict[str, Any] = {
        "access_token": account.access_token,
        "refresh_token": account.refresh_token,
        "expires_at": expires_at,
    }
    match account.auth_method:
        case "social":
            token |= {"profile_arn": account.profile_arn, "provider": "google"}
            return {"kirocli:social:token": token}
        case "external_idp":
            endpoint = upstream + account.token_endpoint
            token |= {"client_id": account.client_id, "token_endpoint": endpoint}
            return {"kirocli:external-idp:token": token}
        case _:
            token |= {"region": account.region, "oauth_flow": "DeviceCode"}
            if account.auth_method == "idc":
                token["start_url"] = "https://simulated-org.awsapps.com/start"
            client = {
                "client_id": account.client_id,
                "client_secret": account.client_secret,
                "client_secret_expires_at": None,
                "region": account.region,
            }
            return {"kirocli:odic:token": token, "kirocli:odic:device-registration": client}


def write_kiro_cli(place: Path, account: DemoAccount, upstream: str, expires_at: str) -> None:
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT)")
        connection.execute("CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB)")
        for key, value in kiro_cli_rows(account, upstream, expires_at).items():
            connection.execute("INSERT INTO auth_kv VALUES (?, ?)", (key, json.dumps(value)))
        if account.profile_arn:
            profile = json.dumps({"arn": account.profile_arn, "profile_name": "mine"}).encode()
            connection.execute(
                "INSERT INTO state VALUES ('api.codewhisperer.profile', ?)", (profile,)
            )


def write_ide(place: Path, account: DemoAccount, expires_at: str) -> None:
    token = {
        "accessToken": account.access_token,
        "refreshToken": account.refresh_token,
        "expiresAt": expires_at,
        "region": account.region,
        "profileArn": account.profile_arn,
    }
    if account.auth_method == "social":
        token |= {"authMethod": "social", "provider": "Google"}
    else:
        provider = "BuilderId" if account.auth_method == "builder_id" else "Enterprise"
        token |= {"authMethod": "IdC", "provider": provider, "clientIdHash": "0a" * 20}
        client = {"clientId": account.client_id, "clientSecret": account.client_secret}
        place.with_name(f"{'0a' * 20}.json").write_text(json.dumps(client))
    place.write_text(json.dumps(token))


async def imported(gateway: SignInGateway, **order: str) -> dict[str, Any]:
    answer = await gateway.admin.call("POST", "/admin/kiro/import-local", {"account": NEW, **order})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize("expires_at", [IN_AN_HOUR, AN_HOUR_AGO], ids=["valid", "expired"])
@pytest.mark.parametrize("name", ["social", "builder", "organisation", "external"])
async def test_every_kind_of_kiro_clis_is_imported_and_answers(
    gateway: SignInGateway, places: tuple[Path, Path], name: str, expires_at: str
) -> None:
    await forget(gateway, name)
    account = BY_NAME[name]
    write_kiro_cli(places[0], account, gateway.kiro.url, expires_at)
    told = await imported(gateway, source="kiro-cli")
    assert (told["message"], told["has_refresh"]) == ("kiro-cli token imported", True)
    assert told["is_external_idp"] is (name == "external")
    shown = await gateway.answers()
    assert (shown["auth_method"], shown["region"]) == (account.auth_method, account.region)
    assert (shown["token_info"]["profile_arn"] or None) == account.profile_arn


@pytest.mark.parametrize("expires_at", [IN_AN_HOUR, AN_HOUR_AGO], ids=["valid", "expired"])
@pytest.mark.parametrize("name", ["social", "builder", "organisation"])
async def test_every_kind_of_the_ides_is_imported_and_answers(
    gateway: SignInGateway, places: tuple[Path, Path], name: str, expires_at: str
) -> None:
    await forget(gateway, name)
    write_ide(places[1], BY_NAME[name], expires_at)
    told = await imported(gateway)
    assert told["message"] == "Kiro IDE token imported"
    assert (await gateway.answers())["auth_method"] == BY_NAME[name].auth_method


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
async def test_a_kiro_api_key_answers(gateway: SignInGateway, *, later: bool) -> None:
    key = {"api_key": f" {BY_NAME['key'].api_key}\n"}
    if later:
        changed = await gateway.admin.call("PUT", f"/admin/accounts/{NEW}", key)
        assert changed.status_code == 200
    else:
        await gateway.admin.call("DELETE", f"/admin/accounts/{NEW}")
        made = await gateway.admin.call("POST", "/admin/accounts", {"name": NEW, **key})
        assert made.status_code == 201
        assert "ksk_" not in made.text
    assert (await gateway.answers())["auth_method"] == "api_key"


async def forget(gateway: SignInGateway, name: str) -> None:
    """Take away the account that has this sign-in already: two would share its refresh token."""
    answer = await gateway.admin.call("DELETE", f"/admin/accounts/{name}?force=true")
    assert answer.status_code == 200
