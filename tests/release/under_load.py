"""Updates while many streams run, of a gateway that the program at hand serves."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import anyio
import anyio.to_thread
import yaml

from gateway.simulator.server import RunningSimulator
from tests.gateway_process import GatewayProcess, Installation, free_port, wait_until_ready
from tests.release.machine import Machine
from tests.release.release_server import program
from tests.release.service_manager import service_manager

STREAMS = 50
NEWER = "99.0.0"  # than whatever these sources are


def question(number: int) -> str:
    return f"the answer to question {number}, " * 20


@dataclass(slots=True)
class Streams:
    """Streamed answers that have begun, with what is here of each."""

    answers: list[aiohttp.ClientResponse]
    begun: list[bytes]

    async def finish(self) -> None:
        """Read each to its end, which must be a whole answer to its own question."""
        for number, (answer, begun) in enumerate(zip(self.answers, self.begun, strict=True)):
            content = begun + await answer.read()
            events = [
                json.loads(line.removeprefix(b"data: "))
                for line in content.split(b"\n")
                if line.startswith(b"data: ")
            ]
            kinds = [event["type"] for event in events if event["type"] != "ping"]
            assert (kinds[0], kinds[-1]) == ("message_start", "message_stop"), (number, kinds)
            text = "".join(
                event["delta"].get("text", "")
                for event in events
                if event["type"] == "content_block_delta"
            )
            assert question(number).strip() in text, (number, text)


@asynccontextmanager
async def streaming(
    gateway: GatewayProcess, simulator: RunningSimulator, secret: str
) -> AsyncIterator[Streams]:
    """As many streams, each of them somewhere in the middle, until the simulator's gate opens."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, timeout=timeout)
        )
        await http.put(simulator.url + "/_sim/gate", json={"point": "frame:3"})
        answers: list[aiohttp.ClientResponse] = [None] * STREAMS  # type: ignore[list-item]  # all set

        async def begin(number: int) -> None:
            body = {
                "model": "claude-sonnet-4.5",
                "max_tokens": 1000,
                "stream": True,
                "messages": [{"role": "user", "content": question(number)}],
            }
            answers[number] = await http.post(
                gateway.url + "/v1/messages", json=body, headers={"x-api-key": secret}
            )
            stack.callback(answers[number].close)

        async with anyio.create_task_group() as tasks:
            for number in range(STREAMS):
                tasks.start_soon(begin, number)
        assert {answer.status for answer in answers} == {200}
        begun = [await answer.content.readany() for answer in answers]
        yield Streams(answers, begun)


async def open_gate(simulator: RunningSimulator) -> None:
    async with aiohttp.ClientSession() as http:
        until = {"until": f"waiting:{STREAMS}", "seconds": "60"}
        async with http.get(simulator.url + "/_sim/connections", params=until) as counts:
            assert (await counts.json())["waiting"] == STREAMS
        await http.post(simulator.url + "/_sim/release", json={})


async def update_under_streams(
    machine: Machine, gateway: GatewayProcess, simulator: RunningSimulator, secret: str
) -> None:
    """Update the program of a running gateway; what it has begun goes on, and so does it."""
    machine.publish(NEWER)
    before = machine.program.read_bytes()
    async with streaming(gateway, simulator, secret) as streams:
        done = await anyio.to_thread.run_sync(machine.run_as, "0.0.1", "update")
        assert done.returncode == 0, done.stderr
        assert machine.says() == f"kiro-gateway {NEWER}"
        assert machine.program.with_name("kiro-gateway.previous").read_bytes() == before
        await open_gate(simulator)
        await streams.finish()
    async with streaming(gateway, simulator, secret) as streams:
        done = await anyio.to_thread.run_sync(machine.run_as, NEWER, "update", "--rollback")
        assert done.returncode == 0, done.stderr
        assert machine.program.read_bytes() == before
        await open_gate(simulator)
        await streams.finish()
    log = gateway.log.read_text("utf-8")
    assert "Traceback" not in log
    assert gateway.process.poll() is None, log


async def restart_under_streams(
    machine: Machine, installation: Installation, simulator: RunningSimulator, tools: Path
) -> None:
    """Update a running service and have it restarted: what has begun is finished before."""
    secret = installation.create_key()
    port = free_port()
    settings = {
        "server": {"host": "127.0.0.1", "port": port, "drain_timeout_seconds": 600},
        "tenant": {"db_path": str(installation.database)},
        "upstream": {
            f"{name}_url": simulator.url
            for name in ("runtime", "management", "oidc", "auth", "portal")
        },
    }
    config = installation.folder / "service.yaml"
    config.write_text(yaml.safe_dump(settings))
    # Says that it is the newer one, and then does as the one that is here.
    newer = f'echo "this is {NEWER}" >&2; exec "{installation.command}" "$@"\n'
    machine.releases.publish(NEWER, program(NEWER, newer))
    with service_manager(machine.home, tools) as manager:
        path = {"PATH": f"{tools}:/usr/bin:/bin"}
        made = machine.run("service", "install", "--config", str(config), **path)
        assert made.returncode == 0, made.stderr
        assert manager.process is not None
        old = GatewayProcess(f"http://127.0.0.1:{port}", manager.process, manager.log)
        wait_until_ready(old)
        async with (
            streaming(old, simulator, secret) as streams,
            anyio.create_task_group() as tasks,
        ):

            async def update() -> None:
                run = anyio.to_thread.run_sync
                done = await run(lambda: machine.run_as("0.0.1", "update", "--restart", **path))
                assert done.returncode == 0, done.stderr
                assert "The service was restarted." in done.stdout

            tasks.start_soon(update)
            log = anyio.Path(manager.log)
            while b"stopping" not in await log.read_bytes():
                await anyio.lowlevel.checkpoint()
            assert old.process.poll() is None
            await open_gate(simulator)
            await streams.finish()
        new = GatewayProcess(old.url, manager.process, manager.log)
        assert new.process.pid != old.process.pid
        wait_until_ready(new)
        said = await log.read_text("utf-8")
        assert f"this is {NEWER}" in said
        assert "Traceback" not in said
