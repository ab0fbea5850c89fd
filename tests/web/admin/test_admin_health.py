"""What operators see of an account that cannot serve, and how they bring it back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.web.timing import Timing
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
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


async def ask(gateway: AdminGateway, **more: Any) -> int:
    answer = await gateway.http.post(
        gateway.url + "/v1/messages", json=BODY | more, headers={"x-api-key": gateway.key}
    )
    return answer.status_code


async def health(gateway: AdminGateway) -> Any:
    return (await gateway.get("/admin/accounts/social"))["health"]


async def test_an_account_that_serves_is_active(own: AdminGateway) -> None:
    account = await own.get("/admin/accounts/social")
    assert (account["healthy"], account["health_reason"]) == (True, None)
    assert account["health"]["state"] == "active"
    assert account["health"]["last_result"] is None
    assert await ask(own) == 200
    result = (await health(own))["last_result"]
    assert (result["outcome"], result["model"]) == ("answered", "claude-sonnet-4.5")


async def test_a_suspended_account_says_so_until_it_is_enabled_again(
    kiro: Kiro, own: AdminGateway
) -> None:
    await kiro.scenario("suspended")
    assert await ask(own) == 403
    account = await own.get("/admin/accounts/social")
    assert (account["enabled"], account["healthy"]) == (False, False)
    assert "Kiro has suspended it" in account["health_reason"]
    told = account["health"]
    assert (told["state"], told["until"]) == ("suspended", None)
    assert "enable it again" in told["advice"]
    assert told["since"] is not None
    assert [(one["kind"], one["model"]) for one in told["cooldowns"]] == [("suspended", None)]
    # What GET answers may be sent back without bringing it back.
    await own.call("PUT", "/admin/accounts/social", {**account, "enabled": False})
    assert (await health(own))["state"] == "suspended"
    answer = await own.call("PUT", "/admin/accounts/social", {"enabled": True})
    assert (answer.json()["enabled"], answer.json()["healthy"]) == (True, True)
    assert await ask(own) == 200


async def test_a_rate_limit_shows_which_model_it_is_about_and_until_when(
    kiro: Kiro, own: AdminGateway
) -> None:
    await kiro.scenario("throttled", times=3)
    assert await ask(own) == 429
    account = await own.get("/admin/accounts/social")
    assert account["healthy"]
    assert "claude-sonnet-4.5" in account["health_reason"]
    told = account["health"]
    assert told["state"] == "cooling_down"
    assert datetime.fromisoformat(told["until"]) > datetime.now(UTC)
    (cooldown,) = told["cooldowns"]
    assert (cooldown["kind"], cooldown["model"]) == ("rate", "claude-sonnet-4.5")


async def test_three_refusals_in_a_row_make_an_account_forbidden_and_an_answer_ends_that(
    kiro: Kiro, own: AdminGateway
) -> None:
    await kiro.scenario("access-denied", times=3)
    states = []
    for _ in range(4):
        await ask(own)
        states.append((await health(own))["state"])
    assert states == ["active", "active", "forbidden", "active"]


async def test_an_account_that_cannot_be_reached_is_failing(kiro: Kiro, own: AdminGateway) -> None:
    await kiro.scenario("reset-before-status", times=9)
    for _ in range(3):
        assert await ask(own) == 502
    told = await health(own)
    assert (told["state"], told["healthy"]) == ("failing", False)
    assert told["last_result"]["outcome"] == "UpstreamUnreachable"


async def test_capacity_is_no_fault_of_the_account(kiro: Kiro, own: AdminGateway) -> None:
    await kiro.scenario("no-capacity", times=9)
    for _ in range(3):
        assert await ask(own) == 529
    assert (await health(own))["state"] == "active"


async def test_a_profile_that_is_refused_is_a_wrong_setting(kiro: Kiro, own: AdminGateway) -> None:
    await kiro.scenario("profile-invalid", times=2)
    assert await ask(own) == 502
    assert (await health(own))["state"] == "misconfigured"


async def test_the_history_tells_each_change_newest_first(kiro: Kiro, own: AdminGateway) -> None:
    await kiro.scenario("daily-limit")
    assert await ask(own) == 402
    await own.call("PUT", "/admin/accounts/social", {"enabled": True})
    await kiro.scenario("suspended")
    assert await ask(own) == 403
    report = await until_history(own, 3)
    assert report["account"] == "social"
    assert report["health"]["state"] == "suspended"
    assert [change["state"] for change in report["history"]][:3] == [
        "suspended",
        "active",
        "quota_exhausted",
    ]
    assert report["history"][2]["until"] is not None
    shorter = await own.get("/admin/accounts/social/health?limit=1")
    assert [change["state"] for change in shorter["history"]] == ["suspended"]


async def until_history(gateway: AdminGateway, count: int) -> Any:
    """The report, once so many changes are stored."""
    for _ in range(1000):
        report = await gateway.get("/admin/accounts/social/health")
        if len(report["history"]) >= count:
            return report
    raise AssertionError("the history is not written")


async def test_a_test_call_ends_what_it_disproves(kiro: Kiro, own: AdminGateway) -> None:
    await kiro.scenario("daily-limit")
    assert await ask(own) == 402
    result = (await own.call("POST", "/admin/accounts/social/test", {"model": "auto"})).json()
    assert result["ok"]
    assert await ask(own) == 200


async def test_a_test_call_asks_the_service_whatever_is_held_against_the_account(
    kiro: Kiro, own: AdminGateway
) -> None:
    await kiro.scenario("suspended", times=2)
    assert await ask(own) == 403
    result = (await own.call("POST", "/admin/accounts/social/test", {"model": "auto"})).json()
    assert not result["ok"]
    assert "suspended" in result["error"]["message"]
    assert len(kiro.state.log.entries("generate")) == 2


async def test_the_metrics_tell_the_state_and_the_cool_downs(kiro: Kiro, own: AdminGateway) -> None:
    await kiro.scenario("suspended")
    await ask(own)
    text = (await own.call("GET", "/metrics")).text
    assert 'kiro_gateway_account_healthy{account="social"} 0.0' in text
    assert 'kiro_gateway_account_state{account="social",state="suspended"} 1.0' in text
    assert 'kiro_gateway_account_cooldowns{account="social",kind="suspended"} 1.0' in text


async def test_nobody_has_a_history_who_is_not_there(own: AdminGateway) -> None:
    assert (await own.call("GET", "/admin/accounts/nobody/health")).status_code == 404
    assert (await own.call("GET", "/admin/accounts/social/health?limit=0")).status_code == 400
