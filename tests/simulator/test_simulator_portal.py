"""The portal, and the exchange of a code of Google's and GitHub's."""

import re

import httpx
import pytest

from tests.simulator.sign_in_client import (
    CHALLENGE,
    DIRECT,
    PORTAL,
    PROOF,
    STATE,
    VERIFIER,
    arm,
    callback,
    challenge_of,
    exchange,
    generate,
    script,
    sent_to,
    visit_portal,
)
from tests.simulator.simulator_client import ACCOUNTS, Body, last_rules

ORGANISATION = "https://simulated-org.awsapps.com/start"


def code_of(http: httpx.Client, **order: object) -> str:
    script(http, **order)
    return sent_to(visit_portal(http)).query["code"]


def test_the_proof_key_of_the_tests_is_that_of_rfc_7636() -> None:
    assert challenge_of(VERIFIER) == CHALLENGE


@pytest.mark.parametrize("way", ["google", "github"])
def test_a_social_sign_in_ends_in_a_token_that_generates(http: httpx.Client, way: str) -> None:
    script(http, way=way)
    back = sent_to(visit_portal(http))
    assert back.address == "http://localhost:3128/oauth/callback"
    assert back.query == {"login_option": way, "code": back.query["code"], "state": STATE}
    redirect = f"http://localhost:3128/oauth/callback?login_option={way}"
    reply = exchange(http, back.query["code"], redirect_uri=redirect)
    assert reply.status_code == 200, reply.text
    tokens = reply.json()
    assert tokens.keys() == {"accessToken", "refreshToken", "expiresIn", "profileArn"}
    assert (tokens["expiresIn"], len(tokens["refreshToken"]) > 100) == (3600, True)
    assert generate(http, tokens["accessToken"], tokens["profileArn"]) == 200


def test_whoever_signs_in_has_quota_and_models_of_their_own(http: httpx.Client) -> None:
    tokens = exchange(http, code_of(http)).json()
    headers = {"authorization": f"Bearer {tokens['accessToken']}"}
    usage = http.get("/getUsageLimits?isEmailRequired=true", headers=headers).json()
    assert usage["userInfo"]["email"] == "google-1@example.com"
    assert usage["usageBreakdownList"][0]["currentUsage"] == 0
    models = http.get("/ListAvailableModels?origin=CLI", headers=headers).json()["models"]
    assert len(models) > 5
    people = {one["name"]: one for one in http.get("/_sim/accounts").json()["accounts"]}
    assert people["google-1"]["profile_arn"] == tokens["profileArn"]


def test_newcomers_differ_and_equal_runs_see_equal_ones(http: httpx.Client) -> None:
    def two() -> list[Body]:
        return [exchange(http, code_of(http)).json() for _ in range(2)]

    first = two()
    assert first[0]["profileArn"] != first[1]["profileArn"]
    http.post("/_sim/reset", json={"tokens": True})
    assert two() == first


def test_somebody_known_signs_in_again_under_their_name(http: httpx.Client) -> None:
    tokens = exchange(http, code_of(http, account="social")).json()
    assert tokens["profileArn"] == ACCOUNTS["social"].profile_arn
    assert generate(http, ACCOUNTS["social"].bearer, ACCOUNTS["social"].profile_arn) == 200
    assert generate(http, tokens["accessToken"], tokens["profileArn"]) == 200


def test_a_new_social_login_can_be_renewed(http: httpx.Client) -> None:
    tokens = exchange(http, code_of(http)).json()
    again = http.post("/refreshToken", json={"refreshToken": tokens["refreshToken"]}).json()
    assert again["profileArn"] == tokens["profileArn"]
    assert generate(http, again["accessToken"], again["profileArn"]) == 200


@pytest.mark.parametrize(
    ("way", "members"),
    [
        (
            "builderid",
            {"issuer_url": "https://view.awsapps.com/start", "idc_region": "us-east-1"},
        ),
        ("awsidc", {"issuer_url": ORGANISATION, "idc_region": "eu-west-1"}),
    ],
)
def test_other_ways_come_back_with_where_to_go_on(
    http: httpx.Client, way: str, members: dict[str, str]
) -> None:
    script(http, way=way)
    back = sent_to(visit_portal(http, redirect_uri="http://localhost:49153"))
    assert back.address == "http://localhost:49153/signin/callback"
    assert back.query == {"login_option": way, "state": STATE, **members}


