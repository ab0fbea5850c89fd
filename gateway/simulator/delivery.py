"""Telling an answer over a real connection: at a pace, past gates, and to whom is still there."""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.simulator.steps import Begin, Closing, Drop, Step, Wait
from gateway.simulator.wire import MEDIA_TYPE

SERVER_SEND = "simulator.send"
"""Where the app keeps the server's own `send` in the scope, before any middleware wraps it."""

_BATCH = 4096  # bytes sent at once when there is no pace to keep
_BEFORE_RESET = 0.02  # seconds


@dataclass(slots=True)
class Gate:
    """A named point at which streams wait: `headers`, `frame:N` (before it), `closing`, `end`."""

    point: str
    tickets: int = 0
    opened: bool = False


@dataclass(slots=True)
class Streams:
    """The generation streams of now and before, and how they are told.

    Attributes:
        open: begun and not over.
        total: ever begun.
        cancelled: the client left before the end.
        waiting: standing at the gate.
        pace: events a second and stream; 0: as fast as possible.
    """

    open: int = 0
    total: int = 0
    cancelled: int = 0
    waiting: int = 0
    pace: float = 0.0
    gate: Gate | None = None
    _changed: anyio.Event = field(default_factory=anyio.Event)

    def counts(self) -> dict[str, int]:
        """The counters by name."""
        return {
            "open": self.open,
            "total": self.total,
            "cancelled": self.cancelled,
            "waiting": self.waiting,
        }

    def begin(self) -> None:
        """Count a stream in."""
        self.open += 1
        self.total += 1
        self.changed()

    def end(self, *, cancelled: bool) -> None:
        """Count a stream out; `cancelled`: its client left before the end."""
        self.open -= 1
        self.cancelled += cancelled
        self.changed()

    def changed(self) -> None:
        """Wake whoever waits for a counter or the gate."""
        self._changed.set()
        self._changed = anyio.Event()

    async def wait_for_change(self) -> None:
        """Sleep until a counter or the gate changes."""
        await self._changed.wait()

    def put_gate(self, point: str) -> None:
        """Make every stream wait at a point; those at an earlier gate go on."""
        if self.gate is not None:
            self.gate.opened = True
        self.gate = Gate(point)
        self.changed()

    def release(self, count: int | None) -> None:
        """Let so many waiting streams go on; None: all, and take the gate away."""
        if self.gate is None:
            return
        if count is None:
            self.gate.opened = True
            self.gate = None
        else:
            self.gate.tickets += count
        self.changed()

    async def pass_gate(self, point: str) -> None:
        """Wait at a point if there is a gate at it."""
        gate = self.gate
        if gate is None or gate.point != point:
            return
        self.waiting += 1
        self.changed()
        try:
            while not gate.opened:
                if gate.tickets:
                    gate.tickets -= 1
                    return
                await self.wait_for_change()
        finally:
            self.waiting -= 1
            self.changed()


class FrameStream(Response):
    """A response that plays steps, and stops at once when the client hangs up."""

    def __init__(self, steps: Iterator[Step], streams: Streams, request_id: str) -> None:
        super().__init__(media_type=MEDIA_TYPE, headers={"x-amzn-requestid": request_id})
        self._steps = steps
        self._streams = streams
        # The length is not known before the end.
        headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]
        self._start = {"type": "http.response.start", "status": 200, "headers": headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Play until the end, a drop or the client's leaving, whichever comes first."""
        streams = self._streams
        streams.begin()
        over = False

        async def watch(cancel_scope: anyio.CancelScope) -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch, tasks.cancel_scope)
                dropped = await self._play(send)
                # Counted before the last byte, so that who has read it finds it counted.
                over = True
                streams.end(cancelled=False)
                if dropped is None:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                else:
                    await drop_connection(scope, reset=dropped.reset)
                    # The server must have noticed before this returns, or it would answer itself.
                    await anyio.sleep_forever()
                tasks.cancel_scope.cancel()
        finally:
            if not over:
                streams.end(cancelled=True)

    async def _play(self, send: Send) -> Drop | None:
        streams = self._streams
        batch = bytearray()
        frames = 0
        began_at = 0.0
        interval = 0.0

        async def flush() -> None:
            if batch:
                await send({"type": "http.response.body", "body": bytes(batch), "more_body": True})
                batch.clear()

        for step in self._steps:
            match step:
                case bytes():
                    frames += 1
                    if streams.gate is not None:
                        await flush()
                        await streams.pass_gate(f"frame:{frames}")
                    if interval:
                        await anyio.sleep_until(began_at + frames * interval)
                    batch += step
                    if interval or len(batch) >= _BATCH:
                        await flush()
                case Begin():
                    await streams.pass_gate("headers")
                    await send(self._start)
                    # An empty piece makes the server send the status line now.
                    await send({"type": "http.response.body", "body": b"", "more_body": True})
                    began_at = anyio.current_time()
                    interval = 1 / streams.pace if streams.pace else 0.0
                case Wait(seconds):
                    await flush()
                    await (anyio.sleep_forever() if seconds is None else anyio.sleep(seconds))
                    began_at = anyio.current_time() - frames * interval
                case Closing():
                    await flush()
                    await streams.pass_gate("closing")
                case Drop():
                    await flush()
                    return step
        await flush()
        await streams.pass_gate("end")
        return None


class Disturbance(Response):
    """No response at all: the connection breaks, or is silent until the client hangs up."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Return when the connection is gone."""
        if self._reset:
            await drop_connection(scope, reset=True)
        while (await receive())["type"] != "http.disconnect":
            pass


async def drop_connection(scope: Scope, *, reset: bool) -> None:
    """Break the connection under the server, which has no word for that.

    Raises:
        ConnectionError: the server shows no transport; what it does with an error has to do.
    """
    send = scope[SERVER_SEND]
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionError("the simulator was told to break the connection")
    if not reset:
        transport.close()
        return
    # What was written before has to leave the process first.
    await anyio.sleep(_BEFORE_RESET)
    # With a linger time of zero, closing sends RST instead of FIN.
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
