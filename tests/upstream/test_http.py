import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from gateway.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable, UpstreamUntrusted
from gateway.upstream.http import HttpClients, is_loopback, network_errors

pytestmark = pytest.mark.anyio

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def far_side(handler: Handler) -> AsyncIterator[str]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def clients() -> AsyncIterator[HttpClients]:
    opened = HttpClients("test")
    try:
        yield opened
    finally:
        await opened.aclose()


async def failure_of(url: str, *, read: float = 5.0) -> UpstreamError:
    async with clients() as opened:
        client = opened.client_for(url, None)
        try:
            with network_errors("Kiro"):
                await client.get(url, timeout=httpx.Timeout(5, read=read))
        except UpstreamError as exc:
            return exc
    pytest.fail("nothing failed")


async def test_a_refused_connection_is_no_timeout() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    error = await failure_of(f"http://127.0.0.1:{port}/")
    assert type(error) is UpstreamUnreachable


async def test_a_disconnect_before_the_headers_is_no_timeout() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with far_side(hang_up) as url:
        assert type(await failure_of(url)) is UpstreamUnreachable


async def test_a_body_that_is_cut_is_unreachable() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        writer.close()

    async with far_side(cut) as url:
        assert type(await failure_of(url)) is UpstreamUnreachable


async def test_silence_is_a_timeout() -> None:
    released = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await released.wait()
        writer.close()

    async with far_side(say_nothing) as url:
        error = await failure_of(url, read=0.05)
        released.set()
    assert type(error) is UpstreamTimeout


async def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    assert type(await failure_of("http://no-such-host.invalid/")) is UpstreamUnreachable


async def test_speaking_tls_to_a_plain_port_is_not_worth_a_retry() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with far_side(plain) as url:
        error = await failure_of(url.replace("http:", "https:"))
    assert type(error) is UpstreamUntrusted


async def test_cookies_do_not_travel_from_one_request_to_the_next() -> None:
    seen: list[bytes] = []

    async def set_cookie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: a=b; path=/\r\ncontent-length: 0\r\n")
        writer.write(b"connection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with far_side(set_cookie) as url, clients() as opened:
        for _ in range(2):
            await opened.client_for(url, None).get(url)
    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()


async def test_more_than_a_hundred_connections_are_open_at_once() -> None:
    arrived = 0
    all_here = asyncio.Event()

    async def wait_for_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        await reader.readuntil(b"\r\n\r\n")
        arrived += 1
        if arrived == 150:
            all_here.set()
        await all_here.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with far_side(wait_for_all) as url, clients() as opened:
        client = opened.client_for(url, None)
        answers = await asyncio.gather(*(client.get(url, timeout=30) for _ in range(150)))
    assert {answer.status_code for answer in answers} == {200}


async def test_an_http_proxy_is_used_for_others_and_never_for_loopback() -> None:
    seen: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    async with far_side(proxy) as proxy_url, far_side(proxy) as here, clients() as opened:
        await opened.client_for("http://q.example/", proxy_url).get("http://q.example/")
        assert seen[0].startswith(b"GET http://q.example/ ")
        await opened.client_for(here, proxy_url).get(here)
        assert seen[1].startswith(b"GET / ")


async def test_a_socks_proxy_is_spoken_to_as_one() -> None:
    greeting = asyncio.get_running_loop().create_future()

    async def socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeting.set_result(await reader.readexactly(3))
        writer.write(b"\x05\xff")  # no method is acceptable
        await writer.drain()
        writer.close()

    async with far_side(socks) as url, clients() as opened:
        proxy = url.replace("http:", "socks5:")
        client = opened.client_for("http://q.example/", proxy)
        with pytest.raises(UpstreamUnreachable), network_errors("Kiro"):
            await client.get("http://q.example/")
    assert (await greeting)[0] == 5


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("a.localhost", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("q.us-east-1.amazonaws.com", False),
    ],
)
async def test_loopback_is_told_from_other_hosts(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
