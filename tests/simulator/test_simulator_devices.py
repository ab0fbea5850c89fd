"""AWS's OIDC service: registration, device codes, authorization codes, refresh tokens."""

import re
from typing import Any

import httpx
import pytest

from tests.simulator.sign_in_client import (
    BUILDER_ID,
    DEVICE_GRANT,
    ORGANISATION,
    PROOF,
    STATE,
    VERIFIER,
    OidcClient,
    advance,
    arm,
    decide,
    generate,
    register,
    script,
    sent_to,
)
from tests.simulator.simulator_client import ACCOUNTS, Body, headers_of, last_rules

PROFILES = "AmazonCodeWhispererService.ListAvailableProfiles"


def error_of(reply: httpx.Response) -> str:
    assert reply.status_code == 400, reply.text
    error: str = reply.json()["error"]
    return error


def signed_in(client: OidcClient, start_url: str = ORGANISATION, **order: Any) -> Body:
    decide(client.http, "approve", **order)
    reply = client.poll(client.begin(start_url)["deviceCode"])
    assert reply.status_code == 200, reply.text
    tokens: Body = reply.json()
    return tokens


def arns(http: httpx.Client, bearer: str) -> list[str]:
    headers = {**headers_of(ACCOUNTS["social"], PROFILES), "authorization": f"Bearer {bearer}"}
    return [p["arn"] for p in http.post("/", headers=headers, json={}).json()["profiles"]]


def test_an_organisation_signs_in_with_a_device_and_generates(http: httpx.Client) -> None:
    client = OidcClient(http)
    begun = client.begin()
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", begun["userCode"])
    assert begun["verificationUriComplete"].endswith(f"/device?user_code={begun['userCode']}")
    assert (begun["expiresIn"], begun["interval"]) == (600, 1)
    assert error_of(client.poll(begun["deviceCode"])) == "authorization_pending"
    decide(http, "approve", user_code=begun["userCode"])
    advance(http, 1)
    tokens = client.poll(begun["deviceCode"]).json()
    assert tokens.keys() == {"accessToken", "refreshToken", "expiresIn", "tokenType"}
    (arn,) = arns(http, tokens["accessToken"])
    assert ":eu-central-1:" in arn
    assert generate(http, tokens["accessToken"], arn) == 200
    assert generate(http, tokens["accessToken"], None) == 400


def test_a_builder_id_has_no_profile(http: httpx.Client) -> None:
    tokens = signed_in(OidcClient(http), BUILDER_ID)
    assert generate(http, tokens["accessToken"], None) == 200
    people = [one["name"] for one in http.get("/_sim/accounts").json()["accounts"]]
    assert people[-1] == "builderid-1"


def test_a_registration_says_how_long_it_lives(http: httpx.Client) -> None:
    reply = register(http).json()
    assert reply["clientSecretExpiresAt"] - reply["clientIdIssuedAt"] == 90 * 86_400
    assert len(reply["clientSecret"]) > 100


@pytest.mark.parametrize(
    ("changes", "error", "rule"),
    [
        ({"clientName": None}, "invalid_request", "missing-member"),
        ({"clientType": "confidential"}, "invalid_client_metadata", "client-type"),
        ({"scopes": None}, "invalid_scope", "scope"),
        ({"scopes": []}, "invalid_request", "wrong-type"),
        ({"scopes": ["sso:account:access"]}, "invalid_scope", "scope"),
        ({"scopes": "codewhisperer:completions"}, "invalid_request", "wrong-type"),
        ({"grantTypes": ["password"]}, "unsupported_grant_type", "grant-type"),
        ({"issuerUrl": "http://acme.awsapps.com/start"}, "invalid_request", "start-url"),
        ({"redirectUris": ["https://evil.example/"]}, "invalid_redirect_uri", "redirect-uri"),
        ({"client_name": "x"}, "invalid_request", "unknown-member"),
    ],
    ids=str,
)
def test_a_wrong_registration_is_refused(
    http: httpx.Client, changes: Body, error: str, rule: str
) -> None:
    assert error_of(register(http, **changes)) == error
    assert last_rules(http) == [rule]


