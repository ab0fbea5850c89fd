"""The one table from errors to responses."""

import math
from dataclasses import dataclass
from typing import Literal

from gateway import errors
from gateway.dialects.anthropic.errors import error_body as anthropic_body
from gateway.dialects.openai_chat.errors import error_body as openai_body
from gateway.errors import GatewayError
from gateway.events import ErrorShape

Dialect = Literal["anthropic", "openai"]

# Claude Code stops retrying above a minute, and opencode would sit a long wait out.
LONGEST_RETRY_AFTER = 60  # seconds
DEFAULT_RETRY_AFTER = 10  # seconds


# What may get better by itself: clients are told when, if that is known.
PASSING = (
    errors.RateLimited,
    errors.ModelOverloaded,
    errors.GatewayStopping,
    errors.UpstreamUnavailable,
    errors.NoAccountAvailable,
    errors.AccountSignInFailed,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How one kind of error looks: (status, type) for each dialect, the OpenAI code by default."""

    openai: tuple[int, str]
    anthropic: tuple[int, str]
    code: str | None = None


def _both(status: int, kind: str, code: str | None = None) -> Shape:
    return Shape((status, kind), (status, kind), code)


def _split(openai: tuple[int, str], anthropic: tuple[int, str], code: str | None = None) -> Shape:
    return Shape(openai, anthropic, code)


INVALID = "invalid_request_error"
PERMISSION = "permission_error"

SHAPES: dict[type[GatewayError], Shape] = {
    errors.GatewayError: _split((500, "server_error"), (500, "api_error"), "internal_error"),
    errors.ClientError: _both(400, INVALID),
    errors.InvalidRequest: _both(400, INVALID),
    errors.PromptTooLong: _both(400, INVALID, "context_length_exceeded"),
    errors.RequestTooLarge: _split((413, INVALID), (413, "request_too_large"), "request_too_large"),
    errors.NotFound: _split((404, INVALID), (404, "not_found_error"), "not_found"),
    errors.Conflict: _both(409, INVALID, "conflict"),
    errors.MethodNotAllowed: _both(405, INVALID, "method_not_allowed"),
    errors.ApiKeyError: _both(403, PERMISSION),
    errors.NotAuthenticated: _both(401, "authentication_error", "invalid_api_key"),
    errors.NotAllowed: _both(403, PERMISSION, "not_allowed"),
    errors.LimitExceeded: _both(429, "rate_limit_error", "rate_limit_exceeded"),
    errors.CreditLimitExceeded: _split(
        (402, "insufficient_quota"), (402, "billing_error"), "insufficient_quota"
    ),
    errors.AccountBusy: _both(429, "rate_limit_error", "account_busy"),
    errors.NoAccountAvailable: _split((503, "server_error"), (503, "api_error"), "no_account"),
    errors.GatewayStopping: _split((503, "server_error"), (503, "api_error"), "stopping"),
    errors.UpstreamError: _split((502, "server_error"), (502, "api_error"), "upstream_error"),
    errors.UpstreamRejected: _both(400, INVALID, "bad_request"),
    errors.UpstreamPromptTooLong: _both(400, INVALID, "context_length_exceeded"),
    errors.UpstreamModelNotFound: _split(
        (404, INVALID), (404, "not_found_error"), "model_not_found"
    ),
    errors.ModelOverloaded: _split(
        (503, "server_error"), (529, "overloaded_error"), "model_overloaded"
    ),
    errors.QuotaSpent: _split(
        (402, "insufficient_quota"), (402, "billing_error"), "insufficient_quota"
    ),
    errors.RateLimited: _both(429, "rate_limit_error", "rate_limit_exceeded"),
    errors.AccountSuspended: _both(403, PERMISSION, "account_suspended"),
    errors.AccountSignInFailed: _split((502, "server_error"), (502, "api_error"), "upstream_auth"),
    errors.UpstreamAccessDenied: _both(403, PERMISSION, "upstream_access_denied"),
    errors.ProfileRejected: _split((502, "server_error"), (502, "api_error"), "upstream_profile"),
    errors.UpstreamUnavailable: _split((503, "server_error"), (529, "overloaded_error")),
    errors.UpstreamInternal: _split((503, "server_error"), (500, "api_error")),
    errors.UpstreamBadGateway: _split((503, "server_error"), (502, "api_error")),
    errors.UpstreamUnreachable: _split(
        (502, "server_error"), (502, "api_error"), "upstream_unreachable"
    ),
    errors.UpstreamTimeout: _split((504, "server_error"), (504, "timeout_error"), "timeout"),
}


def shape_of(error: GatewayError) -> Shape:
    """The row for an error: its own class's, else its nearest parent's."""
    return next(SHAPES[cls] for cls in type(error).__mro__ if cls in SHAPES)


def status_of(error: GatewayError, dialect: Dialect) -> int:
    """The HTTP status a client of this dialect gets."""
    shape = shape_of(error)
    return shape.anthropic[0] if dialect == "anthropic" else shape.openai[0]


def describe(error: GatewayError, dialect: Dialect) -> ErrorShape:
    """What an error says in a dialect, in a body or in a stream."""
    shape = shape_of(error)
    kind = shape.anthropic[1] if dialect == "anthropic" else shape.openai[1]
    return ErrorShape(kind, str(error), error.code or shape.code, error.source)


def internal_error(request_id: str) -> errors.InternalError:
    """What a client is told of a defect of ours."""
    return errors.InternalError(
        f"The gateway failed on this request. Its log has the details under {request_id}."
    )


def error_body(error: GatewayError, dialect: Dialect, request_id: str) -> bytes:
    """The JSON body of an error response."""
    described = describe(error, dialect)
    if dialect == "anthropic":
        return anthropic_body(described, request_id)
    return openai_body(described)


def error_headers(error: GatewayError) -> dict[str, str]:
    """What tells clients whether and when to try again."""
    headers: dict[str, str] = {}
    if (seconds := _retry_after(error)) is not None:
        headers["retry-after"] = str(max(1, math.ceil(seconds)))
    if (retried := _should_retry(error, seconds)) is not None:
        headers["x-should-retry"] = "true" if retried else "false"
    if isinstance(error, errors.MethodNotAllowed):
        headers["allow"] = ", ".join(error.allowed)
    elif isinstance(error, errors.NotAuthenticated):
        headers["www-authenticate"] = "Bearer"
    elif isinstance(error, errors.RequestTooLarge):
        # The rest of the body may still be on its way.
        headers["connection"] = "close"
    return headers


def _retry_after(error: GatewayError) -> float | None:
    """Seconds; what the service asks for is cut, the end of a limit or quota is told as it is."""
    if isinstance(error, errors.LimitExceeded | errors.QuotaSpent):
        return error.retry_after
    if not isinstance(error, PASSING):
        return None
    seconds = error.retry_after
    if seconds is None and isinstance(error, errors.RateLimited):
        seconds = DEFAULT_RETRY_AFTER
    return None if seconds is None else min(LONGEST_RETRY_AFTER, seconds)


def _should_retry(error: GatewayError, seconds: float | None) -> bool | None:
    """Whether trying again soon can help; None: the status says enough."""
    if isinstance(error, errors.QuotaSpent | errors.CreditLimitExceeded | errors.NotAllowed):
        return False
    if isinstance(error, errors.LimitExceeded):
        return seconds is not None and seconds <= LONGEST_RETRY_AFTER
    return None
