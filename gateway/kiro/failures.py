"""Kiro's errors → ours.

The service says what went wrong in up to four places: a name in the header `x-amzn-errortype` or
the body's `code` or `__type` (`com.amazon.aws.codewhisperer#ThrottlingException`), a `reason` word,
the message, and the HTTP status. The status is the weakest: one and the same spent quota comes with
400, 402 and 429. So `reason` and message are asked first, over all kinds of errors, and only then
name and status.

Messages to clients are ours and say what to do. Of what the service wrote, only `reason` and the
error's name get into them, and only where they look like the words they should be.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial

import msgspec

from gateway.errors import (
    AccountSignInFailed,
    AccountSuspended,
    ConversationLimit,
    ConversationRejected,
    ModelOverloaded,
    ProfileRejected,
    QuotaSpent,
    RateLimited,
    UpstreamAccessDenied,
    UpstreamBadGateway,
    UpstreamConflict,
    UpstreamError,
    UpstreamInternal,
    UpstreamModelNotFound,
    UpstreamPromptTooLong,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUntrusted,
)

MAX_EXCERPT = 1024  # bytes of UTF-8

REASON = re.compile(r"[A-Z_]{1,64}")
NAME = re.compile(r"[A-Za-z]{1,64}")
SECONDS = re.compile(r"\d{1,9}")

EXPIRED_TOKEN = re.compile(r"token\b[^.]{0,60}\bexpired|expired\b[^.]{0,40}\btoken")
SUSPENDED = re.compile(
    r"temporarily\b[^.]{0,20}\bsuspended|(?:user id|account)\b[^.]{0,80}\bsuspended"
    r"|suspicious activity"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error answer says, freed of its many spellings.

    Attributes:
        status: HTTP status, None for an exception inside a stream.
        name: without namespace and without the suffix `Exception` or `Error`.
        reason: in capitals, as `MONTHLY_REQUEST_COUNT`; "" where absent.
        text: the message in lower case.
    """

    status: int | None
    name: str
    reason: str
    text: str


Make = Callable[..., UpstreamError]


