"""What comes with a body: bearer, headers, targets, and what of it the log shows."""

from typing import Any

import httpx
import pytest

from gateway.simulator.accounts import DEMO_ACCOUNTS, DemoAccount
from tests.simulator.simulator_client import (
    ACCOUNTS,
    BUILDER,
    MANAGEMENT,
    RPC,
    Body,
    answer,
    ask,
    frames,
    headers_of,
    last_rules,
    post,
    text_of,
)


def body_for(account: DemoAccount, text: str = "Hello") -> Body:
    body = ask(text)
    return {**body, "profileArn": account.profile_arn} if account.profile_arn else body


@pytest.mark.parametrize("account", DEMO_ACCOUNTS, ids=lambda a: a.name)
def test_every_kind_of_account_gets_an_answer(http: httpx.Client, account: DemoAccount) -> None:
    assert text_of(answer(http, body_for(account), account)) == "You said: Hello"


@pytest.mark.parametrize("content_type", [RPC, "application/json", f"{RPC}; charset=utf-8"])
@pytest.mark.parametrize("with_target", [True, False])
def test_the_path_form_takes_both_content_types_and_needs_no_target(
    http: httpx.Client, content_type: str, *, with_target: bool
) -> None:
    headers = {**headers_of(BUILDER), "content-type": content_type}
    if not with_target:
        del headers["x-amz-target"]
    reply = http.post("/generateAssistantResponse", headers=headers, json=ask("Hello"))
    assert reply.status_code == 200
    assert text_of(frames(reply.content)) == "You said: Hello"


HEADER_BREACHES: dict[str, tuple[dict[str, str | None], int, str]] = {
    "no bearer": ({"authorization": None}, 403, "bearer"),
    "an unknown bearer": ({"authorization": "Bearer somebody"}, 403, "bearer"),
    "another scheme": ({"authorization": f"Basic {BUILDER.bearer}"}, 403, "bearer"),
    "a token type": ({"tokentype": "EXTERNAL_IDP"}, 403, "token-type"),
    "no target": ({"x-amz-target": None}, 400, "target"),
    "an unserved target": (
        {"x-amz-target": "AmazonCodeWhispererStreamingService.SendMessage"},
        400,
        "target",
    ),
    "no content type": ({"content-type": "text/plain"}, 400, "content-type"),
    "plain JSON with a target": ({"content-type": "application/json"}, 400, "content-type"),
    "a client's header": ({"anthropic-version": "2023-06-01"}, 400, "foreign-header"),
    "a cookie": ({"cookie": "a=b"}, 400, "foreign-header"),
}


@pytest.mark.parametrize("name", HEADER_BREACHES)
def test_a_request_with_a_wrong_header_is_refused(http: httpx.Client, name: str) -> None:
    changes, status, rule = HEADER_BREACHES[name]
    headers: dict[str, Any] = {**headers_of(BUILDER), **changes}
    reply = http.post(
        "/", headers={n: v for n, v in headers.items() if v is not None}, json=ask("Hello")
    )
    assert reply.status_code == status
    assert last_rules(http) == [rule]


@pytest.mark.parametrize("name", ["external", "key"])
@pytest.mark.parametrize("given", [None, "SOMETHING"])
def test_the_two_kinds_with_a_token_type_must_send_exactly_theirs(
    http: httpx.Client, name: str, given: str | None
) -> None:
    account = ACCOUNTS[name]
    headers = headers_of(account)
    del headers["tokentype"]
    if given:
        headers["tokentype"] = given
    reply = http.post("/", headers=headers, json=body_for(account))
    assert reply.status_code == 403
    assert reply.json() == {"message": "The bearer token included in the request is invalid."}
    assert last_rules(http) == ["token-type"]


def test_a_target_of_another_operation_is_refused_on_a_path(http: httpx.Client) -> None:
    headers = headers_of(BUILDER, MANAGEMENT + "ListAvailableModels")
    reply = http.post("/generateAssistantResponse", headers=headers, json=ask("Hello"))
    assert (reply.status_code, last_rules(http)) == (400, ["target"])


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", "/nowhere"), ("GET", "/mcp"), ("POST", "/refreshToken/")],
)
def test_an_unknown_operation_is_named_so(http: httpx.Client, method: str, path: str) -> None:
    reply = http.request(method, path)
    assert reply.status_code == 400
    assert reply.headers["x-amzn-errortype"] == "UnknownOperationException"


def test_a_refusal_tells_its_rule_to_the_log_alone(http: httpx.Client) -> None:
    body = ask("Hello")
    body["conversationState"]["history"] = []
    reply = post(http, body)
    assert reply.json() == {"message": "Improperly formed request.", "reason": None}
    entry = http.get("/_sim/log?last=1").json()["requests"][0]
    assert entry["breaches"] == [{"rule": "empty-list", "where": "conversationState.history"}]
    assert entry["body"] == body
    assert (entry["operation"], entry["status"], entry["account"]) == ("generate", 400, "key")
    assert "empty-list" not in str(reply.headers)


def test_the_log_shortens_secrets_and_keeps_no_sign_in_bodies(http: httpx.Client) -> None:
    post(http, ask("Hello"), BUILDER)
    http.post("/refreshToken", json={"refreshToken": "aor-something-secret"})
    log = http.get("/_sim/log").text
    assert BUILDER.bearer not in log
    assert "aor-something-secret" not in log


def test_the_log_can_be_asked_for_one_operation(http: httpx.Client) -> None:
    post(http, ask("Hello"))
    http.get("/getUsageLimits", headers=headers_of(BUILDER, None))
    for operation in ("generate", "usage"):
        requests = http.get(f"/_sim/log?operation={operation}").json()["requests"]
        assert [entry["operation"] for entry in requests] == [operation]


def test_every_answer_has_a_request_id(http: httpx.Client) -> None:
    good, bad = post(http, ask("Hello")), post(http, ask(""))
    assert good.headers["x-amzn-requestid"] != bad.headers["x-amzn-requestid"]
