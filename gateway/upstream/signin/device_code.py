"""AWS's device flow for Builder ID and IAM Identity Center: a code to enter on any machine.

Three calls to `oidc.{region}.amazonaws.com`, JSON in camelCase without signature: register a
client, start, and ask again and again until somebody has said yes or no in a browser.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import httpx

from gateway.errors import InvalidRequest, UpstreamBadGateway, UpstreamError
from gateway.store.accounts import Credentials, check_region
from gateway.upstream.http import is_loopback
from gateway.upstream.signin.answers import Answer, ask, check_clock, json_request
from gateway.upstream.signin.imported import oidc_method, plain_start_url
from gateway.upstream.signin.issued import SignedIn, SignInFailed, issued_tokens

CLIENT_NAME = "Kiro Gateway"  # people read it on AWS's consent page
SCOPES = (
    "codewhisperer:completions",
    "codewhisperer:analysis",
    "codewhisperer:conversations",
)
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
LIFETIME, INTERVAL = 600.0, 5.0  # seconds, where the answer names none
LONGEST_LIFETIME = 3600.0  # seconds; nobody enters a code later
SHORTEST_INTERVAL, LONGEST_INTERVAL = 1.0, 60.0  # seconds
SLOWER = 5.0  # seconds more between two questions each time the service says so

Waiting = Literal["pending", "slow_down", "unreachable"]


@dataclass(frozen=True, slots=True)
class OidcClient:
    """What we are registered as. Tokens are renewed by it alone, until it expires."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """A code for somebody to confirm; times in seconds."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: float
    interval: float


@dataclass(frozen=True, slots=True)
class DeviceFlow:
    """All calls of one sign-in, which have to go to one region."""

    http: httpx.AsyncClient
    oidc_url: str
    region: str
    start_url: str

    async def register(self) -> OidcClient:
        """Register a client of our own: a refresh token is bound to it.

        Raises:
            SignInFailed: refused.
            UpstreamError: no answer that makes sense.
        """
        body = {
            "clientName": CLIENT_NAME,
            "clientType": "public",
            "scopes": SCOPES,
            "grantTypes": [GRANT_TYPE, "refresh_token"],
            "issuerUrl": self.start_url,
        }
        answer = await self._ask("/client/register", body)
        if answer.status != 200:
            raise self._refused(answer)
        client_id, secret = answer.text("clientId"), answer.text("clientSecret")
        if client_id is None or secret is None:
            raise UpstreamBadGateway("The sign-in service registered no client.")
        expires_at = _moment(answer.members.get("clientSecretExpiresAt"))
        return OidcClient(client_id, secret, expires_at)

    async def start(self, client: OidcClient) -> DeviceAuthorization:
        """Ask for a code.

        Raises:
            SignInFailed: refused: mostly, the start URL or the region is wrong.
            UpstreamError: no answer that makes sense.
        """
        body = {
            "clientId": client.client_id,
            "clientSecret": client.client_secret,
            "startUrl": self.start_url,
        }
        answer = await self._ask("/device_authorization", body)
        if answer.status != 200:
            raise self._refused(answer)
        device_code, user_code = answer.text("deviceCode"), answer.text("userCode")
        page = answer.text("verificationUri")
        complete = answer.text("verificationUriComplete") or page
        if not (device_code and user_code and page and complete):
            raise UpstreamBadGateway("The sign-in service gave no code to enter.")
        interval = answer.seconds("interval") or INTERVAL
        return DeviceAuthorization(
            device_code=device_code,
            user_code=user_code,
            verification_uri=self._page(page),
            verification_uri_complete=self._page(complete),
            expires_in=min(answer.seconds("expiresIn") or LIFETIME, LONGEST_LIFETIME),
            interval=min(max(interval, SHORTEST_INTERVAL), LONGEST_INTERVAL),
        )

    async def ask_for_tokens(
        self, client: OidcClient, device_code: str, *, now: datetime
    ) -> SignedIn | Waiting:
        """Look once whether somebody has decided. Trouble on the way counts as waiting.

        Raises:
            SignInFailed: it is decided, and not for us; or the code has expired.
        """
        body = {
            "clientId": client.client_id,
            "clientSecret": client.client_secret,
            "deviceCode": device_code,
            "grantType": GRANT_TYPE,
        }
        try:
            answer = await self._ask("/token", body)
        except UpstreamError:
            return "unreachable"
        check_clock(answer.headers.get("date"), now)
        if answer.status == 200:
            return self._signed_in(client, answer, now)
        if answer.status >= 500 or answer.status == 408:
            return "unreachable"
        match answer.code:
            case "authorizationpending":
                return "pending"
            case "slowdown":
                return "slow_down"
            case "internalserver" | "servererror" | "temporarilyunavailable":
                return "unreachable"
            case _ if answer.status == 429:
                return "slow_down"
            case _:
                raise _decided(answer)

    def _signed_in(self, client: OidcClient, answer: Answer, now: datetime) -> SignedIn:
        tokens = issued_tokens(answer, now=now).credentials
        credentials = Credentials(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_at=tokens.expires_at,
            client_id=client.client_id,
            client_secret=client.client_secret,
            client_expires_at=client.expires_at,
            start_url=self.start_url,
        )
        return SignedIn(credentials, oidc_method(self.start_url), self.region)

    async def _ask(self, path: str, body: Mapping[str, object]) -> Answer:
        url = self.oidc_url.replace("{region}", check_region(self.region)).rstrip("/") + path
        return await ask(self.http, json_request(self.http, url, body))

    def _page(self, url: str) -> str:
        """A page that people are sent to, so nothing but a web address will do."""
        local = is_loopback(urlsplit(self.oidc_url).hostname or "")
        if not url.startswith(("https://", "http://") if local else "https://"):
            raise UpstreamBadGateway("The sign-in service names a page that is not on the web.")
        return url

    def _refused(self, answer: Answer) -> UpstreamError:
        if answer.status >= 500 or answer.status in {408, 429}:
            return UpstreamBadGateway(
                f"The sign-in service in {self.region} answered {answer.status}. Try again."
            )
        return SignInFailed(
            f"The sign-in service in {self.region} refuses {self.start_url} "
            f"({answer.code or answer.status}). Check the start URL, and that the region is the "
            "one of its IAM Identity Center.",
            why="refused",
            upstream_status=answer.status,
        )


