"""Renewing an access token: one request to the sign-in service an account came from.

Three protocols: Kiro's own service for Google and GitHub (`/refreshToken`), AWS's OIDC service for
Builder ID and IAM Identity Center (`/token`, JSON in camelCase; it refuses forms), and OAuth forms
for an organisation's own identity provider.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import ClassVar
from urllib.parse import urlencode, urlsplit

import anyio
import httpx
import msgspec
import structlog

from gateway.errors import Source, UpstreamError
from gateway.store.accounts import Account, Credentials, check_region
from gateway.upstream.http import is_loopback, network_errors

TIMEOUT = 30.0  # seconds for the whole exchange
DEFAULT_LIFETIME = 3600  # seconds, where the answer names none
MAX_ANSWER = 1024 * 1024  # bytes
CLOCK_TOLERANCE = timedelta(seconds=60)

# Codes as `error_code` gives them. These say that the same request can never succeed.
_PERMANENT = frozenset(
    {
        "expiredtoken",
        "interactionrequired",
        "invalidclient",
        "invalidclientmetadata",
        "invalidgrant",
        "invalidrequest",
        "invalidscope",
        "unauthorizedclient",
        "unsupportedgranttype",
    }
)
_TRANSIENT = frozenset(
    {"internalserver", "servererror", "slowdown", "temporarilyunavailable", "throttling"}
)

log = structlog.get_logger("gateway.signin")


class RefreshRejected(UpstreamError):
    """The sign-in is over: trying again cannot help, signing in again does."""

    source: ClassVar[Source] = "account"


class RefreshFailed(UpstreamError):
    """It did not work this time; the refresh token is as good as before."""


class RefreshDoubtful(RefreshFailed):
    """Refused without a word that settles it: once may be an accident, twice is not."""


@dataclass(frozen=True, slots=True)
class RefreshUrls:
    """The services to ask: `upstream.oidc_url` and `auth_url`, with `{region}` or without.

    `allowed_private_hosts` are hosts that an external identity provider may live on although they
    are private or spoken to without TLS.
    """

    oidc: str
    auth: str
    allowed_private_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefreshedToken:
    """The answer. `refresh_token` is None when the old one stays good."""

    access_token: str
    refresh_token: str | None
    expires_at: datetime
    profile_arn: str | None

    def __repr__(self) -> str:
        return f"RefreshedToken(expires_at={self.expires_at!r}, profile_arn={self.profile_arn!r})"

    def applied_to(self, credentials: Credentials) -> Credentials:
        """The credentials that follow upon these."""
        return replace(
            credentials,
            access_token=self.access_token,
            refresh_token=self.refresh_token or credentials.refresh_token,
            expires_at=self.expires_at,
        )


def refresh_endpoint(account: Account, urls: RefreshUrls) -> str:
    """The URL that renews this account's token.

    Raises:
        RefreshRejected: there is none, or it is not one that secrets may be sent to.
    """
    match account.auth_method:
        case "social":
            return _in_region(urls.auth, account) + "/refreshToken"
        case "builder_id" | "idc":
            return _in_region(urls.oidc, account) + "/token"
        case "external_idp":
            return _external_endpoint(account, urls)
        case _:
            raise RefreshRejected(f'Account "{account.name}" has no token that could be renewed.')


async def refresh(
    http: httpx.AsyncClient, account: Account, urls: RefreshUrls, *, now: datetime
) -> RefreshedToken:
    """Ask for a new access token. The expiry counts from `now`, the moment of asking.

    Raises:
        RefreshRejected: only a new sign-in helps.
        RefreshFailed: the service is out of reach, busy or broken.
        RefreshDoubtful: the service refuses and does not say why.
    """
    request = _request(http, account, refresh_endpoint(account, urls))
    try:
        with anyio.fail_after(TIMEOUT), network_errors("the sign-in service"):
            response = await http.send(request, stream=True, follow_redirects=False)
            try:
                body = await _read(response)
            finally:
                with anyio.move_on_after(2, shield=True):
                    await response.aclose()
    except TimeoutError as exc:
        raise RefreshFailed("The sign-in service did not answer in time.") from exc
    except UpstreamError as exc:
        raise RefreshFailed(str(exc), code=exc.code) from exc
    _check_clock(response.headers.get("date"), now)
    if response.status_code != 200:
        raise _failure(account, response, body)
    return _token(account, body, now)


def error_code(headers: Mapping[str, str], body: bytes) -> str:
    """What a sign-in service calls its error, in one spelling: lower case letters and digits.

    OAuth's `invalid_grant` in `error` and AWS's `InvalidGrantException` in `__type` or the header
    `x-amzn-errortype` both give "invalidgrant"; "" when it gives no name.
    """
    members = _members(body)
    for name in (members.get("error"), members.get("__type"), headers.get("x-amzn-errortype")):
        if isinstance(name, str) and name:
            word = name.rpartition("#")[2].partition(":")[0]
            return re.sub(r"[^a-z0-9]", "", word.lower()).removesuffix("exception")
    return ""


def _in_region(template: str, account: Account) -> str:
    return template.replace("{region}", check_region(account.auth_region)).rstrip("/")


def _external_endpoint(account: Account, urls: RefreshUrls) -> str:
    endpoint = (account.credentials.token_endpoint if account.credentials else None) or ""
    try:
        httpx.URL(endpoint)
        parts = urlsplit(endpoint)
    except (httpx.InvalidURL, ValueError):
        parts = urlsplit("")
    host = (parts.hostname or "").lower()
    services = [urlsplit(url.replace("{region}", "us-east-1")) for url in (urls.oidc, urls.auth)]
    trusted = host in urls.allowed_private_hosts or (
        is_loopback(host) and all(is_loopback(service.hostname or "") for service in services)
    )
    schemes = {"https", "http"} if trusted else {"https"}
    if (
        not host
        or parts.scheme not in schemes
        or parts.username is not None
        or not (trusted or _is_public(host))
    ):
        raise RefreshRejected(
            f'The token endpoint of account "{account.name}" is not a public https address. Sign '
            "the account in again, or add its host to upstream.allowed_private_hosts."
        )
    return endpoint


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return not is_loopback(host)


def _request(http: httpx.AsyncClient, account: Account, url: str) -> httpx.Request:
    credentials = account.credentials
    if credentials is None or not credentials.refresh_token:
        raise _sign_in_again(account, "it has no refresh token")
    if account.auth_method == "social":
        return _json_request(http, url, {"refreshToken": credentials.refresh_token})
    if not credentials.client_id:
        raise _sign_in_again(account, "its client registration is missing")
    if account.auth_method == "external_idp":
        form = {
            "client_id": credentials.client_id,
            "grant_type": "refresh_token",
            "refresh_token": credentials.refresh_token,
        }
        if credentials.client_secret:
            form["client_secret"] = credentials.client_secret
        if credentials.refresh_scope:
            form["scope"] = credentials.refresh_scope
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        return http.build_request("POST", url, headers=headers, content=urlencode(form).encode())
    if not credentials.client_secret:
        raise _sign_in_again(account, "its client registration is missing")
    return _json_request(
        http,
        url,
        {
            "clientId": credentials.client_id,
            "clientSecret": credentials.client_secret,
            "grantType": "refresh_token",
            "refreshToken": credentials.refresh_token,
        },
    )


def _json_request(http: httpx.AsyncClient, url: str, body: Mapping[str, str]) -> httpx.Request:
    headers = {"content-type": "application/json", "accept": "application/json"}
    return http.build_request("POST", url, headers=headers, content=msgspec.json.encode(body))


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise RefreshFailed("The sign-in service answers with far more than a token.")
    return bytes(body)


def _token(account: Account, body: bytes, now: datetime) -> RefreshedToken:
    members = _members(body)

    def member(*names: str) -> str | None:
        values = (members.get(name) for name in names)
        return next((value for value in values if isinstance(value, str) and value), None)

    access_token = member("accessToken", "access_token")
    if access_token is None:
        raise RefreshDoubtful(
            f'The sign-in service answered without a token for account "{account.name}".'
        )
    lifetime = _seconds(members.get("expiresIn", members.get("expires_in"))) or DEFAULT_LIFETIME
    return RefreshedToken(
        access_token=access_token,
        refresh_token=member("refreshToken", "refresh_token"),
        expires_at=now + timedelta(seconds=lifetime),
        profile_arn=member("profileArn", "profile_arn"),
    )


def _failure(account: Account, response: httpx.Response, body: bytes) -> UpstreamError:
    status = response.status_code
    code = error_code(response.headers, body)
    busy = status in {408, 429} or not 400 <= status < 500 or code in _TRANSIENT
    # Kiro's own service does not always send a code beside these words.
    dead = code in _PERMANENT or b"invalid refresh token" in body.lower()
    if dead and not busy:
        return _sign_in_again(
            account, "the sign-in service no longer accepts its refresh token", status, code
        )
    kind = RefreshFailed if busy else RefreshDoubtful
    return kind(
        f'The token of account "{account.name}" could not be renewed just now: the sign-in service '
        f"answered {status}.",
        upstream_status=status,
        reason=code or None,
        retry_after=_seconds(response.headers.get("retry-after")),
    )


def _sign_in_again(
    account: Account, why: str, status: int | None = None, code: str = ""
) -> RefreshRejected:
    return RefreshRejected(
        f'Account "{account.name}" has to be signed in again: {why}.',
        upstream_status=status,
        reason=code or None,
    )


def _members(body: bytes) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except msgspec.MsgspecError:
        return {}


def _seconds(value: object) -> float | None:
    """A positive number of seconds, written as number or text; at most ten years."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 < seconds < 315_360_000 else None


def _check_clock(date: str | None, now: datetime) -> None:
    """Token lifetimes are counted on our clock; say so when it is visibly wrong."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return
    if theirs.tzinfo is not None and abs(theirs - now) > CLOCK_TOLERANCE:
        ahead = round((now - theirs).total_seconds())
        log.warning("the clock differs from the sign-in service's", seconds_ahead=ahead)
