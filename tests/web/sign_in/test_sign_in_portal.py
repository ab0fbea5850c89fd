"""Kiro's page: from nothing to a streamed answer, with what goes wrong on the way."""

from datetime import UTC, datetime

import pytest

from tests.web.sign_in.sign_in_gateway import NEW, SignInGateway

pytestmark = pytest.mark.anyio

EXCHANGE = "exchange"


async def come_back(gateway: SignInGateway, begun: dict[str, str], **order: object) -> str:
    """The page that the browser ends on."""
    await gateway.order(**order)
    page = await gateway.visit(await gateway.sent_to(begun["auth_url"]))
    return page.text


@pytest.mark.parametrize("way", ["google", "github"])
@pytest.mark.parametrize("path", ["/oauth/callback", "/signin/callback"])
async def test_from_nothing_to_a_streamed_answer(
    gateway: SignInGateway, way: str, path: str
) -> None:
    begun = await gateway.begin()
    assert (begun["status"], begun["step"], begun["method"]) == ("pending", "browser", "portal")
    assert "Signed in" in await come_back(gateway, begun, way=way, path=path)
    told = await gateway.told(begun["id"])
    assert told["status"] == "completed"
    assert f'"{NEW}" is signed in' in told["message"]
    assert not {"error", "reason", "auth_url", "step", "port"} & told.keys()
    account = await gateway.answers()
    assert account["auth_method"] == "social"
    assert account["token_info"]["profile_arn"].startswith("arn:aws:codewhisperer:us-east-1:")


async def test_camel_case_does_too(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    assert "Signed in" in await come_back(gateway, begun, way="google", camel=True)
    await gateway.answers()


async def test_a_pasted_address_does_where_the_browser_is_elsewhere(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    await gateway.order(way="google")
    address = await gateway.sent_to(begun["auth_url"])
    answer = await gateway.paste(begun["id"], f"  {address}\n")
    assert answer.status_code == 200
    assert answer.json()["status"] in {"pending", "completed"}
    assert (await gateway.over(begun["id"]))["status"] == "completed"
    await gateway.answers()


async def test_nobody_has_to_ask_or_to_keep_a_page_open(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    await come_back(gateway, begun, way="google")
    account = await gateway.admin.get(f"/admin/accounts/{NEW}")
    assert account["auth_method"] == "social"
    accepted = await gateway.admin.call("POST", f"/admin/kiro/login/complete/{begun['id']}")
    assert accepted.json() == await gateway.told(begun["id"])


async def test_a_refusal_in_the_browser_is_told(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    page = await come_back(gateway, begun, error="access_denied", error_description="<b>No</b>")
    assert "refused in the browser" in page
    assert "<b>" not in page
    told = await gateway.told(begun["id"])
    assert (told["status"], told["reason"]) == ("error", "denied")
    assert told["error"] == told["message"]


async def test_any_other_error_is_told_with_its_words(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    script = "<script>alert(1)</script>"
    page = await come_back(
        gateway, begun, error="server_error<script>", error_description=script + "\x07"
    )
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    told = await gateway.told(begun["id"])
    assert (told["status"], told["reason"]) == ("error", "refused")
    assert told["error"].startswith("The sign-in page reports an error: server_errorscript (")


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("internal", "code_refused"),
        ("no-refresh-token", "no_refresh_token"),
        ("no-access-token", "no_token"),
        ("answer-lost", "code_refused"),  # asked again, it says that the code was used
    ],
)
async def test_what_the_service_does_to_the_code_is_told(
    gateway: SignInGateway, scenario: str, reason: str
) -> None:
    await gateway.kiro.scenario(scenario, operation=EXCHANGE)
    begun = await gateway.begin()
    await gateway.order(way="google")
    address = await gateway.sent_to(begun["auth_url"])
    await gateway.paste(begun["id"], address)
    if scenario == "answer-lost":
        await gateway.pass_time(2)
    told = await gateway.over(begun["id"])
    assert (told["status"], told["reason"]) == ("error", reason)
    account = await gateway.admin.get(f"/admin/accounts/{NEW}")
    assert account["auth_method"] is None


@pytest.mark.parametrize("scenario", ["tokens-in-data", "no-expiry", "no-profile-arn"])
async def test_answers_of_other_shapes_do(gateway: SignInGateway, scenario: str) -> None:
    await gateway.kiro.scenario(scenario, operation=EXCHANGE)
    begun = await gateway.begin()
    assert "Signed in" in await come_back(gateway, begun, way="google")


async def test_a_code_is_used_once(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    await gateway.order(way="google")
    address = await gateway.sent_to(begun["auth_url"])
    assert (await gateway.visit(address)).status_code == 200
    before = await gateway.admin.get(f"/admin/accounts/{NEW}")
    # The listener is gone with the sign-in, so only pasting is left.
    again = await gateway.paste(begun["id"], address)
    assert (again.status_code, again.json()["error"]["type"]) == (409, "conflict")
    other = await gateway.begin()
    answer = await gateway.visit(address)
    assert answer.status_code == 400
    assert "used already" in answer.text
    assert (await gateway.told(other["id"]))["status"] == "pending"
    assert len(await gateway.kiro.log("exchange")) == 1
    after = await gateway.admin.get(f"/admin/accounts/{NEW}")
    assert after["updated_at"] == before["updated_at"]


async def test_signing_in_again_replaces_the_whole_sign_in(gateway: SignInGateway) -> None:
    for account, email in (("social", "social@example.com"), (None, "google-1@example.com")):
        gateway.time.now = datetime.now(UTC)  # what was heard before the sign-in is another's
        begun = await gateway.begin()
        await come_back(gateway, begun, way="google", account=account)
        quota = await gateway.admin.get(f"/admin/kiro/usage-limits?account={NEW}")
        assert quota["email"] == email


async def test_an_account_of_another_region_signs_in_where_the_page_is(
    gateway: SignInGateway,
) -> None:
    await gateway.admin.call("PUT", f"/admin/accounts/{NEW}", {"region": "eu-west-1"})
    begun = await gateway.begin()
    await come_back(gateway, begun, way="google")
    assert (await gateway.admin.get(f"/admin/accounts/{NEW}"))["region"] == "us-east-1"
