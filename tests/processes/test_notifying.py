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


async def arrived(simulator: str, count: int, *, seconds: float) -> list[Any]:
    """The messages, once there are so many or the time is over."""
    url = f"{simulator}/_sim/webhooks?count={count}&seconds={seconds}"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        found: list[Any] = (await answer.json())["messages"]
    return [(one["name"], one["body"]["facts"]["accounts"][0]["threshold"]) for one in found]


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
            found = await arrived(simulator.url, 2, seconds=25)
            assert sorted(found) == [("a", 90), ("b", 90)]
            # Both look once a second; if both sent, more would come.
            assert len(await arrived(simulator.url, 3, seconds=3)) == 2
            gateways[0].terminate()
            await anyio.to_thread.run_sync(gateways[0].process.wait, 30)
            await use(simulator.url, gateways[1:], 1600)
            found = await arrived(simulator.url, 4, seconds=25)
            assert sorted(found) == [("a", 90), ("a", 100), ("b", 90), ("b", 100)]
        logs = "".join(one.log.read_text("utf-8") for one in gateways)
    assert logs.count("notification delivered") == 4
    assert "_sim/webhooks" not in logs
