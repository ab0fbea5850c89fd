"""What the admin API tells of an account's sign-in, quota and models, and how it imports one."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ACCOUNTS, Kiro, running_kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.admin.local_sign_in import sign_in_of_the_ide

pytestmark = pytest.mark.anyio

ROUTES = [
    ("GET", "/admin/kiro/status"),
    ("GET", "/admin/kiro/usage-limits"),
    ("GET", "/admin/kiro/models"),
    ("POST", "/admin/kiro/refresh"),
    ("POST", "/admin/kiro/import-local"),
]


@pytest.fixture
async def own(kiro: Kiro, tmp_path: Path) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path) as gateway:
        yield gateway


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("query", ["", "?account=", "?account=nobody", "?provider=nobody"])
async def test_an_account_has_to_be_named(
    admin: AdminGateway, method: str, path: str, query: str
) -> None:
    answer = await admin.call(method, path + query)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "account" in answer.json()["error"]["message"]


@pytest.mark.parametrize("member", ["account", "provider"])
async def test_both_words_for_the_account_do(admin: AdminGateway, member: str) -> None:
    asked = await admin.get(f"/admin/kiro/status?{member}=social")
    assert (asked["account"], asked["provider"]) == ("social", "social")
    by_id = (await admin.get("/admin/accounts/social"))["id"]
    assert await admin.get(f"/admin/kiro/status?{member}={by_id}") == asked


async def test_the_status_tells_how_an_account_is_signed_in(
    admin: AdminGateway, kiro: Kiro
) -> None:
    told = await admin.get("/admin/kiro/status?account=external")
    assert datetime.fromisoformat(told.pop("expires_at")) > datetime.now(UTC)
    assert told == {
        "account": "external",
        "provider": "external",
        "has_login": True,
        "has_current": True,
        "profile_arn": ACCOUNTS["external"].profile_arn,
        "region": ACCOUNTS["external"].region,
        "api_region": "us-east-1",
        "api_region_from": "profile",
        "endpoints": {
            "runtime": kiro.url + "/us-east-1",
            "management": kiro.url + "/us-east-1",
            "sign_in": kiro.url + "/oauth2/token",
        },
        "is_external_idp": True,
        "auth_method": "external_idp",
        "healthy": True,
        "health_reason": None,
    }


@pytest.mark.parametrize("name", sorted(ACCOUNTS))
async def test_the_quota_of_every_kind_of_account_is_told(admin: AdminGateway, name: str) -> None:
    quota = await admin.get(f"/admin/kiro/usage-limits?account={name}")
    assert quota["account"] == name
    usage = quota["usage"]
    assert usage["remaining_precise"] == usage["limit_precise"] - usage["used_precise"]
    assert quota["email"]


async def test_a_quota_is_asked_anew_only_on_demand(own: AdminGateway, kiro: Kiro) -> None:
    first = await own.get("/admin/kiro/usage-limits?account=social")
    again = await own.get("/admin/kiro/usage-limits?account=social")
    assert len(await kiro.log("usage")) == 1
    assert again["usage"] == first["usage"]
    await own.get("/admin/kiro/usage-limits?account=social&refresh=true")
    await own.get("/admin/kiro/usage-limits?account=social&refresh=1")
    assert len(await kiro.log("usage")) == 3


async def test_models_are_told_with_their_rates_and_limits(admin: AdminGateway) -> None:
    told = await admin.get("/admin/kiro/models?account=social")
    assert (told["account"], told["total"]) == ("social", len(told["models"]))
    sonnet = next(model for model in told["models"] if model["model_id"] == "claude-sonnet-4.5")
    assert sonnet["token_limits"]["max_input_tokens"] == 200_000
    assert sonnet["rate_multiplier"] > 0
    assert "TEXT" in sonnet["supported_input_types"]
    assert sonnet["prompt_caching"] == {"supports_prompt_caching": True}


async def test_a_refresh_renews_the_token_now(tmp_path: Path) -> None:
    # A service of its own: it does not forget that a refresh token has been used.
    async with running_kiro() as kiro, admin_gateway(kiro, tmp_path) as own:
        before = await own.get("/admin/kiro/status?account=social")
        for path, body in (("?provider=social", None), ("", {"account": "social"})):
            answer = await own.call("POST", "/admin/kiro/refresh" + path, body)
            assert answer.status_code == 200
            after = answer.json()
            assert after["expires_at"] > before["expires_at"]
            assert await own.get("/admin/kiro/status?account=social") == after
            before = after


async def test_an_api_key_needs_no_refresh(admin: AdminGateway) -> None:
    answer = await admin.call("POST", "/admin/kiro/refresh?account=key")
    assert (answer.status_code, answer.json()["has_current"]) == (200, True)
    assert "expires_at" not in answer.json()


@pytest.mark.parametrize("reason", ["disabled", "not signed in"])
@pytest.mark.parametrize(("method", "path"), ROUTES[1:4])
async def test_an_account_that_cannot_be_used_says_why(
    own: AdminGateway, method: str, path: str, reason: str
) -> None:
    body: dict[str, Any] = {"name": "new"}
    if reason == "disabled":
        body |= {"enabled": False, "api_key": "ksk_x"}
    await own.call("POST", "/admin/accounts", body)
    answer = await own.call(method, path + "?account=new")
    assert (answer.status_code, reason in answer.text) == (400, True)


async def test_a_sign_in_that_the_service_refuses_is_the_operators_to_mend(
    own: AdminGateway, kiro: Kiro
) -> None:
    await own.call("POST", "/admin/accounts", {"name": "bad", "api_key": "ksk_unknown"})
    answer = await own.call("GET", "/admin/kiro/models?account=bad")
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "conflict")


async def test_what_the_service_refuses_is_no_defect_of_ours(own: AdminGateway, kiro: Kiro) -> None:
    await kiro.scenario("suspended", operation="models")
    answer = await own.call("GET", "/admin/kiro/models?account=key&refresh=true")
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "upstream_error")


# --- import


@pytest.fixture
def places(own: AdminGateway, tmp_path: Path) -> list[Path]:
    known = [tmp_path / "kiro-cli" / "data.sqlite3", tmp_path / "ide" / "kiro-auth-token.json"]
    own.services.admin.local_places = known
    return known


@pytest.mark.parametrize("how", ["found by itself", "by its program", "by its path"])
async def test_a_sign_in_on_this_machine_is_imported(
    own: AdminGateway, places: list[Path], how: str
) -> None:
    sign_in_of_the_ide(places[1])
    await own.call("POST", "/admin/accounts", {"name": "mine"})
    body = {"account": "mine"}
    body |= {"by its program": {"source": "ide"}, "by its path": {"db_path": str(places[1])}}.get(
        how, {}
    )
    answer = await own.call("POST", "/admin/kiro/import-local", body)
    told = answer.json()
    assert answer.status_code == 200, told
    assert told.pop("expires_at")
    assert told == {
        "message": "Kiro IDE token imported",
        "account": "mine",
        "provider": "mine",
        "is_external_idp": False,
        "has_refresh": True,
        "profile_arn": "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABC",
    }
    assert (await own.get("/admin/accounts/mine"))["healthy"]


@pytest.mark.parametrize(
    "change",
    [
        {"db_path": "/etc/passwd"},
        {"db_path": ""},
        {"db_path": "\x00"},
        {"db_path": "{ide}/../ide/kiro-auth-token.json"},
        {"db_path": "{ide}", "source": "kiro-cli"},
        {"source": "other"},
        {"source": "kiro-cli"},
        {"path": "/etc/passwd"},
    ],
    ids=repr,
)
async def test_nothing_but_the_known_places_is_opened(
    own: AdminGateway, places: list[Path], change: dict[str, str]
) -> None:
    sign_in_of_the_ide(places[1])
    named = {name: value.replace("{ide}", str(places[1])) for name, value in change.items()}
    answer = await own.call("POST", "/admin/kiro/import-local", {"account": "social", **named})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "root:" not in answer.text


async def test_a_link_at_a_known_place_is_not_followed(
    own: AdminGateway, places: list[Path], tmp_path: Path
) -> None:
    sign_in_of_the_ide(tmp_path / "elsewhere" / "token.json")
    places[1].parent.mkdir()
    places[1].symlink_to(tmp_path / "elsewhere" / "token.json")
    answer = await own.call("POST", "/admin/kiro/import-local", {"account": "social"})
    assert answer.status_code == 400


async def test_what_could_be_imported_is_listed_without_tokens(
    own: AdminGateway, places: list[Path], tmp_path: Path
) -> None:
    sign_in_of_the_ide(places[1])
    told = await own.call("GET", "/admin/kiro/import-local")
    assert told.status_code == 200
    nowhere, ide = told.json()["places"]
    assert nowhere == {
        "source": "kiro-cli",
        "path": str(places[0]),
        "exists": False,
        "sign_ins": [],
        "problems": [],
    }
    assert (ide["source"], ide["path"], ide["exists"]) == ("ide", str(places[1]), True)
    (sign_in,) = ide["sign_ins"]
    assert sign_in.keys() == {"auth_method", "expires_at", "renewable"}
    written = json.loads(places[1].read_text())
    assert written["accessToken"] not in told.text
    assert written["refreshToken"] not in told.text

    places[1].write_text("nonsense")
    (_, ide) = (await own.get("/admin/kiro/import-local"))["places"]
    assert (ide["sign_ins"], len(ide["problems"])) == ([], 1)
