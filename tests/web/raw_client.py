"""A TCP connection to a gateway, with nothing between the test and the bytes."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio

from tests.harness import Gateway
from tests.web.replies import PATHS, Dialect, body_for


class RawClient:
    """Reads only when asked to; what it does not take stays in small buffers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        """What has come, at least one byte; b"" at the end, however that came about."""
        with anyio.fail_after(20):
            try:
                return await self._reader.read(65536)
            except ConnectionError:
                return b""

    async def rest(self) -> bytes:
        """Everything until the other side closes."""
        data = b""
        while chunk := await self.receive():
            data += chunk
        return data


@asynccontextmanager
async def raw_client(gateway: Gateway) -> AsyncIterator[RawClient]:
    """A connection; leaving the block closes it at once."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    address = urlsplit(gateway.url)
    try:
        sock.connect((address.hostname, address.port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()


def post(gateway: Gateway, path: str, body: bytes, headers: Mapping[str, str] = {}) -> bytes:
    """The bytes of a request with the key."""
    every = {
        "host": "gateway",
        "x-api-key": gateway.key,
        "content-type": "application/json",
        "content-length": str(len(body)),
        **headers,
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in every.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def raw_stream(
    gateway: Gateway, dialect: Dialect, prompt: str, headers: Mapping[str, str]
) -> AsyncIterator[RawClient]:
    """A client that has asked for a stream and does not read it by itself."""
    body = json.dumps(body_for(dialect, prompt, stream=True, max_tokens=1_000_000)).encode()
    async with raw_client(gateway) as client:
        await client.send(post(gateway, PATHS[dialect], body, headers))
        yield client
