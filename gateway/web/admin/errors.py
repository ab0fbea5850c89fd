"""How the admin API says no: `{"error": {"message": …, "type": …}}`."""

from typing import Literal

import msgspec

from gateway import errors
from gateway.errors import GatewayError

ErrorType = Literal[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found",
    "conflict",
    "rate_limit_error",
    "upstream_error",
    "server_error",
]


class ErrorDetail(msgspec.Struct, frozen=True):
    """What went wrong: a sentence for people and a word for programs."""

    message: str
    type: ErrorType


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every answer above 399."""

    error: ErrorDetail


class SlowDown(GatewayError):
    """Somebody wants more at once than anybody is given."""


SHAPES: dict[type[GatewayError], tuple[int, ErrorType]] = {
    errors.GatewayError: (500, "server_error"),
    errors.ClientError: (400, "invalid_request_error"),
    errors.InvalidRequest: (400, "invalid_request_error"),
    errors.RequestTooLarge: (413, "invalid_request_error"),
    errors.NotFound: (404, "not_found"),
    errors.Conflict: (409, "conflict"),
    errors.MethodNotAllowed: (405, "invalid_request_error"),
    errors.ApiKeyError: (403, "permission_error"),
    errors.NotAuthenticated: (401, "authentication_error"),
    errors.NotAllowed: (403, "permission_error"),
    errors.NoAccountAvailable: (503, "server_error"),
    errors.UpstreamError: (502, "upstream_error"),
    # As with an account that is not signed in at all: the operator's to mend, not the service's.
    errors.AccountSignInFailed: (409, "conflict"),
    SlowDown: (429, "rate_limit_error"),
}


def shape_of(error: GatewayError) -> tuple[int, ErrorType]:
    """The status and the type for an error: its own class's, else its nearest parent's."""
    return next(SHAPES[cls] for cls in type(error).__mro__ if cls in SHAPES)


def error_body(error: GatewayError) -> bytes:
    """The JSON body for an error."""
    return msgspec.json.encode(ErrorBody(ErrorDetail(str(error), shape_of(error)[1])))


def error_headers(error: GatewayError) -> dict[str, str]:
    """What tells a client whether and when to try again."""
    headers: dict[str, str] = {}
    if isinstance(error, errors.MethodNotAllowed):
        headers["allow"] = ", ".join(error.allowed)
    elif isinstance(error, errors.NotAuthenticated):
        headers["www-authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after)))
    return headers
