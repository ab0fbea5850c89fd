"""What would be sent for a client's request, seen without sending it."""

from typing import Any

import pytest

from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway

pytestmark = pytest.mark.anyio

BODY = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Grüß dich, 世界"}],
}


async def preview(gateway: AdminGateway, **order: Any) -> Any:
    order = {"path": "/v1/messages", "account": "social", "body": BODY, **order}
    answer = await gateway.call("POST", "/admin/preview", order)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
async def test_a_preview_is_what_is_then_sent(admin: AdminGateway, kiro: Kiro, path: str) -> None:
    headers = {"X-Kiro-Conversation-Id": "0f8fad5b-d9cb-469f-a165-70867728950e"}
    seen = await preview(admin, path=path, headers=headers)
    assert await kiro.log() == []
    answer = await admin.http.post(
        admin.url + path, json=BODY, headers={"x-api-key": admin.key, **headers}
    )
    assert answer.status_code == 200
    (sent,) = await kiro.log()
    for body in (seen["kiro_body"], sent["body"]):
        del body["conversationState"]["agentContinuationId"]
    assert seen["kiro_body"] == sent["body"]
    assert seen["model"] == answer.headers["x-kiro-gateway-model"]


async def test_a_preview_names_what_is_dropped_and_how_long_it_is(admin: AdminGateway) -> None:
    seen = await preview(admin, body={**BODY, "top_k": 5, "temperature": 0.5})
    assert "dropped:top_k" in seen["notes"]
    state = seen["kiro_body"]["conversationState"]
    assert state["currentMessage"]["userInputMessage"]["content"] == "Grüß dich, 世界"
    assert 300 < seen["bytes"] < 1000


@pytest.mark.parametrize(
    "path", ["/v1/messages?beta=true", "/a/social/v1/messages", "/v1/messages/"]
)
async def test_the_path_may_be_as_clients_write_it(admin: AdminGateway, path: str) -> None:
    account = None if path.startswith("/a/") else "social"
    assert (await preview(admin, path=path, account=account))["model"] == "claude-sonnet-4.5"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"account": None}, "account is required"),
        ({"account": "nobody"}, "nobody"),
        ({"path": "/v1/models"}, "path"),
        ({"path": "/admin/preview"}, "path"),
        ({"path": None}, "path"),
        ({"body": None}, ""),
        ({"body": []}, ""),
        ({"body": {}}, "model"),
        ({"body": {**BODY, "messages": 5}}, "messages"),
        ({"headers": {"a": 1}}, "headers"),
        ({"extra": 1}, "extra"),
    ],
    ids=repr,
)
async def test_a_preview_of_nonsense_is_refused(
    admin: AdminGateway, change: dict[str, Any], words: str
) -> None:
    order = {"path": "/v1/messages", "account": "social", "body": BODY, **change}
    answer = await admin.call("POST", "/admin/preview", order)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert words in answer.json()["error"]["message"]


async def test_an_account_that_nobody_signed_in_to_has_a_preview_too(admin: AdminGateway) -> None:
    await admin.call("POST", "/admin/accounts", {"name": "empty"})
    assert (await preview(admin, account="empty"))["model"] == "claude-sonnet-4.5"
