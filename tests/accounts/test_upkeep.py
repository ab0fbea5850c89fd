"""What a gateway finds out about its accounts before anybody asks, and still knows afterwards."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.lowlevel
import httpx
import pytest

from gateway.store.accounts import get_account, set_profile_arn
from gateway.store.secrets import SecretBox, new_key, parse_keys
from gateway.web.app import services_of
from gateway.web.server import listen, running_gateway
from tests.harness import (
    ACCOUNTS,
    Gateway,
    gateway_on,
    running_kiro,
    seed_store,
    settings_for,
)
from tests.sign_in_service import sign_in_service

pytestmark = pytest.mark.anyio

HELLO = {"role": "user", "content": "Hello"}


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not condition():
            await anyio.lowlevel.checkpoint()


def all_known(gateway: Gateway) -> bool:
    services = gateway.services
    accounts = list(services.directory.accounts)
    return len(accounts) == len(ACCOUNTS) and all(
        services.quotas.last(account.id) and services.models.last(account.id)
        for account in accounts
    )


async def test_every_account_is_known_without_anybody_asking(tmp_path: Path) -> None:
    async with running_kiro() as kiro, gateway_on(kiro, tmp_path, upkeep_delay=0) as gateway:
        await until(lambda: all_known(gateway))
        names = {account.name: account for account in gateway.services.directory.accounts}
        await until(lambda: bool(gateway.services.directory.account_named("social").email))  # type: ignore[union-attr]  # it is there
        social = gateway.services.directory.account_named("social")
        assert social is not None
        assert (social.email, social.subscription) == ("social@example.com", "KIRO PRO")
        assert set(names) == set(ACCOUNTS)
        assert len(await kiro.log("usage")) == len(ACCOUNTS)


@pytest.mark.parametrize("account", ["organisation", "external"])
async def test_a_missing_profile_is_found_stored_and_used(tmp_path: Path, account: str) -> None:
    async with running_kiro() as kiro, gateway_on(kiro, tmp_path, upkeep_delay=0) as gateway:
        services = gateway.services
        await until(lambda: all_known(gateway))
        row = services.directory.account_named(account)
        assert row is not None
        async with services.database.begin() as db:
            await set_profile_arn(db, row.id, None, now=datetime.now(UTC))
        await services.directory.reload()
        assert services.directory.account(row.id).profile_arn is None  # type: ignore[union-attr]  # it is there
        await until(lambda: bool(services.directory.account(row.id).profile_arn))  # type: ignore[union-attr]  # likewise
        async with services.database.connect() as db:
            stored = await get_account(db, services.database.secrets, account)
        assert stored.profile_arn == ACCOUNTS[account].profile_arn
        answer = await gateway.messages("Hello", path=f"/a/{account}/v1/messages")
        assert answer.status_code == 200
        refused = [entry for entry in await kiro.log("generate") if entry["status"] != 200]
        assert refused == []


async def test_a_restart_tells_models_and_quota_at_once(tmp_path: Path) -> None:
    secrets = SecretBox(*parse_keys(new_key(), source="test"))
    async with running_kiro() as kiro:
        settings = settings_for(tmp_path, kiro.url)
        async with running_gateway(settings, secrets, sock=listen("127.0.0.1", 0)) as (url, app):
            services = services_of(app)
            key = await seed_store(services.database, kiro.url)
            await services.directory.reload()
            first = await told(url, key)
        # From now on the service tells nobody anything.
        for operation in ("models", "usage"):
            await kiro.scenario("internal", times=None, operation=operation)
        async with running_gateway(settings, secrets, sock=listen("127.0.0.1", 0)) as (url, _):
            assert await told(url, key) == first
        assert len(await kiro.log("models")) == 1
        assert len(await kiro.log("usage")) == 1


async def told(url: str, key: str) -> list[object]:
    async with httpx.AsyncClient(headers={"x-api-key": key}, timeout=30) as http:
        answers = [await http.get(url + path) for path in ("/v1/models", "/v1/kiro/usage-limits")]
    assert [answer.status_code for answer in answers] == [200, 200]
    return [answer.json() for answer in answers]


async def test_a_list_of_models_that_hangs_does_not_hold_up_chats(tmp_path: Path) -> None:
    secrets = SecretBox(*parse_keys(new_key(), source="test"))
    async with running_kiro() as kiro, sign_in_service() as silent:
        silent.held = anyio.Event()
        settings = settings_for(tmp_path, silent.url, runtime_url=kiro.url)
        async with (
            running_gateway(settings, secrets, sock=listen("127.0.0.1", 0)) as (url, app),
            httpx.AsyncClient(timeout=30) as http,
        ):
            services = services_of(app)
            key = await seed_store(services.database, kiro.url)
            await services.directory.reload()
            body = {"model": "claude-sonnet-4.5", "max_tokens": 9, "messages": [HELLO]}
            # The first may wait for a list that would tell it more. If all did, this took minutes.
            with anyio.fail_after(20):
                for _ in range(20):
                    answer = await http.post(
                        url + "/v1/messages", json=body, headers={"x-api-key": key}
                    )
                    assert answer.status_code == 200
            assert silent.requests[0].headers["x-amz-target"].endswith("ListAvailableModels")
            silent.held.set()
