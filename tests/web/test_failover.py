"""Another account of the key serves where its own one does not, for keys that want it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from gateway.store.accounts import update_account
from gateway.store.api_keys import Limits, create_api_key
from gateway.store.requests import get_request
from gateway.web.timing import Timing
from tests.harness import Gateway, Kiro, gateway_on
from tests.web.api_keys import make_account
from tests.web.listening import listening
from tests.web.pauses import Pauses
from tests.web.replies import Dialect, Reply, ask
from tests.web.usage_rows import usage_of

pytestmark = pytest.mark.anyio

OTHERS = ["organisation", "external", "key"]  # with the models that `social` has

# Scenario → upstream calls on the account that meets it, before the next one is asked.
FAILING: dict[str, int] = {
    "throttled": 3,
    "throttled-retry-after-long": 1,
    "suspended": 1,
    "suspicious-activity": 1,
    "monthly-limit": 1,
    "monthly-limit-429": 1,
    "daily-limit": 1,
    "payment-required": 1,
    "token-invalid": 2,
    "unauthorized": 2,
    "access-denied": 1,
    "feature-not-supported": 1,
    "model-unknown": 1,
    "profile-invalid": 1,
    "no-capacity": 3,
    "internal": 3,
    "unavailable": 3,
    "bad-gateway": 3,
    "gateway-timeout": 3,
    "reset-before-status": 3,
    "exception-first-throttling": 3,
    "exception-first-monthly-limit": 1,
    "cut-in-first-frame": 3,
}
FINAL = ["malformed", "too-long", "tool-schema-invalid", "kms-conflict", "conversation-invalid"]


async def failover_key(gateway: Gateway, *accounts: str, **more: Any) -> Gateway:
    """The gateway, as a client with a key that fails over sees it; the first account is default."""
    now = datetime.now(UTC)
    services = gateway.services
    async with services.database.begin() as db:
        _, secret = await create_api_key(
            db,
            name="failover",
            allowed=list(accounts),
            default=accounts[0],
            now=now,
            **{"failover": True, **more},
        )
    await services.directory.reload()
    return Gateway(gateway.url, secret, gateway.app, gateway.kiro, gateway.http)


@asynccontextmanager
async def changed(gateway: Gateway, name: str, **changes: Any) -> AsyncIterator[None]:
    """An account with other values for a while."""
    services = gateway.services
    account = services.directory.account_named(name)
    assert account is not None
    before = {field: getattr(account, field) for field in changes}
    for values in (changes, before):
        async with services.database.begin() as db:
            await update_account(
                db, services.database.secrets, account.id, now=datetime.now(UTC), **values
            )
        await services.directory.reload()
        if values is changes:
            yield


def calls(kiro: Kiro) -> list[str | None]:
    return [entry.account for entry in kiro.state.log.entries("generate")]


def served_by(reply: Reply) -> str:
    return str(reply.headers["x-kiro-gateway-account"])


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
@pytest.mark.parametrize("scenario", FAILING)
async def test_the_next_account_answers_as_if_nothing_had_been(
    kiro: Kiro, gateway: Gateway, scenario: str, dialect: Dialect
) -> None:
    client = await failover_key(gateway, "social", "organisation")
    await kiro.scenario(scenario, times=None, account="social")
    headers = {"x-request-id": f"failover-{scenario}-{dialect}"}
    reply = await ask(client, dialect, "Hello", stream=True, headers=headers)
    assert (reply.status, reply.text) == (200, "You said: Hello")
    assert reply.ended
    assert served_by(reply) == "organisation"
    assert calls(kiro) == ["social"] * FAILING[scenario] + ["organisation"]
    row = await usage_of(gateway, headers["x-request-id"])
    named = gateway.services.directory.account(row["account_id"])
    assert named is not None
    assert named.name == "organisation"
    assert row["retries"] == FAILING[scenario]
    attempts = await attempts_of(gateway, row["id"])
    assert attempts == ["social"] * FAILING[scenario] + ["organisation"]


async def attempts_of(gateway: Gateway, record_id: str) -> list[str]:
    database = gateway.services.database
    async with database.connect() as db:
        stored = await get_request(db, database.secrets, record_id, now=datetime.now(UTC))
    assert stored.record.detail is not None
    return [attempt.account for attempt in stored.record.detail.attempts]


@pytest.mark.parametrize("scenario", [*FAILING, *FINAL])
async def test_a_key_that_does_not_want_it_stays_with_its_account(
    kiro: Kiro, gateway: Gateway, scenario: str
) -> None:
    client = await failover_key(gateway, "social", "organisation", failover=False)
    await kiro.scenario(scenario, times=None, account="social")
    for _ in range(2):
        reply = await ask(client, "anthropic", "Hello", stream=True)
        assert reply.status != 200
        assert served_by(reply) == "social"
    assert "organisation" not in calls(kiro)


@pytest.mark.parametrize("scenario", FAILING)
async def test_an_account_that_the_path_names_is_the_only_one(
    kiro: Kiro, gateway: Gateway, scenario: str
) -> None:
    client = await failover_key(gateway, "social", "organisation")
    await kiro.scenario(scenario, times=None, account="social")
    for _ in range(2):
        reply = await ask(client, "anthropic", "Hello", stream=True, path="/a/social/v1/messages")
        assert reply.status != 200
        assert served_by(reply) == "social"
    assert "organisation" not in calls(kiro)


@pytest.mark.parametrize("scenario", FINAL)
async def test_what_is_wrong_with_the_request_is_not_tried_elsewhere(
    kiro: Kiro, gateway: Gateway, scenario: str
) -> None:
    client = await failover_key(gateway, "social", "organisation")
    await kiro.scenario(scenario, times=None, account="social")
    reply = await ask(client, "anthropic", "Hello", stream=True)
    assert reply.status >= 400
    assert set(calls(kiro)) == {"social"}


async def test_accounts_outside_the_allow_list_are_never_asked(
    kiro: Kiro, gateway: Gateway
) -> None:
    client = await failover_key(gateway, "social", "external")
    await kiro.scenario("suspended", times=None, account="social")
    await kiro.scenario("suspended", times=None, account="external")
    reply = await ask(client, "anthropic", "Hello", stream=True)
    assert reply.status == 403
    assert calls(kiro) == ["social", "external"]


@pytest.mark.parametrize(
    "scenario", ["suspended", "monthly-limit", "daily-limit", "throttled", "token-invalid"]
)
async def test_who_sits_out_is_passed_over_from_then_on(
    kiro: Kiro, gateway: Gateway, scenario: str
) -> None:
    client = await failover_key(gateway, "social", "organisation")
    await kiro.scenario(scenario, times=None, account="social")
    await ask(client, "anthropic", "Hello", stream=True)
    kiro.state.log.clear()
    reply = await ask(client, "anthropic", "Hello again", stream=True)
    assert (reply.status, served_by(reply)) == (200, "organisation")
    assert calls(kiro) == ["organisation"]


async def test_a_model_that_the_account_lacks_is_remembered(kiro: Kiro, gateway: Gateway) -> None:
    client = await failover_key(gateway, "social", "organisation")
    await kiro.scenario("model-unknown", account="social")
    await ask(client, "anthropic", "Hello", stream=True)
    kiro.state.log.clear()
    reply = await ask(client, "anthropic", "Hello again", stream=True)
    assert (reply.status, served_by(reply)) == (200, "organisation")
    assert calls(kiro) == ["organisation"]
    other = await ask(client, "anthropic", "Hello", stream=True, model="claude-haiku-4.5")
    assert served_by(other) == "social"


@pytest.mark.parametrize("state", ["disabled", "not signed in"])
async def test_an_account_that_cannot_be_asked_is_passed_over(
    kiro: Kiro, gateway: Gateway, state: str
) -> None:
    if state == "disabled":
        client = await failover_key(gateway, "social", "organisation")
        async with changed(gateway, "social", enabled=False):
            reply = await ask(client, "anthropic", "Hello", stream=True)
    else:
        await make_account(gateway, "empty")
        client = await failover_key(gateway, "empty", "organisation")
        reply = await ask(client, "anthropic", "Hello", stream=True)
    assert (reply.status, served_by(reply)) == (200, "organisation")


async def test_when_nobody_is_left_the_client_is_told_what_passes_soonest(
    kiro: Kiro, gateway: Gateway
) -> None:
    client = await failover_key(gateway, "social", "organisation")
    await kiro.scenario("monthly-limit", times=None, account="social")
    await kiro.scenario("throttled", times=None, account="organisation")
    for _ in range(2):
        reply = await ask(client, "anthropic", "Hello", stream=True)
        assert (reply.status, served_by(reply)) == (429, "organisation")
        assert 1 <= int(reply.headers["retry-after"]) <= 60
    assert calls(kiro) == ["social", *["organisation"] * 3]


async def test_when_all_are_spent_the_client_hears_of_its_own_account(
    kiro: Kiro, gateway: Gateway
) -> None:
    client = await failover_key(gateway, "social", "organisation")
    await kiro.scenario("monthly-limit", times=None)
    reply = await ask(client, "openai", "Hello", stream=True)
    assert (reply.status, served_by(reply)) == (402, "social")
    assert reply.headers["x-should-retry"] == "false"


async def test_one_request_makes_nine_calls_at_most(
    kiro: Kiro, gateway: Gateway, pauses: Pauses
) -> None:
    client = await failover_key(gateway, "social", *OTHERS)
    await kiro.scenario("unavailable", times=None)
    reply = await ask(client, "anthropic", "Hello", stream=True)
    assert reply.status == 529
    assert len(calls(kiro)) == 9
    assert len(set(calls(kiro))) == 3
    assert sum(pauses) <= 30


async def test_once_a_byte_was_sent_nothing_is_tried_again(kiro: Kiro, gateway: Gateway) -> None:
    client = await failover_key(gateway, "social", "organisation")
    reply = await ask(client, "anthropic", "[[scenario:exception-later-throttling]]", stream=True)
    assert reply.status == 200
    assert reply.error is not None
    assert calls(kiro) == ["social"]


@pytest.fixture(scope="module")
async def impatient(
    kiro: Kiro, pauses: Pauses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """A gateway that waits a moment for the first event, once."""
    defaults = {"first_token_timeout_seconds": 0.05, "first_token_max_retries": 0}
    folder = tmp_path_factory.mktemp("impatient")
    async with gateway_on(kiro, folder, defaults, timing=Timing(sleep=pauses)) as gateway:
        yield gateway


async def test_silence_is_no_reason_to_pay_twice(kiro: Kiro, impatient: Gateway) -> None:
    client = await failover_key(impatient, "social", "organisation")
    reply = await ask(client, "anthropic", "[[scenario:never-first-event]]", stream=True)
    assert reply.status == 504
    assert "organisation" not in calls(kiro)


async def test_a_full_account_hands_over_and_its_places_are_given_back(
    kiro: Kiro, gateway: Gateway
) -> None:
    client = await failover_key(
        gateway,
        "social",
        "organisation",
    )
    async with (
        changed(gateway, "social", max_concurrent_requests=1),
        changed(gateway, "organisation", max_concurrent_requests=1),
    ):
        await kiro.control("PUT", "/gate", {"point": "closing"})
        prompt = "[[say 20 words]]"
        async with (
            listening(client, "anthropic", prompt) as one,
            listening(client, "anthropic", prompt) as two,
        ):
            await one.until(lambda event: b"text_delta" in event.data)
            await two.until(lambda event: b"text_delta" in event.data)
            assert sorted(str(name) for name in calls(kiro)) == ["organisation", "social"]
            third = await ask(client, "anthropic", "Hello", stream=True)
            assert (third.status, third.headers["retry-after"]) == (429, "2")
            assert third.error is not None
            assert "at once" in third.error["message"]
            await kiro.control("POST", "/release", {})
        with anyio.fail_after(10):
            # Places are given back a moment after the last byte.
            for _ in range(2):
                assert (await ask(client, "anthropic", "Hello", stream=True)).status == 200


async def test_a_request_that_fails_over_counts_once_against_its_key(
    kiro: Kiro, gateway: Gateway
) -> None:
    limits = Limits(requests_per_minute=2, max_concurrent_requests=1, tokens_per_day=1_000_000)
    client = await failover_key(gateway, "social", "organisation", limits=limits)
    await kiro.scenario("throttled", times=None, account="social")
    left = []
    for _ in range(2):
        reply = await ask(client, "anthropic", "Hello", stream=True)
        assert (reply.status, served_by(reply)) == (200, "organisation")
        left.append(reply.headers["x-ratelimit-remaining-requests"])
    assert left == ["1", "0"]
    assert (await ask(client, "anthropic", "Hello", stream=True)).status == 429


async def test_sessions_spread_over_the_accounts_that_are_left_and_stay_there(
    kiro: Kiro, gateway: Gateway
) -> None:
    client = await failover_key(gateway, "social", *OTHERS)
    await kiro.scenario("monthly-limit", times=None, account="social")

    async def homes(name: str) -> list[str]:
        found = []
        for number in range(24):
            headers = {name: f"session-{number}"}
            reply = await ask(client, "anthropic", "Hello", stream=False, headers=headers)
            found.append(served_by(reply))
        return found

    first = await homes("x-claude-code-session-id")
    assert set(first) == set(OTHERS)
    assert await homes("x-claude-code-session-id") == first
    # What a session is called decides, not which header says so.
    assert await homes("session_id") == first


async def test_without_any_name_the_beginning_of_the_conversation_is_one(
    kiro: Kiro, gateway: Gateway
) -> None:
    client = await failover_key(gateway, "social", *OTHERS)
    await kiro.scenario("monthly-limit", times=None, account="social")
    homes = set()
    for number in range(24):
        opening = {"role": "user", "content": f"Question {number}"}
        first = await client.messages(messages=[opening])
        later = [
            opening,
            {"role": "assistant", "content": "Yes."},
            {"role": "user", "content": "?"},
        ]
        second = await client.messages(messages=later)
        assert first.headers["x-kiro-gateway-account"] == second.headers["x-kiro-gateway-account"]
        homes.add(first.headers["x-kiro-gateway-account"])
    assert homes == set(OTHERS)


async def test_a_model_that_the_key_may_not_use_is_refused_before_any_account_is_asked(
    kiro: Kiro, gateway: Gateway
) -> None:
    client = await failover_key(
        gateway, "social", "organisation", limits=Limits(allowed_models=("claude-haiku-4.5",))
    )
    reply = await ask(client, "anthropic", "Hello", stream=True)
    assert reply.status == 403
    assert calls(kiro) == []