def classify(
    status: int, headers: Mapping[str, str], body: bytes, *, now: datetime | None = None
) -> UpstreamError:
    """The error for an HTTP answer that is no event stream; the caller raises it.

    `now` is only needed to understand a `Retry-After` that is a date; without it the answer's own
    `Date` is taken. `headers` may have any case.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    members = _members(body)
    code = lowered.get("x-amzn-errortype") or _text(members, "code", "__type")
    failure = Failure(status, _bare_name(code), _reason(members), _message(members).lower())
    return _error(
        failure,
        retry_after=_retry_after(
            lowered.get("retry-after", ""), now or _moment(lowered.get("date", ""))
        ),
        request_id=lowered.get("x-amzn-requestid"),
    )


def classify_exception(name: str, payload: bytes, message: str = "") -> UpstreamError:
    """The error for an exception or error frame inside a stream; the caller raises it.

    `name` is the frame's `:exception-type` or `:error-code`, `message` its `:error-message`.
    """
    members = _members(payload)
    text = _message(members) or message
    code = name or _text(members, "code", "__type")
    return _error(Failure(None, _bare_name(code), _reason(members), text.lower()))


def raw_excerpt(body: bytes) -> str:
    """The beginning of a body for the log, at most 1 KiB, on one line, never for a client."""
    text = body[:MAX_EXCERPT].decode(errors="replace")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text.encode()[:MAX_EXCERPT].decode(errors="ignore")


def _error(
    failure: Failure, *, retry_after: float | None = None, request_id: str | None = None
) -> UpstreamError:
    make = _by_reason(failure) or _by_text(failure) or _by_name_and_status(failure)
    return make(
        retry_after=retry_after,
        upstream_status=failure.status,
        reason=failure.reason or None,
        request_id=request_id,
    )


# What a client is told. The class decides status and type, `code` is for programs.

_too_long = partial(
    UpstreamPromptTooLong,
    "prompt is too long: Kiro does not accept a conversation of this size. "
    "Compact it or start a new one.",
    code="context_length_exceeded",
)
_overloaded = partial(
    ModelOverloaded,
    "Kiro has no capacity for this model just now. Try again shortly or use another model.",
    code="model_overloaded",
)
_month_spent = partial(
    QuotaSpent,
    "The Kiro account has used up its requests for this month. "
    "Use another account or wait until the quota is renewed.",
    period="month",
    code="insufficient_quota",
)
_day_spent = partial(
    QuotaSpent,
    "The Kiro account has used up its requests for today. "
    "Use another account or wait until tomorrow.",
    period="day",
    code="insufficient_quota",
)
_overage_spent = partial(
    QuotaSpent,
    "The Kiro account has reached its limit for overage. "
    "Use another account, or raise the limit in the Kiro account's settings.",
    period="overage",
    code="insufficient_quota",
)
_quota_spent = partial(
    QuotaSpent,
    "The Kiro account's quota is used up. Use another account or look at the account's plan.",
    code="insufficient_quota",
)
_rate_limited = partial(
    RateLimited,
    "Kiro received too many requests from this account. Wait a little and try again.",
    code="rate_limit_exceeded",
)
_suspended = partial(
    AccountSuspended,
    "Kiro has suspended this account. Its owner has to settle that with Kiro's support; "
    "then an operator can enable it here again.",
    code="account_suspended",
)
_sign_in_failed = partial(
    AccountSignInFailed,
    "Kiro does not accept the account's sign-in any more. "
    "An operator has to sign the account in again.",
    code="upstream_auth",
)
_access_denied = partial(
    UpstreamAccessDenied,
    "Kiro refuses this account access to what was asked. Check the account's plan and permissions.",
    code="upstream_access_denied",
)
_model_not_found = partial(
    UpstreamModelNotFound,
    "Kiro does not know this model, or the account may not use it. "
    "Choose one from the list of models.",
    code="model_not_found",
)
_profile_rejected = partial(
    ProfileRejected,
    "Kiro does not accept the account's profile. An operator has to sign the account in again.",
    code="upstream_profile",
)
_conversation_rejected = partial(
    ConversationRejected,
    "Kiro does not accept the conversation's id. Send the request again with another one.",
)
_conversation_limit = partial(
    ConversationLimit,
    "Kiro's limit for one conversation is reached. Start a new conversation.",
)
_key_conflict = partial(
    UpstreamConflict,
    "The encryption key that the account's organisation manages is disabled or wrong. "
    "Its administrator has to mend that.",
)
_unavailable = partial(
    UpstreamUnavailable, "Kiro is not available just now. Try again in a few moments."
)
_timeout = partial(
    UpstreamTimeout, "Kiro did not answer in time. Try again in a few moments.", code="timeout"
)
_bad_gateway = partial(
    UpstreamBadGateway, "Kiro gave no usable answer. Try again in a few moments."
)
_redirected = partial(
    UpstreamUntrusted,
    "Kiro's address answered with a redirect, which is not followed. "
    "An operator has to check the upstream address and proxy.",
    code="upstream_unreachable",
)


def _rejected(failure: Failure) -> Make:
    detail = f" ({failure.reason})" if failure.reason else ""
    return partial(
        UpstreamRejected,
        f"Kiro finds the request malformed{detail}. Check its messages and tools; "
        "the gateway's log says more.",
        code=failure.reason.lower() or "bad_request",
    )


def _internal(failure: Failure) -> Make:
    detail = f" ({failure.name})" if failure.name else ""
    return partial(
        UpstreamInternal, f"Kiro failed on its side{detail}. Try again in a few moments."
    )


_REASONS: Mapping[str, Make] = {
    "CONTENT_LENGTH_EXCEEDS_THRESHOLD": _too_long,
    "INSUFFICIENT_MODEL_CAPACITY": _overloaded,
    "MODEL_TEMPORARILY_UNAVAILABLE": _overloaded,
    "MONTHLY_REQUEST_COUNT": _month_spent,
    "DAILY_REQUEST_COUNT": _day_spent,
    "OVERAGE_REQUEST_LIMIT_EXCEEDED": _overage_spent,
    "TEMPORARILY_SUSPENDED": _suspended,
    "FEATURE_NOT_SUPPORTED": _access_denied,
    "UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS": _access_denied,
    "UNAUTHORIZED_WORKSPACE_CONTEXT_FEATURE_ACCESS": _access_denied,
    "INVALID_MODEL_ID": _model_not_found,
    "INVALID_CONVERSATION_ID": _conversation_rejected,
    "CONVERSATION_LIMIT_EXCEEDED": _conversation_limit,
    "CUSTOMER_KMS_KEY_DISABLED": _key_conflict,
    "CUSTOMER_KMS_KEY_INVALID_KEY_POLICY": _key_conflict,
    "MISMATCHED_KMS_KEY": _key_conflict,
    "INVALID_KMS_GRANT": _key_conflict,
}
_REJECTED_REASONS = frozenset({"TOOL_SCHEMA_INVALID", "REQUEST_BODY_INVALID"})


def _by_reason(failure: Failure) -> Make | None:
    reason = failure.reason
    if reason.endswith("RATE_EXCEEDED"):
        return _rate_limited
    if reason in _REJECTED_REASONS:
        return _rejected(failure)
    return _REASONS.get(reason)


def _by_text(failure: Failure) -> Make | None:
    text = failure.text
    if "input is too long" in text:
        return _too_long
    if "unexpectedly high load" in text:
        return _overloaded
    if SUSPENDED.search(text):
        return _suspended
    # An expired token is only one where access was refused: other texts may speak of expiry too.
    refused = failure.status in (None, 400, 401, 403)
    if refused and ("bearer token" in text or EXPIRED_TOKEN.search(text)):
        return _sign_in_failed
    if "profilearn" in text:
        return _profile_rejected
    if "improperly formed request" in text or "invalid tool use format" in text:
        return _rejected(failure)
    return None


_TOO_LONG_NAMES = frozenset({"ContentLengthExceeded", "CONTENT_LENGTH_EXCEEDS_THRESHOLD"})
_RATE_NAMES = frozenset({"Throttling", "TooManyRequests", "RequestLimitExceeded"})
_SIGN_IN_NAMES = frozenset({"ExpiredToken", "InvalidToken", "Unauthorized", "UnrecognizedClient"})
_REJECTED_NAMES = frozenset({"Validation", "Serialization", "ResourceNotFound", "UnknownOperation"})


def _by_name_and_status(failure: Failure) -> Make:
    name, status = failure.name, failure.status
    if name in _TOO_LONG_NAMES or status == 413:
        return _too_long
    # A spent quota takes the account out for long, so a bare 429 must never count as one.
    if status == 402 or (name == "ServiceQuotaExceeded" and status != 429):
        return _quota_spent
    if name in _RATE_NAMES or status == 429:
        return _rate_limited
    if name in _SIGN_IN_NAMES or status == 401:
        return _sign_in_failed
    if name == "AccessDenied" or status == 403:
        return _access_denied
    if name == "Conflict" or status == 409:
        return _key_conflict
    if name == "ServiceUnavailable" or status == 503:
        return _unavailable
    if status in (408, 504):
        return _timeout
    if status == 502 or (status is not None and status < 300):
        return _bad_gateway
    if status is not None and 300 <= status < 400:
        return _redirected
    rejected = name in _REJECTED_NAMES or (status is not None and status < 500)
    return _rejected(failure) if rejected and name != "InternalServer" else _internal(failure)


def _members(body: bytes) -> Mapping[str, object]:
    # Bodies may be empty, HTML of some proxy, or plain text.
    try:
        decoded = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _text(members: Mapping[str, object], *names: str) -> str:
    found = (members.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value), "")


def _message(members: Mapping[str, object]) -> str:
    return _text(members, "message", "Message", "errorMessage")


def _reason(members: Mapping[str, object]) -> str:
    inner = members.get("error")
    reason = _text(members, "reason") or (_text(inner, "reason") if isinstance(inner, dict) else "")
    return reason if REASON.fullmatch(reason) else ""


def _bare_name(code: str) -> str:
    # `com.amazon.aws.codewhisperer#ThrottlingException:http://…`: generated clients know the name
    # with the suffix `Error`, the live service sends `Exception`.
    name = code.partition(":")[0].rpartition("#")[2].strip()
    bare = name.removesuffix("Exception").removesuffix("Error")
    return bare if bare in _TOO_LONG_NAMES or NAME.fullmatch(bare) else ""


def _retry_after(value: str, now: datetime | None) -> float | None:
    value = value.strip()
    if SECONDS.fullmatch(value):
        return float(value)
    moment = _moment(value)
    if moment is None or now is None:
        return None
    return max(0.0, (moment - now).total_seconds())


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None  # the first is documented, the others were seen
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
