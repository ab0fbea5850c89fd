"""What only whole processes can show: shared limits, and what is left after they end."""

import itertools
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import anyio
import anyio.to_thread
import pytest

from gateway.simulator.server import RunningSimulator, serve_in_thread
from tests.gateway_process import GatewayProcess, Installation, gateway_processes

Told = dict[str, float]

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BODY = {
    "model": "claude-sonnet-4.5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hi"}],
}


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path, simulator: RunningSimulator) -> Installation:
    made = Installation(tmp_path, simulator.url)
    made.add_account()
    return made


async def many(
    urls: list[str], secret: str, count: int, *, at_once: int
) -> list[tuple[str, int, float]]:
    """Requests spread over gateways; for each its request id, status and when it ended."""
    told: list[tuple[str, int, float]] = []
    gate = anyio.CapacityLimiter(at_once)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def one(number: int) -> None:
            url = urls[number % len(urls)] + "/v1/messages"
            headers = {"x-api-key": secret, "x-request-id": f"r-{number}"}
            async with gate, http.post(url, json=BODY, headers=headers) as answer:
                await answer.read()
                told.append((f"r-{number}", answer.status, time.monotonic()))

        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(one, number)
    return told


def stored(installation: Installation) -> list[str]:
    """The request ids in the database, opened as it was left."""
    with sqlite3.connect(installation.database) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = db.execute("SELECT request_id FROM usage_records").fetchall()
        (summed,) = db.execute(
            "SELECT coalesce(sum(requests), 0) FROM usage_hours WHERE told_apart = 0"
        ).fetchone()
    db.close()
    assert summed == len(rows), "the sums and the rows are of one mind"
    return [request_id for (request_id,) in rows]


async def test_two_processes_let_exactly_the_limit_pass(installation: Installation) -> None:
    secret = installation.create_key("--requests-per-minute", "100")
    with gateway_processes(installation, 2) as gateways:
        told = await many([one.url for one in gateways], secret, 1000, at_once=1000)
    assert Counter(status for _, status, _ in told) == {200: 100, 429: 900}


async def at_full_speed(
    url: str, secret: str, then: Callable[[], None], *, seconds: float = 0.0
) -> Told:
    """Requests one after the other from twenty clients; `then` comes in the middle of them.

    That is when 500 are answered and so many seconds are over. Gives what was answered with 200,
    also after that: request id and when it ended.
    """
    answered: Told = {}
    begun = time.monotonic()
    done = False
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def client(number: int) -> None:
            nonlocal done
            for count in itertools.count():
                request_id = f"r-{number}-{count}"
                headers = {"x-api-key": secret, "x-request-id": request_id}
                try:
                    async with http.post(
                        url + "/v1/messages", json=BODY, headers=headers
                    ) as answer:
                        await answer.read()
                except aiohttp.ClientError:
                    return
                if answer.status != 200:
                    return
                answered[request_id] = time.monotonic()
                if not done and len(answered) >= 500 and time.monotonic() >= begun + seconds:
                    done = True
                    then()

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(client, number)
    return answered


async def test_a_killed_process_loses_the_last_second_at_most(installation: Installation) -> None:
    secret = installation.create_key()
    killed_at = 0.0
    with gateway_processes(installation) as [gateway]:

        def kill() -> None:
            nonlocal killed_at
            killed_at = time.monotonic()
            gateway.kill()

        told = await at_full_speed(gateway.url, secret, kill, seconds=2.5)
    rows = stored(installation)
    assert len(rows) == len(set(rows))
    owed = {request_id for request_id, ended in told.items() if ended < killed_at - 1}
    assert owed
    assert owed <= set(rows)


async def test_a_process_terminated_at_full_speed_writes_everything(
    installation: Installation,
) -> None:
    secret = installation.create_key()
    with gateway_processes(installation) as [gateway]:
        told = await at_full_speed(gateway.url, secret, gateway.terminate)
        code = await anyio.to_thread.run_sync(gateway.process.wait, 30)
    assert code in {-15, 143}
    assert set(told) <= set(stored(installation))
    assert "stopped" in gateway.log.read_text("utf-8"), "everything was closed before the end"


async def test_a_stream_that_outlasts_the_drain_is_in_the_log(
    installation: Installation, simulator: RunningSimulator
) -> None:
    secret = installation.create_key()
    drain = {"KIRO_GATEWAY_SERVER_DRAIN_TIMEOUT_SECONDS": "1"}
    async with aiohttp.ClientSession() as http:
        with gateway_processes(installation, extra=drain) as [gateway]:
            await http.put(simulator.url + "/_sim/gate", json={"point": "closing"})
            async with http.post(
                gateway.url + "/v1/messages",
                json={**BODY, "stream": True},
                headers={"x-api-key": secret, "x-request-id": "r-stream"},
            ) as answer:
                await answer.content.readany()
                gateway.terminate()
                code = await anyio.to_thread.run_sync(gateway.process.wait, 30)
    assert code in {-15, 143}
    assert stored(installation) == ["r-stream"]


