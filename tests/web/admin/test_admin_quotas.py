"""All accounts' quotas together, and the parts of one."""

from pathlib import Path

import pytest

from tests.harness import ACCOUNTS, Kiro, running_kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio


async def test_the_overview_adds_up_what_is_known_of_enabled_accounts(tmp_path: Path) -> None:
    async with running_kiro() as kiro, admin_gateway(kiro, tmp_path) as admin:
        empty = await admin.get("/admin/kiro/quotas")
        assert (empty["account_count"], empty["accounts"], empty["level"]) == (0, [], "healthy")
        assert empty["unknown"] == sorted(ACCOUNTS)
        await kiro.control("PUT", "/credits", {"account": "social", "used": 900})
        told = await admin.get("/admin/kiro/quotas?refresh=true")
        assert (told["account_count"], told["unknown"]) == (len(ACCOUNTS), [])
        for part in ("total", "base"):
            sums = told[part]
            for figure in ("used", "limit", "remaining"):
                assert sums[figure] == sum(one[part][figure] for one in told["accounts"])
            assert sums["percent_used"] == pytest.approx(sums["used"] / sums["limit"] * 100)
        assert told["accounts"][0]["account"] == "social"
        await admin.call("PUT", "/admin/accounts/social", {"enabled": False})
        fewer = await admin.get("/admin/kiro/quotas")
        assert fewer["account_count"] == len(ACCOUNTS) - 1
        assert fewer["total"]["limit"] == told["total"]["limit"] - 1600


@pytest.mark.parametrize(
    ("used", "level"), [(0, "healthy"), (1119, "healthy"), (1120, "warning"), (1440, "critical")]
)
async def test_the_level_follows_the_total(tmp_path: Path, used: int, level: str) -> None:
    async with running_kiro() as kiro, admin_gateway(kiro, tmp_path) as admin:
        for name in ACCOUNTS:
            if name != "social":
                await admin.call("PUT", f"/admin/accounts/{name}", {"enabled": False})
        await kiro.control("PUT", "/credits", {"account": "social", "used": used})
        assert (await admin.get("/admin/kiro/quotas?refresh=true"))["level"] == level


async def test_an_account_that_cannot_be_asked_about_keeps_its_last_answer(
    tmp_path: Path,
) -> None:
    async with running_kiro() as kiro, admin_gateway(kiro, tmp_path) as admin:
        known = await admin.get("/admin/kiro/usage-limits?account=social")
        await kiro.scenario("internal", times=None, operation="usage", account="social")
        told = await admin.get("/admin/kiro/quotas?refresh=true")
        assert [one for one in told["accounts"] if one["account"] == "social"] == [known]
        answer = await admin.call("GET", "/admin/kiro/usage-limits?account=social&refresh=true")
        assert (answer.status_code, answer.json()["error"]["type"]) == (502, "upstream_error")
        assert await admin.get("/admin/kiro/usage-limits?account=social") == known


async def test_a_quota_is_told_in_all_its_parts(kiro: Kiro, tmp_path: Path) -> None:
    async with admin_gateway(kiro, tmp_path) as admin:
        await kiro.control("PUT", "/credits", {"account": "social", "used": 600.5})
        quota = await admin.get("/admin/kiro/usage-limits?account=social&refresh=true")
        await kiro.control("PUT", "/credits", {"account": "social", "used": 0})
    assert (quota["tier"], quota["raw_subscription"]) == ("KIRO PRO", "Q_DEVELOPER_STANDALONE_PRO")
    assert quota["trial"] | {"expires_at": None} == {
        "used": 500.0,
        "limit": 500.0,
        "remaining": 0.0,
        "percent_used": 100.0,
        "status": "ACTIVE",
        "expires_at": None,
    }
    assert (quota["base"]["used"], quota["usage"]["used_precise"]) == (100.5, 100.5)
    assert [bonus["active"] for bonus in quota["bonuses"]] == [True, False]
    assert quota["bonus"]["limit"] == 100.0
    assert quota["total"]["used"] == sum(quota[part]["used"] for part in ("base", "trial", "bonus"))
    assert quota["total"]["percent_used"] == pytest.approx(600.5 / 1600 * 100)
    assert quota["overage"]["enabled"] is False
    # The service itself says 0.
    assert 1 <= quota["days_until_reset"] <= 31


async def test_the_profiles_of_an_organisation_are_listed_and_one_is_chosen(
    tmp_path: Path,
) -> None:
    async with running_kiro() as kiro, admin_gateway(kiro, tmp_path) as admin:
        told = await admin.get("/admin/kiro/profiles?account=organisation")
        (profile,) = told["profiles"]
        assert profile["chosen"]
        assert profile["region"] == "eu-central-1"
        await admin.call("PUT", "/admin/accounts/organisation", {"profile_arn": None})
        status = await admin.get("/admin/kiro/status?account=organisation")
        assert (status["profile_arn"], status["api_region"]) == ("", "us-east-1")
        await admin.call("PUT", "/admin/accounts/organisation", {"profile_arn": profile["arn"]})
        status = await admin.get("/admin/kiro/status?account=organisation")
        assert (status["api_region"], status["api_region_from"]) == ("eu-central-1", "profile")
        assert status["endpoints"]["sign_in"] == kiro.url + "/eu-west-1/token"
        # Others have no list: social brings its profile, a Builder ID does without.
        told = await admin.get("/admin/kiro/profiles?account=social")
        assert [one["chosen"] for one in told["profiles"]] == [True]
        assert (await admin.get("/admin/kiro/profiles?account=builder"))["total"] == 0
        answer = await admin.call("PUT", "/admin/accounts/builder", {"profile_arn": "arn:aws:x"})
        assert answer.status_code == 400


@pytest.fixture
async def own(kiro: Kiro, tmp_path: Path) -> object:
    async with admin_gateway(kiro, tmp_path) as gateway:
        yield gateway


async def test_an_override_of_the_region_wins_over_the_profile(own: AdminGateway) -> None:
    await own.call("PUT", "/admin/accounts/organisation", {"api_region": "us-west-2"})
    status = await own.get("/admin/kiro/status?account=organisation")
    assert (status["api_region"], status["api_region_from"], status["region"]) == (
        "us-west-2",
        "override",
        "eu-west-1",
    )
