from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest
from structlog.testing import capture_logs

from gateway.store.accounts import Account, AuthMethod, Credentials
from gateway.upstream.http import HttpClients
from gateway.upstream.signin.answers import error_code
from gateway.upstream.signin.refresh import (
    RefreshDoubtful,
    RefreshedToken,
    RefreshFailed,
    RefreshRejected,
    RefreshUrls,
    refresh,
    refresh_endpoint,
)
from tests.sample_store import ARN, NOW, oidc_credentials
from tests.sign_in_service import Answer, SignInService, sign_in_service, token_answer

pytestmark = pytest.mark.anyio

REAL = RefreshUrls(
    oidc="https://oidc.{region}.amazonaws.com",
    auth="https://prod.{region}.auth.desktop.kiro.dev",
)


@pytest.fixture
async def service() -> AsyncIterator[SignInService]:
    async with sign_in_service() as running:
        yield running


def account(
    method: AuthMethod | None, credentials: Credentials | None, region: str = "eu-west-1"
) -> Account:
    return Account(
        id="0123456789abcdef",
        name="work",
        enabled=True,
        auth_method=method,
        auth_region=region,
        api_region=None,
        proxy=None,
        profile_arn=None,
        email=None,
        subscription=None,
        credentials=credentials,
        generation=1,
        created_at=NOW,
        updated_at=NOW,
    )


def external(
    endpoint: str | None, client_secret: str | None = None, refresh_scope: str | None = None
) -> Account:
    credentials = Credentials(
        refresh_token="refresh-1",
        client_id="client-1",
        client_secret=client_secret,
        token_endpoint=endpoint,
        refresh_scope=refresh_scope,
    )
    return account("external_idp", credentials)


async def ask(service: SignInService, asking: Account) -> RefreshedToken:
    clients = HttpClients("kiro-gateway/test")
    try:
        urls = RefreshUrls(oidc=service.url + "/oidc/{region}/", auth=service.url + "/auth")
        http = clients.client_for(service.url, None)
        return await refresh(http, asking, urls, now=NOW)
    finally:
        await clients.aclose()


async def test_a_social_token_is_renewed_with_camel_case_json(service: SignInService) -> None:
    service.reply = lambda _: token_answer(2, profileArn=ARN)
    token = await ask(service, account("social", Credentials(refresh_token="refresh-1")))
    (asked,) = service.requests
    assert asked.path == "/auth/refreshToken"
    assert asked.headers["content-type"] == "application/json"
    assert asked.json == {"refreshToken": "refresh-1"}
    assert token == RefreshedToken(
        access_token="access-new-2",
        refresh_token="refresh-new-2",
        expires_at=NOW + timedelta(hours=1),
        profile_arn=ARN,
    )


@pytest.mark.parametrize("method", ["builder_id", "idc"])
async def test_an_oidc_token_is_renewed_in_the_region_of_its_client(
    service: SignInService, method: AuthMethod
) -> None:
    await ask(service, account(method, oidc_credentials()))
    (asked,) = service.requests
    assert asked.path == "/oidc/eu-west-1/token"
    assert asked.headers["content-type"] == "application/json"
    assert asked.json == {
        "clientId": "client-1",
        "clientSecret": "client-secret-1",
        "grantType": "refresh_token",
        "refreshToken": "refresh-1",
    }


@pytest.mark.parametrize(
    "more",
    [{}, {"client_secret": "s&1"}, {"refresh_scope": "api://1/a offline_access"}],
    ids=["public client", "client with a secret", "scope"],
)
async def test_an_external_identity_provider_gets_a_form(
    service: SignInService, more: dict[str, str]
) -> None:
    service.reply = lambda _: Answer(body={"access_token": "a2", "expires_in": "60"})
    token = await ask(service, external(service.url + "/tenant/token", **more))
    (asked,) = service.requests
    assert asked.path == "/tenant/token"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    scope = {"scope": more["refresh_scope"]} if "refresh_scope" in more else {}
    secret = {"client_secret": more["client_secret"]} if "client_secret" in more else {}
    assert form == {
        "client_id": "client-1",
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
        **secret,
        **scope,
    }
    assert token == RefreshedToken("a2", None, NOW + timedelta(seconds=60), None)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(60, 60), ("90", 90), (1.5e3, 1500), (None, 3600), (0, 3600), (True, 3600), ("soon", 3600)],
)
async def test_the_lifetime_defaults_to_an_hour(
    service: SignInService, written: object, seconds: int
) -> None:
    service.reply = lambda _: token_answer(2, expires_in=written)
    token = await ask(service, account("idc", oidc_credentials()))
    assert token.expires_at == NOW + timedelta(seconds=seconds)


