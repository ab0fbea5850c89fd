"""The service's error answers before a stream begins, in every shape that was seen."""

from gateway.simulator.refusals import (
    BEARER_INVALID,
    BODY_INVALID,
    CONVERSATION_INVALID,
    IMPROPERLY_FORMED,
    INPUT_TOO_LONG,
    MODEL_UNKNOWN,
    PROFILE_INVALID,
    PROFILE_NEEDED,
    TOOL_SCHEMA_INVALID,
    Refusal,
    message_only,
    named,
    nested_reason,
    plain,
)

_TOO_MANY = "Too many requests, please wait before trying again."
_HTML = b"<html><head><title>Bad Gateway</title></head><body>The gateway is unwell.</body></html>"
_SUSPENDED = (
    "Your User ID (simulated) is temporarily suspended. Contact AWS support to restore access."
)
_HIGH_LOAD = "Encountered unexpectedly high load when processing the request, please try again."


def _throttled(reason: str | None = None, status: int = 429) -> Refusal:
    return named(status, "ThrottlingException", _TOO_MANY, reason)


def _quota(reason: str, status: int = 402) -> Refusal:
    return named(status, "ServiceQuotaExceededException", "You have reached the limit.", reason)


def _html(status: int) -> Refusal:
    return Refusal(status, _HTML, content_type="text/html")


