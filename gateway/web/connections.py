"""What a connection may do before a request of it reaches the application."""

import asyncio

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Claude Code sends about 2 KB of headers; proxies in between add theirs.
MAX_HEADER_BYTES = 64 * 1024
MAX_HEADERS = 256
MAX_URL_BYTES = 16 * 1024
# From the first byte of a request, or from the connection, to the end of its headers.
HEADER_TIMEOUT = 20.0  # seconds


class _RequestRefused(Exception):
    """Ends the parsing of a request that goes beyond a bound."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for headers for ever and takes any number."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request a deadline."""
        super().connection_made(transport)
        self._received = 0
        self._refusal = (400, "This is no HTTP request.")
        self._deadline = self.loop.call_later(HEADER_TIMEOUT, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop the deadline with the connection."""
        self._deadline.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Give each further request a deadline of its own."""
        super().on_message_begin()
        self._received = 0
        self._deadline.cancel()
        self._deadline = self.loop.call_later(HEADER_TIMEOUT, self.transport.close)

    def on_url(self, url: bytes) -> None:
        """Bound the address; it may come in pieces."""
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            self._refuse(414, f"The address is longer than {MAX_URL_BYTES} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Bound the headers in number and size."""
        self._received += len(name) + len(value)
        if self._received > MAX_HEADER_BYTES or len(self.headers) >= MAX_HEADERS:
            self._refuse(
                431, f"More than {MAX_HEADERS} headers or {MAX_HEADER_BYTES} bytes of them."
            )
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """From here on the application has the say."""
        self._deadline.cancel()
        super().on_headers_complete()

    def _refuse(self, status: int, message: str) -> None:
        self._refusal = (status, message)
        raise _RequestRefused

    def send_400_response(self, msg: str) -> None:
        """Say in JSON what was wrong; uvicorn calls this when parsing failed."""
        status, message = self._refusal
        error = {"message": message, "type": "invalid_request_error", "source": "client"}
        body = msgspec.json.encode({"error": error})
        head = (
            f"HTTP/1.1 {status} \r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
