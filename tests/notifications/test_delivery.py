"""Posting to real receivers that behave well, badly, or not at all."""

import logging
from collections.abc import AsyncIterator
from typing import Any, get_args

import anyio
import httpx
import pytest

from gateway.notifications import delivery
from gateway.notifications.delivery import PAUSES, Outcome, deliver, post
from gateway.notifications.labels import host_of, masked
from gateway.notifications.notices import Trial
from gateway.notifications.payloads import Letter, payload_for
from gateway.notifications.texts import ENGLISH
from gateway.notifications.wording import compose
from gateway.settings import NotificationChannel
from gateway.upstream.http import HttpClients
from tests.harness import Kiro
from tests.notifications.seen import NOW
from tests.web.pauses import Pauses

pytestmark = pytest.mark.anyio

LETTER = Letter("0" * 32, NOW, Trial(), compose(Trial(), ENGLISH, None), "en")
KINDS = get_args(NotificationChannel.__annotations__["type"])


@pytest.fixture
async def clients() -> AsyncIterator[HttpClients]:
    clients = HttpClients("kiro-gateway/test")
    yield clients
    await clients.aclose()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


def channel(kiro: Kiro, kind: str = "webhook", name: str = "SECRET-PATH") -> NotificationChannel:
    return NotificationChannel(type=kind, url=f"{kiro.url}/_sim/webhooks/{kind}/{name}")  # type: ignore[arg-type]  # a parameter


async def sent(kiro: Kiro, clients: HttpClients, pauses: Pauses, kind: str = "webhook") -> Outcome:
    return await deliver(
        channel(kiro, kind), LETTER, lambda url: clients.client_for(url, None), sleep=pauses
    )


async def arm(kiro: Kiro, **order: Any) -> None:
    await kiro.control("PUT", "/webhooks", {"name": "SECRET-PATH", **order})


def outcomes(kiro: Kiro) -> list[int | str]:
    return [one.outcome for one in kiro.state.mailroom.received]


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_channel_takes_its_message(
    kiro: Kiro, clients: HttpClients, pauses: Pauses, kind: str
) -> None:
    outcome = await sent(kiro, clients, pauses, kind)
    assert outcome == Outcome({"teams": 202, "slack": 200, "webhook": 204}[kind])
    (message,) = kiro.state.mailroom.received
    assert message.headers["content-type"] == "application/json; charset=utf-8"
    assert message.headers["user-agent"] == "kiro-gateway/test"
    assert list(pauses) == []


async def test_what_fails_for_a_moment_is_tried_again(
    kiro: Kiro, clients: HttpClients, pauses: Pauses
) -> None:
    await arm(kiro, status=500, times=2)
    await arm(kiro, trouble="reset")
    assert (await sent(kiro, clients, pauses)).delivered
    assert outcomes(kiro) == [500, 500, "reset", 204]
    assert list(pauses) == list(PAUSES)
    ids = {one.body["id"] for one in kiro.state.mailroom.received}
    assert len(ids) == 1


async def test_it_is_given_up_after_so_many_attempts(
    kiro: Kiro, clients: HttpClients, pauses: Pauses
) -> None:
    await arm(kiro, status=503, times=None)
    outcome = await sent(kiro, clients, pauses)
    assert outcome == Outcome(503, "It answers 503 (Service Unavailable).", again=True)
    assert outcomes(kiro) == [503] * (len(PAUSES) + 1)


@pytest.mark.parametrize(("retry_after", "waited"), [("7", 7.0), ("0", PAUSES[0]), ("soon", 1.0)])
async def test_retry_after_is_honoured(
    kiro: Kiro, clients: HttpClients, pauses: Pauses, retry_after: str, waited: float
) -> None:
    await arm(kiro, status=429, retry_after=retry_after)
    assert (await sent(kiro, clients, pauses)).delivered
    assert list(pauses) == [waited]


async def test_a_date_in_retry_after_is_honoured(
    kiro: Kiro, clients: HttpClients, pauses: Pauses
) -> None:
    await arm(kiro, status=503, retry_after="Fri, 01 Jan 2100 00:00:00 GMT")
    outcome = await sent(kiro, clients, pauses)
    assert outcome.retry_after == delivery.LONGEST_RETRY_AFTER


async def test_a_long_retry_after_is_left_to_a_later_look(
    kiro: Kiro, clients: HttpClients, pauses: Pauses
) -> None:
    await arm(kiro, status=429, retry_after="600", times=None)
    outcome = await sent(kiro, clients, pauses)
    assert (outcome.delivered, outcome.again, outcome.retry_after) == (False, True, 600.0)
    assert outcomes(kiro) == [429]
    assert list(pauses) == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413])