HTTP_FAULTS: dict[str, tuple[str, Refusal]] = {
    # Too long.
    "too-long": ("400 CONTENT_LENGTH_EXCEEDS_THRESHOLD", INPUT_TOO_LONG),
    "too-long-by-message": (
        "400 that says 'Input is too long.' and no reason",
        message_only(400, "Input is too long for requested model."),
    ),
    "too-long-413": ("413 with an HTML body", _html(413)),
    # Capacity.
    "no-capacity": (
        "429 INSUFFICIENT_MODEL_CAPACITY",
        _throttled("INSUFFICIENT_MODEL_CAPACITY"),
    ),
    "high-load": (
        "500 whose text speaks of unexpectedly high load",
        named(500, "InternalServerException", _HIGH_LOAD),
    ),
    "model-unavailable": (
        "500 MODEL_TEMPORARILY_UNAVAILABLE",
        named(500, "InternalServerException", "Please try again.", "MODEL_TEMPORARILY_UNAVAILABLE"),
    ),
    # Quota.
    "monthly-limit": ("402 MONTHLY_REQUEST_COUNT", _quota("MONTHLY_REQUEST_COUNT")),
    "monthly-limit-nested": (
        '402 {"error": {"reason": "MONTHLY_REQUEST_COUNT"}}',
        nested_reason(402, "MONTHLY_REQUEST_COUNT"),
    ),
    "monthly-limit-400": ("400 MONTHLY_REQUEST_COUNT", _quota("MONTHLY_REQUEST_COUNT", 400)),
    "monthly-limit-429": (
        "429 ThrottlingException MONTHLY_REQUEST_COUNT",
        _throttled("MONTHLY_REQUEST_COUNT"),
    ),
    "daily-limit": ("429 DAILY_REQUEST_COUNT", _throttled("DAILY_REQUEST_COUNT")),
    "overage-limit": (
        "402 OVERAGE_REQUEST_LIMIT_EXCEEDED",
        _quota("OVERAGE_REQUEST_LIMIT_EXCEEDED"),
    ),
    "payment-required": ("402 with an empty body", Refusal(402, content_type="")),
    # Rate.
    "throttled": ("429 ThrottlingException", _throttled()),
    "throttled-retry-after": (
        "429 with Retry-After: 1",
        _throttled().with_header("Retry-After", "1"),
    ),
    "throttled-retry-after-long": (
        "429 with Retry-After: 45",
        _throttled().with_header("Retry-After", "45"),
    ),
    "throttled-400": ("ThrottlingException with status 400", _throttled(status=400)),
    "rate-user": ("429 USER_REQUEST_RATE_EXCEEDED", _throttled("USER_REQUEST_RATE_EXCEEDED")),
    "rate-service": (
        "429 SERVICE_REQUEST_RATE_EXCEEDED",
        _throttled("SERVICE_REQUEST_RATE_EXCEEDED"),
    ),
    "rate-credits": (
        "429 CREDIT_CONSUMPTION_RATE_EXCEEDED",
        _throttled("CREDIT_CONSUMPTION_RATE_EXCEEDED"),
    ),
    "suspicious-activity": (
        "429 that speaks of suspicious activity",
        named(
            429,
            "ThrottlingException",
            "We have detected suspicious activity on your account and limited it.",
        ),
    ),
    "header-only-type": (
        "429 whose error is only named by x-amzn-errortype",
        Refusal(
            429,
            b"{}",
            (("x-amzn-errortype", "ThrottlingException:http://internal.amazon.com/coral/"),),
        ),
    ),
    # The account.
    "suspended": (
        "403 TEMPORARILY_SUSPENDED",
        named(403, "AccessDeniedException", _SUSPENDED, "TEMPORARILY_SUSPENDED"),
    ),
    "suspended-by-message": ("403 that says so without a reason", message_only(403, _SUSPENDED)),
    "suspended-423": ("423 TEMPORARILY_SUSPENDED", plain(423, _SUSPENDED, "TEMPORARILY_SUSPENDED")),
    "token-invalid": ("403 that calls the bearer invalid", BEARER_INVALID),
    "token-expired": (
        "403 ExpiredTokenException",
        named(403, "ExpiredTokenException", "The security token included is expired."),
    ),
    "unauthorized": ("401 with an empty body", Refusal(401, content_type="")),
    "access-denied": (
        "403 AccessDeniedException",
        named(403, "AccessDeniedException", "User is not authorized for this profile."),
    ),
    "feature-not-supported": (
        "403 FEATURE_NOT_SUPPORTED",
        named(403, "AccessDeniedException", "Not supported.", "FEATURE_NOT_SUPPORTED"),
    ),
    # The request.
    "model-unknown": ("400 INVALID_MODEL_ID", MODEL_UNKNOWN),
    "profile-needed": ("400 that misses profileArn", PROFILE_NEEDED),
    "profile-invalid": ("400 that refuses profileArn", PROFILE_INVALID),
    "conversation-invalid": ("400 INVALID_CONVERSATION_ID", CONVERSATION_INVALID),
    "malformed": ("400 Improperly formed request.", IMPROPERLY_FORMED),
    "tool-schema-invalid": ("400 TOOL_SCHEMA_INVALID", TOOL_SCHEMA_INVALID),
    "body-invalid": ("400 REQUEST_BODY_INVALID", BODY_INVALID),
    "tool-use-format": (
        "400 Invalid tool use format.",
        message_only(400, "Invalid tool use format."),
    ),
    "unprocessable": (
        "422 ValidationException",
        named(422, "ValidationException", "The request is not valid."),
    ),
    "conversation-limit": (
        "400 CONVERSATION_LIMIT_EXCEEDED",
        _quota("CONVERSATION_LIMIT_EXCEEDED", 400),
    ),
    "kms-conflict": (
        "409 CUSTOMER_KMS_KEY_DISABLED",
        named(409, "ConflictException", "The key is disabled.", "CUSTOMER_KMS_KEY_DISABLED"),
    ),
    # The service.
    "internal": (
        "500 InternalServerException",
        named(500, "InternalServerException", "Something went wrong."),
    ),
    "internal-empty": ("500 with an empty body", Refusal(500, content_type="")),
    "internal-capital": (
        '500 {"Message": …}',
        message_only(500, "Something went wrong.", "Message"),
    ),
    "unavailable": (
        "503 ServiceUnavailableException",
        named(503, "ServiceUnavailableException", "The service is unavailable."),
    ),
    "unavailable-500": (
        "500 that names ServiceUnavailableException",
        named(500, "ServiceUnavailableException", "The service is unavailable."),
    ),
    "bad-gateway": ("502 with an HTML body", _html(502)),
    "gateway-timeout": ("504 with an HTML body", _html(504)),
    "request-timeout": ("408 with an empty body", Refusal(408, content_type="")),
    "redirect": (
        "307 to /generateAssistantResponse",
        Refusal(307, headers=(("Location", "/generateAssistantResponse"),), content_type=""),
    ),
}
"""Name → what it is, and the answer."""
