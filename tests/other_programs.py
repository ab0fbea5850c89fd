"""Sign-ins of demo accounts as kiro-cli and the Kiro IDE leave them on a machine."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.simulator.accounts import DEMO_ACCOUNTS, DemoAccount

BY_NAME = {account.name: account for account in DEMO_ACCOUNTS}
IN_AN_HOUR = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
AN_HOUR_AGO = (datetime.now(UTC) - timedelta(hours=1)).isoformat()


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