def test_an_external_provider_is_named_with_client_and_scopes(http: httpx.Client) -> None:
    script(http, way="external_idp", query={"login_hint": "dev@example.com"})
    back = sent_to(visit_portal(http)).query
    assert back["issuer_url"] == f"{str(http.base_url).rstrip('/')}/idp/simulated-tenant/v2.0"
    assert back.keys() == {
        "login_option", "state", "issuer_url", "client_id", "scopes", "login_hint"
    }  # fmt: skip
    assert back["scopes"].endswith(" offline_access")


@pytest.mark.parametrize(
    ("order", "differences"),
    [
        ({"query": {"state": None}}, {"state": None}),
        ({"query": {"state": "somebody-else's"}}, {"state": "somebody-else's"}),
        ({"query": {"access_token": "aoaFORGED"}}, {"access_token": "aoaFORGED"}),
        (
            {"query": {"issuer_url": "http://169.254.169.254/"}},
            {"issuer_url": "http://169.254.169.254/"},
        ),
        ({"camel": True}, {"login_option": None, "loginOption": "google"}),
    ],
    ids=["no state", "foreign state", "token", "issuer", "camel case"],
)
def test_a_callback_can_be_forged(
    http: httpx.Client, order: Body, differences: dict[str, str | None]
) -> None:
    script(http, **order)
    query = sent_to(visit_portal(http)).query
    expected = {"login_option": "google", "code": query["code"], "state": STATE, **differences}
    assert query == {name: value for name, value in expected.items() if value is not None}


def test_camel_case_spells_all_three_members_so(http: httpx.Client) -> None:
    script(http, way="awsidc", camel=True)
    query = sent_to(visit_portal(http)).query
    assert query.keys() == {"loginOption", "issuerUrl", "idcRegion", "state"}


def test_a_refusal_comes_back_as_an_error(http: httpx.Client) -> None:
    script(http, error="access_denied", error_description="<b>No</b>", times=2)
    for _ in range(2):
        query = sent_to(visit_portal(http)).query
        assert (query["error"], query["error_description"]) == ("access_denied", "<b>No</b>")
        assert "code" not in query
    assert visit_portal(http).status_code == 200


