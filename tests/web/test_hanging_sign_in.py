"""A sign-in service that takes a request and never answers concerns its account alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from gateway.store.accounts import save_credentials
from tests.harness import ACCOUNTS, Gateway, Kiro, credentials_of, gateway_on
from tests.web.replies import Reply, ask
from tests.web.test_failover import failover_key

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

OTHERS = ["organisation", "external", "builder", "key"]


@pytest.fixture
async def gateway(kiro: Kiro, tmp_path: Path) -> AsyncIterator[Gateway]:
    """The token of `social` has expired, and the service that renews it is silent."""
    await kiro.scenario("never-answers", operation="refresh", times=None, account="social")
    async with gateway_on(kiro, tmp_path) as gateway:
        gateway.http.timeout = 60  # patience enough to hear what is told in the end
        services = gateway.services
        account = services.directory.account_named("social")
        assert account is not None
        now = datetime.now(UTC)
        expired = replace(
            credentials_of(ACCOUNTS["social"], kiro.url, now), expires_at=now - timedelta(hours=1)
        )
        async with services.database.begin() as db:
            await save_credentials(
                db,
                services.database.secrets,
                account.id,
                expired,
                auth_method="social",
                profile_arn=account.profile_arn,
                expected_generation=None,
                now=now,
            )
        await services.directory.reload()
        yield gateway


async def test_it_slows_nobody_else_and_its_own_requests_fail_in_time_with_the_reason(
    kiro: Kiro, gateway: Gateway
) -> None:
    ended: list[str] = []
    replies: dict[str, Reply] = {}

    async def one(account: str, number: int) -> None:
        path = f"/a/{account}/v1/messages"
        reply = await ask(gateway, "anthropic", f"Hello {number}", stream=True, path=path)
        ended.append(account)
        replies[f"{account} {number}"] = reply

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(one, "social", number)
        for number in range(20):
            for name in OTHERS:
                tasks.start_soon(one, name, number)

    assert set(ended[: 20 * len(OTHERS)]) == set(OTHERS), "the others did not wait for it"
    for name, reply in replies.items():
        assert reply.status == (503 if name.startswith("social") else 200), name
    told = replies["social 7"]
    assert told.error is not None
    assert '"social"' in told.error["message"]
    assert "did not answer in time" in told.error["message"]
    assert 1 <= int(told.headers["retry-after"]) <= 60
    assert len(kiro.state.log.entries("refresh")) <= 2, "one renewal at a time for all of them"

    account = gateway.services.directory.account_named("social")
    assert account is not None
    health = gateway.services.health.of(account)
    assert (health.state, health.healthy) == ("failing", False)

    # What is known to be in trouble keeps nobody waiting who may go elsewhere.
    client = await failover_key(gateway, "social", "organisation")
    reply = await ask(client, "anthropic", "Hello", stream=True)
    assert (reply.status, reply.headers["x-kiro-gateway-account"]) == (200, "organisation")

    # Nor does it last longer than the trouble.
    kiro.state.reset()
    await gateway.services.tokens.renew(account.id)
    reply = await ask(client, "anthropic", "Hello", stream=True)
    assert (reply.status, reply.headers["x-kiro-gateway-account"]) == (200, "social")


async def test_who_may_go_elsewhere_does_so_when_its_own_account_has_not_got_a_token_in_time(
    gateway: Gateway,
) -> None:
    client = await failover_key(gateway, "social", "organisation")
    reply = await ask(client, "anthropic", "Hello", stream=True)
    assert (reply.status, reply.headers["x-kiro-gateway-account"]) == (200, "organisation")
