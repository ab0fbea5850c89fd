"""The error object of the OpenAI APIs."""

from msgspec.json import Encoder

from gateway.events import ErrorShape

_encode = Encoder().encode


def error_body(shape: ErrorShape) -> bytes:
    """`{"error": {…}}`: the body of an error answer, and the data of an error in a stream.

    `source` is ours: whose doing the error is. `param` is always null; messages name the path.
    """
    return _encode(
        {
            "error": {
                "message": shape.message,
                "type": shape.type,
                "param": None,
                "code": shape.code,
                "source": shape.source,
            }
        }
    )