def test_an_answer_without_a_refresh_token_keeps_the_old_one() -> None:
    old = oidc_credentials()
    expires_at = NOW + timedelta(hours=2)
    kept = RefreshedToken("access-2", None, expires_at, None).applied_to(old)
    rotated = RefreshedToken("access-2", "refresh-2", expires_at, None).applied_to(old)
    assert kept == replace(old, access_token="access-2", expires_at=expires_at)
    assert rotated == replace(kept, refresh_token="refresh-2")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_grant", "error_description": "Invalid refresh token provided"}),
        (400, {"__type": "InvalidGrantException", "message": "FAKE"}),
        (400, {"__type": "com.amazonaws.ssooidc#ExpiredTokenException"}),
        (400, {"error": "invalid_request"}),
        (400, {"error": "unauthorized_client"}),
        (401, {"error": "invalid_client", "error_description": "FAKE"}),
        (400, {"message": "Invalid refresh token provided"}),
    ],
)
async def test_a_refusal_that_names_the_sign_in_is_final(
    service: SignInService, status: int, body: object
) -> None:
    service.reply = lambda _: Answer(status, body)
    with pytest.raises(RefreshRejected, match=r'"work" has to be signed in again') as caught:
        await ask(service, account("idc", oidc_credentials()))
    assert caught.value.upstream_status == status
    assert "FAKE" not in str(caught.value)


async def test_the_error_may_also_be_in_a_header(service: SignInService) -> None:
    service.reply = lambda _: Answer(
        400, {}, {"x-amzn-errortype": "InvalidGrantException:http://internal/"}
    )
    with pytest.raises(RefreshRejected):
        await ask(service, account("idc", oidc_credentials()))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"error": "invalid_grant"}),
        (400, {"error": "slow_down"}),
        (400, {"__type": "SlowDownException"}),
        (408, b""),
        (500, {"message": "FAKE"}),
        (503, b"<html>FAKE</html>"),
        (302, b""),
        (400, {"error": "temporarily_unavailable"}),
    ],
)
async def test_a_busy_or_broken_service_is_no_refusal(
    service: SignInService, status: int, body: object
) -> None:
    elsewhere = {"location": service.url + "/elsewhere"}
    service.reply = lambda _: Answer(status, body, elsewhere)
    with pytest.raises(RefreshFailed, match=f"answered {status}") as caught:
        await ask(service, account("idc", oidc_credentials()))
    assert not isinstance(caught.value, RefreshDoubtful)
    assert "FAKE" not in str(caught.value)
    # A redirect would carry the secrets to wherever it says.
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"message": "Bad credentials"}),
        (403, {"__type": "AccessDeniedException"}),
        (400, b"<html>"),
        (404, {}),
        (200, {}),
        (200, {"accessToken": ""}),
        (200, b"not json"),
        (200, ["access"]),
    ],
)
async def test_an_answer_that_settles_nothing_is_doubtful(
    service: SignInService, status: int, body: object
) -> None:
    service.reply = lambda _: Answer(status, body)
    with pytest.raises(RefreshDoubtful, match='account "work"'):
        await ask(service, account("idc", oidc_credentials()))


@pytest.mark.parametrize(("written", "seconds"), [("17", 17.0), ("soon", None), ("-1", None)])
async def test_how_long_to_wait_is_passed_on(
    service: SignInService, written: str, seconds: float | None
) -> None:
    service.reply = lambda _: Answer(429, {}, {"retry-after": written})
    with pytest.raises(RefreshFailed) as caught:
        await ask(service, account("idc", oidc_credentials()))
    assert caught.value.retry_after == seconds


async def test_an_endless_answer_is_not_read_to_its_end(service: SignInService) -> None:
    service.reply = lambda _: Answer(200, b"{" * 3_000_000)
    with pytest.raises(RefreshFailed, match="far more than was asked"):
        await ask(service, account("idc", oidc_credentials()))


