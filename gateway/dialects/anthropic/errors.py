"""Errors in the shape of Anthropic's APIs."""

import msgspec

from gateway.events import ErrorShape


class _Error(msgspec.Struct, omit_defaults=True):
    type: str
    message: str
    # Beside what Anthropic's own errors have: whose doing it is, and a word for programs.
    source: str
    code: str | None = None


class StreamError(msgspec.Struct, tag="error"):
    """What the `error` event that ends a stream holds."""

    error: _Error


class _ErrorBody(msgspec.Struct, tag="error"):
    error: _Error
    request_id: str


def error_body(shape: ErrorShape, request_id: str) -> bytes:
    """The JSON body of an HTTP error."""
    return msgspec.json.encode(_ErrorBody(_error(shape), request_id))


def stream_error(shape: ErrorShape) -> StreamError:
    """The same inside a stream, where no request id is wanted."""
    return StreamError(_error(shape))


def _error(shape: ErrorShape) -> _Error:
    return _Error(shape.type, shape.message, shape.source, shape.code)
