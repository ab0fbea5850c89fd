"""Renewing an access token: one request to the sign-in service an account came from.

Three protocols: Kiro's own service for Google and GitHub (`/refreshToken`), AWS's OIDC service for
Builder ID and IAM Identity Center (`/token`, JSON in camelCase; it refuses forms), and OAuth forms
for an organisation's own identity provider.
"""

import ipaddress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import httpx

from gateway.errors import Source, UpstreamError, WhyRejected
from gateway.store.accounts import Account, Credentials, check_region
from gateway.upstream.http import is_loopback
from gateway.upstream.signin.answers import (
    DEFAULT_LIFETIME,
    Answer,
    ask,
    check_clock,
    json_request,
    seconds,
)

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


class RefreshRejected(UpstreamError):
    """The sign-in is over: trying again cannot help, signing in again does.

    Attributes:
        why: its reason as a word.
    """

    source: ClassVar[Source] = "account"

    def __init__(self, message: str, *, why: WhyRejected, **more: Any) -> None:
        super().__init__(message, **more)
        self.why = why


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
            raise RefreshRejected(
                f'Account "{account.name}" has no token that could be renewed.', why="not_renewable"
            )


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
        answer = await ask(http, request)
    except UpstreamError as exc:
        raise RefreshFailed(str(exc), code=exc.code) from exc
    check_clock(answer.headers.get("date"), now)
    if answer.status != 200:
        raise _failure(account, answer)
    return _token(account, answer, now)


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
            "the account in again, or add its host to upstream.allowed_private_hosts.",
            why="no_endpoint",
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
        raise _sign_in_again(account, "no_refresh_token", "it has no refresh token")
    if account.auth_method == "social":
        return json_request(http, url, {"refreshToken": credentials.refresh_token})
    if not credentials.client_id:
        raise _sign_in_again(account, "no_registration", "its client registration is missing")
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
        raise _sign_in_again(account, "no_registration", "its client registration is missing")
    return json_request(
        http,
        url,
        {
            "clientId": credentials.client_id,
            "clientSecret": credentials.client_secret,
            "grantType": "refresh_token",
            "refreshToken": credentials.refresh_token,
        },
    )


def _token(account: Account, answer: Answer, now: datetime) -> RefreshedToken:
    access_token = answer.text("accessToken", "access_token")
    if access_token is None:
        raise RefreshDoubtful(
            f'The sign-in service answered without a token for account "{account.name}".'
        )
    lifetime = answer.seconds("expiresIn", "expires_in") or DEFAULT_LIFETIME
    return RefreshedToken(
        access_token=access_token,
        refresh_token=answer.text("refreshToken", "refresh_token"),
        expires_at=now + timedelta(seconds=lifetime),
        profile_arn=answer.text("profileArn", "profile_arn"),
    )


def _failure(account: Account, answer: Answer) -> UpstreamError:
    status, code = answer.status, answer.code
    busy = status in {408, 429} or not 400 <= status < 500 or code in _TRANSIENT
    # Kiro's own service does not always send a code beside these words.
    dead = code in _PERMANENT or b"invalid refresh token" in answer.body.lower()
    if dead and not busy:
        return _sign_in_again(
            account,
            "spent",
            "the sign-in service no longer accepts its refresh token",
            status,
            code,
        )
    kind = RefreshFailed if busy else RefreshDoubtful
    return kind(
        f'The sign-in service answered {status} for account "{account.name}".',
        upstream_status=status,
        reason=code or None,
        retry_after=seconds(answer.headers.get("retry-after")),
    )


def _sign_in_again(
    account: Account, why: WhyRejected, because: str, status: int | None = None, code: str = ""
) -> RefreshRejected:
    return RefreshRejected(
        f'Account "{account.name}" has to be signed in again: {because}.',
        why=why,
        upstream_status=status,
        reason=code or None,
    )
