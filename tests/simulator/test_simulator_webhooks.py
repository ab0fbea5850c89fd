"""The places that notifications are sent to refuse what the real ones would."""

from typing import Any

import httpx
import pytest

TEXT = {"type": "TextBlock", "text": "Hello", "wrap": True}
CARD = {"type": "AdaptiveCard", "version": "1.2", "body": [TEXT]}
MEDIA_TYPE = "application/vnd.microsoft.card.adaptive"
TEAMS = {"type": "message", "attachments": [{"contentType": MEDIA_TYPE, "content": CARD}]}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "a &amp; b"}}
HEADER = {"type": "header", "text": {"type": "plain_text", "text": "x" * 150}}
SLACK = {"text": "Hello", "blocks": [HEADER, SECTION]}
WEBHOOK = {
    "version": 1,
    "type": "test",
    "id": "1",
    "time": "2026-11-22T08:30:00+00:00",
    "gateway_version": "1",
    "language": "en",
    "title": "a",
    "text": "b",
    "facts": {},
}


def section(text: str) -> Any:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def card(**changes: Any) -> Any:
    return {**TEAMS, "attachments": [{"contentType": MEDIA_TYPE, "content": {**CARD, **changes}}]}


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("teams", TEAMS, 202), ("slack", SLACK, 200), ("webhook", WEBHOOK, 204)],
)
def test_a_good_message_is_taken_and_remembered(
    http: httpx.Client, kind: str, body: object, status: int
) -> None:
    assert http.post(f"/_sim/webhooks/{kind}/ops", json=body).status_code == status
    http.post(f"/_sim/webhooks/{kind}/other", json=body)
    (message,) = http.get("/_sim/webhooks?name=ops&count=1").json()["messages"]
    assert (message["kind"], message["outcome"], message["body"]) == (kind, status, body)
    assert len(http.get("/_sim/webhooks").json()["messages"]) == 2


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("teams", {}),
        ("teams", {**TEAMS, "type": "event"}),
        ("teams", card(type="Card")),
        ("teams", card(version="2.0")),
        ("teams", card(body=[])),
        ("teams", card(body=[{**TEXT, "text": ""}])),
        ("teams", card(body=[{**TEXT, "text": "x" * 30_000}])),
        ("slack", {"blocks": [SECTION]}),
        ("slack", {"text": "x", "blocks": []}),
        ("slack", {"text": "x", "blocks": [SECTION] * 51}),
        ("slack", {"text": "x", "blocks": [section("")]}),
        ("slack", {"text": "x", "blocks": [section("x" * 3001)]}),
        ("slack", {"text": "x", "blocks": [section("<!channel>")]}),
        ("slack", {"text": "x", "blocks": [section("a & b")]}),
        ("slack", {"text": "x", "blocks": [{**HEADER, "text": SECTION["text"]}]}),
        ("webhook", {**WEBHOOK, "facts": None}),
        ("webhook", {**WEBHOOK, "more": 1}),
        ("webhook", {"title": "a"}),
        ("webhook", []),
    ],
)
def test_a_bad_message_is_refused(http: httpx.Client, kind: str, body: object) -> None:
    assert http.post(f"/_sim/webhooks/{kind}/ops", json=body).status_code == 400


def test_what_is_no_json_is_refused(http: httpx.Client) -> None:
    for body, media_type in ((b"{}", "text/plain"), (b"{", "application/json")):
        answer = http.post(
            "/_sim/webhooks/webhook/ops", content=body, headers={"content-type": media_type}
        )
        assert answer.status_code == 400
    assert http.post("/_sim/webhooks/mail/ops", json=WEBHOOK).status_code == 404


def test_a_name_misbehaves_as_often_as_it_is_told_to(http: httpx.Client) -> None:
    http.put("/_sim/webhooks", json={"name": "ops", "status": 429, "retry_after": "7", "times": 2})
    http.put("/_sim/webhooks", json={"name": "ops", "status": 302, "location": "/x"})
    http.put("/_sim/webhooks", json={"name": "ops", "trouble": "reset"})
    for status in (429, 429, 302):
        answer = http.post("/_sim/webhooks/webhook/ops", json=WEBHOOK)
        assert answer.status_code == status
        assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
    with pytest.raises(httpx.ReadError):
        http.post("/_sim/webhooks/webhook/ops", json=WEBHOOK)
    assert http.post("/_sim/webhooks/webhook/ops", json=WEBHOOK).status_code == 204
    outcomes = [one["outcome"] for one in http.get("/_sim/webhooks").json()["messages"]]
    assert outcomes == [429, 429, 302, "reset", 204]


@pytest.mark.parametrize(
    "order", [{}, {"name": "a", "status": 99}, {"name": "a", "trouble": "x"}, {"name": "a", "b": 1}]
)
def test_a_senseless_order_is_refused(http: httpx.Client, order: object) -> None:
    assert http.put("/_sim/webhooks", json=order).status_code == 400


def test_a_reset_forgets_messages_and_orders(http: httpx.Client) -> None:
    http.put("/_sim/webhooks", json={"name": "ops", "times": None})
    http.post("/_sim/webhooks/webhook/ops", json=WEBHOOK)
    http.post("/_sim/reset")
    assert http.get("/_sim/webhooks").json() == {"messages": []}
    assert http.post("/_sim/webhooks/webhook/ops", json=WEBHOOK).status_code == 204
