"""An organisation's own identity provider: two pages, the second of which ends nowhere."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sign_in_service import Answer, SignInService, sign_in_service
from tests.web.sign_in.sign_in_gateway import NEW, SignInGateway

pytestmark = pytest.mark.anyio


async def at_the_provider(gateway: SignInGateway) -> dict[str, str]:
    """A sign-in whose person has chosen the organisation's provider."""
    begun = await gateway.begin()
    await gateway.order(way="external_idp")
    page = await gateway.visit(await gateway.sent_to(begun["auth_url"]))
    assert page.status_code == 200
    told: dict[str, str] = await gateway.told(begun["id"])
    assert (told["status"], told["step"]) == ("pending", "identity_provider")
    told["page"] = page.text
    return told


async def custom_address(gateway: SignInGateway, provider_url: str, **order: object) -> str:
    """Where the provider's page wants to send the browser."""
    await gateway.order(page="provider", **order)
    answer = await gateway.browser.get(provider_url)
    if answer.status_code == 302:
        return answer.headers["location"]
    found = re.search(r"kiro://kiro\.oauth/callback\?[^\"<\s]+", answer.text)
    assert found, answer.text
    return html.unescape(found[0])


async def test_from_nothing_to_a_streamed_answer(gateway: SignInGateway) -> None:
    told = await at_the_provider(gateway)
    query = parse_qs(urlsplit(told["provider_url"]).query)
    assert query["redirect_uri"] == ["kiro://kiro.oauth/callback"]
    assert query["code_challenge_method"] == ["S256"]
    address = await custom_address(gateway, told["provider_url"])
    answer = await gateway.paste(told["id"], address)
    assert answer.status_code == 200, answer.text
    told = await gateway.over(told["id"])
    assert told["status"] == "completed", told.get("error")
    account = await gateway.answers()
    assert account["auth_method"] == "external_idp"
    assert account["token_info"]["profile_arn"]
    renewed = await gateway.admin.call("POST", f"/admin/kiro/refresh?account={NEW}")
    assert renewed.status_code == 200, renewed.text


async def test_the_page_itself_takes_the_address(gateway: SignInGateway) -> None:
    told = await at_the_provider(gateway)
    assert html.escape(told["provider_url"]) in told["page"]
    action = re.search(r'action="([^"]+)"', told["page"])
    assert action is not None
    form = f"http://localhost:{told['port']}{action[1]}"
    for wrong in ("", "nonsense", "kiro://kiro.oauth/callback?code=c&state=foreign"):
        page = await gateway.browser.post(form, data={"address": wrong})
        assert page.status_code == 400
        assert 'role="alert"' in page.text
        assert html.escape(told["provider_url"]) in page.text
    address = await custom_address(gateway, told["provider_url"])
    page = await gateway.browser.post(form, data={"address": address})
    assert (page.status_code, "Signed in" in page.text) == (200, True)
    assert (await gateway.over(told["id"]))["status"] == "completed"


async def test_each_leg_has_a_state_of_its_own(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    first = parse_qs(urlsplit(begun["auth_url"]).query)
    await gateway.order(way="external_idp")
    await gateway.visit(await gateway.sent_to(begun["auth_url"]))
    told = await gateway.told(begun["id"])
    second = parse_qs(urlsplit(told["provider_url"]).query)
    for name in ("state", "code_challenge"):
        assert first[name] != second[name]
    for address in (
        f"kiro://kiro.oauth/callback?code=c&state={first['state'][0]}",
        "kiro://kiro.oauth/callback?code=c",
        f"http://localhost:3128/oauth/callback?code=c&state={second['state'][0]}",
        f"kiro://kiro.oauth/callback?state={second['state'][0]}",
        "kiro://kiro.oauth/callback?error=access_denied",
    ):
        answer = await gateway.paste(begun["id"], address)
        assert answer.status_code == 400, address
    assert (await gateway.told(begun["id"]))["step"] == "identity_provider"


async def test_a_refusal_at_the_provider_is_told(gateway: SignInGateway) -> None:
    told = await at_the_provider(gateway)
    address = await custom_address(gateway, told["provider_url"], error="access_denied")
    await gateway.paste(told["id"], address)
    told = await gateway.over(told["id"])
    assert (told["status"], told["reason"]) == ("error", "denied")


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [("no-refresh-token", "no_refresh_token"), ("internal", "code_refused")],
)
async def test_what_the_provider_does_to_the_code_is_told(
    gateway: SignInGateway, scenario: str, reason: str
) -> None:
    told = await at_the_provider(gateway)
    address = await custom_address(gateway, told["provider_url"])
    await gateway.kiro.scenario(scenario, operation="exchange")
    await gateway.paste(told["id"], address)
    told = await gateway.over(told["id"])
    assert (told["status"], told["reason"]) == ("error", reason)
    assert (await gateway.admin.get(f"/admin/accounts/{NEW}"))["auth_method"] is None


