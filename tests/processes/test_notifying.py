"""Notifications of several processes on one database."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import anyio.to_thread
import pytest

from gateway.simulator.server import serve_in_thread
from tests.gateway_process import GatewayProcess, Installation, gateway_processes

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ADMIN_KEY = "an admin key of this test"
PATIENCE = 240  # seconds until something is broken, on the busiest of machines


async def use(simulator: str, gateways: list[GatewayProcess], credits_used: float) -> None:
    """Let the account have used so much, and every gateway know it."""
    order = {"account": "key", "used": credits_used}
    async with aiohttp.ClientSession(headers={"x-api-key": ADMIN_KEY}) as http:
        async with http.put(simulator + "/_sim/credits", json=order) as answer:
            assert answer.status == 200
        for gateway in gateways:
            url = gateway.url + "/admin/kiro/usage-limits?account=main&refresh=true"
            async with http.get(url) as answer:
                assert answer.status == 200, await answer.text()


async def arrived(simulator: str, count: int) -> list[Any]:
    """The messages, once there are so many; a sender that vanished is followed after a while."""
    url = f"{simulator}/_sim/webhooks?seconds=30&count="
    async with aiohttp.ClientSession() as http:
        with anyio.fail_after(PATIENCE):
            found: list[Any] = []
            while len(found) < count:
                async with http.get(url + str(count)) as answer:
                    found = (await answer.json())["messages"]
    return found


def reached(messages: list[Any]) -> list[tuple[str, int]]:
    """Who was told of which threshold, in the order of names."""
    return sorted(
        (one["name"], one["body"]["facts"]["accounts"][0]["threshold"]) for one in messages
    )


async def ended(gateway: GatewayProcess) -> None:
    gateway.terminate()
    await anyio.to_thread.run_sync(gateway.process.wait, PATIENCE)


async def test_one_of_two_processes_tells_each_channel_and_the_other_follows_it(
    tmp_path: Path,
) -> None:
    with serve_in_thread() as simulator:
        installation = Installation(tmp_path, simulator.url)
        installation.add_account()
        channels = [{"type": "webhook", "url": "${HOOKS}/" + name} for name in ("a", "b")]
        settings = {
            "HOOKS": simulator.url + "/_sim/webhooks/webhook",
            "KIRO_GATEWAY_AUTH_ADMIN_KEY": ADMIN_KEY,
            "KIRO_GATEWAY_NOTIFICATIONS_ENABLED": "true",
            "KIRO_GATEWAY_NOTIFICATIONS_CHECK_INTERVAL_SECONDS": "1",
            "KIRO_GATEWAY_NOTIFICATIONS_TOTAL_THRESHOLDS": "1000",
            "KIRO_GATEWAY_NOTIFICATIONS_CHANNELS": json.dumps(channels),
        }
        with gateway_processes(installation, 2, settings) as gateways:
            await use(simulator.url, gateways, 1460)
            found = await arrived(simulator.url, 2)
            assert reached(found) == [("a", 90), ("b", 90)]
            await ended(gateways[0])
            await use(simulator.url, gateways[1:], 1600)
            # Had the other one sent as well, its messages of the 90 would be among these.
            found = await arrived(simulator.url, 4)
            assert reached(found) == [("a", 90), ("a", 100), ("b", 90), ("b", 100)]
            await ended(gateways[1])
            assert len(await arrived(simulator.url, 4)) == 4
        logs = "".join(one.log.read_text("utf-8") for one in gateways)
    assert logs.count("notification delivered") == 4
    assert "_sim/webhooks" not in logs


async def ask(gateway: GatewayProcess, key: str) -> dict[str, Any]:
    """One request with a key; gives the key's usage afterwards."""
    body = {
        "model": "claude-sonnet-4.5",
        "max_tokens": 200,
        "messages": [{"role": "user", "content": "Say all of this once more, please. " * 10}],
    }
    async with aiohttp.ClientSession(headers={"x-api-key": key}) as http:
        while True:  # the gateway notices a new key within a second
            async with http.post(gateway.url + "/v1/messages", json=body) as answer:
                if answer.status != 401:
                    break
        assert answer.status == 200
        while True:  # what was used is written in batches
            async with http.get(gateway.url + "/v1/usage") as answer:
                usage: dict[str, Any] = (await answer.json())["this_month"]
            if usage["requests"] == 1:
                return usage


async def test_keys_near_their_limits_are_told_on_every_channel(tmp_path: Path) -> None:
    with serve_in_thread() as simulator:
        installation = Installation(tmp_path, simulator.url)
        installation.add_account()
        hooks = simulator.url + "/_sim/webhooks/"
        kinds = ("slack", "teams", "webhook")
        channels = [{"type": kind, "url": f"{hooks}{kind}/{kind}"} for kind in kinds]
        settings = {
            "KIRO_GATEWAY_NOTIFICATIONS_ENABLED": "true",
            "KIRO_GATEWAY_NOTIFICATIONS_CHECK_INTERVAL_SECONDS": "1",
            "KIRO_GATEWAY_NOTIFICATIONS_CHANNELS": json.dumps(channels),
        }
        with gateway_processes(installation, 1, settings) as [gateway]:
            spent = await ask(gateway, installation.create_key(name="unlimited"))
            tokens = spent["input_tokens"] + spent["output_tokens"]
            most_tokens, most_credits = round(tokens / 0.85), spent["credits"] / 0.95
            near = installation.create_key("--tokens-per-day", str(most_tokens), name="near")
            await ask(gateway, near)
            first = await arrived(simulator.url, len(kinds))
            spends = installation.create_key(
                "--credits-per-month", str(most_credits), name="spends"
            )
            await ask(gateway, spends)
            found = (await arrived(simulator.url, 2 * len(kinds)))[len(kinds) :]
            for messages in (first, found):
                assert sorted(one["name"] for one in messages) == list(kinds)
                assert all(200 <= one["outcome"] < 300 for one in messages)
            assert all("near" in json.dumps(one["body"]) for one in first)
            assert all("spends" in json.dumps(one["body"]) for one in found)
            (of_tokens, of_credits) = (
                one["body"]
                for messages in (first, found)
                for one in messages
                if one["name"] == "webhook"
            )
    assert of_tokens["type"] == of_credits["type"] == "key_near_limit"
    (key,) = of_tokens["facts"]["api_keys"]
    assert (key["name"], key["limit"], key["threshold"]) == ("near", "tokens_per_day", 80)
    assert (key["used"], key["allowed"]) == (tokens, most_tokens)
    (key,) = of_credits["facts"]["api_keys"]
    assert (key["name"], key["limit"], key["threshold"]) == ("spends", "credits_per_month", 80)
    assert (key["used"], key["allowed"]) == (spent["credits"], pytest.approx(most_credits))
