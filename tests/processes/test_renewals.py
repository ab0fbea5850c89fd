"""Tokens that are renewed by whole processes: together, killed, and after a night's sleep."""

import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from gateway.simulator.accounts import DEMO_ACCOUNTS, DemoAccount
from gateway.simulator.server import serve_in_thread
from gateway.store.accounts import create_account, get_account, save_credentials
from gateway.store.database import Database, open_database
from gateway.store.secrets import open_secrets
from tests import sample_store
from tests.gateway_process import Installation, gateway_processes
from tests.harness import credentials_of
from tests.processes.test_gateway_processes import BODY, many
from tests.sample_store import sample_target

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# A thousand at once may take longer than one of them is given, where the machine does other things.
PATIENT = {"KIRO_GATEWAY_DEFAULTS_FIRST_TOKEN_TIMEOUT_SECONDS": "0"}
SOCIAL = next(account for account in DEMO_ACCOUNTS if account.name == "social")


@asynccontextmanager
async def store_of(installation: Installation) -> AsyncIterator[Database]:
    secrets = open_secrets(None, installation.key_file)
    target = installation.database_url or installation.database
    async with open_database(target, secrets) as database:
        yield database


async def add_expired(installation: Installation, accounts: Sequence[DemoAccount]) -> None:
    """Store accounts whose access tokens ended an hour ago."""
    now = datetime.now(UTC)
    async with store_of(installation) as database, database.begin() as db:
        for account in accounts:
            row = await create_account(db, database.secrets, name=account.name, now=now)
            credentials = credentials_of(account, installation.upstream, now)
            await save_credentials(
                db,
                database.secrets,
                row.id,
                replace(credentials, expires_at=now - timedelta(hours=1)),
                auth_method=account.auth_method,
                profile_arn=account.profile_arn,
                expected_generation=None,
                now=now,
            )


async def at_the_service(url: str) -> dict[str, Any]:
    """What the service knows of each account, by name."""
    async with aiohttp.ClientSession() as http, http.get(url + "/_sim/accounts") as answer:
        return {one["name"]: one for one in (await answer.json())["accounts"]}


@pytest.mark.usefixtures("both_stores")
async def test_a_thousand_requests_in_two_processes_renew_an_expired_token_once(
    tmp_path: Path,
) -> None:
    on_server = sample_store.server is not None
    with serve_in_thread() as simulator:
        installation = Installation(
            tmp_path, simulator.url, await sample_target(tmp_path) if on_server else None
        )
        await add_expired(installation, [SOCIAL])
        secret = installation.create_key(account="social")
        with gateway_processes(installation, 2, PATIENT) as gateways:
            told = await many([one.url for one in gateways], secret, 1000, at_once=1000)
        assert Counter(status for _, status, _ in told) == {200: 1000}
        social = (await at_the_service(simulator.url))["social"]
    assert (social["refreshes"], social["reuses"]) == (1, 0)


async def test_a_process_that_dies_between_storing_and_using_a_token_costs_nothing(
    tmp_path: Path,
) -> None:
    with serve_in_thread() as simulator:
        installation = Installation(tmp_path, simulator.url)
        await add_expired(installation, [SOCIAL])
        secret = installation.create_key(account="social")
        async with store_of(installation) as database, database.connect() as db:
            account = await get_account(db, database.secrets, "social")
        key_file = str(tmp_path / "secret.key")
        command = [sys.executable, "-m", "tests.processes.renewing", str(installation.database)]
        died = await anyio.run_process(
            [*command, key_file, simulator.url, account.id],
            cwd=Path(__file__).parents[2],
            check=False,
            stderr=None,
        )
        assert died.returncode == -signal.SIGKILL
        with gateway_processes(installation) as [gateway]:
            told = await many([gateway.url], secret, 10, at_once=10)
        assert {status for _, status, _ in told} == {200}
        social = (await at_the_service(simulator.url))["social"]
    assert (social["refreshes"], social["reuses"]) == (1, 0)


async def test_a_gateway_that_is_killed_while_it_uses_a_new_token_starts_again_with_it(
    tmp_path: Path,
) -> None:
    with serve_in_thread() as simulator:
        installation = Installation(tmp_path, simulator.url)
        await add_expired(installation, [SOCIAL])
        secret = installation.create_key(account="social")
        headers = {"x-api-key": secret}
        async with aiohttp.ClientSession() as http:
            await http.put(simulator.url + "/_sim/gate", json={"point": "headers"})
            with gateway_processes(installation) as [gateway]:
                async with anyio.create_task_group() as tasks:

                    async def ask() -> None:
                        with pytest.raises(aiohttp.ClientError):
                            await http.post(
                                gateway.url + "/v1/messages", json=BODY, headers=headers
                            )

                    tasks.start_soon(ask)
                    # The service sees the request, and so the token that has just been renewed.
                    await http.get(simulator.url + "/_sim/connections?until=open:1")
                    gateway.kill()
            await http.post(simulator.url + "/_sim/release", json={})
        with gateway_processes(installation) as [gateway]:
            told = await many([gateway.url], secret, 10, at_once=10)
        assert {status for _, status, _ in told} == {200}
        social = (await at_the_service(simulator.url))["social"]
    assert (social["refreshes"], social["reuses"]) == (1, 0)


async def test_after_a_night_fifty_accounts_are_usable_at_once_and_renewed_once(
    tmp_path: Path,
) -> None:
    accounts = [
        replace(
            SOCIAL,
            name=f"account-{number}",
            access_token=f"aoaSIMULATED-{number}",
            refresh_token=f"aorSIMULATED-{number}",
        )
        for number in range(50)
    ]
    with serve_in_thread(accounts=accounts) as simulator:
        installation = Installation(tmp_path, simulator.url)
        await add_expired(installation, accounts)
        secret = installation.create_key(account="account-49")
        with gateway_processes(installation) as [gateway]:
            told = await many([gateway.url], secret, 1, at_once=1)
            assert [status for _, status, _ in told] == [200]
            with anyio.fail_after(60):
                while True:
                    known = await at_the_service(simulator.url)
                    if all(one["refreshes"] for one in known.values()):
                        break
                    await anyio.sleep(0.2)
    counts = Counter((one["refreshes"], one["reuses"]) for one in known.values())
    assert counts == {(1, 0): 50}
