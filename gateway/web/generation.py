"""Sending an answer that the relay produces, for as long as the client listens."""

import time
from contextlib import aclosing
from dataclasses import replace

import anyio
import structlog
from anyio.abc import TaskGroup
from starlette.types import Receive

from gateway.errors import GatewayError, GatewayStopping
from gateway.relay.answer import Answer
from gateway.relay.relay import Ask, Relay
from gateway.web.admission import Admission
from gateway.web.error_responses import describe, internal_error
from gateway.web.exchange import FAREWELL, Exchange
from gateway.web.traffic import is_traced, trace_sent

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
        self, exchange: Exchange, relay: Relay, ask: Ask, admission: Admission | None = None
    ) -> None:
        self._exchange = exchange
        self._admission = admission
        self._facts = exchange.facts
        self._relay = relay
        self._streamed = ask.conversation.stream
        # Given up once it is answered: a conversation is large, and a stream may be long.
        self._ask: Ask | None = ask
        self._traced = is_traced(exchange.facts)
        self._ping_bytes = b""
        self._sending = False
        self._sent_at = 0.0
        self._finished = False
        self._left = False

    async def send(self) -> None:
        """Send the whole answer.

        Raises:
            GatewayError: it failed before the status line.
        """
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(
                self._watch_client, self._exchange.receive, tasks, name="watch the client"
            )
            try:
                await self._answer()
            except Exception as exc:  # goes on as it is, not wrapped by the group
                failure = exc
                self._finished = True
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if not self._finished:
            self._facts.error_class = "ClientDisconnected"

    async def _watch_client(self, receive: Receive, tasks: TaskGroup) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._left = True
        tasks.cancel_scope.cancel()

    async def _answer(self) -> None:
        ask, self._ask = self._ask, None
        assert ask is not None, "an answer is sent once"
        if self._admission is None:
            await self._tell(await self._relay.answer(ask))
            return
        async with self._admission.held(ask.conversation) as conversation:
            answer = await self._relay.answer(
                replace(ask, conversation=conversation, take_place=self._admission.take_place)
            )
            del ask, conversation
            await self._tell(answer)

    async def _tell(self, answer: Answer) -> None:
        try:
            if self._streamed:
                await self._stream(answer)
            else:
                body = await answer.whole()
                self._finished = True
                if self._facts.bodies is not None:
                    self._facts.bodies.response += body
                await self._exchange.respond(body)
        finally:
            await answer.aclose()

    async def _stream(self, answer: Answer) -> None:
        await self._exchange.start(200, STREAM_HEADERS)
        self._ping_bytes = answer.reply.ping
        self._sent_at = time.monotonic()
        keep_alive = self._exchange.services.keep_alive
        keep_alive.add(self)
        try:
            await self._write(answer.first)
            async with aclosing(answer.rest()) as rest:
                async for out in rest:
                    await self._write(out)
                    # A task that never has to wait is not cancelled either.
                    if self._left:
                        return
        except GatewayError as exc:
            log.warning("stream failed", request_id=self._facts.request_id, error=str(exc))
            await self._fail(answer, exc)
        except anyio.get_cancelled_exc_class():
            if not self._left:
                with anyio.move_on_after(FAREWELL, shield=True):
                    await self._fail(answer, GatewayStopping())
                    await self._end()
            raise
        except Exception as exc:
            log.exception("stream broke", request_id=self._facts.request_id)
            await self._fail(answer, internal_error(self._facts.request_id))
            self._facts.error_class = type(exc).__name__
        finally:
            keep_alive.discard(self)
        await self._end()

    async def _end(self) -> None:
        self._finished = True
        await self._exchange.send({"type": "http.response.body", "body": b""})

    async def _fail(self, answer: Answer, error: GatewayError) -> None:
        self._facts.note_error(error)
        await self._write(answer.reply.error(describe(error, self._exchange.dialect)))

    async def _write(self, body: bytes) -> None:
        if not body:
            return
        if self._traced:
            trace_sent(self._facts, body)
        self._sending = True
        if self._facts.bodies is not None:
            self._facts.bodies.response += body
        await self._exchange.send({"type": "http.response.body", "body": body, "more_body": True})
        self._sending = False
        self._sent_at = time.monotonic()

    def is_silent_since(self, moment: float) -> bool:
        """Whether nothing was sent since then, and nothing is being sent."""
        return not self._sending and self._sent_at <= moment

    async def ping(self) -> None:
        """Send what keeps the client's connection alive."""
        await self._write(self._ping_bytes)
