"""What several gateways on one database, and one after another, know of their accounts."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import httpx
import pytest

from gateway.simulator.accounts import DEMO_ACCOUNTS, DemoAccount
from gateway.simulator.server import RunningSimulator, serve_in_thread
from gateway.store.accounts import create_account, save_credentials
from gateway.store.api_keys import create_api_key
from gateway.store.database import open_database
from gateway.store.secrets import open_secrets
from tests.gateway_process import GatewayProcess, Installation, gateway_processes
from tests.harness import credentials_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ADMIN = {"authorization": "Bearer admin"}
BODY = {
    "model": "claude-sonnet-4.5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hi"}],
}
SETTINGS = {"KIRO_GATEWAY_AUTH_ADMIN_KEY": "admin"}
FIFTY = tuple(
    replace(
        DEMO_ACCOUNTS[0],
        name=f"account-{number}",
        access_token=f"aoaSIMULATED-{number}-first",
        refresh_token=f"aorSIMULATED-{number}-first",
        profile_arn=f"arn:aws:codewhisperer:us-east-1:111122223333:profile/SIM{number:07}",
        email=f"{number}@example.com",
    )
    for number in range(50)
)


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread(accounts=(*DEMO_ACCOUNTS, *FIFTY)) as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path, simulator: RunningSimulator) -> Installation:
    return Installation(tmp_path, simulator.url)


async def seed(
    installation: Installation, accounts: tuple[DemoAccount, ...], *, lifetime: timedelta
) -> str:
    """Store accounts and a key for them all; gives its secret."""
    now = datetime.now(UTC)
    secrets = open_secrets(None, installation.folder / "secret.key")
    async with open_database(installation.database, secrets) as database, database.begin() as db:
        for account in accounts:
            row = await create_account(db, secrets, name=account.name, now=now)
            credentials = credentials_of(account, installation.upstream, now)
            await save_credentials(
                db,
                secrets,
                row.id,
                replace(credentials, expires_at=now + lifetime),
                auth_method=account.auth_method,
                profile_arn=account.profile_arn,
                expected_generation=None,
                now=now,
            )
        names = [account.name for account in accounts]
        _, secret = await create_api_key(db, name="test", allowed=names, now=now)
    return secret


def ask(gateway: GatewayProcess, secret: str, account: str = "social") -> httpx.Response:
    url = f"{gateway.url}/a/{account}/v1/messages"
    return httpx.post(url, json=BODY, headers={"x-api-key": secret}, timeout=30)


def admin(gateway: GatewayProcess, method: str, path: str, body: Any = None) -> Any:
    answer = httpx.request(method, gateway.url + path, json=body, headers=ADMIN, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def misbehave(simulator: RunningSimulator, account: str, scenario: str, times: int = 1) -> None:
    order = {"name": scenario, "times": times, "account": account}
    assert httpx.put(simulator.url + "/_sim/scenario", json=order).status_code == 200


def set_credits(simulator: RunningSimulator, account: str, used: float) -> None:
    order = {"account": account, "used": used}
    assert httpx.put(simulator.url + "/_sim/credits", json=order).status_code == 200


def generations(simulator: RunningSimulator) -> int:
    return len(simulator.state.log.entries("generate"))


def state_of(gateway: GatewayProcess, account: str) -> str:
    return str(admin(gateway, "GET", f"/admin/accounts/{account}")["health"]["state"])


def until_heard(gateway: GatewayProcess, account: str, state: str) -> float:
    """Seconds until a gateway knows an account to be in a state."""
    began = time.monotonic()
    while state_of(gateway, account) != state:
        assert time.monotonic() < began + 20
    return time.monotonic() - began


@dataclass(frozen=True)
class Refused:
    """What an account meets, its state then, the status of that request and of those after it."""

    scenario: str | None
    state: str
    first: int
    later: int
    times: int = 1


REFUSED = {
    "social": Refused("suspended", "suspended", 403, 403),
    "organisation": Refused("daily-limit", "quota_exhausted", 402, 402),
    "external": Refused("token-invalid", "sign_in_required", 502, 503, times=2),
    "builder": Refused("throttled-retry-after-long", "cooling_down", 429, 429),
    "key": Refused(None, "quota_exhausted", 402, 402),  # its credits are gone
}


async def test_what_one_gateway_is_refused_the_other_heeds_and_so_does_the_next_one(
    installation: Installation, simulator: RunningSimulator
) -> None:
    secret = await seed(installation, DEMO_ACCOUNTS, lifetime=timedelta(hours=1))
    set_credits(simulator, "key", 5000)
    # Checks would renew the refused token.
    settings = SETTINGS | {"KIRO_GATEWAY_DEFAULTS_HEALTH_CHECK_ENABLED": "false"}
    with gateway_processes(installation, 2, settings) as (one, other):
        for account, told in REFUSED.items():
            if told.scenario is not None:
                misbehave(simulator, account, told.scenario, told.times)
            assert ask(one, secret, account).status_code == told.first
            calls = generations(simulator)
            # Printed, not promised, on a busy machine; the design is half a second.
            heard = until_heard(other, account, told.state)
            print(f"{account} {told.state}: heard after {heard:.2f} s")  # noqa: T201
            assert ask(other, secret, account).status_code == told.later
            assert generations(simulator) == calls
    with gateway_processes(installation, 1, settings) as [again]:
        for account, told in REFUSED.items():
            assert state_of(again, account) == told.state
            assert ask(again, secret, account).status_code == told.later
        assert generations(simulator) == calls
        set_credits(simulator, "key", 0)
        for account, told in REFUSED.items():
            enabled = admin(again, "PUT", f"/admin/accounts/{account}", {"enabled": True})
            assert enabled["health"]["state"] == "active"
            assert ask(again, secret, account).status_code == 200
            history = admin(again, "GET", f"/admin/accounts/{account}/health")["history"]
            assert told.state in [change["state"] for change in history]


async def test_an_operator_at_one_gateway_brings_an_account_back_for_all(
    installation: Installation, simulator: RunningSimulator
) -> None:
    secret = await seed(installation, (DEMO_ACCOUNTS[0],), lifetime=timedelta(hours=1))
    with gateway_processes(installation, 2, SETTINGS) as (one, other):
        misbehave(simulator, "social", "suspended")
        assert ask(one, secret).status_code == 403
        until_heard(other, "social", "suspended")
        admin(other, "PUT", "/admin/accounts/social", {"enabled": True})
        until_heard(one, "social", "active")
        assert ask(one, secret).status_code == 200


@pytest.mark.parametrize("lifetime", [timedelta(hours=1), timedelta(hours=-8)], ids=repr)
async def test_fifty_accounts_serve_from_the_first_moment_after_a_restart(
    installation: Installation, simulator: RunningSimulator, lifetime: timedelta
) -> None:
    secret = await seed(installation, FIFTY, lifetime=lifetime)
    if lifetime < timedelta(0):
        expire_tokens(simulator)
    for _ in range(2):
        before = sum(simulator.state.desk.refreshes.values())
        with gateway_processes(installation, 1, SETTINGS) as [gateway]:
            statuses = await first_requests(gateway, secret)
            assert statuses == [200] * len(FIFTY)
            renewed = sum(simulator.state.desk.refreshes.values()) - before
            gateway.kill()
        # None while tokens are good; one each after a night, and never two.
        assert renewed == (len(FIFTY) if lifetime < timedelta(0) else 0)
        lifetime = timedelta(hours=1)
    assert sum(simulator.state.desk.reuses.values()) == 0


def expire_tokens(simulator: RunningSimulator) -> None:
    assert httpx.post(simulator.url + "/_sim/expire-tokens", json={}).status_code == 200


async def first_requests(gateway: GatewayProcess, secret: str) -> list[int]:
    statuses: list[int] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def one(account: DemoAccount) -> None:
            url = f"{gateway.url}/a/{account.name}/v1/messages"
            async with http.post(url, json=BODY, headers={"x-api-key": secret}) as answer:
                await answer.read()
                statuses.append(answer.status)

        async with anyio.create_task_group() as tasks:
            for account in FIFTY:
                tasks.start_soon(one, account)
    return statuses
