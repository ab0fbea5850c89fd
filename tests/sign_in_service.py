"""A sign-in service on a loopback socket that answers as a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, str]:
        members: dict[str, str] = json.loads(self.body)
        return members


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        lines = [f"HTTP/1.1 {self.status} x", f"content-length: {len(body)}", "connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class SignInService:
    """`reply` decides; while `held` is an unset event, answers wait for it."""

    url: str = ""
    reply: Callable[[Asked], Answer] = lambda asked: token_answer(1)
    requests: list[Asked] = field(default_factory=list)
    asked: anyio.Event = field(default_factory=anyio.Event)
    held: anyio.Event | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            request = Asked(head[0].split()[1], headers, body)
            self.requests.append(request)
            self.asked.set()
            if self.held is not None:
                await self.held.wait()
            writer.write(self.reply(request).encode())
            await writer.drain()
        finally:
            writer.close()


def token_answer(number: int, *, expires_in: object = 3600, **more: object) -> Answer:
    return Answer(
        body={
            "accessToken": f"access-new-{number}",
            "refreshToken": f"refresh-new-{number}",
            "expiresIn": expires_in,
            **more,
        }
    )


@asynccontextmanager
async def sign_in_service() -> AsyncIterator[SignInService]:
    service = SignInService()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        service.url = f"http://{host}:{port}"
        yield service
        if service.held is not None:
            service.held.set()