@pytest.mark.parametrize(
    "start_url",
    [
        "http://simulated-org.awsapps.com/start",
        f"{ORGANISATION}#/?tab=accounts",
        "https://user:secret@simulated-org.awsapps.com/start",
        "simulated-org",
    ],
)
def test_a_start_url_is_a_plain_https_address(http: httpx.Client, start_url: str) -> None:
    assert error_of(OidcClient(http).start(start_url)) == "invalid_request"
    assert last_rules(http) == ["start-url"]


def test_a_start_url_is_the_one_that_the_client_registered_for(http: httpx.Client) -> None:
    client = OidcClient(http, issuerUrl=ORGANISATION)
    assert client.start().status_code == 200
    assert error_of(client.start("https://acme.awsapps.com/start")) == "invalid_request"
    assert last_rules(http) == ["client-issuer"]


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"clientId": "somebody"}, "invalid_client"),
        ({"clientSecret": "guess"}, "invalid_client"),
        ({"deviceCode": "guess"}, "invalid_grant"),
        ({"deviceCode": None}, "invalid_request"),
        ({"grantType": None}, "invalid_request"),
        ({"grantType": "password"}, "unsupported_grant_type"),
        ({"device_code": "x"}, "invalid_request"),
    ],
    ids=str,
)
def test_a_wrong_poll_is_refused(http: httpx.Client, members: Body, error: str) -> None:
    client = OidcClient(http)
    decide(http, "approve")
    device_code = client.begin()["deviceCode"]
    assert error_of(client.poll(device_code, **members)) == error
    assert client.poll(device_code).status_code == 200


def test_a_client_does_only_what_it_registered_for(http: httpx.Client) -> None:
    client = OidcClient(http, grantTypes=["refresh_token"])
    assert error_of(client.start()) == "unauthorized_client"
    assert OidcClient(http, grantTypes=None).start().status_code == 200


def test_nobody_polls_with_the_code_of_another_client(http: httpx.Client) -> None:
    device_code = OidcClient(http).begin()["deviceCode"]
    assert error_of(OidcClient(http).poll(device_code)) == "invalid_grant"


@pytest.mark.parametrize(
    ("decision", "error"), [("deny", "access_denied"), ("expire", "expired_token")]
)
def test_a_device_can_be_denied_and_can_expire(
    http: httpx.Client, decision: str, error: str
) -> None:
    client = OidcClient(http)
    begun = client.begin()
    decide(http, decision, user_code=begun["userCode"])
    for _ in range(2):
        assert error_of(client.poll(begun["deviceCode"])) == error
        advance(http, 1)


def test_a_device_code_lives_ten_minutes_and_is_good_once(http: httpx.Client) -> None:
    client = OidcClient(http)
    late, early = client.begin(), client.begin()
    decide(http, "approve", user_code=early["userCode"])
    advance(http, 599)
    assert client.poll(early["deviceCode"]).status_code == 200
    advance(http, 1)
    assert error_of(client.poll(early["deviceCode"])) == "invalid_grant"
    assert last_rules(http) == ["device-code-used"]
    assert error_of(client.poll(late["deviceCode"])) == "expired_token"


def test_polls_that_come_too_soon_are_slowed_down_more_each_time(http: httpx.Client) -> None:
    client = OidcClient(http)
    begun = client.begin()
    code = begun["deviceCode"]
    assert error_of(client.poll(code)) == "authorization_pending"
    assert error_of(client.poll(code)) == "slow_down"
    advance(http, 5)
    assert error_of(client.poll(code)) == "slow_down", "the interval is 6 by now"
    advance(http, 11)
    assert error_of(client.poll(code)) == "authorization_pending"
    (device,) = http.get("/_sim/devices").json()["devices"]
    assert (device["interval_seconds"], device["polls"]) == (11, 4)


def test_slow_down_by_order_makes_the_interval_count(http: httpx.Client) -> None:
    client = OidcClient(http)
    decide(http, "approve")
    code = client.begin()["deviceCode"]
    arm(http, "slow-down", "poll", times=2)
    assert error_of(client.poll(code)) == "slow_down"
    advance(http, 6)
    assert error_of(client.poll(code)) == "slow_down"
    advance(http, 10)
    assert error_of(client.poll(code)) == "slow_down", "11 seconds it must be"
    assert last_rules(http) == ["poll-interval"]
    advance(http, 16)
    assert client.poll(code).status_code == 200