def test_the_callback_path_can_be_the_other_one_and_the_exchange_must_name_it(
    http: httpx.Client,
) -> None:
    script(http, path="/signin/callback")
    back = sent_to(visit_portal(http))
    assert back.address == "http://localhost:3128/signin/callback"
    redirect = f"{back.address}?login_option=google"
    assert exchange(http, back.query["code"], redirect_uri=redirect).status_code == 200


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"state": None}, "missing-parameter"),
        ({"state": ""}, "missing-parameter"),
        ({"code_challenge": None}, "missing-parameter"),
        ({"code_challenge": VERIFIER + "="}, "parameter-value"),
        ({"code_challenge_method": "plain"}, "parameter-value"),
        ({"redirect_uri": "http://localhost:3129"}, "parameter-value"),
        ({"redirect_uri": "http://127.0.0.1:3128"}, "parameter-value"),
        ({"redirect_uri": "https://localhost:3128"}, "parameter-value"),
        ({"redirect_uri": "http://localhost:3128/oauth/callback"}, "parameter-value"),
        ({"redirect_from": "SomethingElse"}, "parameter-value"),
        ({"redirect_from": None}, "missing-parameter"),
        ({"signin_methods": "facebook"}, "parameter-value"),
        ({"client_id": "x"}, "unknown-parameter"),
    ],
    ids=str,
)
def test_a_wrong_visit_ends_on_a_page_that_says_no_more_than_that(
    http: httpx.Client, changes: dict[str, str | None], rule: str
) -> None:
    script(http)
    reply = visit_portal(http, **changes)
    assert (reply.status_code, reply.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert rule not in reply.text
    assert last_rules(http) == [rule]
    assert sent_to(visit_portal(http)).query["code"], "the script still waits"


def press(http: httpx.Client, page: httpx.Response, **fields: str) -> httpx.Response:
    """Send the page's form as a browser does."""
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    return http.post("/signin", data={**hidden, **fields})


def test_without_a_script_the_page_has_a_button_for_each_way(http: httpx.Client) -> None:
    page = visit_portal(http)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    buttons = re.findall(r'<button type="submit" name="way" value="([^"]+)">([^<]+)</button>',
                         page.text)  # fmt: skip
    assert [way for way, _ in buttons] == ["google", "github", "builderid", "awsidc",
                                           "external_idp"]  # fmt: skip
    for way, _ in buttons:
        assert sent_to(press(http, page, way=way)).query["login_option"] == way
    assert sent_to(press(http, page, error="access_denied")).query["error"] == "access_denied"


def test_a_method_that_is_asked_for_is_the_only_button(http: httpx.Client) -> None:
    page = visit_portal(http, signin_methods="github")
    assert re.findall(r'name="way" value="([^"]+)"', page.text) == ["github"]


def test_the_page_lets_people_say_who_they_are_and_where(http: httpx.Client) -> None:
    page = visit_portal(http)
    code = sent_to(press(http, page, way="google", account="social")).query["code"]
    assert exchange(http, code).json()["profileArn"] == ACCOUNTS["social"].profile_arn
    fields = {"start_url": "https://acme.awsapps.com/start", "region": "eu-north-1"}
    query = sent_to(press(http, page, way="awsidc", **fields)).query
    assert (query["issuer_url"], query["idc_region"]) == tuple(fields.values())


def test_nobody_signs_in_under_the_name_of_another_kind(http: httpx.Client) -> None:
    page = visit_portal(http)
    reply = press(http, page, way="google", account="builder")
    assert reply.status_code == 400
    assert "builder signs in by builder_id" in reply.text
    order = {"way": "google", "account": "builder"}
    assert http.put("/_sim/sign-in", json=order).status_code == 400


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"code": "SIM-unknown"}, "code"),
        ({"code_verifier": challenge_of("another")}, "code-verifier"),
        ({"code_verifier": "short"}, "code-verifier"),
        ({"redirect_uri": "http://localhost:3128"}, "code-redirect"),
        ({"redirect_uri": "http://localhost:3128/oauth/callback"}, "code-redirect"),
        (
            {"redirect_uri": "http://localhost:3128/oauth/callback?login_option=github"},
            "code-redirect",
        ),
        ({"code_verifier": None}, "missing-member"),
        ({"codeVerifier": VERIFIER}, "unknown-member"),
        ({"invitation_code": ""}, "wrong-type"),
    ],
    ids=str,
)
def test_a_wrong_exchange_is_refused_in_one_way(
    http: httpx.Client, changes: Body, rule: str
) -> None:
    reply = exchange(http, code_of(http), **changes)
    assert (reply.status_code, list(reply.json())) == (400, ["message"])
    assert last_rules(http) == [rule]


@pytest.mark.parametrize("first", [{}, {"code_verifier": challenge_of("another")}], ids=str)
def test_a_code_is_good_once_whatever_came_of_it(http: httpx.Client, first: Body) -> None:
    code = code_of(http)
    exchange(http, code, **first)
    again = exchange(http, code)
    assert (again.status_code, last_rules(http)) == (400, ["code-used"])


def test_a_code_that_comes_again_costs_the_sign_in_its_renewal(http: httpx.Client) -> None:
    code = code_of(http)
    tokens = exchange(http, code).json()
    exchange(http, code)
    reply = http.post("/refreshToken", json={"refreshToken": tokens["refreshToken"]})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")


def test_a_code_does_not_live_long(http: httpx.Client) -> None:
    code = code_of(http)
    http.post("/_sim/clock", json={"advance_seconds": 301})
    assert exchange(http, code).status_code == 400
    assert last_rules(http) == ["code-expired"]


def test_a_bad_exchange_can_be_a_500_and_has_spent_the_code(http: httpx.Client) -> None:
    code = code_of(http)
    arm(http, "internal", "exchange")
    assert exchange(http, code).status_code == 500
    assert exchange(http, code).status_code == 400
    assert last_rules(http) == ["code-used"]


@pytest.mark.parametrize(
    ("scenario", "missing"),
    [
        ("no-refresh-token", "refreshToken"),
        ("no-access-token", "accessToken"),
        ("no-expiry", "expiresIn"),
        ("no-profile-arn", "profileArn"),
    ],
)
def test_an_exchange_can_leave_something_out(
    http: httpx.Client, scenario: str, missing: str
) -> None:
    code = code_of(http, account="social")
    arm(http, scenario, "exchange", account="social")
    reply = exchange(http, code)
    assert reply.status_code == 200
    assert {"refreshToken", "accessToken", "expiresIn", "profileArn"} - reply.json().keys() == {
        missing
    }


