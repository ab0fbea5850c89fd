"""Reading a request body without trusting its sender."""

import anyio
from starlette.types import Receive, Scope

from gateway.errors import InvalidRequest, RequestTooLarge

# A client that is told "too large" in the middle of sending often misses the answer, so some more
# of the body is taken and thrown away first.
DISCARD_TIME = 5.0  # seconds


class ClientGone(Exception):
    """The client hung up before its request was complete."""


async def read_body(scope: Scope, receive: Receive, limit: int, *, silence: float) -> bytes:
    """The whole body, at most `limit` bytes, as long as some of it comes every `silence` seconds.

    Raises:
        RequestTooLarge: it is announced or turns out longer.
        InvalidRequest: it stops coming.
        ClientGone: the client hung up.
    """
    if _announced(scope) > limit:
        # Who asks first is told so before sending anything.
        if not any(name == b"expect" for name, _ in scope["headers"]):
            await _discard(receive, limit)
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    with anyio.move_on_after(silence) as waiting:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            chunks.append(chunk)
            if size > limit:
                break
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)
            waiting.deadline = anyio.current_time() + silence
    if waiting.cancelled_caught:
        raise InvalidRequest("The request body stopped coming. Send it again.")
    await _discard(receive, limit)
    raise _too_large(limit)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _discard(receive: Receive, limit: int) -> None:
    left = limit
    with anyio.move_on_after(DISCARD_TIME):
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"The request is larger than the {limit} bytes this gateway takes "
        "(server.max_request_bytes). Send fewer or smaller images."
    )
