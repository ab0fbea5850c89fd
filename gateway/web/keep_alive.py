"""Pings for streams that have nothing to say: one task for all of them."""

from collections.abc import Callable
from typing import Protocol

import anyio
import structlog

log = structlog.get_logger("gateway.web")


class Pinged(Protocol):
    """A stream that wants to be kept alive."""

    def is_silent_since(self, moment: float) -> bool:
        """Whether it sent nothing since then and is not sending now."""
        ...

    async def ping(self) -> None:
        """Send what keeps the connection alive."""
        ...


class KeepAlive:
    """Streams enter with `add` and leave with `discard`; `run` pings those that are silent.

    Args:
        interval: seconds of silence after which a stream gets a ping; it may come a fifteenth late.
        clock: monotonic seconds, the same that streams measure their silence by.
    """

    def __init__(self, interval: float, clock: Callable[[], float]) -> None:
        self._interval = interval
        self._clock = clock
        self._streams: set[Pinged] = set()

    def add(self, stream: Pinged) -> None:
        """From now on."""
        self._streams.add(stream)

    def discard(self, stream: Pinged) -> None:
        """Not any more; no ping begins after this."""
        self._streams.discard(stream)

    async def run(self) -> None:
        """For ever. A ping that a slow client does not take holds up no other."""
        async with anyio.create_task_group() as pings:
            while True:
                await anyio.sleep(self._interval / 15)
                moment = self._clock() - self._interval
                for stream in self._streams:
                    if stream.is_silent_since(moment):
                        pings.start_soon(self._ping, stream)

    async def _ping(self, stream: Pinged) -> None:
        if stream not in self._streams:
            return
        try:
            await stream.ping()
        except Exception:  # one stream's trouble must not end the pings of all others
            log.exception("ping failed")
