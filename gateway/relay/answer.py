"""An answer on its way from the service to a client."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import structlog

from gateway.errors import UpstreamError
from gateway.relay.facts import Facts
from gateway.relay.reply import ReplyStream
from gateway.upstream.client import Generation

log = structlog.get_logger("gateway.relay")


class Answer:
    """An answer that has begun: `first` are its first bytes, `rest` yields the others.

    Close it with `aclose`, which ends the upstream call however far it has come.
    """

    def __init__(
        self,
        reply: ReplyStream,
        generation: Generation,
        first: bytes,
        facts: Facts,
        on_failure: Callable[[UpstreamError], UpstreamError],
    ) -> None:
        self._generation = generation
        self._facts = facts
        self._on_failure = on_failure
        self.reply = reply
        self.first = first

    async def rest(self) -> AsyncGenerator[bytes, None]:
        """The bytes after `first`, as they arrive.

        Raises:
            UpstreamError: upstream failed on the way; what came before was yielded.
        """
        reply = self.reply
        read = self._generation.read
        while not reply.ended:
            chunk = await read()
            if out := reply.feed(chunk) if chunk else reply.finish():
                yield out
        if reply.failure is not None:
            raise self._on_failure(reply.failure)

    async def whole(self) -> bytes:
        """The answer in one piece, for replies that are not streamed."""
        async with aclosing(self.rest()) as rest:
            return self.first + b"".join([chunk async for chunk in rest])

    async def aclose(self) -> None:
        """Close the upstream connection and note what was used."""
        self._facts.usage = self.reply.usage()
        if self.reply.stop is not None:
            self._facts.stop_reason = self.reply.stop.reason
            if not self.reply.closed_properly and self.reply.stop.reason == "max_tokens":
                log.info("answer was cut", request_id=self._facts.request_id)
        self._generation.close()