async def test_what_cannot_help_is_not_tried_again(
    kiro: Kiro, clients: HttpClients, pauses: Pauses, status: int
) -> None:
    await arm(kiro, status=status, times=None)
    outcome = await sent(kiro, clients, pauses)
    assert (outcome.status, outcome.again, outcomes(kiro)) == (status, False, [status])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(
    kiro: Kiro, clients: HttpClients, pauses: Pauses, status: int
) -> None:
    elsewhere = kiro.url + "/_sim/webhooks/webhook/elsewhere"
    await arm(kiro, status=status, location=elsewhere, times=None)
    outcome = await sent(kiro, clients, pauses)
    assert not outcome.delivered
    assert "redirect" in str(outcome.error)
    assert [one.name for one in kiro.state.mailroom.received] == ["SECRET-PATH"]


async def test_a_receiver_that_says_nothing_is_given_up_in_time(
    kiro: Kiro, clients: HttpClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT", 0.2)
    await arm(kiro, trouble="silence", times=None)
    with anyio.fail_after(10):
        outcome = await post(
            channel(kiro), payload_for("webhook", LETTER), lambda url: clients.client_for(url, None)
        )
    assert (outcome.status, outcome.again) == (None, True)
    assert "in time" in str(outcome.error)


async def test_nobody_there_is_worth_another_attempt(
    clients: HttpClients, pauses: Pauses, free_tcp_port: int
) -> None:
    nowhere = NotificationChannel(type="slack", url=f"http://127.0.0.1:{free_tcp_port}/SECRET")
    outcome = await deliver(
        nowhere, LETTER, lambda url: clients.client_for(url, None), sleep=pauses
    )
    assert (outcome.delivered, outcome.again) == (False, True)
    assert len(list(pauses)) == len(PAUSES)
    assert "SECRET" not in str(outcome.error)


@pytest.mark.parametrize(
    "url",
    ["http://" + "a" * 70 + ".example/SECRET", "http://a..b/SECRET", "http://[fe80::1%25x]/SECRET"],
)
async def test_a_name_that_cannot_exist_is_an_outcome_and_no_crash(
    clients: HttpClients, url: str
) -> None:
    outcome = await post(
        NotificationChannel(type="webhook", url=url),
        b"{}",
        lambda url: clients.client_for(url, None),
    )
    assert not outcome.delivered
    assert "SECRET" not in str(outcome.error)


async def test_slack_says_what_it_does_not_like(kiro: Kiro, clients: HttpClients) -> None:
    outcome = await post(
        channel(kiro, "slack"), b'{"text":"x"}', lambda url: clients.client_for(url, None)
    )
    assert outcome.error == "It answers 400 (invalid_blocks)."


async def test_no_outcome_and_no_log_line_holds_the_url(
    kiro: Kiro, clients: HttpClients, pauses: Pauses, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for order in ({"status": 500}, {"status": 404}, {"status": 302, "location": "/SECRET-PATH"}):
        await arm(kiro, times=1, **order)
        assert "SECRET-PATH" not in repr(await sent(kiro, clients, pauses))
    await arm(kiro, trouble="reset", times=None)
    assert "SECRET-PATH" not in repr(await sent(kiro, clients, pauses))
    ours = [one for one in caplog.records if one.name.startswith("gateway")]
    assert not [one for one in ours if "SECRET-PATH" in one.getMessage()]


async def test_the_channel_goes_through_the_proxy_that_it_is_given(
    kiro: Kiro, clients: HttpClients
) -> None:
    asked: list[str] = []

    def client_for(url: str) -> httpx.AsyncClient:
        asked.append(url)
        return clients.client_for(url, "http://127.0.0.1:9")

    # Loopback is never proxied, so it arrives although nobody listens at the proxy's port.
    assert (await post(channel(kiro), payload_for("webhook", LETTER), client_for)).delivered
    assert asked == [channel(kiro).url]
    elsewhere = NotificationChannel(type="webhook", url="http://hooks.example.com/x")
    outcome = await post(elsewhere, b"{}", client_for)
    assert "the proxy refused" in str(outcome.error)


@pytest.mark.parametrize(
    ("url", "host", "shown"),
    [
        ("https://hooks.slack.com/services/T0/B0/xyz", "hooks.slack.com", None),
        ("https://me:pw@example.com:8443/a?sig=b#c", "example.com:8443", None),
        ("http://[::1]:80/a", "[::1]:80", "http://[::1]:80/***"),
    ],
)
def test_scheme_and_host_are_all_that_is_shown(url: str, host: str, shown: str | None) -> None:
    assert host_of(url) == host
    assert masked(url) == (shown or f"https://{host}/***")