def check_start_url(url: str) -> str:
    """A start URL without what people paste along.

    Raises:
        InvalidRequest: it is none.
    """
    plain = (plain_start_url(url.strip()) or "").partition("?")[0].rstrip("/")
    try:
        parts = urlsplit(plain)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if (
        not plain.startswith("https://")
        or len(plain) > 512
        or not plain.isascii()
        or any(c <= " " or c in '\\"<>' for c in plain)
        or "." not in host
        or is_loopback(host)
        or _is_literal(host)
        or port is not None
        or parts.username is not None
    ):
        raise InvalidRequest(
            "A start URL looks like https://example.awsapps.com/start: https, with the "
            "organisation's host."
        )
    return plain


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.replace(".", "").isdigit()
    return True


def _decided(answer: Answer) -> SignInFailed:
    match answer.code:
        case "accessdenied":
            return SignInFailed(
                "The sign-in was refused in the browser. Start it again, and allow it there.",
                why="denied",
                upstream_status=answer.status,
            )
        case "expiredtoken":
            return SignInFailed(
                "The code expired before it was confirmed. Start the sign-in again.",
                why="expired",
                upstream_status=answer.status,
            )
        case "invalidclient":
            return SignInFailed(
                "The sign-in service no longer knows this client. Start the sign-in again.",
                why="client_refused",
                upstream_status=answer.status,
            )
        case "invalidgrant":
            return SignInFailed(
                "The code is not good any more; it may have been used already. Start the sign-in "
                "again.",
                why="code_refused",
                upstream_status=answer.status,
            )
        case code:
            return SignInFailed(
                f"The sign-in service refuses the sign-in ({code or answer.status}). Start it "
                "again.",
                why="refused",
                upstream_status=answer.status,
            )


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        return None
    return datetime.fromtimestamp(value, UTC)