async def test_a_provider_that_does_not_answer_ends_nothing(gateway: SignInGateway) -> None:
    await gateway.kiro.scenario("internal", operation="discovery")
    begun = await gateway.begin()
    await gateway.order(way="external_idp", times=2)
    address = await gateway.sent_to(begun["auth_url"])
    page = await gateway.visit(address)
    assert (page.status_code, "does not describe itself" in page.text) == (400, True)
    assert (await gateway.told(begun["id"]))["step"] == "browser"
    # The same address does when the provider is back.
    assert (await gateway.visit(address)).status_code == 200
    assert (await gateway.told(begun["id"]))["step"] == "identity_provider"


@pytest.mark.parametrize(
    "document",
    [
        {"token_endpoint": "https://evil.example/token"},
        {"authorization_endpoint": "https://evil.example/authorize"},
        {"token_endpoint": "https://10.0.0.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=repr,
)
async def test_endpoints_that_are_not_the_providers_own_are_refused(
    gateway: SignInGateway, document: dict[str, object]
) -> None:
    async with sign_in_service() as provider:
        endpoints = {
            "authorization_endpoint": f"{provider.url}/authorize",
            "token_endpoint": f"{provider.url}/token",
        }
        provider.reply = lambda _: Answer(200, {**endpoints, **document})
        answer = await paste_issuer(gateway, provider.url)
        assert answer[0] == 400, answer
        assert_only_discovery(provider)


@pytest.mark.parametrize("document", [{}, [], {"token_endpoint": 5}, "nonsense"], ids=repr)
async def test_what_describes_no_provider_is_told(gateway: SignInGateway, document: object) -> None:
    async with sign_in_service() as provider:
        provider.reply = lambda _: Answer(200, document)
        status, told = await paste_issuer(gateway, provider.url)
        assert status == 502
        assert "does not describe itself" in str(told)


async def test_a_provider_that_is_all_its_own_is_taken(gateway: SignInGateway) -> None:
    async with sign_in_service() as provider:
        provider.reply = lambda _: Answer(
            200,
            {
                "authorization_endpoint": f"{provider.url}/authorize?tenant=1",
                "token_endpoint": f"{provider.url}/token",
            },
        )
        status, told = await paste_issuer(gateway, provider.url + "/")
        assert status == 200
        assert told["provider_url"].startswith(f"{provider.url}/authorize?tenant=1&client_id=")
        assert_only_discovery(provider)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example.com/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "https://[fd00::1]/",
        "http://192.168.1.1/",
        "https://user:pass@login.example.com/",
        "https://login.example.com/?a=b",
        "file:///etc/passwd",
        "gopher://localhost/",
        "",
    ],
)
async def test_a_private_or_plain_issuer_is_refused(gateway: SignInGateway, issuer: str) -> None:
    begun = await gateway.begin()
    query = {"issuer_url": issuer or None}
    await gateway.order(way="external_idp", query=query, times=None)
    address = await gateway.sent_to(begun["auth_url"])
    page = await gateway.visit(address)
    assert page.status_code == 400
    pasted = await gateway.paste(begun["id"], address)
    assert (pasted.status_code, pasted.json()["error"]["type"]) == (400, "invalid_request_error")
    assert (await gateway.told(begun["id"])) == begun


async def paste_issuer(gateway: SignInGateway, issuer: str) -> tuple[int, dict[str, str]]:
    begun = await gateway.begin()
    await gateway.order(way="external_idp", query={"issuer_url": issuer})
    answer = await gateway.paste(begun["id"], await gateway.sent_to(begun["auth_url"]))
    return answer.status_code, answer.json()


def assert_only_discovery(provider: SignInService) -> None:
    assert {asked.path for asked in provider.requests} == {"/.well-known/openid-configuration"}