def test_a_decision_can_wait_while_polls_go_wrong_first(http: httpx.Client) -> None:
    client = OidcClient(http)
    decide(http, "approve", account="organisation")
    arm(http, "authorization-pending", "poll", times=2)
    arm(http, "internal", "poll")
    arm(http, "bad-gateway", "poll")
    code = client.begin()["deviceCode"]
    statuses = []
    for _ in range(5):
        statuses.append(client.poll(code).status_code)
        advance(http, 1)
    assert statuses == [400, 400, 500, 502, 200]


def test_the_network_can_break_during_a_poll_and_the_next_succeeds(http: httpx.Client) -> None:
    client = OidcClient(http)
    decide(http, "approve")
    code = client.begin()["deviceCode"]
    arm(http, "reset-before-status", "poll")
    with pytest.raises(httpx.TransportError):
        client.poll(code)
    advance(http, 1)
    assert client.poll(code).status_code == 200


def test_an_answer_that_is_lost_has_spent_the_device_code(http: httpx.Client) -> None:
    client = OidcClient(http)
    decide(http, "approve")
    code = client.begin()["deviceCode"]
    arm(http, "answer-lost", "poll")
    with pytest.raises(httpx.TransportError):
        client.poll(code)
    advance(http, 1)
    assert error_of(client.poll(code)) == "invalid_grant"


@pytest.mark.parametrize(
    ("scenario", "missing"),
    [("no-refresh-token", "refreshToken"), ("no-access-token", "accessToken")],
)
def test_a_device_login_can_lack_a_token(http: httpx.Client, scenario: str, missing: str) -> None:
    arm(http, scenario, "poll")
    tokens = signed_in(OidcClient(http))
    assert missing not in tokens
    assert len(tokens) == 3


@pytest.mark.parametrize(
    ("spelling", "member", "header"),
    [
        ("oauth", ("error", "authorization_pending"), None),
        ("type", ("__type", "AuthorizationPendingException"), None),
        ("header", ("message", "Authorization is still pending"), "AuthorizationPendingException"),
    ],
)
def test_errors_are_spelled_as_ordered(
    http: httpx.Client, spelling: str, member: tuple[str, str], header: str | None
) -> None:
    http.put("/_sim/oidc", json={"error_spelling": spelling})
    client = OidcClient(http)
    reply = client.poll(client.begin()["deviceCode"])
    assert reply.status_code == 400
    assert member in reply.json().items()
    assert reply.headers.get("x-amzn-errortype", "").partition(":")[0] == (header or "")
    assert ("error" in reply.json()) == (spelling == "oauth")


def test_what_the_service_tells_programs_can_be_set(http: httpx.Client) -> None:
    order = {"interval_seconds": 0, "device_seconds": 30, "registration_seconds": 60}
    http.put("/_sim/oidc", json={**order, "enforce_interval": False})
    client = OidcClient(http)
    begun = client.begin()
    assert (begun["interval"], begun["expiresIn"]) == (0, 30)
    for _ in range(3):
        assert error_of(client.poll(begun["deviceCode"])) == "authorization_pending"
    advance(http, 60)
    assert error_of(client.start()) == "invalid_client"
    assert last_rules(http) == ["client-expired"]


def test_the_page_asks_for_approval_and_names_the_program(http: httpx.Client) -> None:
    client = OidcClient(http, clientName="Gateway <1>")
    begun = client.begin()
    page = http.get(begun["verificationUriComplete"])
    assert "Gateway &lt;1&gt; wants to act for you" in page.text
    assert begun["userCode"] in page.text
    kept = {"user_code": begun["userCode"]}
    done = http.post("/device", data={**kept, "decision": "approve", "account": "organisation"})
    assert "Request approved" in done.text
    tokens = client.poll(begun["deviceCode"]).json()
    assert arns(http, tokens["accessToken"]) == [ACCOUNTS["organisation"].profile_arn]
    assert http.post("/device", data={**kept, "decision": "deny"}).status_code == 400


