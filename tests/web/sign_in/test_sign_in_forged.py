"""Addresses that a stranger's page sends a browser to: they change nothing and tell nothing."""

import io
import socket
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import structlog

from gateway.logs import configure_logging
from tests.web.sign_in.sign_in_gateway import NEW, SignInGateway

pytestmark = pytest.mark.anyio

SCRIPT = "<script>alert(document.domain)</script>"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    before = structlog.get_config()
    configure_logging("debug", "json", stream=stream, colors=False)
    yield stream
    structlog.configure(**before)


def state_of(begun: dict[str, str]) -> str:
    return parse_qs(urlsplit(begun["auth_url"]).query)["state"][0]


FORGED = [
    "/favicon.ico",
    "/robots.txt",
    "/",
    "/status",
    "/login/",
    "/login/guess",
    "/oauth/callback",
    "/oauth/callback?",
    "/oauth/callback?code=FORGED-CODE",
    "/oauth/callback?code=FORGED-CODE&login_option=google",
    "/oauth/callback?code=FORGED-CODE&login_option=google&state=",
    "/oauth/callback?code=FORGED-CODE&login_option=google&state=foreign",
    "/?error=access_denied",
    "/?error=access_denied&state=foreign",
    f"/?error={SCRIPT}&error_description={SCRIPT}&state={SCRIPT}",
    f"/?login_option={SCRIPT}&code=x&state=y",
    "/?access_token=aoaFORGED&refresh_token=aorFORGED&expires_at=2099-01-01T00:00:00Z",
    "/?access_token=aoaFORGED&refresh_token=aorFORGED&state={state}",
    "/?code=FORGED-CODE&access_token=aoaFORGED&state={state}",
    "/?code=FORGED-CODE&refreshToken=aorFORGED&state={state}",
    "/?code=FORGED-CODE&idToken=aoaFORGED&state={state}",
    "/?code=FORGED-CODE&state={state}&state=other",
    "/?state={state}",
    "/?login_option=google&state={state}",
    "/?login_option=awsidc&issuer_url=https://simulated-org.awsapps.com/start&idc_region=eu-west-1",
    "/?login_option=awsidc&state={state}",
    "/?login_option=awsidc&issuer_url=http://simulated-org.awsapps.com/start&state={state}",
    "/?login_option=awsidc&issuer_url=https://10.0.0.1/start&state={state}",
    "/?login_option=awsidc&issuer_url=https://x.awsapps.com/start&idc_region=evil.example/&state={state}",
    "/?login_option=builderid&idc_region=us-east-1",
    "/?login_option=external_idp&issuer_url=https://login.example.com&client_id=c",
    "/?login_option=external_idp&issuer_url=http://10.0.0.1/&client_id=c&state={state}",
    "/?login_option=external_idp&issuer_url=https://10.0.0.1/&client_id=c&state={state}",
    "/?login_option=external_idp&client_id=c&state={state}",
    "/?" + "&".join(f"a{number}=b" for number in range(100)),
]


@pytest.mark.parametrize("language", ["en", "zh-CN,zh;q=0.9,en;q=0.8"])
async def test_a_forged_callback_changes_and_tells_nothing(
    gateway: SignInGateway, log: io.StringIO, language: str
) -> None:
    begun = await gateway.begin()
    state, page = state_of(begun), gateway.login(begun["id"]).page
    account = await gateway.admin.get(f"/admin/accounts/{NEW}")
    for forged in FORGED:
        address = f"http://localhost:{begun['port']}{forged.replace('{state}', state)}"
        answer = await gateway.visit(address, accept_language=language)
        assert answer.status_code in {400, 404}, forged
        for secret in ("<script", begun["auth_url"], page, "aoaFORGED", state):
            assert secret not in answer.text, forged
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert await gateway.told(begun["id"]) == begun, forged
    assert await gateway.admin.get(f"/admin/accounts/{NEW}") == account
    for operation in ("exchange", "register", "device", "discovery"):
        assert await gateway.kiro.log(operation) == []
    written = log.getvalue()
    for secret in (state, page, "aoaFORGED", "FORGED-CODE"):
        assert secret not in written
    # And the real one still does.
    await gateway.order(way="google")
    assert (await gateway.visit(await gateway.sent_to(begun["auth_url"]))).status_code == 200
    assert (await gateway.told(begun["id"]))["status"] == "completed"


@pytest.mark.parametrize("forged", FORGED)
async def test_pasted_by_somebody_it_does_no_more(gateway: SignInGateway, forged: str) -> None:
    begun = await gateway.begin()
    address = f"http://localhost:{begun['port']}{forged.replace('{state}', state_of(begun))}"
    answer = await gateway.paste(begun["id"], address)
    assert answer.status_code == 400
    assert await gateway.told(begun["id"]) == begun


async def test_the_answer_of_one_sign_in_is_none_for_another(gateway: SignInGateway) -> None:
    one, other = await gateway.begin(), await gateway.begin()
    assert one["port"] == other["port"]
    await gateway.order(way="google")
    address = await gateway.sent_to(one["auth_url"])
    answer = await gateway.paste(other["id"], address)
    assert (answer.status_code, "another sign-in" in answer.text) == (400, True)
    # By itself it finds the right one.
    assert (await gateway.visit(address)).status_code == 200
    assert (await gateway.told(one["id"]))["status"] == "completed"
    assert await gateway.told(other["id"]) == other


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:3128"},
        {"host": "localhost"},
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x-moz": "prefetch"},
        {"sec-fetch-dest": "image"},
        {"sec-fetch-dest": "iframe"},
        {"sec-fetch-dest": "empty"},
    ],
    ids=repr,
)
async def test_only_a_person_on_the_way_is_served(
    gateway: SignInGateway, headers: dict[str, str]
) -> None:
    begun = await gateway.begin()
    await gateway.order(way="google", times=None)
    address = await gateway.sent_to(begun["auth_url"])
    answer = await gateway.browser.get(address, headers=headers)
    assert answer.status_code == 403
    assert await gateway.told(begun["id"]) == begun
    browser = {"sec-fetch-dest": "document", "sec-fetch-mode": "navigate"}
    assert (await gateway.browser.get(address, headers=browser)).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_no_other_method_counts(gateway: SignInGateway, method: str) -> None:
    begun = await gateway.begin()
    await gateway.order(way="google")
    address = await gateway.sent_to(begun["auth_url"])
    body = {"access_token": "aoaFORGED", "state": state_of(begun)}
    answer = await gateway.browser.request(method, address, json=body)
    assert answer.status_code == 405
    assert await gateway.told(begun["id"]) == begun


async def test_the_port_is_closed_to_other_machines(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address = probe.getsockname()[0]
        except OSError:
            pytest.skip("this machine has no other address")
    with pytest.raises(httpx.ConnectError):
        await gateway.visit(f"http://{address}:{begun['port']}/")


async def test_both_addresses_of_this_machine_are_served(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    for host in ("127.0.0.1", "[::1]", "localhost"):
        answer = await gateway.visit(f"http://{host}:{begun['port']}/")
        assert answer.status_code == 404


async def test_a_form_that_is_too_large_is_not_read(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    page = f"http://localhost:{begun['port']}/login/{gateway.login(begun['id']).page}"
    answer = await gateway.browser.post(page, content=b"address=" + b"x" * 100_000)
    assert answer.status_code == 413
    assert await gateway.told(begun["id"]) == begun
