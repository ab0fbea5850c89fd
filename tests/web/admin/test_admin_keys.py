"""API keys over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.store.api_keys import PREFIX_SHOWN, SECRET_PREFIX
from tests.web.admin.admin_gateway import AdminGateway

pytestmark = pytest.mark.anyio

LIMITS: dict[str, Any] = {
    "requests_per_minute": 60,
    "max_concurrent_requests": 4,
    "tokens_per_day": 5_000_000_000,
    "credits_per_month": 12.5,
    "allowed_models": ["claude-sonnet-4-5", "auto"],
}


async def create(gateway: AdminGateway, **members: Any) -> dict[str, Any]:
    body = {"name": "laptop", "kiro_accounts": ["social"], **members}
    answer = await gateway.call("POST", "/admin/keys", body)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def works(gateway: AdminGateway, secret: str) -> int:
    answer = await gateway.http.get(gateway.url + "/v1/models", headers={"x-api-key": secret})
    return answer.status_code


async def test_a_new_key_works_at_once_and_its_secret_is_shown_once(admin: AdminGateway) -> None:
    key = await create(admin)
    secret = key.pop("key")
    assert secret.startswith(SECRET_PREFIX)
    assert key["key_prefix"] == secret[:PREFIX_SHOWN] + "…"
    assert await works(admin, secret) == 200
    path = f"/admin/keys/{key['id']}"
    changed = (await admin.call("PUT", path, {"notes": "seen"})).text
    for shown in (str(await admin.get(path)), str(await admin.get("/admin/keys")), changed):
        assert key["key_prefix"] in shown
        assert secret not in shown


async def test_a_new_key_has_everything_that_was_said(admin: AdminGateway) -> None:
    expires_at = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    key = await create(
        admin,
        name="  ci ",
        kiro_accounts=[" social ", "", "builder", "social"],
        kiro_default_account="builder",
        suppress_reasoning=True,
        failover=True,
        enabled=False,
        expires_at=expires_at.astimezone(None).isoformat(),
        notes="two\nlines",
        **LIMITS,
    )
    for generated in ("id", "key", "key_prefix", "created_at", "updated_at"):
        assert key.pop(generated)
    assert key == {
        "name": "ci",
        "enabled": False,
        "kiro_accounts": ["social", "builder"],
        "kiro_default_account": "builder",
        "suppress_reasoning": True,
        "failover": True,
        "expires_at": expires_at.isoformat().replace("+00:00", "Z"),
        "last_used_at": None,
        "notes": "two\nlines",
        **LIMITS,
    }


async def test_the_first_account_is_the_default_one(admin: AdminGateway) -> None:
    for blank in ({}, {"kiro_default_account": ""}, {"kiro_default_account": None}):
        key = await create(admin, kiro_accounts=["builder", "social"], **blank)
        assert key["kiro_default_account"] == "builder"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": None}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"kiro_accounts": None}, "kiro_accounts"),
        ({"kiro_accounts": []}, "kiro_accounts is required"),
        ({"kiro_accounts": [" "]}, "kiro_accounts is required"),
        ({"kiro_accounts": ["nobody"]}, 'account "nobody" does not exist'),
        ({"kiro_accounts": "social"}, "kiro_accounts"),
        ({"kiro_default_account": "builder"}, "default"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expired"),
        ({"expires_at": "2100-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"requests_per_minute": 1.5}, "requests_per_minute"),
        ({"requests_per_minute": 10**30}, "requests_per_minute"),
        ({"credits_per_month": 0}, "credits_per_month"),
        ({"tokens_per_day": -1}, "tokens_per_day"),
        ({"request_per_minute": 5}, "request_per_minute"),
        ({"key": "sk-kiro-mine"}, "key"),
    ],
    ids=repr,
)
async def test_a_key_that_makes_no_sense_is_refused_by_name(
    admin: AdminGateway, change: dict[str, Any], words: str
) -> None:
    body = {"name": "x", "kiro_accounts": ["social"], **change}
    answer = await admin.call("POST", "/admin/keys", body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert words in answer.json()["error"]["message"]


async def test_only_what_is_given_changes(admin: AdminGateway) -> None:
    before = await create(admin, failover=True, **LIMITS)
    del before["key"]
    answer = await admin.call("PUT", f"/admin/keys/{before['id']}", {"tokens_per_day": 5})
    after = answer.json()
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after == {**before, "tokens_per_day": 5}


async def test_a_key_may_be_sent_back_as_it_was_shown(admin: AdminGateway) -> None:
    created = await create(admin, kiro_accounts=["social", "builder"], **LIMITS)
    shown = await admin.get(f"/admin/keys/{created['id']}")
    answer = await admin.call("PUT", f"/admin/keys/{created['id']}", {**shown, "notes": "more"})
    after = answer.json()
    assert after.pop("updated_at") > shown.pop("updated_at")
    assert after == {**shown, "notes": "more"}


async def test_null_takes_limits_away(admin: AdminGateway) -> None:
    created = await create(admin, **LIMITS)
    nulls = dict.fromkeys(LIMITS) | {"expires_at": None}
    after = (await admin.call("PUT", f"/admin/keys/{created['id']}", nulls)).json()
    assert {name: after[name] for name in nulls} == {**nulls, "allowed_models": []}


async def test_another_list_brings_its_own_default(admin: AdminGateway) -> None:
    path = f"/admin/keys/{(await create(admin))['id']}"
    after = (await admin.call("PUT", path, {"kiro_accounts": ["key", "social"]})).json()
    assert (after["kiro_accounts"], after["kiro_default_account"]) == (["key", "social"], "key")
    after = (await admin.call("PUT", path, {"kiro_default_account": "social"})).json()
    assert (after["kiro_accounts"], after["kiro_default_account"]) == (["key", "social"], "social")
    refused = await admin.call("PUT", path, {"kiro_default_account": "builder"})
    assert refused.status_code == 400
    refused = await admin.call("PUT", path, {"kiro_accounts": []})
    assert refused.status_code == 400


async def test_a_disabled_key_is_turned_away_at_once(admin: AdminGateway) -> None:
    key = await create(admin)
    path = f"/admin/keys/{key['id']}"
    await admin.call("PUT", path, {"enabled": False})
    assert await works(admin, key["key"]) == 403
    await admin.call("PUT", path, {"enabled": True})
    assert await works(admin, key["key"]) == 200
    assert (await admin.call("DELETE", path)).json() == {"deleted": True}
    assert await works(admin, key["key"]) == 401
    assert (await admin.call("GET", path)).status_code == 404


@pytest.mark.parametrize(("overlap", "old"), [(None, 401), (0, 401), (60, 200)])
async def test_rotation_gives_a_new_secret_beside_the_old_one_for_a_while(
    admin: AdminGateway, overlap: int | None, old: int
) -> None:
    key = await create(admin)
    body = None if overlap is None else {"overlap_seconds": overlap}
    answer = await admin.call("POST", f"/admin/keys/{key['id']}/rotate", body)
    rotated = answer.json()
    assert (answer.status_code, rotated["id"]) == (200, key["id"])
    assert rotated["key"] != key["key"]
    assert await works(admin, rotated["key"]) == 200
    assert await works(admin, key["key"]) == old


@pytest.mark.parametrize("overlap", [-1, 10**9, "x", None])
async def test_an_overlap_that_makes_no_sense_is_refused(
    admin: AdminGateway, overlap: object
) -> None:
    answer = await admin.call("POST", "/admin/keys/test/rotate", {"overlap_seconds": overlap})
    assert answer.status_code == 400


async def test_a_name_that_two_keys_have_needs_an_id(admin: AdminGateway) -> None:
    first, second = await create(admin, name="twin"), await create(admin, name="twin")
    answer = await admin.call("DELETE", "/admin/keys/twin")
    assert answer.status_code == 400
    assert first["id"] in answer.text
    assert second["id"] in answer.text
    assert (await admin.call("DELETE", f"/admin/keys/{first['id']}")).status_code == 200
    assert (await admin.get("/admin/keys/twin"))["id"] == second["id"]


async def test_a_name_with_a_slash_can_be_asked_for(admin: AdminGateway) -> None:
    key = await create(admin, name="team/laptop one")
    assert (await admin.get("/admin/keys/team%2Flaptop%20one"))["id"] == key["id"]


async def test_keys_are_found_by_a_part_of_their_notes(admin: AdminGateway) -> None:
    key = await create(admin, name="searched", notes="for the Build Server")
    listed = await admin.get("/admin/keys?q=build+server&sort=-created_at&limit=1")
    assert ([found["id"] for found in listed["keys"]], listed["total"]) == ([key["id"]], 1)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/rotate")],
)
async def test_a_key_that_there_is_not_is_not_found(
    admin: AdminGateway, method: str, path: str
) -> None:
    body: object = {} if method in {"PUT", "POST"} else None
    answer = await admin.call(method, f"/admin/keys/nobody{path}", body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found")


async def test_an_admin_sees_how_the_limits_of_a_key_stand(admin: AdminGateway) -> None:
    key = await create(admin, name="watched", requests_per_minute=10, credits_per_month=3)
    body = {"model": "auto", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"x-api-key": key["key"]}
    for _ in range(2):
        answer = await admin.http.post(admin.url + "/v1/messages", json=body, headers=headers)
        assert answer.status_code == 200
    usage = await admin.get(f"/admin/keys/{key['id']}/usage")
    standing = {limit["name"]: limit for limit in usage["limits"]}
    assert (standing["requests_per_minute"]["used"], usage["last_24_hours"]["requests"]) == (2, 2)
    assert standing["requests_per_minute"]["remaining"] == 8
    assert standing["credits_per_month"]["used"] == pytest.approx(usage["this_month"]["credits"])
    # What the key is told itself.
    own = (await admin.http.get(admin.url + "/v1/usage", headers=headers)).json()
    assert own["limits"] == usage["limits"]
    missing = await admin.call("GET", "/admin/keys/nobody/usage")
    assert missing.status_code == 404


async def test_the_keys_of_an_account_are_asked_for_by_its_name_or_id(admin: AdminGateway) -> None:
    made = await create(admin, name="only builder", kiro_accounts=["builder"])
    account = await admin.get("/admin/accounts/builder")
    for named in ("builder", account["id"]):
        keys = (await admin.get(f"/admin/keys?account={named}"))["keys"]
        assert made["id"] in [key["id"] for key in keys]
    of_another = (await admin.get("/admin/keys?account=social"))["keys"]
    assert of_another
    assert made["id"] not in [key["id"] for key in of_another]
    unknown = await admin.call("GET", "/admin/keys?account=nobody")
    assert unknown.status_code == 404
    assert "nobody" in unknown.text