def test_a_code_can_be_typed_in_and_denied(http: httpx.Client) -> None:
    client = OidcClient(http)
    begun = client.begin()
    assert 'name="user_code"' in http.get(begun["verificationUri"]).text
    typed = begun["userCode"].replace("-", "").lower()
    page = http.post("/device", data={"user_code": typed, "decision": "look"})
    assert begun["userCode"] in page.text
    http.post("/device", data={"user_code": typed, "decision": "deny"})
    assert error_of(client.poll(begun["deviceCode"])) == "access_denied"
    assert http.get("/device?user_code=NONE-SUCH").status_code == 400


def test_a_refresh_rotates_and_a_reused_token_ends_the_family(http: httpx.Client) -> None:
    client = OidcClient(http)
    first = signed_in(client)
    second = client.refresh(first["refreshToken"]).json()
    assert second["refreshToken"] != first["refreshToken"]
    assert error_of(client.refresh(first["refreshToken"])) == "invalid_grant"
    assert error_of(client.refresh(second["refreshToken"])) == "invalid_grant"
    other = signed_in(client, account="awsidc-1")
    assert client.refresh(other["refreshToken"]).status_code == 200, "another sign-in lives"


def test_a_refresh_without_a_new_token_leaves_the_old_one_good(http: httpx.Client) -> None:
    client = OidcClient(http)
    first = signed_in(client)
    arm(http, "no-refresh-token", "refresh")
    assert "refreshToken" not in client.refresh(first["refreshToken"]).json()
    assert client.refresh(first["refreshToken"]).json()["refreshToken"]


def test_a_refresh_token_belongs_to_the_client_that_got_it(http: httpx.Client) -> None:
    tokens = signed_in(OidcClient(http))
    assert error_of(OidcClient(http).refresh(tokens["refreshToken"])) == "invalid_grant"
    assert last_rules(http) == ["refresh-client"]


def test_an_expired_registration_ends_the_renewal(http: httpx.Client) -> None:
    client = OidcClient(http)
    tokens = signed_in(client)
    order = {"client_id": client.members["clientId"]}
    assert http.post("/_sim/expire-registrations", json=order).json() == {"expired": 1}
    assert error_of(client.refresh(tokens["refreshToken"])) == "invalid_client"


def test_a_client_is_known_in_its_own_region_only(http: httpx.Client) -> None:
    client = OidcClient(http, "eu-west-1")
    begun = client.begin()
    assert "/eu-west-1/device?user_code=" in begun["verificationUriComplete"]
    decide(http, "approve", user_code=begun["userCode"])
    client.path = "/us-east-1"
    assert error_of(client.poll(begun["deviceCode"])) == "invalid_client"
    assert last_rules(http) == ["client-region"]
    client.path = "/eu-west-1"
    tokens = client.poll(begun["deviceCode"]).json()
    client.path = "/eu-central-1"
    assert error_of(client.refresh(tokens["refreshToken"])) == "invalid_client"


@pytest.mark.parametrize(
    ("region", "start_url", "fits"),
    [
        ("us-east-1", BUILDER_ID, True),
        ("eu-west-1", BUILDER_ID, False),
        ("eu-west-1", ORGANISATION, True),
        ("us-east-1", ORGANISATION, False),
        ("ap-southeast-2", "https://acme.awsapps.com/start", True),
    ],
)
def test_a_start_url_has_its_region(
    http: httpx.Client, region: str, start_url: str, *, fits: bool
) -> None:
    assert OidcClient(http, region).start(start_url).status_code == (200 if fits else 400)


def test_the_demo_accounts_are_registered_in_their_regions(http: httpx.Client) -> None:
    account = ACCOUNTS["organisation"]
    body = {
        "clientId": account.client_id,
        "clientSecret": account.client_secret,
        "grantType": "refresh_token",
        "refreshToken": account.refresh_token,
    }
    assert http.post("/us-east-1/token", json=body).status_code == 400
    assert http.post("/eu-west-1/token", json=body).status_code == 200


def test_tokens_without_the_scope_for_conversations_are_of_no_use(http: httpx.Client) -> None:
    tokens = signed_in(OidcClient(http, scopes=["codewhisperer:completions"]), BUILDER_ID)
    assert generate(http, tokens["accessToken"], None) == 403


REDIRECT = "http://127.0.0.1:49821/oauth/callback"


def with_code_grant(http: httpx.Client, **changes: Any) -> OidcClient:
    kinds = ["authorization_code", "refresh_token"]
    return OidcClient(
        http,
        **{"grantTypes": kinds, "redirectUris": [REDIRECT], "issuerUrl": BUILDER_ID, **changes},
    )


