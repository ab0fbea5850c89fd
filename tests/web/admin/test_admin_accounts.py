"""Accounts over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.store.accounts import get_account
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

NAMES = ["builder", "external", "key", "organisation", "social"]


@pytest.fixture
async def own(kiro: Kiro, tmp_path: Path) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path) as gateway:
        yield gateway


async def create(gateway: AdminGateway, **members: Any) -> dict[str, Any]:
    answer = await gateway.call("POST", "/admin/accounts", {"name": "new", **members})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def test_a_new_account_has_everything_that_was_said_and_nobody_signed_in(
    own: AdminGateway,
) -> None:
    account = await create(
        own,
        name="  team.one-2_x ",
        region=" EU-Central-1 ",
        type="kiro",
        api_region="us-east-1",
        proxy="http://me:secret@proxy.example.com:3128",
        max_concurrent_requests=3,
        enabled=False,
    )
    token_info = account.pop("token_info")
    assert account.pop("created_at") == account.pop("updated_at")
    assert len(account.pop("id")) == 16
    assert account.pop("health")["state"] == "disabled"
    assert account == {
        "name": "team.one-2_x",
        "type": "kiro",
        "region": "eu-central-1",
        "api_region": "us-east-1",
        "enabled": False,
        "healthy": False,
        "health_reason": "It is disabled. Enable it to use it.",
        "auth_method": None,
        "email": None,
        "subscription": None,
        "proxy": "http://proxy.example.com:3128",
        "max_concurrent_requests": 3,
    }
    assert token_info == {
        "healthy": False,
        "has_token": False,
        "region": "eu-central-1",
        "profile_arn": None,
        "expires_at": None,
    }


async def test_the_region_may_be_left_out(own: AdminGateway) -> None:
    assert (await create(own))["region"] == "us-east-1"


async def test_a_kiro_api_key_signs_in_and_is_never_shown(own: AdminGateway) -> None:
    account = await create(own, api_key=" ksk_abcdef ")
    assert (account["auth_method"], account["healthy"]) == ("api_key", True)
    assert "ksk_" not in str(account)
    answer = await own.call("PUT", "/admin/accounts/new", {"api_key": "ksk_other"})
    assert answer.status_code == 200
    async with own.services.database.connect() as db:
        stored = await get_account(db, own.services.database.secrets, "new")
    assert stored.credentials is not None
    assert stored.credentials.api_key == "ksk_other"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "name is required"),
        ({"name": ""}, "name"),
        ({"name": "-x"}, "name"),
        ({"name": "a" * 65}, "name"),
        ({"name": "ä"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x", "region": "nowhere"}, "region looks like"),
        ({"name": "x", "type": "other"}, "type"),
        ({"name": "x", "proxy": "ftp://h"}, "proxy"),
        ({"name": "x", "proxy": "http://user:hunter2@"}, "proxy"),
        ({"name": "x", "max_concurrent_requests": 0}, "max_concurrent_requests"),
        ({"name": "x", "api_key": "two words"}, "api_key"),
        ({"name": "x", "regoin": "us-east-1"}, "regoin"),
        ([], "object"),
    ],
    ids=repr,
)
async def test_an_account_that_makes_no_sense_is_refused_by_name(
    admin: AdminGateway, body: object, words: str
) -> None:
    answer = await admin.call("POST", "/admin/accounts", body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert words in answer.json()["error"]["message"]
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'"\\ud800"', b"[" * 100_000], ids=repr)
async def test_what_is_no_json_is_refused(admin: AdminGateway, body: bytes) -> None:
    answer = await admin.http.post(
        admin.url + "/admin/accounts", content=body, headers={"x-api-key": admin.admin_key}
    )
    assert answer.status_code == 400


async def test_a_name_that_is_taken_is_a_conflict(admin: AdminGateway) -> None:
    for method, path in (("POST", "/admin/accounts"), ("PUT", "/admin/accounts/builder")):
        answer = await admin.call(method, path, {"name": "social"})
        assert (answer.status_code, answer.json()["error"]["type"]) == (409, "conflict")


async def test_accounts_are_listed_by_name_with_their_health(own: AdminGateway) -> None:
    listed = await own.get("/admin/accounts")
    assert [account["name"] for account in listed["accounts"]] == NAMES
    assert (listed["total"], listed["next_cursor"]) == (5, None)
    assert all(account["healthy"] for account in listed["accounts"])
    assert not any("usage_limits" in account for account in listed["accounts"])


async def test_a_quota_that_is_known_is_shown_along(own: AdminGateway) -> None:
    asked = await own.get("/admin/kiro/usage-limits?account=social")
    shown = (await own.get("/admin/accounts/social"))["usage_limits"]
    asked.pop("fetched_at"), shown.pop("fetched_at")
    assert shown == asked


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_hold_every_account_once(admin: AdminGateway, descending: bool) -> None:
    sort = "-name" if descending else "name"
    found: list[str] = []
    cursor = ""
    while True:
        page = await admin.get(f"/admin/accounts?limit=2&sort={sort}&cursor={cursor}")
        assert page["total"] == 5
        found += [account["name"] for account in page["accounts"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == sorted(NAMES, reverse=descending)


async def test_accounts_are_found_by_a_part_of_their_name(admin: AdminGateway) -> None:
    listed = await admin.get("/admin/accounts?q=XTERN")
    assert [account["name"] for account in listed["accounts"]] == ["external"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "sort=secret", "cursor=nonsense", "q=%00"]
)
async def test_a_page_that_makes_no_sense_is_refused(admin: AdminGateway, query: str) -> None:
    assert (await admin.call("GET", f"/admin/accounts?{query}")).status_code == 400


async def test_an_account_is_found_by_id_and_by_name(admin: AdminGateway) -> None:
    by_name = await admin.get("/admin/accounts/social")
    assert await admin.get(f"/admin/accounts/{by_name['id']}") == by_name


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("name", ["nobody", "%00", "%ff", "..%2f", "a%2Fb", "💥"])
async def test_an_account_that_there_is_not_is_not_found(
    admin: AdminGateway, method: str, name: str
) -> None:
    body: object = {} if method == "PUT" else None
    answer = await admin.call(method, f"/admin/accounts/{name}", body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found")


async def test_only_what_is_given_changes(own: AdminGateway) -> None:
    before = await own.get("/admin/accounts/social")
    answer = await own.call("PUT", "/admin/accounts/social", {"max_concurrent_requests": 2})
    assert answer.status_code == 200
    after = answer.json()
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after == {**before, "max_concurrent_requests": 2}


async def test_an_account_may_be_sent_back_as_it_was_shown(own: AdminGateway) -> None:
    await create(own, proxy="http://me:secret@proxy.example.com:3128")
    shown = await own.get("/admin/accounts/new")
    answer = await own.call("PUT", "/admin/accounts/new", {**shown, "enabled": False})
    assert answer.status_code == 200
    async with own.services.database.connect() as db:
        stored = await get_account(db, own.services.database.secrets, "new")
    assert stored.proxy == "http://me:secret@proxy.example.com:3128"
    assert not stored.enabled


async def test_null_takes_an_optional_value_away(own: AdminGateway) -> None:
    await create(own, api_region="eu-central-1", proxy="http://h:1", max_concurrent_requests=1)
    nulls = {"api_region": None, "proxy": None, "max_concurrent_requests": None}
    answer = await own.call("PUT", "/admin/accounts/new", nulls)
    assert {name: answer.json()[name] for name in nulls} == nulls


async def test_keys_keep_working_when_their_account_is_renamed(own: AdminGateway) -> None:
    await own.call("PUT", "/admin/accounts/social", {"name": "renamed"})
    models = await own.http.get(own.url + "/v1/models", headers={"x-api-key": own.key})
    assert (models.status_code, models.headers["x-kiro-gateway-account"]) == (200, "renamed")
    key = await own.get("/admin/keys/test")
    assert key["kiro_default_account"] == "renamed"


async def test_a_disabled_account_serves_nobody_from_then_on(own: AdminGateway) -> None:
    await own.call("PUT", "/admin/accounts/social", {"enabled": False})
    body = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    answer = await own.http.post(
        own.url + "/v1/messages", json=body, headers={"x-api-key": own.key}
    )
    assert answer.status_code == 503


async def test_an_account_in_use_is_deleted_only_by_force(own: AdminGateway) -> None:
    refused = await own.call("DELETE", "/admin/accounts/social")
    assert (refused.status_code, refused.json()["error"]["type"]) == (409, "conflict")
    assert '"test"' in refused.json()["error"]["message"]
    forced = await own.call("DELETE", "/admin/accounts/social?force=true")
    assert (forced.status_code, forced.json()) == (200, {"deleted": True})
    assert "social" not in (await own.get("/admin/keys/test"))["kiro_accounts"]


# --- one live round trip


async def test_a_round_trip_tells_what_came_back(own: AdminGateway, kiro: Kiro) -> None:
    answer = await own.call("POST", "/admin/accounts/social/test")
    result = answer.json()
    assert (answer.status_code, result["ok"], result["error"]) == (200, True, None)
    assert "OK" in result["text"]
    assert result["credits"] > 0
    rates = {
        model["model_id"]: model["rate_multiplier"]
        for model in (await own.get("/admin/kiro/models?account=social"))["models"]
    }
    assert rates[result["model"]] == min(rates.values())


async def test_a_round_trip_may_ask_a_model_by_its_client_name(own: AdminGateway) -> None:
    answer = await own.call(
        "POST", "/admin/accounts/social/test", {"model": "claude-sonnet-4-5-20250929"}
    )
    assert answer.json()["model"] == "claude-sonnet-4.5"


async def test_a_refusal_of_the_service_is_a_result(own: AdminGateway, kiro: Kiro) -> None:
    await kiro.scenario("suspended", times=None)
    answer = await own.call("POST", "/admin/accounts/social/test")
    result = answer.json()
    assert (answer.status_code, result["ok"], result["text"]) == (200, False, None)
    assert result["error"]["type"] == "upstream_error"
    assert result["error"]["message"]


async def test_an_account_that_nobody_signed_in_to_cannot_be_tested(own: AdminGateway) -> None:
    await create(own)
    answer = await own.call("POST", "/admin/accounts/new/test")
    assert (answer.status_code, "not signed in" in answer.text) == (400, True)
