"""Sending an answer that the relay produces, for as long as the client listens."""

import time
from contextlib import aclosing

import anyio
import structlog
from anyio.abc import TaskGroup
from starlette.types import Receive

from gateway.errors import GatewayError
from gateway.relay.relay import Answer, Ask, Relay
from gateway.web.error_responses import describe
from gateway.web.exchange import Exchange

PING_INTERVAL = 15.0  # seconds of silence
# A client that takes no byte for this long is gone without having said so.
STALLED_CLIENT = 300.0  # seconds

STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    # nginx would collect the stream otherwise.
    "x-accel-buffering": "no",
}

log = structlog.get_logger("gateway.web")


class GenerationResponse:
    """Runs one `Ask` and sends what comes of it.

    Nothing is sent before the relay has the first event, so that every earlier failure is raised
    from `send` and becomes a proper status. A client that hangs up cancels everything below.
    """

    def __init__(
        self, exchange: Exchange, relay: Relay, ask: Ask, *, ping_interval: float = PING_INTERVAL
    ) -> None:
        self._exchange = exchange
        self._relay = relay
        self._ask = ask
        self._ping_interval = ping_interval
        self._open = False
        self._sending = False
        self._sent_at = 0.0
        self._finished = False

    async def send(self) -> None:
        """Send the whole answer.

        Raises:
            GatewayError: it failed before the status line.
        """
        failure: GatewayError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch_client, self._exchange.receive, tasks)
            try:
                await self._answer(tasks)
            except GatewayError as exc:
                failure = exc
                self._finished = True
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if not self._finished:
            self._exchange.facts.error_class = "ClientDisconnected"

    async def _watch_client(self, receive: Receive, tasks: TaskGroup) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        tasks.cancel_scope.cancel()

    async def _answer(self, tasks: TaskGroup) -> None:
        answer = await self._relay.answer(self._ask)
        try:
            if self._ask.conversation.stream:
                await self._stream(answer, tasks)
            else:
                body = await answer.whole()
                self._finished = True
                await self._exchange.respond(body)
        finally:
            await answer.aclose()

    async def _stream(self, answer: Answer, tasks: TaskGroup) -> None:
        await self._exchange.start(200, STREAM_HEADERS)
        self._open = True
        self._sent_at = time.monotonic()
        tasks.start_soon(self._keep_alive, answer.reply.ping, tasks)
        try:
            await self._write(answer.first)
            async with aclosing(answer.rest()) as rest:
                async for out in rest:
                    await self._write(out)
        except GatewayError as exc:
            facts = self._exchange.facts
            facts.error_class = type(exc).__name__
            log.warning("stream failed", request_id=facts.request_id, error=str(exc))
            await self._write(answer.reply.error(describe(exc, self._exchange.dialect)))
        self._open = False
        self._finished = True
        await self._exchange.send({"type": "http.response.body", "body": b""})

    async def _write(self, body: bytes) -> None:
        if not body:
            return
        self._sending = True
        await self._exchange.send({"type": "http.response.body", "body": body, "more_body": True})
        self._sending = False
        self._sent_at = time.monotonic()

    async def _keep_alive(self, ping: bytes, tasks: TaskGroup) -> None:
        """One task for each stream, awake only when it could be silent for too long."""
        while self._open:
            silent = time.monotonic() - self._sent_at
            if self._sending and silent >= STALLED_CLIENT:
                tasks.cancel_scope.cancel()
                return
            if not self._sending and silent >= self._ping_interval:
                await self._write(ping)
                silent = 0.0
            await anyio.sleep(max(0.0, self._ping_interval - silent) or self._ping_interval)
