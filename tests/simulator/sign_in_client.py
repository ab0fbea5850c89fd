"""What a program that signs somebody in sends to the simulator."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.simulator.simulator_client import Body, ask, post_as

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
STATE = "5f0c1f0e-9f51-4e0a-9a35-1d2f3c4b5a69"
PROOF = {"state": STATE, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
PORTAL = {**PROOF, "redirect_uri": "http://localhost:3128", "redirect_from": "KiroIDE"}
DIRECT = "kiro://kiro.kiroAgent/authenticate-success"


@dataclass(frozen=True)
class Callback:
    """Where a browser was sent, taken apart."""

    address: str
    query: dict[str, str]


def sent_to(reply: httpx.Response) -> Callback:
    """Where a page sends the browser."""
    assert reply.status_code == 302, reply.text
    return callback(reply.headers["location"])


def callback(address: str) -> Callback:
    """An address and its query."""
    parts = urlsplit(address)
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return Callback(address.partition("?")[0], dict(pairs))


def script(http: httpx.Client, **order: Any) -> None:
    """Order how the next visit to a page ends."""
    reply = http.put("/_sim/sign-in", json=order)
    assert reply.status_code == 200, reply.text


def arm(http: httpx.Client, name: str, operation: str, **order: Any) -> None:
    """Let a scenario wait for an operation."""
    reply = http.put("/_sim/scenario", json={"name": name, "operation": operation, **order})
    assert reply.status_code == 200, reply.text


def visit_portal(http: httpx.Client, **changes: str | None) -> httpx.Response:
    """Open the portal with a query that is changed in places."""
    query = {name: value for name, value in {**PORTAL, **changes}.items() if value is not None}
    return http.get("/signin", params=query)


def exchange(http: httpx.Client, code: str, /, **changes: Any) -> httpx.Response:
    """Turn a code of the portal into tokens."""
    body = {
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": "http://localhost:3128/oauth/callback?login_option=google",
        **changes,
    }
    return http.post("/oauth/token", json=body)


def generate(
    http: httpx.Client, bearer: str, profile_arn: str | None, token_type: str | None = None
) -> int:
    """The status of a generation request with this bearer."""
    body: Body = ask("Hello")
    if profile_arn is not None:
        body["profileArn"] = profile_arn
    return post_as(http, body, bearer, token_type).status_code


def challenge_of(verifier: str) -> str:
    """RFC 7636, S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
