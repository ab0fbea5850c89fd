"""The load driver, in a process of its own: raw HTTP/1.1, every byte of every stream checked.

Reads one JSON job from a line of standard input, writes one JSON result to standard output:

    {"url": …, "path": …, "headers": {…}, "body": …, "kind": "sse"|"frames", "streams": n,
     "requests": n, "events": n, "hold": bool}

`streams` connections run at once, each makes `requests` requests one after the other. With `hold`
the driver prints "open" once every stream has begun, and ends them when a line arrives.
"""

import asyncio
import json
import re
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import uvloop

from gateway.protocol.eventstream import FrameParser
from tests.bench.fake_upstream import word

TEXT = re.compile(rb'"delta":\{"type":"text_delta","text":"([^"]*)"\}')


def request_bytes(job: dict[str, Any]) -> bytes:
    parts = urlsplit(job["url"])
    body: bytes = job["body"].encode()
    lines = [f"POST {job['path']} HTTP/1.1", f"host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in job["headers"].items()]
    lines += [f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def unchunked(raw: bytes) -> bytes:
    out: list[bytes] = []
    at = 0
    while True:
        end = raw.index(b"\r\n", at)
        size = int(raw[at:end], 16)
        if size == 0:
            return b"".join(out)
        out.append(raw[end + 2 : end + 2 + size])
        at = end + 4 + size


def check(body: bytes, kind: str, events: int) -> None:
    if kind == "sse":
        texts = b"".join(TEXT.findall(body))
        ended = body.endswith(b'data: {"type":"message_stop"}\n\n')
    else:
        parser = FrameParser()
        parser.receive_data(body)
        frames = [one for one in parser.frames() if b"content" in one.payload[:10]]
        texts = b"".join(json.loads(one.payload)["content"].encode() for one in frames)
        ended = True
    expected = "".join(map(word, range(events))).encode()
    if texts != expected or not ended:
        raise AssertionError(f"wrong bytes: {len(texts)} of {len(expected)}, ended: {ended}")


async def one_stream(job: dict[str, Any], first_tokens: list[float], begun: asyncio.Event) -> int:
    parts = urlsplit(job["url"])
    marker = b"text_delta" if job["kind"] == "sse" else b'"content"'
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**24)
    request = request_bytes(job)
    size = 0
    for _ in range(job["requests"]):
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise AssertionError(head.decode() + (await reader.read(2000)).decode())
        received = [await reader.read(2**18)]
        while marker not in b"".join(received):
            received.append(await reader.read(2**18))
        first_tokens.append(time.perf_counter() - started)
        begun.set()
        while not received[-1].endswith(b"0\r\n\r\n"):
            piece = await reader.read(2**18)
            if not piece:
                raise AssertionError("the connection was closed in the middle of a stream")
            received.append(piece)
        raw = b"".join(received)
        check(unchunked(raw), job["kind"], job["events"])
        size += len(raw)
    writer.close()
    return size


async def hold(job: dict[str, Any]) -> None:
    begun = [asyncio.Event() for _ in range(job["streams"])]
    first: list[float] = []
    tasks = [asyncio.ensure_future(one_stream(job, first, event)) for event in begun]
    for event in begun:
        await event.wait()
    print("open", flush=True)  # noqa: T201  # read by the harness
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def run(job: dict[str, Any]) -> dict[str, Any]:
    if job.get("hold"):
        await hold(job)
        return {}
    first: list[float] = []
    started = time.perf_counter()
    streams = [one_stream(job, first, asyncio.Event()) for _ in range(job["streams"])]
    sizes = await asyncio.gather(*streams)
    return {
        "seconds": time.perf_counter() - started,
        "first_tokens": first,
        "bytes": sum(sizes),
    }


def main() -> None:
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(uvloop.run(run(json.loads(line)))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
