"""The service's error answers, byte for byte as it phrases them."""

import json
from dataclasses import dataclass, replace

JSON_TYPE = "application/x-amz-json-1.0"
NAMESPACE = "com.amazon.aws.codewhisperer#"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer that is no success. An empty `content_type` sends no such header."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = JSON_TYPE

    def with_header(self, name: str, value: str) -> "Refusal":
        """The same answer with one more header."""
        return replace(self, headers=(*self.headers, (name, value)))


def plain(status: int, message: str, reason: str | None = None) -> Refusal:
    """`{"message": …, "reason": …}`: the shape of the generation service's validation errors."""
    return Refusal(status, json.dumps({"message": message, "reason": reason}).encode())


def message_only(status: int, message: str, member: str = "message") -> Refusal:
    """`{"message": …}`, or with another spelling of that member."""
    return Refusal(status, json.dumps({member: message}).encode())


def named(status: int, error: str, message: str, reason: str | None = None) -> Refusal:
    """`{"__type": …, "message": …, "reason": …}`; the reason is left out when there is none."""
    body = {"__type": NAMESPACE + error, "message": message}
    if reason is not None:
        body["reason"] = reason
    return Refusal(status, json.dumps(body).encode(), (("x-amzn-errortype", error),))


def nested_reason(status: int, reason: str) -> Refusal:
    """`{"error": {"reason": …}}`: how a spent monthly quota was seen."""
    return Refusal(status, json.dumps({"error": {"reason": reason}}).encode())


def oauth_error(code: str, description: str, status: int = 400) -> Refusal:
    """`{"error": …, "error_description": …}` of the token endpoints."""
    body = json.dumps({"error": code, "error_description": description}).encode()
    return Refusal(status, body, content_type="application/json")


IMPROPERLY_FORMED = plain(400, "Improperly formed request.")
BODY_INVALID = plain(400, "Improperly formed request.", "REQUEST_BODY_INVALID")
TOOL_SCHEMA_INVALID = plain(400, "Improperly formed request.", "TOOL_SCHEMA_INVALID")
INPUT_TOO_LONG = plain(400, "Input is too long.", "CONTENT_LENGTH_EXCEEDS_THRESHOLD")
MODEL_UNKNOWN = plain(400, "Invalid model. Please select a different model.", "INVALID_MODEL_ID")
CONVERSATION_INVALID = plain(400, "Invalid conversation id.", "INVALID_CONVERSATION_ID")
PROFILE_NEEDED = plain(400, "profileArn is required for this request.")
PROFILE_INVALID = message_only(400, "Invalid profileArn.")
BEARER_INVALID = message_only(403, "The bearer token included in the request is invalid.")
UNKNOWN_OPERATION = Refusal(
    400,
    b'{"__type":"com.amazon.coral.service#UnknownOperationException"}',
    (("x-amzn-errortype", "UnknownOperationException"),),
)
NOT_ENTITLED = named(403, "AccessDeniedException", "User is not authorized to make this call.")


def validation(message: str) -> Refusal:
    """A parameter of a management operation is missing or wrong."""
    return named(400, "ValidationException", message)
