"""Errors of the token endpoints that a scenario can bring about, whatever the request says."""

import json
from typing import Literal

from gateway.simulator.refusals import Refusal, oauth_error

ErrorSpelling = Literal["oauth", "type", "header"]
"""`{"error": "slow_down"}`, `{"__type": "SlowDownException"}`, or only a header that says so."""

SLOW_DOWN = oauth_error("slow_down", "Too many requests; poll less often")
PENDING = oauth_error("authorization_pending", "Authorization is still pending")
EXPIRED = oauth_error("expired_token", "Device code has expired")
DENIED = oauth_error("access_denied", "Authorization was denied")

POLL_FAULTS: dict[str, tuple[str, Refusal]] = {
    "authorization-pending": ("400 authorization_pending", PENDING),
    "slow-down": ("400 slow_down, after which polls must be 5 seconds further apart", SLOW_DOWN),
    "device-expired": ("400 expired_token", EXPIRED),
    "device-denied": ("400 access_denied", DENIED),
}
"""Name → what it is, and the answer to a poll."""

OAUTH_FAULTS: dict[str, tuple[str, Refusal]] = {
    f"oauth-{code.replace('_', '-')}": (f"400 {code}", oauth_error(code, "As ordered"))
    for code in (
        "invalid_grant",
        "invalid_client",
        "unauthorized_client",
        "invalid_request",
        "invalid_scope",
        "invalid_client_metadata",
        "unsupported_grant_type",
    )
} | {
    "oauth-slow-down": ("429 slow_down", oauth_error("slow_down", "As ordered", 429)),
    "oauth-server-error": (
        "503 temporarily_unavailable",
        oauth_error("temporarily_unavailable", "As ordered", 503),
    ),
}
"""Name → what it is, and the answer of any token endpoint."""


def respelled(refusal: Refusal, spelling: ErrorSpelling) -> Refusal:
    """An OAuth error in another spelling; any other answer as it is."""
    if spelling == "oauth" or b'"error_description"' not in refusal.body:
        return refusal
    said = json.loads(refusal.body)
    name = "".join(word.capitalize() for word in said["error"].split("_")) + "Exception"
    body = {"message": said["error_description"]}
    headers: tuple[tuple[str, str], ...] = ()
    if spelling == "type":
        body = {"__type": name, **body}
    else:
        headers = (("x-amzn-errortype", f"{name}:http://internal.amazon.com/coral/"),)
    return Refusal(refusal.status, json.dumps(body).encode(), headers, "application/json")