async def test_a_second_signal_waits_for_no_stream_and_writes_all_the_same(
    installation: Installation, simulator: RunningSimulator
) -> None:
    secret = installation.create_key()
    async with aiohttp.ClientSession() as http:
        with gateway_processes(installation) as [gateway]:
            await http.put(simulator.url + "/_sim/gate", json={"point": "closing"})
            async with http.post(
                gateway.url + "/v1/messages",
                json={**BODY, "stream": True},
                headers={"x-api-key": secret, "x-request-id": "r-stream"},
            ) as answer:
                await answer.content.readany()
                gateway.terminate()
                await anyio.to_thread.run_sync(gateway.wait_for_line, "stopping")
                gateway.terminate()
                code = await anyio.to_thread.run_sync(gateway.process.wait, 15)
    assert code in {-15, 143}
    assert stored(installation) == ["r-stream"]
    assert "stopping at once" in gateway.log.read_text("utf-8")


async def test_a_terminated_process_writes_everything_and_lets_streams_finish(
    installation: Installation, simulator: RunningSimulator
) -> None:
    secret = installation.create_key()
    async with aiohttp.ClientSession() as http:
        with gateway_processes(installation) as [gateway]:
            told = await many([gateway.url], secret, 500, at_once=20)
            await http.put(simulator.url + "/_sim/gate", json={"point": "closing"})
            headers = {"x-api-key": secret, "x-request-id": "r-stream"}
            body = {**BODY, "stream": True}
            async with http.post(
                gateway.url + "/v1/messages", json=body, headers=headers
            ) as answer:
                begun = await answer.content.readany()
                gateway.terminate()
                await http.post(simulator.url + "/_sim/release", json={})
                whole = begun + await answer.content.read()
            code = await anyio.to_thread.run_sync(gateway.process.wait, 30)
    assert whole.endswith(b'data: {"type":"message_stop"}\n\n')
    assert code in {-15, 143}
    rows = stored(installation)
    assert sorted(rows) == sorted([*(request_id for request_id, _, _ in told), "r-stream"])


IMPATIENT = {"KIRO_GATEWAY_SERVER_DRAIN_TIMEOUT_SECONDS": "1"}


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_a_request_without_an_answer_when_the_drain_time_is_over_is_told_and_stored(
    installation: Installation, simulator: RunningSimulator, *, stream: bool
) -> None:
    secret = installation.create_key()
    headers = {"x-api-key": secret, "x-request-id": "r-waiting"}
    async with aiohttp.ClientSession() as http:
        with gateway_processes(installation, extra=IMPATIENT) as [gateway]:
            await http.put(simulator.url + "/_sim/gate", json={"point": "headers"})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(terminate_when_waiting, http, simulator, gateway)
                async with http.post(
                    gateway.url + "/v1/messages", json={**BODY, "stream": stream}, headers=headers
                ) as answer:
                    told = await answer.json()
            await anyio.to_thread.run_sync(gateway.process.wait, 30)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert (told["error"]["type"], told["error"]["source"]) == ("api_error", "gateway")
    assert "Send the request again" in told["error"]["message"]
    assert stored(installation) == ["r-waiting"]


async def test_a_stream_that_outlasts_the_drain_time_ends_with_an_error_and_is_stored(
    installation: Installation, simulator: RunningSimulator
) -> None:
    secret = installation.create_key()
    headers = {"x-api-key": secret, "x-request-id": "r-stream"}
    async with aiohttp.ClientSession() as http:
        with gateway_processes(installation, extra=IMPATIENT) as [gateway]:
            await http.put(simulator.url + "/_sim/gate", json={"point": "closing"})
            async with http.post(
                gateway.url + "/v1/messages", json={**BODY, "stream": True}, headers=headers
            ) as answer:
                begun = await answer.content.readany()
                gateway.terminate()
                whole = begun + await answer.content.read()
            await anyio.to_thread.run_sync(gateway.process.wait, 30)
    assert b"text_delta" in whole
    assert whole.count(b"event: error") == 1
    assert b"message_stop" not in whole
    assert b"is being stopped" in whole.split(b"event: error")[1]
    assert stored(installation) == ["r-stream"]


async def terminate_when_waiting(
    http: aiohttp.ClientSession, simulator: RunningSimulator, gateway: GatewayProcess
) -> None:
    """End the gateway once its request has come to the simulator's gate."""
    async with http.get(simulator.url + "/_sim/connections?until=waiting:1") as counts:
        assert (await counts.json())["reached"]
    gateway.terminate()
