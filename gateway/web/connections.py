"""What a connection may do before a request of it reaches the application, and after its answer."""

import asyncio
import secrets

import msgspec
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.web.timing import Timing

# Claude Code sends about 2 KB of headers; proxies in between add theirs.
MAX_HEADER_BYTES = 64 * 1024
MAX_HEADERS = 256
MAX_URL_BYTES = 16 * 1024

TOO_MANY_HEADERS = 431, f"More than {MAX_HEADERS} headers or {MAX_HEADER_BYTES} bytes of them."


class _RequestRefused(Exception):
    """Ends the parsing of a request that goes beyond a bound."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for ever for headers, and for clients to read."""

    timing: Timing

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request a deadline."""
        super().connection_made(transport)
        self._received = 0
        self._unparsed = 0
        self._in_head = True
        self._complete = True
        self._refusal = (400, "This is no HTTP request.")
        self._running: RequestResponseCycle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._deadline = self._set_deadline()

    def data_received(self, data: bytes) -> None:
        """Bound also what the parser collects until it sees the end of a header."""
        was_in_head = self._in_head
        super().data_received(data)
        self._unparsed = self._unparsed + len(data) if was_in_head and self._in_head else 0
        if self._unparsed > MAX_HEADER_BYTES + MAX_URL_BYTES and not self.transport.is_closing():
            self._refusal = TOO_MANY_HEADERS
            self.send_400_response("")

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop the deadline with the connection, and tell the request that is being answered."""
        self._deadline.cancel()
        self._forget_stall()
        # uvicorn tells the newest request, which need not be the one that is being answered: a
        # client may send the next one early.
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Give each further request a deadline of its own."""
        super().on_message_begin()
        self._received = 0
        self._in_head = True
        self._complete = False
        self._deadline.cancel()
        self._deadline = self._set_deadline()

    def on_url(self, url: bytes) -> None:
        """Bound the address; it may come in pieces."""
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            self._refuse(414, f"The address is longer than {MAX_URL_BYTES} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Bound the headers in number and size."""
        self._received += len(name) + len(value)
        if self._received > MAX_HEADER_BYTES or len(self.headers) >= MAX_HEADERS:
            self._refuse(*TOO_MANY_HEADERS)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """From here on the application has the say."""
        self._in_head = False
        self._deadline.cancel()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that nothing more is to come of this request."""
        self._complete = True
        self._deadline.cancel()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Don't wait for ever for the rest of a body that was answered without being read."""
        super().on_response_complete()
        if not self._complete and not self.transport.is_closing():
            self._deadline.cancel()
            self._deadline = self._set_deadline()

    def pause_writing(self) -> None:
        """Give a client that takes nothing some time to go on."""
        super().pause_writing()
        self._forget_stall()
        # Not `close`: that would wait for the client to take what is written already.
        self._stalled = self.loop.call_later(self.timing.stalled_client, self.transport.abort)

    def resume_writing(self) -> None:
        """It goes on."""
        super().resume_writing()
        self._forget_stall()

    def _forget_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _set_deadline(self) -> asyncio.TimerHandle:
        return self.loop.call_later(self.timing.header_timeout, self.transport.close)

    def _refuse(self, status: int, message: str) -> None:
        self._refusal = (status, message)
        raise _RequestRefused

    def send_400_response(self, msg: str) -> None:
        """Say in JSON what was wrong; uvicorn calls this when parsing failed."""
        running = self._running
        if running is not None and running.response_started and not running.response_complete:
            # Written now, it would stand in the middle of an answer.
            self.transport.close()
            return
        status, message = self._refusal
        request_id = f"req_{secrets.token_hex(12)}"
        error = {"type": "invalid_request_error", "message": message, "source": "client"}
        # A shape that clients of both dialects read: nobody knows which one this is.
        body = msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})
        head = (
            f"HTTP/1.1 {status} \r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n"
            f"request-id: {request_id}\r\nx-request-id: {request_id}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def bounded_protocol(timing: Timing) -> type[BoundedProtocol]:
    """The protocol with its time limits; uvicorn takes a class."""

    class Bounded(BoundedProtocol):
        pass

    Bounded.timing = timing
    return Bounded
