"""Device codes, by themselves and after Kiro's page."""

import anyio
import pytest

from gateway.store.accounts import get_account
from tests.web.sign_in.sign_in_gateway import NEW, SignInGateway

pytestmark = pytest.mark.anyio

ORGANISATION = {
    "start_url": "https://simulated-org.awsapps.com/start/#/?tab=accounts",
    "idc_region": "eu-west-1",
}
BUILDER_ID = {"method": "builder_id"}


async def decide(gateway: SignInGateway, decision: str, user_code: str, **more: object) -> None:
    order = {"decision": decision, "user_code": user_code, **more}
    await gateway.kiro.control("PUT", "/device", order)


@pytest.mark.parametrize(
    ("order", "method", "region"),
    [(BUILDER_ID, "builder_id", "us-east-1"), (ORGANISATION, "idc", "eu-west-1")],
    ids=["Builder ID", "organisation"],
)
@pytest.mark.parametrize("spelling", ["oauth", "type", "header"])
async def test_from_nothing_to_a_streamed_answer(
    gateway: SignInGateway, order: dict[str, str], method: str, region: str, spelling: str
) -> None:
    await gateway.kiro.control("PUT", "/oidc", {"error_spelling": spelling})
    begun = await gateway.begin("device-login", **order)
    assert (begun["status"], begun["step"]) == ("pending", "device")
    assert begun["verification_uri_complete"].endswith(begun["user_code"])
    await gateway.poll(begun["id"])
    assert (await gateway.told(begun["id"]))["status"] == "pending"
    await decide(gateway, "approve", begun["user_code"])
    await gateway.poll(begun["id"])
    told = await gateway.over(begun["id"])
    assert told["status"] == "completed", told
    account = await gateway.answers()
    assert (account["auth_method"], account["region"]) == (method, region)
    assert bool(account["token_info"]["profile_arn"]) is (method == "idc")


async def test_the_client_is_kept_with_its_expiry(gateway: SignInGateway) -> None:
    begun = await gateway.begin("device-login", **ORGANISATION)
    await decide(gateway, "approve", begun["user_code"])
    await gateway.poll(begun["id"])
    await gateway.over(begun["id"])
    database = gateway.admin.services.database
    async with database.connect() as db:
        account = await get_account(db, database.secrets, NEW)
    assert account.credentials is not None
    assert account.credentials.client_id
    assert account.credentials.client_secret
    assert account.credentials.client_expires_at is not None
    assert (account.credentials.client_expires_at - gateway.time.now).days > 80
    assert account.credentials.start_url == "https://simulated-org.awsapps.com/start"
    renewed = await gateway.admin.call("POST", f"/admin/kiro/refresh?account={NEW}")
    assert renewed.status_code == 200


@pytest.mark.parametrize("spelling", ["oauth", "type", "header"])
async def test_slow_down_is_heeded_for_good(gateway: SignInGateway, spelling: str) -> None:
    await gateway.kiro.control("PUT", "/oidc", {"error_spelling": spelling})
    await gateway.kiro.scenario("slow-down", operation="poll", times=2)
    begun = await gateway.begin("device-login", **BUILDER_ID)
    interval = begun["interval"]
    for slower in (5, 10, 10):
        await gateway.poll(begun["id"])
        assert (await gateway.told(begun["id"]))["interval"] == interval + slower
    await decide(gateway, "approve", begun["user_code"])
    await gateway.poll(begun["id"])
    assert (await gateway.over(begun["id"]))["status"] == "completed"
    # The service measures the pauses itself, and had nothing to complain of but what it was told.
    assert not [entry for entry in await gateway.kiro.log("poll") if entry["breaches"]]


@pytest.mark.parametrize(
    "scenario", ["internal", "bad-gateway", "unavailable", "reset-before-status", "throttled"]
)
async def test_trouble_on_the_way_ends_nothing(gateway: SignInGateway, scenario: str) -> None:
    await gateway.kiro.scenario(scenario, operation="poll", times=2)
    begun = await gateway.begin("device-login", **BUILDER_ID)
    for _ in range(2):
        await gateway.poll(begun["id"])
        assert (await gateway.told(begun["id"]))["status"] == "pending"
    await decide(gateway, "approve", begun["user_code"])
    await gateway.poll(begun["id"])
    assert (await gateway.over(begun["id"]))["status"] == "completed"


