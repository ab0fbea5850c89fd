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


ORGANISATION = "https://simulated-org.awsapps.com/start"
BUILDER_ID = "https://view.awsapps.com/start"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPES = [f"codewhisperer:{part}" for part in ("completions", "analysis", "conversations")]


class OidcClient:
    """A registered program. Its secret and the region's path come with every call."""

    def __init__(self, http: httpx.Client, region: str = "", **changes: Any) -> None:
        self.http = http
        self.path = f"/{region}" if region else ""
        reply = register(http, self.path, **changes)
        assert reply.status_code == 200, reply.text
        self.members = {name: reply.json()[name] for name in ("clientId", "clientSecret")}

    def post(self, path: str, **members: Any) -> httpx.Response:
        """Call with the client's proof; members that are None are left out."""
        every = {**self.members, **members}
        body = {name: value for name, value in every.items() if value is not None}
        return self.http.post(self.path + path, json=body)

    def start(self, start_url: str = ORGANISATION, /, **members: Any) -> httpx.Response:
        """Begin a device authorization."""
        return self.post("/device_authorization", **{"startUrl": start_url, **members})

    def begin(self, start_url: str = ORGANISATION) -> Body:
        """Begin a device authorization that must succeed."""
        reply = self.start(start_url)
        assert reply.status_code == 200, reply.text
        begun: Body = reply.json()
        return begun

    def poll(self, device_code: str, /, **members: Any) -> httpx.Response:
        """Ask whether somebody has approved."""
        return self.post(
            "/token", **{"grantType": DEVICE_GRANT, "deviceCode": device_code, **members}
        )

    def refresh(self, refresh_token: str) -> httpx.Response:
        """Spend a refresh token."""
        return self.post("/token", grantType="refresh_token", refreshToken=refresh_token)


def register(http: httpx.Client, path: str = "", **changes: Any) -> httpx.Response:
    """Register a program."""
    body = {
        "clientName": "Example Gateway",
        "clientType": "public",
        "scopes": SCOPES,
        "grantTypes": [DEVICE_GRANT, "refresh_token"],
        **changes,
    }
    members = {name: value for name, value in body.items() if value is not None}
    return http.post(f"{path}/client/register", json=members)


def decide(http: httpx.Client, decision: str, **order: Any) -> None:
    """Order what becomes of a device authorization."""
    reply = http.put("/_sim/device", json={"decision": decision, **order})
    assert reply.status_code == 200, reply.text


def advance(http: httpx.Client, seconds: float) -> None:
    """Let time pass."""
    assert http.post("/_sim/clock", json={"advance_seconds": seconds}).status_code == 200
