"""An account that the service has refused is left alone for a while, and clients hear why."""

import re
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from tests.harness import Gateway, Kiro
from tests.web.replies import Dialect, ask

pytestmark = pytest.mark.anyio

dialects = pytest.mark.parametrize("dialect", ["anthropic", "openai"])

# Scenario → status of the refusal, its error type by dialect, how often the service was asked for
# the request that it refused.
REFUSED: dict[str, tuple[int, dict[str, str], int]] = {
    "throttled": (429, dict.fromkeys(["anthropic", "openai"], "rate_limit_error"), 3),
    "throttled-retry-after-long": (
        429,
        dict.fromkeys(["anthropic", "openai"], "rate_limit_error"),
        1,
    ),
    "exception-first-throttling": (
        429,
        dict.fromkeys(["anthropic", "openai"], "rate_limit_error"),
        3,
    ),
    "suspended": (403, dict.fromkeys(["anthropic", "openai"], "permission_error"), 1),
    "suspicious-activity": (403, dict.fromkeys(["anthropic", "openai"], "permission_error"), 1),
    "monthly-limit": (402, {"anthropic": "billing_error", "openai": "insufficient_quota"}, 1),
    "overage-limit": (402, {"anthropic": "billing_error", "openai": "insufficient_quota"}, 1),
    "payment-required": (402, {"anthropic": "billing_error", "openai": "insufficient_quota"}, 1),
    "daily-limit": (402, {"anthropic": "billing_error", "openai": "insufficient_quota"}, 1),
}


def generations(kiro: Kiro) -> int:
    return len(kiro.state.log.entries("generate"))


@dialects
@pytest.mark.parametrize("scenario", REFUSED)
async def test_after_a_refusal_the_service_is_not_asked_again_and_the_client_hears_the_same(
    kiro: Kiro, gateway: Gateway, scenario: str, dialect: Dialect
) -> None:
    status, kinds, calls = REFUSED[scenario]
    await gateway.get("/v1/kiro/usage-limits")  # so that the reset date is known at once
    await kiro.scenario(scenario, times=None)
    first = await ask(gateway, dialect, "Hello", stream=True)
    assert first.status == status
    assert generations(kiro) == calls
    second = await ask(gateway, dialect, "Hello", stream=True)
    assert second.error is not None
    assert (second.status, second.error["type"]) == (status, kinds[dialect])
    assert generations(kiro) == calls
    assert '"social"' in second.error["message"]
    assert second.headers["x-kiro-gateway-account"] == "social"
    if status != 429:
        # Nothing is known later that was not known at once.
        assert first.error == second.error
        assert first.headers.get("x-should-retry") == second.headers.get("x-should-retry")
    if status == 429:
        assert 1 <= int(second.headers["retry-after"]) <= 60
        assert re.search(r"[Tt]ry again in \d+ s", second.error["message"])
    if status == 402:
        assert second.headers["x-should-retry"] == "false"
        assert int(first.headers["retry-after"]) >= int(second.headers["retry-after"]) > 0


@pytest.mark.parametrize("scenario", ["no-capacity", "internal", "unavailable", "malformed"])
async def test_what_is_no_fault_of_the_account_keeps_nobody_from_asking_again(
    kiro: Kiro, gateway: Gateway, scenario: str
) -> None:
    await ask(gateway, "anthropic", f"[[scenario:{scenario}]]", stream=True)
    before = generations(kiro)
    assert (await ask(gateway, "anthropic", "Hello", stream=True)).status == 200
    assert generations(kiro) == before + 1


async def test_a_rate_limit_is_about_one_model(kiro: Kiro, gateway: Gateway) -> None:
    await ask(gateway, "anthropic", "[[scenario:throttled]]", stream=True)
    assert (await ask(gateway, "anthropic", "Hello", stream=True)).status == 429
    other = await ask(gateway, "anthropic", "Hello", stream=True, model="claude-haiku-4.5")
    assert other.status == 200


async def test_another_account_is_not_concerned(kiro: Kiro, gateway: Gateway) -> None:
    await ask(gateway, "anthropic", "[[scenario:suspended]]", stream=True)
    path = "/a/organisation/v1/messages"
    assert (await ask(gateway, "anthropic", "Hello", stream=True, path=path)).status == 200


async def test_what_is_answered_without_the_service_is_answered_still(gateway: Gateway) -> None:
    await ask(gateway, "anthropic", "[[scenario:suspended]]", stream=True)
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
    assert (await gateway.post("/v1/messages/count_tokens", body)).status_code == 200
    assert (await gateway.get("/v1/models")).status_code == 200
    assert (await gateway.get("/v1/usage")).status_code == 200
    assert (await gateway.get("/v1/kiro/usage-limits")).status_code == 200


