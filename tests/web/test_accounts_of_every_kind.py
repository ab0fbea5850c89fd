"""Each kind of sign-in serves, and mends itself when the service refuses its token or profile."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from gateway.store.accounts import get_account, save_credentials, set_profile_arn
from tests.harness import ACCOUNTS, Gateway, Kiro, gateway_on
from tests.web.replies import Dialect, Reply, ask

pytestmark = pytest.mark.anyio

dialects = pytest.mark.parametrize("dialect", ["anthropic", "openai"])
PATHS: dict[Dialect, str] = {"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}
RENEWABLE = [name for name, account in ACCOUNTS.items() if account.refresh_token]
WITH_PROFILE = [name for name, account in ACCOUNTS.items() if account.profile_arn]


def path_of(account: str, dialect: Dialect) -> str:
    return f"/a/{account}{PATHS[dialect]}"


def refreshes(kiro: Kiro) -> dict[str, int]:
    return dict(kiro.state.desk.refreshes)


def told_statuses(kiro: Kiro, operation: str = "generate") -> list[int | None]:
    return [entry.status for entry in kiro.state.log.entries(operation)]


@pytest.fixture(autouse=True)
def nobody_spends_a_token_twice(kiro: Kiro) -> Iterator[None]:
    yield
    assert set(kiro.state.desk.reuses.values()) == {0}


@dialects
@pytest.mark.parametrize("account", ACCOUNTS)
async def test_every_kind_of_account_answers(
    kiro: Kiro, gateway: Gateway, account: str, dialect: Dialect
) -> None:
    before = refreshes(kiro)
    for stream in (True, False):
        reply = await ask(gateway, dialect, "Hello", stream=stream, path=path_of(account, dialect))
        assert (reply.status, reply.text) == (200, "You said: Hello")
        assert reply.headers["x-kiro-gateway-account"] == account
    assert [entry.account for entry in kiro.state.log.entries("generate")] == [account] * 2
    assert refreshes(kiro) == before


@dialects
@pytest.mark.parametrize("account", RENEWABLE)
async def test_a_token_that_the_service_refuses_is_renewed_once_and_the_request_repeated(
    kiro: Kiro, gateway: Gateway, account: str, dialect: Dialect
) -> None:
    before = refreshes(kiro)
    await kiro.control("POST", "/expire-tokens", {"account": account})
    for _ in range(2):
        reply = await ask(gateway, dialect, "Hello", stream=True, path=path_of(account, dialect))
        assert (reply.status, reply.text) == (200, "You said: Hello")
    assert told_statuses(kiro) == [403, 200, 200]
    assert refreshes(kiro) == before | {account: before[account] + 1}


async def test_fifty_requests_at_once_renew_each_token_once(kiro: Kiro, gateway: Gateway) -> None:
    before = refreshes(kiro)
    await kiro.control("POST", "/expire-tokens", {})
    replies: list[Reply] = []

    async def client(number: int) -> None:
        account = RENEWABLE[number % len(RENEWABLE)]
        prompt = f"Number {number}"
        path = path_of(account, "anthropic")
        reply = await ask(gateway, "anthropic", prompt, stream=number % 3 > 0, path=path)
        assert reply.text == f"You said: {prompt}"
        replies.append(reply)

    async with anyio.create_task_group() as clients:
        for number in range(50):
            clients.start_soon(client, number)
    assert len(replies) == 50
    after = refreshes(kiro)
    assert {name: after[name] - before[name] for name in RENEWABLE} == dict.fromkeys(RENEWABLE, 1)


@pytest.mark.parametrize("account", RENEWABLE)
async def test_a_renewed_token_is_stored(kiro: Kiro, gateway: Gateway, account: str) -> None:
    await kiro.control("POST", "/expire-tokens", {"account": account})
    assert (await gateway.messages(path=path_of(account, "anthropic"))).status_code == 200
    database = gateway.services.database
    async with database.connect() as db:
        row = await get_account(db, database.secrets, account)
    assert row.credentials is not None
    holder = kiro.state.desk.holder(row.credentials.access_token or "")
    assert holder is not None
    assert holder.name == account
    family = kiro.state.desk.family_of(row.credentials.refresh_token or "")
    assert family is not None
    assert family.account.name == account


@dialects
async def test_a_token_that_is_refused_and_cannot_be_renewed_is_502_that_names_the_account(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory, dialect: Dialect
) -> None:
    folder = tmp_path_factory.mktemp("refused")
    async with gateway_on(kiro, folder) as gateway:
        await kiro.control("POST", "/expire-tokens", {"account": "external"})
        await kiro.scenario("internal", times=None, operation="refresh", account="external")
        path = path_of("external", dialect)
        reply = await ask(gateway, dialect, "Hello", stream=True, path=path)
        second = await ask(gateway, dialect, "Hello", stream=True, path=path)
        kiro.state.shelf.clear()
    assert reply.error is not None
    assert (reply.status, reply.error["code"]) == (502, "upstream_auth")
    assert reply.error["source"] == "account"
    assert '"external"' in reply.error["message"]
    assert int(reply.headers["retry-after"]) <= 60
    assert second.error is not None
    assert (second.status, second.error["source"]) == (503, "account")
    assert 'account "external" could not be renewed' in second.error["message"]
    assert "It is tried again by itself." in second.error["message"]
    assert "in again" not in second.error["message"]
    assert int(second.headers["retry-after"]) <= 60
    assert told_statuses(kiro) == [403]


@dialects
@pytest.mark.parametrize("scenario", ["token-invalid", "unauthorized"])
async def test_a_refused_api_key_is_502_that_names_the_account_at_once(
    kiro: Kiro, gateway: Gateway, scenario: str, dialect: Dialect
) -> None:
    prompt = f"[[scenario:{scenario}]]"
    reply = await ask(gateway, dialect, prompt, stream=True, path=path_of("key", dialect))
    assert reply.error is not None
    assert (reply.status, reply.error["code"]) == (502, "upstream_auth")
    assert '"key"' in reply.error["message"]
    assert len(told_statuses(kiro)) == 1, "there is nothing to renew"


@pytest.mark.parametrize(
    ("operation", "path"),
    [("models", "/v1/models"), ("usage", "/v1/kiro/usage-limits?refresh=true")],
)
@pytest.mark.parametrize("account", RENEWABLE)
async def test_what_is_asked_about_an_account_renews_its_token_too(
    kiro: Kiro,
    tmp_path_factory: pytest.TempPathFactory,
    account: str,
    operation: str,
    path: str,
) -> None:
    await kiro.control("POST", "/reset", {"tokens": True})
    folder = tmp_path_factory.mktemp("about")
    async with gateway_on(kiro, folder) as gateway:
        await kiro.control("POST", "/expire-tokens", {"account": account})
        response = await gateway.get(f"/a/{account}{path}")
    assert response.status_code == 200
    assert told_statuses(kiro, operation) == [403, 200]
    assert refreshes(kiro)[account] == 1


@pytest.mark.parametrize("account", WITH_PROFILE)
async def test_a_missing_profile_is_looked_up_stored_and_sent(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory, account: str
) -> None:
    await kiro.control("POST", "/reset", {"tokens": True})
    folder = tmp_path_factory.mktemp("profile")
    async with gateway_on(kiro, folder) as gateway:
        await lose_profile(gateway, account)
        for _ in range(2):
            response = await gateway.messages("Hello", path=path_of(account, "anthropic"))
            assert response.status_code == 200
        assert told_statuses(kiro) == [400, 200, 200]
        known = gateway.services.directory.account_named(account)
        assert known is not None
        assert known.profile_arn == ACCOUNTS[account].profile_arn
        database = gateway.services.database
        async with database.connect() as db:
            stored = await get_account(db, database.secrets, account)
        assert stored.profile_arn == ACCOUNTS[account].profile_arn


async def test_the_quota_of_an_account_without_profile_is_known_after_looking_it_up(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await kiro.control("POST", "/reset", {"tokens": True})
    async with gateway_on(kiro, tmp_path_factory.mktemp("quota")) as gateway:
        await lose_profile(gateway, "organisation")
        response = await gateway.get("/a/organisation/v1/kiro/usage-limits")
    assert response.status_code == 200
    assert told_statuses(kiro, "usage") == [400, 200]


async def test_an_account_that_has_no_profile_is_told_so(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await kiro.control("POST", "/reset", {"tokens": True})
    async with gateway_on(kiro, tmp_path_factory.mktemp("none")) as gateway:
        await lose_profile(gateway, "organisation")
        await kiro.scenario("access-denied", times=None, operation="profiles")
        response = await gateway.messages("Hello", path="/a/organisation/v1/messages")
        kiro.state.shelf.clear()
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (403, "permission_error")
    assert error["source"] == "account"


@dialects
async def test_a_token_that_is_over_and_cannot_be_renewed_is_503_before_anything_is_sent(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory, dialect: Dialect
) -> None:
    await kiro.control("POST", "/reset", {"tokens": True})
    await kiro.scenario("internal", times=None, operation="refresh")
    async with gateway_on(kiro, tmp_path_factory.mktemp("over")) as gateway:
        await let_token_end(gateway, "builder")
        path = path_of("builder", dialect)
        reply = await ask(gateway, dialect, "Hello", stream=True, path=path)
    assert reply.error is not None
    assert (reply.status, reply.error["code"]) == (503, "no_account")
    assert reply.error["source"] == "account"
    assert '"builder"' in reply.error["message"]
    assert 1 <= int(reply.headers["retry-after"]) <= 60
    assert told_statuses(kiro) == []


async def test_a_token_that_is_over_is_renewed_before_anything_is_sent(
    kiro: Kiro, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await kiro.control("POST", "/reset", {"tokens": True})
    async with gateway_on(kiro, tmp_path_factory.mktemp("ended")) as gateway:
        await let_token_end(gateway, "builder")
        response = await gateway.messages("Hello", path="/a/builder/v1/messages")
    assert response.status_code == 200
    assert told_statuses(kiro) == [200]
    assert refreshes(kiro)["builder"] == 1


async def let_token_end(gateway: Gateway, account: str) -> None:
    """As far as the gateway knows, its access token has expired."""
    services = gateway.services
    now = datetime.now(UTC)
    async with services.database.begin() as db:
        row = await get_account(db, services.database.secrets, account)
        assert row.credentials is not None
        assert row.auth_method is not None
        await save_credentials(
            db,
            services.database.secrets,
            row.id,
            replace(row.credentials, expires_at=now - timedelta(minutes=1)),
            auth_method=row.auth_method,
            profile_arn=row.profile_arn,
            expected_generation=row.generation,
            now=now,
        )
    await services.directory.reload()


async def lose_profile(gateway: Gateway, account: str) -> None:
    services = gateway.services
    async with services.database.begin() as db:
        row = await get_account(db, services.database.secrets, account)
        await set_profile_arn(db, row.id, None, now=datetime.now(UTC))
    await services.directory.reload()