@pytest.mark.parametrize("spelling", ["oauth", "type", "header"])
@pytest.mark.parametrize(
    ("decision", "status", "reason"),
    [("deny", "error", "denied"), ("expire", "expired", "expired")],
)
async def test_a_decision_against_us_is_told(
    gateway: SignInGateway, decision: str, status: str, reason: str, spelling: str
) -> None:
    await gateway.kiro.control("PUT", "/oidc", {"error_spelling": spelling})
    begun = await gateway.begin("device-login", **BUILDER_ID)
    await decide(gateway, decision, begun["user_code"])
    await gateway.poll(begun["id"])
    told = await gateway.over(begun["id"])
    assert (told["status"], told["reason"]) == (status, reason)
    assert "again" in told["error"]
    assert (await gateway.admin.get(f"/admin/accounts/{NEW}"))["auth_method"] is None


async def test_without_a_refresh_token_nothing_is_stored(gateway: SignInGateway) -> None:
    await gateway.kiro.scenario("no-refresh-token", operation="poll")
    begun = await gateway.begin("device-login", **BUILDER_ID)
    await decide(gateway, "approve", begun["user_code"])
    await gateway.poll(begun["id"])
    told = await gateway.over(begun["id"])
    assert (told["status"], told["reason"]) == ("error", "no_refresh_token")
    assert (await gateway.admin.get(f"/admin/accounts/{NEW}"))["auth_method"] is None