def authorize(client: OidcClient, **changes: Any) -> httpx.Response:
    query = {
        **PROOF,
        "response_type": "code",
        "client_id": client.members["clientId"],
        "redirect_uri": REDIRECT,
        "scopes": "codewhisperer:completions codewhisperer:conversations",
        **changes,
    }
    return client.http.get("/authorize", params=query)


def redeem(client: OidcClient, code: str, /, **changes: Any) -> httpx.Response:
    members = {
        "grantType": "authorization_code",
        "code": code,
        "redirectUri": REDIRECT,
        "codeVerifier": VERIFIER,
    }
    return client.post("/token", **{**members, **changes})


def test_an_authorization_code_buys_tokens_once(http: httpx.Client) -> None:
    client = with_code_grant(http)
    script(http, page="authorize")
    back = sent_to(authorize(client))
    assert (back.address, back.query["state"]) == (REDIRECT, STATE)
    tokens = redeem(client, back.query["code"]).json()
    assert generate(http, tokens["accessToken"], None) == 200
    assert error_of(redeem(client, back.query["code"])) == "invalid_grant"
    assert error_of(client.refresh(tokens["refreshToken"])) == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [{"redirectUri": "http://127.0.0.1:1/"}, {"codeVerifier": "x" * 43}, {"code": "SIM-x"}],
    ids=str,
)
def test_a_wrong_redemption_is_refused(http: httpx.Client, changes: Body) -> None:
    client = with_code_grant(http)
    script(http, page="authorize")
    code = sent_to(authorize(client)).query["code"]
    assert error_of(redeem(client, code, **changes)) == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://127.0.0.1:1/oauth/callback"},
        {"response_type": "token"},
        {"scopes": "codewhisperer:taskassist"},
        {"client_id": "somebody"},
        {"code_challenge": "short"},
    ],
    ids=str,
)
def test_a_wrong_authorize_page_is_refused(http: httpx.Client, changes: Body) -> None:
    reply = authorize(with_code_grant(http), **changes)
    assert (reply.status_code, reply.headers["content-type"]) == (400, "text/html; charset=utf-8")


def test_access_can_be_allowed_or_refused_by_a_click(http: httpx.Client) -> None:
    client = with_code_grant(http)
    page = authorize(client)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    allowed = sent_to(http.post("/authorize", data={**hidden, "go": "on", "account": "builder"}))
    assert redeem(client, allowed.query["code"]).status_code == 200
    denied = sent_to(http.post("/authorize", data={**hidden, "error": "access_denied"}))
    assert denied.query["error"] == "access_denied"


@pytest.mark.parametrize(
    ("method", "path", "order"),
    [
        ("PUT", "/_sim/device", {"decision": "approve", "user_code": "NONE-SUCH"}),
        ("PUT", "/_sim/device", {"decision": "maybe"}),
        ("PUT", "/_sim/device", {"decision": "approve", "account": "social"}),
        ("PUT", "/_sim/oidc", {"interval_seconds": -1}),
        ("PUT", "/_sim/oidc", {"error_spelling": "latin"}),
        ("PUT", "/_sim/scenario", {"name": "slow-down", "operation": "models"}),
    ],
)
def test_a_senseless_order_about_devices_is_refused(
    http: httpx.Client, method: str, path: str, order: Body
) -> None:
    reply = http.request(method, path, json=order)
    assert (reply.status_code, bool(reply.json()["error"])) == (400, True)


def test_device_secrets_stay_out_of_the_log(http: httpx.Client) -> None:
    client = OidcClient(http)
    code = client.begin()["deviceCode"]
    client.poll(code)
    entry = http.get("/_sim/log?operation=poll").json()["requests"][0]
    assert entry["body"]["grantType"] == DEVICE_GRANT
    assert code not in str(entry)
    assert client.members["clientSecret"] not in str(entry)


def test_equal_runs_see_equal_codes_and_secrets(http: httpx.Client) -> None:
    def run() -> object:
        client = OidcClient(http)
        begun = client.begin()
        return client.members, begun["deviceCode"], begun["userCode"]

    first = run()
    http.post("/_sim/reset", json={"tokens": True})
    assert run() == first