def test_an_exchange_can_wrap_its_answer(http: httpx.Client) -> None:
    code = code_of(http)
    arm(http, "tokens-in-data", "exchange")
    assert exchange(http, code).json()["data"]["accessToken"]


@pytest.mark.parametrize("scenario", ["reset-before-status", "answer-lost"])
def test_the_connection_of_an_exchange_can_break(http: httpx.Client, scenario: str) -> None:
    code = code_of(http)
    arm(http, scenario, "exchange")
    with pytest.raises(httpx.TransportError):
        exchange(http, code)
    assert exchange(http, code).status_code == 400, "the code is spent all the same"


def test_an_exchange_can_be_silent_until_the_client_gives_up(http: httpx.Client) -> None:
    code = code_of(http)
    arm(http, "never-answers", "exchange")
    with pytest.raises(httpx.ReadTimeout):
        http.post("/oauth/token", json={"code": code, "code_verifier": VERIFIER,
                                        "redirect_uri": "x"}, timeout=0.2)  # fmt: skip
    assert http.get("/_sim/health").status_code == 200


def test_the_log_shows_an_exchange_without_its_secrets(http: httpx.Client) -> None:
    code = code_of(http)
    exchange(http, code)
    entry = http.get("/_sim/log?operation=exchange").json()["requests"][-1]
    assert entry["account"] == "google-1"
    assert entry["body"]["redirect_uri"].endswith("login_option=google")
    assert code not in str(entry)
    assert VERIFIER not in str(entry)
    page = http.get("/_sim/log?operation=sign-in").json()["requests"][-1]
    assert page["query"] == PORTAL


def test_a_reset_forgets_scripts_and_who_came(http: httpx.Client) -> None:
    code_of(http)
    script(http)
    http.post("/_sim/reset", json={"tokens": True})
    assert visit_portal(http).status_code == 200
    names = {one["name"] for one in http.get("/_sim/accounts").json()["accounts"]}
    assert names == ACCOUNTS.keys()


LOGIN = {**PROOF, "idp": "Github", "redirect_uri": DIRECT}


def test_the_direct_way_ends_at_the_address_of_the_ide(http: httpx.Client) -> None:
    script(http, page="login")
    back = sent_to(http.get("/login", params={**LOGIN, "prompt": "select_account"}))
    assert back.address == DIRECT
    assert back.query["state"] == STATE
    reply = exchange(http, back.query["code"], redirect_uri=DIRECT)
    assert generate(http, reply.json()["accessToken"], reply.json()["profileArn"]) == 200


def test_the_direct_way_shows_the_address_to_copy(http: httpx.Client) -> None:
    assert http.get("/login", params=LOGIN).status_code == 200
    page = http.post("/login", data={**LOGIN, "go": "on"})
    address = re.search(r'readonly value="([^"]+)"', page.text)
    assert address is not None
    back = callback(address[1].replace("&amp;", "&"))
    assert exchange(http, back.query["code"], redirect_uri=DIRECT).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"idp": "github"},
        {"redirect_uri": "kiro://elsewhere"},
        {"prompt": "none"},
        {"code_challenge_method": "plain"},
    ],
    ids=str,
)
def test_a_wrong_direct_visit_is_refused(http: httpx.Client, change: dict[str, str]) -> None:
    assert http.get("/login", params={**LOGIN, **change}).status_code == 400
    assert last_rules(http) == ["parameter-value"]


def test_social_sign_in_lives_in_one_region(http: httpx.Client) -> None:
    code = code_of(http)
    body = {
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": "http://localhost:3128/oauth/callback?login_option=google",
    }
    with pytest.raises(httpx.TransportError):
        http.post("/eu-west-1/oauth/token", json=body)
    assert last_rules(http) == ["no-such-host"]
    assert http.post("/us-east-1/oauth/token", json=body).status_code == 200


@pytest.mark.parametrize(
    "order",
    [{"way": "facebook"}, {"page": "elsewhere"}, {"path": "/"}, {"query": {"state": 1}}],
    ids=str,
)
def test_a_senseless_sign_in_order_is_refused(http: httpx.Client, order: Body) -> None:
    assert http.put("/_sim/sign-in", json=order).status_code == 400
