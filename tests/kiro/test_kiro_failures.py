import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import errors
from gateway.errors import QuotaSpent, UpstreamError
from gateway.kiro.failures import classify, classify_exception, raw_excerpt

NAMESPACE = "com.amazon.aws.codewhisperer#"
BEARER = "The bearer token included in the request is invalid."


def body(**members: object) -> bytes:
    return json.dumps(members).encode()


def reason(word: str) -> bytes:
    return body(message="Some words of the service.", reason=word)


def message(text: str) -> bytes:
    return body(message=text, reason=None)


def named(name: str) -> bytes:
    return body(__type=NAMESPACE + name, message="Some words of the service.")


ANSWERS: list[tuple[type[UpstreamError], str | None, list[tuple[int, bytes]]]] = [
    (
        errors.UpstreamPromptTooLong,
        "context_length_exceeded",
        [
            (400, reason("CONTENT_LENGTH_EXCEEDS_THRESHOLD")),
            (500, reason("CONTENT_LENGTH_EXCEEDS_THRESHOLD")),
            (400, message("Input is too long.")),
            (413, b"<html>Request Entity Too Large</html>"),
        ],
    ),
    (
        errors.ModelOverloaded,
        "model_overloaded",
        [
            (429, reason("INSUFFICIENT_MODEL_CAPACITY")),
            (500, reason("MODEL_TEMPORARILY_UNAVAILABLE")),
            (500, message("Encountered unexpectedly high load, please try again.")),
        ],
    ),
    (
        errors.QuotaSpent,
        "insufficient_quota",
        [
            (429, reason("MONTHLY_REQUEST_COUNT")),
            (400, reason("MONTHLY_REQUEST_COUNT")),
            (402, body(error={"reason": "MONTHLY_REQUEST_COUNT"})),
            (429, reason("DAILY_REQUEST_COUNT")),
            (402, reason("OVERAGE_REQUEST_LIMIT_EXCEEDED")),
            (402, b""),
            (400, named("ServiceQuotaExceededException")),
        ],
    ),
    (
        errors.RateLimited,
        "rate_limit_exceeded",
        [
            (429, b""),
            (429, named("ServiceQuotaExceededException")),
            (400, named("ThrottlingException")),
            (500, named("ThrottlingError")),
            (429, reason("USER_REQUEST_RATE_EXCEEDED")),
            (400, reason("SERVICE_REQUEST_RATE_EXCEEDED")),
            (402, reason("CREDIT_CONSUMPTION_RATE_EXCEEDED")),
        ],
    ),
    (
        errors.AccountSuspended,
        "account_suspended",
        [
            (403, reason("TEMPORARILY_SUSPENDED")),
            (423, message("Your User ID (d-1234) temporarily is suspended. We locked it.")),
            (400, message("The User ID is temporarily suspended.")),
            (429, message("We noticed suspicious activity on this account.")),
        ],
    ),
    (
        errors.AccountSignInFailed,
        "upstream_auth",
        [
            (401, b""),
            (401, named("AccessDeniedException")),
            (403, message(BEARER)),
            (403, body(__type=NAMESPACE + "AccessDeniedException", message=BEARER)),
            (403, message("The security token included in the request is expired")),
            (403, named("ExpiredTokenException")),
        ],
    ),
    (
        errors.UpstreamAccessDenied,
        "upstream_access_denied",
        [
            (403, reason("FEATURE_NOT_SUPPORTED")),
            (400, named("AccessDeniedException")),
            (403, message("User is not authorized for this profile.")),
            (403, b""),
        ],
    ),
    (
        errors.UpstreamModelNotFound,
        "model_not_found",
        [
            (400, reason("INVALID_MODEL_ID")),
        ],
    ),
    (
        errors.ProfileRejected,
        "upstream_profile",
        [
            (400, message("profileArn is required for this request.")),
            (400, message("Invalid profileArn.")),
        ],
    ),
    (
        errors.ConversationRejected,
        None,
        [
            (400, reason("INVALID_CONVERSATION_ID")),
        ],
    ),
    (
        errors.UpstreamRejected,
        "tool_schema_invalid",
        [
            (400, reason("TOOL_SCHEMA_INVALID")),
        ],
    ),
    (
        errors.UpstreamRejected,
        "request_body_invalid",
        [
            (400, reason("REQUEST_BODY_INVALID")),
        ],
    ),
    (
        errors.UpstreamRejected,
        "something_new",
        [
            (400, reason("SOMETHING_NEW")),
        ],
    ),
    (
        errors.UpstreamRejected,
        "bad_request",
        [
            (400, message("Improperly formed request.")),
            (400, message("Invalid tool use format.")),
            (422, b""),
            (404, named("ResourceNotFoundException")),
        ],
    ),
    (
        errors.ConversationLimit,
        None,
        [
            (402, reason("CONVERSATION_LIMIT_EXCEEDED")),
        ],
    ),
    (
        errors.UpstreamInternal,
        None,
        [
            (500, b""),
            (500, named("InternalServerException")),
            (400, named("InternalServerError")),
        ],
    ),
    (
        errors.UpstreamUnavailable,
        None,
        [
            (500, named("ServiceUnavailableException")),
            (503, b"<html>Service Unavailable</html>"),
        ],
    ),
    (
        errors.UpstreamBadGateway,
        None,
        [
            (502, b""),
        ],
    ),
    (
        errors.UpstreamTimeout,
        "timeout",
        [
            (504, b""),
            (408, b""),
        ],
    ),
    (
        errors.UpstreamInternal,
        None,
        [
            (529, b""),
        ],
    ),
    (
        errors.UpstreamConflict,
        None,
        [
            (409, b""),
            (400, named("ConflictException")),
            (409, reason("CUSTOMER_KMS_KEY_DISABLED")),
            (400, reason("INVALID_KMS_GRANT")),
        ],
    ),
    (
        errors.UpstreamBadGateway,
        None,
        [
            (200, b"<html>Sign in to the hotel's network</html>"),
        ],
    ),
    (
        errors.UpstreamUntrusted,
        "upstream_unreachable",
        [
            (302, b""),
        ],
    ),
]


