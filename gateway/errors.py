"""Everything that can go wrong, in one tree. Knows nothing of HTTP.

    GatewayError
    ├── ClientError               the request itself
    │   ├── InvalidRequest          malformed, or asks for what cannot be done
    │   │   └── PromptTooLong         over the payload guard or the model's window
    │   ├── RequestTooLarge         more bytes than `server.max_request_bytes`
    │   ├── NotFound                no such path, or no such thing
    │   ├── Conflict                what is stored stands in the way
    │   │   └── AccountInUse          API keys use the account that is to go
    │   └── MethodNotAllowed
    ├── ApiKeyError               the API key the client presented
    │   ├── NotAuthenticated        missing or unknown
    │   ├── NotAllowed              disabled, expired, or not for this account
    │   └── LimitExceeded           it may not spend so much
    │       ├── RateLimitExceeded     requests, concurrent requests or tokens
    │       └── CreditLimitExceeded   credits
    ├── NoAccountAvailable        nothing to serve the request with; says what to do
    │   ├── AccountBusy             as many requests run on it as it may have
    │   └── TokenPending            its token is being renewed, which takes long
    ├── SettingsError             a setting is unknown or has a bad value
    ├── UpdateFailed              this program stays the version that it is; says why
    ├── ServiceFailed             the system does not keep the gateway running; says why
    ├── StoreError                the database refuses, or holds what it should not
    ├── FrameError                bytes that are no event stream
    ├── InternalError             a defect of ours
    ├── GatewayStopping           the time for running requests to finish is over
    └── UpstreamError             what the service answered, or failed to answer
        ├── UpstreamRejected        it calls the request malformed
        │   ├── ConversationLimit     one conversation id was used too often
        │   └── UpstreamConflict      a key-management conflict of the organisation
        ├── UpstreamPromptTooLong   it finds the prompt too long
        ├── UpstreamModelNotFound   it does not know the model
        ├── ModelOverloaded         no capacity for this model just now
        ├── QuotaSpent              the account's quota is gone
        ├── RateLimited             too many requests
        ├── AccountSuspended        the account is locked by the service
        ├── AccountSignInFailed     its token is refused
        ├── UpstreamAccessDenied    any other refusal
        ├── ProfileRejected         the account's profile ARN is missing or wrong
        ├── ConversationRejected    the conversation id is refused
        ├── UpstreamUnavailable     503, and errors named so
        ├── UpstreamInternal        500
        ├── UpstreamBadGateway      502
        ├── UpstreamUnreachable     DNS, connection, proxy; or the stream was cut
        │   └── UpstreamUntrusted     TLS or redirect failure
        └── UpstreamTimeout         504, or no answer in time
            └── FirstEventTimeout     the request was taken, and then nothing came

`str(exc)` is safe to show to a client and says what to do. Raw upstream bodies never become part of
it; they go to the log.
"""

from datetime import datetime
from typing import ClassVar, Literal

Source = Literal["client", "key", "account", "upstream", "gateway"]
"""Whose doing an error is: shown to clients as `error.source`."""

Retry = Literal["never", "back_off", "refresh", "profile", "new_conversation"]
"""What may be tried again inside one client request, before anything was sent to the client."""

QuotaPeriod = Literal["month", "day", "overage", "unknown"]

LimitName = Literal[
    "requests_per_minute", "max_concurrent_requests", "tokens_per_day", "credits_per_month"
]
"""The limits of an API key, by their members' names."""

WhyRejected = Literal[
    "no_refresh_token", "no_registration", "no_endpoint", "not_renewable", "spent"
]
"""Why a token will never be renewed; `spent`: the service no longer accepts its refresh token."""


class GatewayError(Exception):
    """The root.

    Attributes:
        code: a word for programs, such as `context_length_exceeded`; None: the dialect's default.
        retry_after: seconds after which trying again makes sense, if that is known.
    """

    source: ClassVar[Source] = "gateway"
    retry: ClassVar[Retry] = "never"

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


class ClientError(GatewayError):
    """The request itself is at fault."""

    source: ClassVar[Source] = "client"


class InvalidRequest(ClientError):
    """Malformed, or asks for what cannot be done."""


class PromptTooLong(InvalidRequest):
    """Over the payload guard or the model's window; clients compact their conversation on it."""


class RequestTooLarge(ClientError):
    """More bytes than `server.max_request_bytes`."""


class NotFound(ClientError):
    """No such path, or no such thing."""


class Conflict(ClientError):
    """What is stored stands in the way: a name is taken, something is still in use."""


class AccountInUse(Conflict):
    """API keys use the account that is to go.

    Attributes:
        keys: id and name of each of them.
    """

    def __init__(self, message: str, *, keys: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message, code="conflict")
        self.keys = keys


