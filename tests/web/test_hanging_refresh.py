"""A sign-in service that does not answer: whom it stops, and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import httpx
import msgspec
import pytest

from gateway.accounts import tokens
from gateway.store.accounts import get_account, save_credentials
from gateway.store.secrets import SecretBox, new_key, parse_keys
from gateway.web.app import services_of
from gateway.web.server import listen, running_gateway
from tests.harness import ACCOUNTS, credentials_of, running_kiro, seed_store, settings_for
from tests.sign_in_service import sign_in_service

pytestmark = pytest.mark.anyio

BODY = {
    "model": "claude-sonnet-4.5",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "Hello"}],
}


async def test_only_the_account_itself_waits_for_its_token_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For ever, until the others have been served, however long that takes on a busy machine.
    monkeypatch.setattr(tokens, "WAIT", 3600.0)
    secrets = SecretBox(*parse_keys(new_key(), source="test"))
    async with running_kiro() as kiro, sign_in_service() as silent:
        silent.held = anyio.Event()
        settings = settings_for(tmp_path, kiro.url)
        upstream = msgspec.structs.replace(settings.upstream, auth_url=silent.url)
        settings = msgspec.structs.replace(settings, upstream=upstream)
        async with (
            running_gateway(settings, secrets, sock=listen("127.0.0.1", 0)) as (url, app),
            httpx.AsyncClient(timeout=None) as http,
        ):
            services = services_of(app)
            http.headers["x-api-key"] = await seed_store(services.database, kiro.url)
            now = datetime.now(UTC)
            async with services.database.begin() as db:
                account = await get_account(db, secrets, "social")
                credentials = credentials_of(ACCOUNTS["social"], kiro.url, now)
                await save_credentials(
                    db,
                    secrets,
                    account.id,
                    replace(credentials, expires_at=now - timedelta(minutes=1)),
                    auth_method="social",
                    profile_arn=account.profile_arn,
                    expected_generation=None,
                    now=now,
                )
            await services.directory.reload()
            stopped: list[httpx.Response] = []

            async def ask_the_stopped() -> None:
                stopped.append(await http.post(url + "/a/social/v1/messages", json=BODY))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask_the_stopped)
                await silent.asked.wait()
                for name in ("builder", "organisation", "external", "key"):
                    answer = await http.post(f"{url}/a/{name}/v1/messages", json=BODY)
                    assert answer.status_code == 200
                assert stopped == []
                monkeypatch.setattr(tokens, "WAIT", 0.1)
                async with anyio.create_task_group() as impatient:
                    for _ in range(20):
                        impatient.start_soon(ask_the_stopped)
                assert len(stopped) == 20
                assert {answer.status_code for answer in stopped} == {503}
                assert all('account \\"social\\"' in answer.text for answer in stopped)
                assert len(silent.requests) == 1
                tasks.cancel_scope.cancel()
            silent.held.set()