@pytest.mark.parametrize(
    ("expected", "code", "status", "sent"),
    [
        pytest.param(expected, code, *answer, id=f"{expected.__name__}-{answer[0]}-{number}")
        for expected, code, answers in ANSWERS
        for number, answer in enumerate(answers)
    ],
)
def test_an_answer_is_classified_by_reason_and_text_before_name_and_status(
    expected: type[UpstreamError], code: str | None, status: int, sent: bytes
) -> None:
    error = classify(status, {}, sent)
    assert type(error) is expected
    assert error.code == code
    assert error.upstream_status == status


@pytest.mark.parametrize(
    ("sent", "status", "period"),
    [
        (reason("MONTHLY_REQUEST_COUNT"), 429, "month"),
        (reason("DAILY_REQUEST_COUNT"), 429, "day"),
        (reason("OVERAGE_REQUEST_LIMIT_EXCEEDED"), 402, "overage"),
        (b"", 402, "unknown"),
    ],
)
def test_a_spent_quota_says_for_how_long(sent: bytes, status: int, period: str) -> None:
    error = classify(status, {}, sent)
    assert isinstance(error, QuotaSpent)
    assert error.period == period


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"x-amzn-errortype": "ThrottlingException"}, b""),
        ({"X-Amzn-ErrorType": "ThrottlingException:http://internal.amazon.com/coral/"}, b""),
        ({"x-amzn-errortype": NAMESPACE + "ThrottlingError"}, b'{"__type":"Validation"}'),
        ({}, body(code="ThrottlingException")),
        ({}, body(code=17, __type="ThrottlingException")),
        ({}, body(__type="com.amazon.aws.codewhisperer#ThrottlingException")),
    ],
)
def test_the_name_may_stand_in_header_or_body_and_in_any_spelling(
    headers: dict[str, str], sent: bytes
) -> None:
    assert type(classify(400, headers, sent)) is errors.RateLimited


@pytest.mark.parametrize("member", ["message", "Message", "errorMessage"])
def test_the_message_may_have_any_of_three_names(member: str) -> None:
    error = classify(400, {}, body(**{member: "Input is too long."}))
    assert type(error) is errors.UpstreamPromptTooLong


@pytest.mark.parametrize(
    "sent",
    [b"", b"no JSON", b"[1]", b'"text"', b"null", b"\xff\xfe", b'{"message":', b"[" * 100_000],
)
def test_a_body_that_says_nothing_leaves_the_status(sent: bytes) -> None:
    error = classify(400, {}, sent)
    assert type(error) is errors.UpstreamRejected
    assert error.reason is None


def test_an_error_keeps_reason_status_and_request_id() -> None:
    error = classify(400, {"X-Amzn-RequestId": "abc-1"}, reason("INVALID_MODEL_ID"))
    assert (error.reason, error.upstream_status, error.request_id) == (
        "INVALID_MODEL_ID",
        400,
        "abc-1",
    )


def test_the_inner_reason_counts_where_the_outer_one_is_null() -> None:
    error = classify(400, {}, body(reason=None, error={"reason": "INVALID_MODEL_ID"}))
    assert error.reason == "INVALID_MODEL_ID"


@pytest.mark.parametrize("word", ["drop table", "x" * 10, "A" * 65, "A-B", "", "Ä"])
def test_a_reason_that_is_no_word_is_left_out(word: str) -> None:
    error = classify(400, {}, body(reason=word))
    assert error.reason is None
    assert error.code == "bad_request"


def test_too_long_begins_with_the_words_that_clients_look_for() -> None:
    error = classify(400, {}, reason("CONTENT_LENGTH_EXCEEDS_THRESHOLD"))
    assert str(error).startswith("prompt is too long")


NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("9" * 5000, None),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str, seconds: float | None) -> None:
    assert classify(429, {"Retry-After": value}, b"", now=NOW).retry_after == seconds


def test_a_date_in_retry_after_counts_from_the_answers_own_date() -> None:
    headers = {
        "date": "Sun, 01 Mar 2026 12:00:00 GMT",
        "retry-after": "Sun, 01 Mar 2026 12:00:09 GMT",
    }
    assert classify(503, headers, b"").retry_after == 9


def test_a_date_in_retry_after_means_nothing_without_another() -> None:
    headers = {"retry-after": "Sun, 01 Mar 2026 12:00:09 GMT"}
    assert classify(503, headers, b"").retry_after is None


@pytest.mark.parametrize(
    ("name", "payload", "text", "expected"),
    [
        ("ThrottlingException", message("slow down"), "", "RateLimited"),
        ("ThrottlingException", reason("INSUFFICIENT_MODEL_CAPACITY"), "", "ModelOverloaded"),
        ("ValidationException", message("bad"), "", "UpstreamRejected"),
        ("ValidationException", message("Input is too long."), "", "UpstreamPromptTooLong"),
        ("ContentLengthExceededException", b"", "", "UpstreamPromptTooLong"),
        ("CONTENT_LENGTH_EXCEEDS_THRESHOLD", b"", "", "UpstreamPromptTooLong"),
        ("ServiceQuotaExceededException", message("over"), "", "QuotaSpent"),
        ("AccessDeniedException", message("no"), "", "UpstreamAccessDenied"),
        ("AccessDeniedException", message(BEARER), "", "AccountSignInFailed"),
        ("AccessDeniedException", b"", BEARER, "AccountSignInFailed"),
        ("UnrecognizedClientException", b"", "", "AccountSignInFailed"),
        ("ConflictException", b"", "", "UpstreamConflict"),
        ("ServiceUnavailableException", b"", "", "UpstreamUnavailable"),
        ("InternalServerException", b"", "", "UpstreamInternal"),
        ("error", b"", "", "UpstreamInternal"),
        ("SomethingNewException", b"", "", "UpstreamInternal"),
        ("", named("ThrottlingException"), "", "RateLimited"),
        ("", b"", "", "UpstreamInternal"),
    ],
)
def test_an_exception_inside_a_stream_is_classified_by_its_name(
    name: str, payload: bytes, text: str, expected: str
) -> None:
    error = classify_exception(name, payload, text)
    assert type(error) is getattr(errors, expected)
    assert error.upstream_status is None


SECRET = "arn:aws:codewhisperer:us-east-1:123456789012:profile/SECRET"


@settings(max_examples=150, deadline=None)
@given(
    status=st.integers(200, 599),
    name=st.sampled_from(["", "ThrottlingException", "AccessDeniedException", f"{SECRET}#x y"]),
    word=st.sampled_from(["MONTHLY_REQUEST_COUNT", "SOMETHING_ELSE", SECRET, None, 5]),
    text=st.sampled_from(["Input is too long: ", "profileArn ", "token expired ", ""]),
)
def test_no_message_repeats_what_the_service_wrote(
    status: int, name: str, word: str | int | None, text: str
) -> None:
    sent = body(message=text + SECRET, reason=word, __type=name)
    error = classify(status, {}, sent)
    assert isinstance(error, UpstreamError)
    assert "SECRET" not in f"{error} {error.reason} {error.code}"
    assert str(error).endswith(".")


@settings(max_examples=150, deadline=None)
@given(
    status=st.integers(100, 999),
    headers=st.dictionaries(
        st.sampled_from(["x-amzn-errortype", "retry-after", "date"]), st.text(max_size=30)
    ),
    sent=st.binary(max_size=60),
)
def test_any_answer_gives_an_error_of_ours(
    status: int, headers: dict[str, str], sent: bytes
) -> None:
    assert isinstance(classify(status, headers, sent), UpstreamError)


@pytest.mark.parametrize(
    ("sent", "excerpt"),
    [
        (b"", ""),
        (b'{"message":"no"}', '{"message":"no"}'),
        (b"<html>\r\n\t<b>no</b>\n", "<html> <b>no</b>"),
        (b"a\x1b[31mb\0c", "a [31mb c"),
        ("über".encode()[1:], "\ufffdber"),
    ],
)
def test_an_excerpt_is_one_printable_line(sent: bytes, excerpt: str) -> None:
    assert raw_excerpt(sent) == excerpt


@pytest.mark.parametrize("sent", [b"x" * 5000, "ü".encode() * 2000, b"\xff" * 5000])
def test_an_excerpt_is_at_most_one_kibibyte(sent: bytes) -> None:
    excerpt = raw_excerpt(sent)
    assert 1000 < len(excerpt.encode()) <= 1024