class MethodNotAllowed(ClientError):
    """The path exists, the method does not."""

    def __init__(self, message: str, *, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class ApiKeyError(GatewayError):
    """The API key the client presented is at fault."""

    source: ClassVar[Source] = "key"


class NotAuthenticated(ApiKeyError):
    """Missing or unknown."""


class NotAllowed(ApiKeyError):
    """Disabled, expired, or not for this account."""


class LimitExceeded(ApiKeyError):
    """The key may not spend so much.

    Attributes:
        limit: which one.
        limit_value: what is allowed.
        used: what is spent and reserved.
        resets_at: when, at the earliest, this request would be let in; None: nobody can tell.
    """

    def __init__(
        self,
        message: str,
        *,
        limit: LimitName,
        limit_value: float,
        used: float,
        resets_at: datetime | None,
        retry_after: float | None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.limit = limit
        self.limit_value = limit_value
        self.used = used
        self.resets_at = resets_at


class RateLimitExceeded(LimitExceeded):
    """Too many requests, too many at once, or too many tokens."""


class CreditLimitExceeded(LimitExceeded):
    """The month's credits are spent."""


class NoAccountAvailable(GatewayError):
    """There is nothing to serve the request with."""

    source: ClassVar[Source] = "account"


class AccountBusy(NoAccountAvailable):
    """As many requests run on the account as it may have at once."""


class TokenPending(NoAccountAvailable):
    """Its token is being renewed, for longer than somebody waits who may go elsewhere."""


class SettingsError(GatewayError):
    """A setting is unknown or has a bad value; names the key and its source."""


class UpdateFailed(GatewayError):
    """No other version of this program could be put in its place; says why and what to do."""


class ServiceFailed(GatewayError):
    """The system's own tools do not do what a service needs; says what they complain of."""


class StoreError(GatewayError):
    """The database refuses, or holds what it should not."""


class FrameError(GatewayError):
    """Bytes that are no event stream."""


class InternalError(GatewayError):
    """A defect of ours."""


class GatewayStopping(GatewayError):
    """The gateway ends, and `server.drain_timeout_seconds` were not enough for the request."""

    def __init__(self) -> None:
        super().__init__("The gateway is being stopped. Send the request again.", retry_after=1.0)


class UpstreamError(GatewayError):
    """What the service answered, or failed to answer.

    Attributes:
        upstream_status: the HTTP status it gave, None inside a stream or without an answer.
        reason: its `reason` word, such as `MONTHLY_REQUEST_COUNT`.
        request_id: its `x-amzn-requestid`.
    """

    source: ClassVar[Source] = "upstream"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retry_after: float | None = None,
        upstream_status: int | None = None,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.upstream_status = upstream_status
        self.reason = reason
        self.request_id = request_id


class UpstreamRejected(UpstreamError):
    """It calls the request malformed."""


class ConversationLimit(UpstreamRejected):
    """One conversation id was used too often."""

    retry: ClassVar[Retry] = "new_conversation"


class UpstreamConflict(UpstreamRejected):
    """A key-management conflict that the account's organisation has to solve."""


class UpstreamPromptTooLong(UpstreamError):
    """Upstream finds the prompt too long; the same wording as `PromptTooLong`."""


class UpstreamModelNotFound(UpstreamError):
    """Upstream does not know the model, or the account may not use it."""


class ModelOverloaded(UpstreamError):
    """No capacity for this model just now."""

    retry: ClassVar[Retry] = "back_off"


class QuotaSpent(UpstreamError):
    """The account's quota is gone until `period` ends."""

    source: ClassVar[Source] = "account"

    def __init__(self, message: str, *, period: QuotaPeriod = "unknown", **more: object) -> None:
        super().__init__(message, **more)  # type: ignore[arg-type]  # passed on as they came
        self.period = period


class RateLimited(UpstreamError):
    """Too many requests."""

    retry: ClassVar[Retry] = "back_off"


class AccountSuspended(UpstreamError):
    """The account is locked by the service; only its owner can mend that."""

    source: ClassVar[Source] = "account"


class AccountSignInFailed(UpstreamError):
    """The account's token is refused."""

    source: ClassVar[Source] = "account"
    retry: ClassVar[Retry] = "refresh"


class UpstreamAccessDenied(UpstreamError):
    """Any refusal that is neither a suspension nor a bad token."""

    source: ClassVar[Source] = "account"


class ProfileRejected(UpstreamError):
    """The account's profile ARN is missing or wrong."""

    source: ClassVar[Source] = "account"
    retry: ClassVar[Retry] = "profile"


class ConversationRejected(UpstreamError):
    """The conversation id is refused."""

    retry: ClassVar[Retry] = "new_conversation"


class UpstreamUnavailable(UpstreamError):
    """503, and errors named so."""

    retry: ClassVar[Retry] = "back_off"


class UpstreamInternal(UpstreamError):
    """500."""

    retry: ClassVar[Retry] = "back_off"


class UpstreamBadGateway(UpstreamError):
    """502."""

    retry: ClassVar[Retry] = "back_off"


class UpstreamUnreachable(UpstreamError):
    """DNS, connection, proxy or TLS failed, or the stream was cut."""

    retry: ClassVar[Retry] = "back_off"


class UpstreamUntrusted(UpstreamUnreachable):
    """TLS or redirect failure: trying again cannot help."""

    retry: ClassVar[Retry] = "never"


class UpstreamTimeout(UpstreamError):
    """504, or no answer in time."""

    retry: ClassVar[Retry] = "back_off"


class FirstEventTimeout(UpstreamTimeout):
    """The request was taken, and then no frame came in time."""
