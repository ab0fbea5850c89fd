"""Events as frames."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from gateway.protocol.eventstream import encode_frame

MEDIA_TYPE = "application/vnd.amazon.eventstream"
_JSON_TYPE = "application/json"

encode_json = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an answer: its `:event-type` and its JSON payload."""

    kind: str
    payload: Mapping[str, object]

    def frame(self) -> bytes:
        """The event as the service sends it."""
        return event_frame(self.kind, encode_json(self.payload))


def event_frame(kind: str, payload: bytes) -> bytes:
    """A frame of message type `event`."""
    return encode_frame(
        {":event-type": kind, ":content-type": _JSON_TYPE, ":message-type": "event"}, payload
    )


def exception_frame(kind: str, message: str, reason: str | None = None) -> bytes:
    """A frame of message type `exception`."""
    payload: dict[str, object] = {"message": message}
    if reason is not None:
        payload["reason"] = reason
    return encode_frame(
        {":exception-type": kind, ":content-type": _JSON_TYPE, ":message-type": "exception"},
        encode_json(payload),
    )


def error_frame(code: str, message: str) -> bytes:
    """A frame of message type `error`, which says everything in its headers."""
    return encode_frame(
        {":error-code": code, ":error-message": message, ":message-type": "error"}, b""
    )


def pieces(text: str, size: int = 6) -> Iterator[str]:
    """A text cut as a model's tokens are: short, and never caring for words or tags."""
    return (text[at : at + size] for at in range(0, len(text), size))
