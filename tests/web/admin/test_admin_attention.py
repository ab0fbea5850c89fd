"""What operators are told to look at."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.web.timing import Timing
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.admin.request_rows import sample_of, store
from tests.web.pauses import Pauses

pytestmark = pytest.mark.anyio

BODY = {
    "model": "claude-sonnet-4.5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}


@pytest.fixture
async def own(kiro: Kiro, pauses: Pauses, tmp_path: Path) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path, timing=Timing(sleep=pauses)) as gateway:
        yield gateway


async def concerns(gateway: AdminGateway, kind: str | None = None) -> list[dict[str, Any]]:
    told = (await gateway.get("/admin/attention"))["concerns"]
    return [one for one in told if kind in {None, one["kind"]}]


async def test_where_all_is_well_there_is_nothing_to_look_at(own: AdminGateway) -> None:
    assert await concerns(own) == []


async def test_an_account_in_trouble_comes_with_its_reason(kiro: Kiro, own: AdminGateway) -> None:
    await kiro.scenario("suspended")
    await own.http.post(own.url + "/v1/messages", json=BODY, headers={"x-api-key": own.key})
    account = await own.get("/admin/accounts/social")
    (told,) = await concerns(own)
    assert (told["kind"], told["severity"], told["about"]) == ("account", "critical", "suspended")
    assert (told["id"], told["name"]) == (account["id"], "social")
    assert told["reason"] == account["health"]["reason"]
    assert told["advice"] == account["health"]["advice"]
    # What an operator has switched off is nobody's concern.
    await own.call("PUT", "/admin/accounts/social", {"enabled": True})
    await own.call("POST", "/admin/accounts", {"name": "new"})
    (told,) = await concerns(own)
    assert (told["severity"], told["about"]) == ("warning", "not_signed_in")
    await own.call("PUT", "/admin/accounts/new", {"enabled": False})
    assert await concerns(own) == []


@pytest.mark.parametrize(("used", "told"), [(1439, []), (1440, [(1440.0, 1600.0)])])
async def test_a_quota_is_told_when_little_is_left(
    kiro: Kiro, own: AdminGateway, used: int, told: list[tuple[float, float]]
) -> None:
    await kiro.control("PUT", "/credits", {"account": "social", "used": used})
    quota = await own.get("/admin/kiro/usage-limits?account=social&refresh=true")
    found = await concerns(own)
    assert [(one["used"], one["limit"]) for one in found] == told
    for one in found:
        assert (one["kind"], one["severity"], one["name"]) == ("quota", "warning", "social")
        assert datetime.fromisoformat(one["at"]).timestamp() == quota["next_date_reset"]


async def test_keys_are_told_when_they_end_and_when_they_have_used_their_limit(
    own: AdminGateway,
) -> None:
    soon = (datetime.now(UTC) + timedelta(days=6)).isoformat()
    later = (datetime.now(UTC) + timedelta(days=8)).isoformat()
    made = {}
    wanted: dict[str, dict[str, Any]] = {
        "soon": {"expires_at": soon},
        "later": {"expires_at": later},
        "off": {"expires_at": soon, "enabled": False},
        "spent": {"tokens_per_day": 10},
        "roomy": {"tokens_per_day": 1_000_000},
    }
    for name, members in wanted.items():
        body = {"name": name, "kiro_accounts": ["social"], **members}
        made[name] = (await own.call("POST", "/admin/keys", body)).json()
    (told,) = await concerns(own)
    assert (told["kind"], told["severity"], told["id"]) == (
        "key_expiry",
        "warning",
        made["soon"]["id"],
    )
    for name in ("spent", "roomy"):
        secret = made[name]["key"]
        await own.http.post(own.url + "/v1/messages", json=BODY, headers={"x-api-key": secret})
    told, ending = await concerns(own)
    assert ending["kind"] == "key_expiry"
    assert (told["kind"], told["severity"], told["about"], told["name"]) == (
        "key_limit",
        "critical",
        "tokens_per_day",
        "spent",
    )
    assert told["used"] >= told["limit"] == 10


@pytest.mark.parametrize(
    ("failed", "answered", "severity"),
    [(4, 0, []), (5, 46, []), (5, 45, ["warning"]), (5, 5, ["critical"])],
)
async def test_an_hour_with_many_errors_is_told(
    own: AdminGateway, failed: int, answered: int, severity: list[str]
) -> None:
    now = datetime.now(UTC)
    sample = replace(await sample_of(own), at=now - timedelta(minutes=5))
    bad = replace(sample, status=500, error_class="UpstreamInternal")
    long_ago = replace(bad, at=now - timedelta(hours=2))
    await store(own, [*[bad] * failed, *[sample] * answered, *[long_ago] * 9])
    found = await concerns(own, "errors")
    assert [one["severity"] for one in found] == severity
    for one in found:
        assert (one["used"], one["limit"]) == (failed, failed + answered)