async def test_a_service_out_of_reach_is_no_refusal(service: SignInService) -> None:
    gone = SignInService(url="http://127.0.0.1:1")
    with pytest.raises(RefreshFailed, match="sign-in service") as caught:
        await ask(gone, account("idc", oidc_credentials()))
    assert not isinstance(caught.value, RefreshDoubtful)


@pytest.mark.parametrize(
    ("method", "credentials"),
    [
        ("social", Credentials(access_token="a")),
        ("social", None),
        ("idc", Credentials(refresh_token="r")),
        ("idc", Credentials(refresh_token="r", client_id="c")),
        ("api_key", Credentials(api_key="ksk_1")),
        (None, None),
    ],
    ids=["no refresh token", "nothing", "no client", "no client secret", "API key", "no sign-in"],
)
async def test_what_cannot_be_renewed_is_refused_without_asking(
    service: SignInService, method: AuthMethod | None, credentials: Credentials | None
) -> None:
    with pytest.raises(RefreshRejected, match='ccount "work"'):
        await ask(service, account(method, credentials))
    assert service.requests == []


def test_the_real_services_are_addressed_by_region() -> None:
    social = account("social", Credentials(), "us-east-1")
    assert refresh_endpoint(social, REAL) == (
        "https://prod.us-east-1.auth.desktop.kiro.dev/refreshToken"
    )
    idc = account("idc", Credentials())
    assert refresh_endpoint(idc, REAL) == "https://oidc.eu-west-1.amazonaws.com/token"


@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "",
        "not a url",
        "https://",
        "http://login.example.com/token",
        "ftp://login.example.com/token",
        "https://user:word@login.example.com/token",
        "http://127.0.0.1:8080/token",
        "https://localhost/token",
        "https://127.0.0.1/token",
        "https://169.254.169.254/token",
        "https://[::1]/token",
        "https://10.0.0.7/token",
        "https://[broken/token",
        "https://login.example.com:port/token",
    ],
)
def test_secrets_go_only_to_public_https_addresses(endpoint: str | None) -> None:
    with pytest.raises(RefreshRejected, match=r"upstream\.allowed_private_hosts"):
        refresh_endpoint(external(endpoint), REAL)


def test_a_public_token_endpoint_is_used_as_it_is() -> None:
    endpoint = "https://login.example.com/tenant/oauth2/v2.0/token"
    assert refresh_endpoint(external(endpoint), REAL) == endpoint


def test_a_host_the_operator_allows_may_be_private() -> None:
    urls = replace(REAL, allowed_private_hosts=("idp.internal", "10.0.0.7"))
    for endpoint in ("http://idp.internal/token", "https://10.0.0.7/token"):
        assert refresh_endpoint(external(endpoint), urls) == endpoint


def test_loopback_is_let_through_only_while_all_sign_in_services_are_there() -> None:
    endpoint = "http://127.0.0.1:9/token"
    local = RefreshUrls(oidc="http://127.0.0.1:9", auth="http://localhost:9")
    assert refresh_endpoint(external(endpoint), local) == endpoint
    with pytest.raises(RefreshRejected):
        refresh_endpoint(external(endpoint), replace(local, auth=REAL.auth))


def test_a_refreshed_token_does_not_show_its_tokens() -> None:
    token = RefreshedToken("access-secret", "refresh-secret", NOW, ARN)
    assert "secret" not in repr(token)


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({}, b'{"error":"authorization_pending"}', "authorizationpending"),
        ({}, b'{"__type":"AuthorizationPendingException"}', "authorizationpending"),
        ({"x-amzn-errortype": "a.b#SlowDownException:x"}, b"", "slowdown"),
        ({}, b'{"error":{"code":"x"}}', ""),
        ({}, b"[]", ""),
    ],
)
def test_error_codes_have_one_spelling(headers: dict[str, str], body: bytes, code: str) -> None:
    assert error_code(headers, body) == code


@pytest.mark.parametrize(("seconds", "warnings"), [(0, 0), (55, 0), (3600, 1), (-3600, 1)])
async def test_a_clock_that_is_visibly_wrong_is_told(
    service: SignInService, seconds: int, warnings: int
) -> None:
    date = format_datetime(NOW - timedelta(seconds=seconds), usegmt=True)
    service.reply = lambda _: replace(token_answer(2), headers={"date": date})
    with capture_logs() as logs:
        await ask(service, account("idc", oidc_credentials()))
    assert [entry["seconds_ahead"] for entry in logs] == [seconds] * warnings