async def test_a_refused_token_stops_requests_until_there_is_another(
    kiro: Kiro, gateway: Gateway
) -> None:
    await kiro.scenario("token-invalid", times=2, account="social")
    assert (await ask(gateway, "anthropic", "Hello", stream=True)).status == 502
    assert generations(kiro) == 2
    refused = await ask(gateway, "anthropic", "Hello", stream=True)
    assert refused.error is not None
    assert refused.status == 503
    assert "Sign the account in again" in refused.error["message"]
    assert generations(kiro) == 2
    account = gateway.services.directory.account_named("social")
    assert account is not None
    assert account.credentials is not None
    assert gateway.services.health.of(account).state == "sign_in_required"
    await gateway.services.tokens.get(account.id, rejected=account.credentials.access_token)
    assert (await ask(gateway, "anthropic", "Hello", stream=True)).status == 200


async def test_a_spent_quota_lasts_until_the_reset_date_that_the_service_tells(
    kiro: Kiro, gateway: Gateway
) -> None:
    gateway.services.quotas.forget(social(gateway))
    await ask(gateway, "anthropic", "[[scenario:monthly-limit]]", stream=True)
    with anyio.fail_after(10):
        quota = await gateway.services.quotas.get(social(gateway))
    (held,) = gateway.services.health.cooldowns.of(social(gateway))
    assert held.until == quota.value.resets_at
    # The figures of that moment had room; they are no reason to ask again at once.
    assert (await ask(gateway, "anthropic", "Hello", stream=True)).status == 402


async def test_a_quota_with_room_lets_requests_pass_again(kiro: Kiro, gateway: Gateway) -> None:
    assert (await gateway.get("/v1/kiro/usage-limits")).status_code == 200
    await ask(gateway, "anthropic", "[[scenario:monthly-limit]]", stream=True)
    assert (await ask(gateway, "anthropic", "Hello", stream=True)).status == 402
    assert (await gateway.get("/v1/kiro/usage-limits?refresh=true")).status_code == 200
    assert (await ask(gateway, "anthropic", "Hello", stream=True)).status == 200


async def test_a_daily_limit_lasts_until_midnight_whatever_the_quota_says(
    kiro: Kiro, gateway: Gateway
) -> None:
    await ask(gateway, "anthropic", "[[scenario:daily-limit]]", stream=True)
    (held,) = gateway.services.health.cooldowns.of(social(gateway))
    assert held.until is not None
    assert (held.until.hour, held.until.minute) == (0, 0)
    assert timedelta(0) < held.until - datetime.now(UTC) <= timedelta(days=1)
    assert (await gateway.get("/v1/kiro/usage-limits?refresh=true")).status_code == 200
    assert (await ask(gateway, "anthropic", "Hello", stream=True)).status == 402


async def test_a_quota_that_is_used_up_is_told_without_asking_for_an_answer(
    kiro: Kiro, gateway: Gateway
) -> None:
    await kiro.control("PUT", "/credits", {"account": "social", "used": 5000})
    await gateway.get("/v1/kiro/usage-limits?refresh=true")
    assert (await ask(gateway, "openai", "Hello", stream=True)).status == 402
    assert generations(kiro) == 0
    await kiro.control("PUT", "/credits", {"account": "social", "used": 0})
    await gateway.get("/v1/kiro/usage-limits?refresh=true")
    assert (await ask(gateway, "openai", "Hello", stream=True)).status == 200


async def test_a_refusal_inside_a_stream_counts_for_those_that_follow(
    kiro: Kiro, gateway: Gateway
) -> None:
    reply = await ask(
        gateway, "anthropic", "[[scenario:exception-later-monthly-limit]]", stream=True
    )
    assert reply.status == 200
    assert reply.error is not None
    assert 'Kiro account "social" is used up until ' in reply.error["message"]
    assert (await ask(gateway, "anthropic", "Hello", stream=True)).status == 402


async def test_a_suspension_that_shows_elsewhere_counts_too(kiro: Kiro, gateway: Gateway) -> None:
    await kiro.scenario("suspended", operation="usage")
    await gateway.get("/v1/kiro/usage-limits?refresh=true")
    assert (await ask(gateway, "anthropic", "Hello", stream=True)).status == 403


def social(gateway: Gateway) -> str:
    account = gateway.services.directory.account_named("social")
    assert account is not None
    return account.id