async def test_a_code_that_nobody_confirms_is_given_up(gateway: SignInGateway) -> None:
    await gateway.kiro.scenario("reset-before-status", operation="poll", times=None)
    begun = await gateway.begin("device-login", **BUILDER_ID)
    await gateway.poll(begun["id"])
    gateway.time.advance(600)
    told = await gateway.over(begun["id"])
    assert (told["status"], told["reason"]) == ("expired", "expired")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"method": "carrier-pigeon"}, "unsupported device login method"),
        ({}, "start_url is required"),
        ({"method": "org"}, "start_url is required"),
        ({"start_url": "http://simulated-org.awsapps.com/start"}, "A start URL looks like"),
        ({"start_url": "https://127.0.0.1/start"}, "A start URL looks like"),
        ({**ORGANISATION, "idc_region": "evil.example/#"}, "A region looks like"),
        ({**ORGANISATION, "idc_region": "us-east-1.evil.example"}, "A region looks like"),
        ({"account": "nobody"}, 'no Kiro account "nobody"'),
        ({"account": None}, "account is required"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_what_makes_no_sense_is_a_400(
    gateway: SignInGateway, order: dict[str, object], said: str
) -> None:
    body = {"account": NEW, **order}
    answer = await gateway.admin.call("POST", "/admin/kiro/device-login", body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert said in answer.json()["error"]["message"]
    assert await gateway.kiro.log("register") == []


async def test_a_start_url_of_another_region_is_refused_by_the_service(
    gateway: SignInGateway,
) -> None:
    order = {"account": NEW, **ORGANISATION, "idc_region": "us-east-1"}
    answer = await gateway.admin.call("POST", "/admin/kiro/device-login", order)
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "upstream_error")
    assert "Check the start URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize("operation", ["register", "device"])
async def test_a_service_that_fails_at_the_start_is_told(
    gateway: SignInGateway, operation: str
) -> None:
    await gateway.kiro.scenario("internal", operation=operation)
    body = {"account": NEW, **BUILDER_ID}
    answer = await gateway.admin.call("POST", "/admin/kiro/device-login", body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "upstream_error")
    assert (await gateway.admin.get("/admin/kiro/logins?status=all"))["total"] == 0


# --- profiles


PROFILES = [
    {"region": "us-east-1", "name": "red"},
    {"region": "eu-central-1", "name": "blue"},
    {"region": "us-east-1", "name": "blue"},
]


async def somebody_with(gateway: SignInGateway, profiles: list[dict[str, str]]) -> str:
    """A pending sign-in of somebody with these profiles who has confirmed the code."""
    order = {"account": "organisation", "profiles": profiles}
    await gateway.kiro.control("PUT", "/profiles", order)
    begun = await gateway.begin("device-login", **ORGANISATION)
    await decide(gateway, "approve", begun["user_code"], account="organisation")
    await gateway.poll(begun["id"])
    login: str = begun["id"]
    return login


@pytest.mark.parametrize("by", ["name", "arn"])
async def test_of_several_profiles_one_is_chosen(gateway: SignInGateway, by: str) -> None:
    login = await somebody_with(gateway, PROFILES)
    told = await gateway.until(login, "profile")
    assert [profile["name"] for profile in told["profiles"]] == ["blue", "blue", "red"]
    assert not any(profile["chosen"] for profile in told["profiles"])
    assert (await gateway.admin.get(f"/admin/accounts/{NEW}"))["auth_method"] is None
    red = told["profiles"][2]
    path = f"/admin/kiro/login/{login}/profile"
    for wrong, said in (("green", "No such profile"), ("blue", "give the ARN")):
        answer = await gateway.admin.call("POST", path, {"profile": wrong})
        assert (answer.status_code, said in answer.text) == (400, True)
    answer = await gateway.admin.call("POST", path, {"profile": red[by]})
    assert answer.status_code == 200
    told = await gateway.over(login)
    assert told["status"] == "completed"
    assert '"red"' in told["message"]
    account = await gateway.answers()
    assert account["token_info"]["profile_arn"] == red["arn"]


async def test_the_profile_of_before_is_pointed_out(gateway: SignInGateway) -> None:
    login = await somebody_with(gateway, PROFILES)
    told = await gateway.until(login, "profile")
    path = f"/admin/kiro/login/{login}/profile"
    await gateway.admin.call("POST", path, {"profile": "red"})
    await gateway.over(login)
    again = await gateway.until(await somebody_with(gateway, PROFILES), "profile")
    assert [p["arn"] for p in again["profiles"] if p["chosen"]] == [told["profiles"][2]["arn"]]


async def test_a_choice_that_nobody_makes_changes_nothing(gateway: SignInGateway) -> None:
    login = await somebody_with(gateway, PROFILES)
    await gateway.until(login, "profile")
    gateway.time.advance(600)
    assert (await gateway.over(login))["status"] == "expired"
    assert (await gateway.admin.get(f"/admin/accounts/{NEW}"))["auth_method"] is None


async def test_who_has_no_profile_is_told_whom_to_ask(gateway: SignInGateway) -> None:
    login = await somebody_with(gateway, [])
    told = await gateway.over(login)
    assert (told["status"], told["reason"]) == ("error", "no_profile")
    assert "administrator" in told["error"]


async def test_profiles_that_cannot_be_listed_now_do_not_spoil_the_sign_in(
    gateway: SignInGateway,
) -> None:
    await gateway.kiro.scenario("internal", operation="profiles", times=None)
    begun = await gateway.begin("device-login", **ORGANISATION)
    await decide(gateway, "approve", begun["user_code"])
    await gateway.poll(begun["id"])
    for _ in range(2):
        await gateway.pass_time(2)
    told = await gateway.over(begun["id"])
    assert told["status"] == "completed"
    assert "could not be looked up" in told["message"]
    await gateway.kiro.control("POST", "/reset", {})
    assert (await gateway.answers())["token_info"]["profile_arn"]


# --- after Kiro's page


@pytest.mark.parametrize(
    ("way", "method", "region"),
    [("builderid", "builder_id", "us-east-1"), ("awsidc", "idc", "eu-west-1")],
)
async def test_kiros_page_leads_to_a_code(
    gateway: SignInGateway, way: str, method: str, region: str
) -> None:
    begun = await gateway.begin()
    await gateway.order(way=way)
    page = await gateway.visit(await gateway.sent_to(begun["auth_url"]))
    told = await gateway.told(begun["id"])
    assert (told["status"], told["step"]) == ("pending", "device")
    assert told["user_code"] in page.text
    assert "auth_url" not in told
    assert page.headers["refresh"].startswith("1; url=/login/")
    await decide(gateway, "approve", told["user_code"])
    await gateway.poll(begun["id"])
    assert (await gateway.over(begun["id"]))["status"] == "completed"
    account = await gateway.answers()
    assert (account["auth_method"], account["region"]) == (method, region)


async def test_the_page_with_the_code_shows_the_end(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    await gateway.order(way="builderid")
    page = await gateway.visit(await gateway.sent_to(begun["auth_url"]))
    address = page.headers["refresh"].partition("url=")[2]
    told = await gateway.told(begun["id"])
    await decide(gateway, "approve", told["user_code"])
    async with anyio.create_task_group() as tasks:
        pages: list[str] = []

        async def wait() -> None:
            answer = await gateway.visit(f"http://127.0.0.1:{told['port']}{address}")
            pages.append(answer.text)

        tasks.start_soon(wait)
        await gateway.poll(begun["id"])
    assert "Signed in" in pages[0]
