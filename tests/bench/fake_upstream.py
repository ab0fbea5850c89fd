"""The cheapest possible upstream: prepared frames over raw sockets, in a process of its own.

A request says in its body what it wants: `bench(events=N,gap=MS)`. The answer is N text frames of
about 140 bytes, one every MS milliseconds (0: as fast as they go), then the frames that close it.
"""

import asyncio
import re
import sys

import uvloop

from gateway.protocol.eventstream import encode_frame

WANT = re.compile(rb"bench\(events=(\d+),gap=(\d+)\)")
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
BURST = 64  # frames in one write when there is no gap

MODELS = (
    b'{"models":[{"modelId":"claude-sonnet-4.5","modelName":"Claude Sonnet 4.5",'
    b'"tokenLimits":{"maxInputTokens":200000,"maxOutputTokens":64000}}],'
    b'"defaultModel":{"modelId":"claude-sonnet-4.5"}}'
)


def word(number: int) -> str:
    """The text of one event."""
    return f"token {number:06d} "


def text_frame(number: int) -> bytes:
    return frame("assistantResponseEvent", f'{{"content":"{word(number)}"}}')


def frame(kind: str, payload: str) -> bytes:
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return encode_frame(headers, payload.encode())


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


CLOSING = chunk(
    frame("meteringEvent", '{"unit":"credit","usage":0.01}')
    + frame("contextUsageEvent", '{"contextUsagePercentage":1.5}')
)
PREPARED = [text_frame(number) for number in range(100_000)]
SINGLE = [chunk(one) for one in PREPARED[:20_000]]


async def answer(writer: asyncio.StreamWriter, events: int, gap: float) -> None:
    writer.write(HEAD)
    if gap == 0:
        for start in range(0, events, BURST):
            writer.write(chunk(b"".join(PREPARED[start : min(start + BURST, events)])))
            await writer.drain()
    else:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number in range(events):
            writer.write(SINGLE[number])
            wait = begun + (number + 1) * gap - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
    writer.write(CLOSING + b"0\r\n\r\n")
    await writer.drain()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length: (\d+)", head.lower())
            body = await reader.readexactly(int(found[1])) if found else b""
            if b"listavailablemodels" in head.lower():
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n"
                    b"content-length: %d\r\n\r\n%b" % (len(MODELS), MODELS)
                )
                continue
            want = WANT.search(body)
            events, gap = (int(want[1]), int(want[2]) / 1000) if want else (1, 0)
            await answer(writer, events, gap)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=8 * 1024 * 1024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # read by the harness
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main())
