"""Notifications over the admin API: settings, where they come from, and test messages."""

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from gateway.logs import configure_logging
from gateway.settings import NotificationChannel, NotificationSettings
from gateway.web.timing import Timing
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.pauses import Pauses

pytestmark = pytest.mark.anyio

PATH = "/admin/notifications"
SECRET = "T0-hook-4711"


@pytest.fixture
async def admin(kiro: Kiro, pauses: Pauses, tmp_path: Path) -> AsyncIterator[AdminGateway]:
    """With one channel in its settings file."""
    configured = NotificationSettings(
        language="zh",
        channels=(NotificationChannel(type="teams", url=hook(kiro, "teams"), name="ops"),),
    )
    timing = Timing(sleep=pauses, first_notifications=0)
    async with admin_gateway(kiro, tmp_path, timing=timing, notifications=configured) as gateway:
        gateway.services.admin.setting_origins = {
            "notifications.language": "config.yaml, line 7",
            "notifications.channels": "config.yaml, line 9",
        }
        yield gateway


def hook(kiro: Kiro, kind: str = "webhook", name: str = SECRET) -> str:
    return f"{kiro.url}/_sim/webhooks/{kind}/{name}"


async def put(admin: AdminGateway, body: object, status: int = 200) -> Any:
    answer = await admin.call("PUT", PATH, body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_what_is_in_force_is_shown_with_its_source(admin: AdminGateway, kiro: Kiro) -> None:
    shown = await admin.get(PATH)
    (channel,) = shown.pop("channels")
    assert channel == {
        "id": channel["id"],
        "type": "teams",
        "name": "ops",
        "url": f"{kiro.url}/***",
    }
    (delivery,) = shown.pop("deliveries")
    assert (delivery["id"], delivery["name"], delivery["failures"]) == (channel["id"], "ops", 0)
    assert shown.pop("sources") == {
        "enabled": "default",
        "language": "config.yaml, line 7",
        "timezone": "default",
        "check_interval_seconds": "default",
        "channels": "config.yaml, line 9",
        "account_thresholds": "default",
        "total_thresholds": "default",
        "daily_times": "default",
    }
    assert shown == {
        "enabled": False,
        "language": "zh",
        "timezone": "Local",
        "check_interval_seconds": 600.0,
        "account_thresholds": [90, 100],
        "total_thresholds": [90, 100],
        "daily_times": [],
    }


async def test_what_is_saved_wins_and_null_takes_it_back(admin: AdminGateway) -> None:
    shown = await put(admin, {"language": "en", "daily_times": ["09:00"], "timezone": "Asia/Tokyo"})
    assert (shown["language"], shown["sources"]["language"]) == ("en", "saved")
    assert await admin.get(PATH) == shown
    settings = {one["name"]: one for one in (await admin.get("/admin/settings"))["settings"]}
    told = settings["notifications.daily_times"]
    assert (told["value"], told["source"]) == (["09:00"], "saved")
    assert settings["notifications.language"]["source"] == "saved"
    shown = await put(admin, {"language": None})
    assert (shown["language"], shown["sources"]["language"]) == ("zh", "config.yaml, line 7")
    assert shown["sources"]["daily_times"] == "saved"


async def test_what_is_shown_may_be_sent_back_and_changes_nothing(admin: AdminGateway) -> None:
    before = await admin.get(PATH)
    assert await put(admin, before) == before
    await put(admin, {"channels": before["channels"], "enabled": False})
    assert await admin.get(PATH) == before


async def test_a_channel_keeps_its_url_when_it_is_renamed(admin: AdminGateway, kiro: Kiro) -> None:
    (channel,) = (await admin.get(PATH))["channels"]
    new = {"type": "slack", "url": hook(kiro, "slack"), "name": "slack"}
    shown = await put(admin, {"channels": [{**channel, "name": "renamed"}, new]})
    assert [one["name"] for one in shown["channels"]] == ["renamed", "slack"]
    assert shown["channels"][0]["id"] == channel["id"]
    assert shown["sources"]["channels"] == "saved"
    results = (await admin.call("POST", PATH + "/test")).json()
    assert [one["delivered"] for one in results["results"]] == [True, True]
    assert {one.name for one in kiro.state.mailroom.received} == {SECRET}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"enabled": "yes"}, "enabled"),
        ({"language": "de"}, "language"),
        ({"timezone": "Mars/Base"}, 'timezone: "Mars/Base" is not Local or a time zone'),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"check_interval_seconds": 0}, "check_interval_seconds"),
        ({"account_thresholds": [0]}, "account_thresholds"),
        ({"total_thresholds": [50, 1001]}, "total_thresholds"),
        ({"daily_times": ["9:00"]}, "daily_times"),
        ({"daily_times": ["24:00"]}, "daily_times"),
        ({"tresholds": [1]}, "tresholds"),
        ({"channels": {}}, "channels"),
        ({"channels": [{"type": "teams"}]}, "channels[0].url is required"),
        ({"channels": [{"url": "https://a.example"}]}, "channels[0].type is required"),
        ({"channels": [{"type": "mail", "url": "https://a.example"}]}, "type"),
        ({"channels": [{"type": "slack", "url": "ftp://a"}]}, "channels[0].url: is not an http(s)"),
        ({"channels": [{"type": "slack", "url": "https://"}]}, "channels[0].url"),
        ({"channels": [{"type": "slack", "url": "https://a b"}]}, "channels[0].url"),
        ({"channels": [{"type": "slack", "url": "https://a/${HOME}"}]}, "${VAR}"),
        ({"channels": [{"type": "slack", "url": "https://a/***"}]}, "channels[0].url: is masked"),
        ({"channels": [{"id": "0123"}]}, "channels[0].id"),
        ({"channels": [{"type": "slack", "url": "https://a", "secret": "x"}]}, "secret"),
        (
            {"channels": [{"type": "slack", "url": "https://a/b"}] * 2},
            "channels[1]: is there twice",
        ),
    ],
)
async def test_a_bad_value_is_refused_by_name_and_saves_nothing(
    admin: AdminGateway, body: dict[str, Any], said: str
) -> None:
    before = await admin.get(PATH)
    refused = await put(admin, {"enabled": True, **body}, 400)
    assert refused["error"]["type"] == "invalid_request_error"
    assert said in refused["error"]["message"]
    assert await admin.get(PATH) == before


async def test_a_refused_url_is_not_repeated(admin: AdminGateway) -> None:
    for url in (f"ftp://h/{SECRET}", f"https://h/{SECRET} x", f"https://h/{SECRET}/***"):
        answer = await admin.call("PUT", PATH, {"channels": [{"type": "slack", "url": url}]})
        assert answer.status_code == 400
        assert SECRET not in answer.text


async def test_a_channel_can_be_tried_before_it_is_saved(admin: AdminGateway, kiro: Kiro) -> None:
    order = {"channel": {"type": "slack", "url": hook(kiro, "slack", "new"), "name": "try"}}
    answer = await admin.call("POST", PATH + "/test", order)
    (result,) = answer.json()["results"]
    assert (result["delivered"], result["status"], result["error"]) == (True, 200, None)
    assert result["url"] == f"{kiro.url}/***"
    (message,) = kiro.state.mailroom.received
    assert message.name == "new"
    assert "测试消息" in message.body["text"]
    assert [one["type"] for one in (await admin.get(PATH))["channels"]] == ["teams"]


async def test_the_test_says_for_each_channel_why_it_does_not_arrive(
    admin: AdminGateway, kiro: Kiro
) -> None:
    await kiro.control("PUT", "/webhooks", {"name": "gone", "status": 410, "times": None})
    good, bad = hook(kiro, "webhook", "good"), hook(kiro, "webhook", "gone")
    nowhere = "http://127.0.0.1:9/" + SECRET
    channels = [{"type": "webhook", "url": url} for url in (bad, nowhere, good)]
    await put(admin, {"channels": channels})
    answer = (await admin.call("POST", PATH + "/test", {})).json()
    assert answer["delivered"] is False
    told = [(one["delivered"], one["status"], one["error"]) for one in answer["results"]]
    assert told[0] == (False, 410, "It answers 410 (Gone).")
    assert told[1][:2] == (False, None)
    assert "no connection" in str(told[1][2])
    assert told[2] == (True, 204, None)


async def test_one_channel_is_tried_by_its_id(admin: AdminGateway, kiro: Kiro) -> None:
    (channel,) = (await admin.get(PATH))["channels"]
    order = {"channel": {"id": channel["id"]}}
    assert (await admin.call("POST", PATH + "/test", order)).json()["delivered"]


async def test_without_channels_there_is_nothing_to_test(admin: AdminGateway) -> None:
    await put(admin, {"channels": []})
    answer = await admin.call("POST", PATH + "/test")
    assert answer.status_code == 400
    assert "no channel" in answer.json()["error"]["message"]


async def test_the_switch_of_the_older_route(admin: AdminGateway) -> None:
    teams = PATH + "/teams"
    assert await admin.get(teams) == {"configured": True, "enabled": False}
    answer = await admin.call("PUT", teams, {"enabled": True})
    assert (answer.status_code, answer.json()) == (200, {"configured": True, "enabled": True})
    assert (await admin.get(PATH))["enabled"] is True
    await put(admin, {"channels": []})
    assert await admin.get(teams) == {"configured": False, "enabled": False}
    answer = await admin.call("PUT", teams, {"enabled": False})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "teams notifications are not configured"
    for body in ({}, {"enabled": None}, {"enabled": "x"}):
        assert (await admin.call("PUT", teams, body)).status_code == 400


async def test_what_is_switched_on_arrives_and_is_seen_to_have(
    admin: AdminGateway, kiro: Kiro
) -> None:
    await kiro.control("PUT", "/credits", {"account": "social", "used": 1590.0})
    await admin.get("/admin/kiro/usage-limits?account=social&refresh=true")
    url = hook(kiro, "webhook", "new")
    await put(admin, {"enabled": True, "channels": [{"type": "webhook", "url": url}]})
    told = (await kiro.control("GET", "/webhooks?name=new&count=1"))["messages"]
    assert [one["body"]["type"] for one in told] == ["quota_threshold"]
    shown = await admin.get(PATH)
    while shown["deliveries"][0]["delivered_at"] is None:
        shown = await admin.get(PATH)
    assert shown["deliveries"][0]["last_error"] is None


async def test_what_the_service_holds_against_an_account_is_told(
    admin: AdminGateway, kiro: Kiro
) -> None:
    await kiro.scenario("suspended", account="builder")
    await kiro.scenario("monthly-limit", account="external")
    ask = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    for name in ("builder", "external"):
        url = f"{admin.url}/a/{name}/v1/messages"
        answer = await admin.http.post(url, json=ask, headers={"x-api-key": admin.key})
        assert answer.status_code in {402, 403}
    channel = {"type": "webhook", "url": hook(kiro, "webhook", "new")}
    await put(admin, {"enabled": True, "channels": [channel]})
    (told,) = (await kiro.control("GET", "/webhooks?name=new&count=1"))["messages"]
    assert told["body"]["type"] == "account_trouble"
    facts = {one["name"]: one for one in told["body"]["facts"]["accounts"]}
    assert {name: one["condition"] for name, one in facts.items()} == {
        "builder": "suspended",
        "external": "exhausted",
    }
    assert facts["builder"]["api_keys"] == ["test"]
    assert facts["builder"]["until"] is None


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    before = structlog.get_config()
    configure_logging("debug", "json", stream=stream, colors=False)
    yield stream
    structlog.configure(**before)


async def test_no_answer_log_line_or_file_holds_the_url(
    admin: AdminGateway, kiro: Kiro, tmp_path: Path, log: io.StringIO
) -> None:
    await kiro.control("PUT", "/webhooks", {"name": SECRET, "status": 500, "times": 5})
    shown = []
    for kind in ("teams", "slack", "webhook"):
        channel = {"type": kind, "url": hook(kiro, kind)}
        shown.append(await put(admin, {"enabled": True, "channels": [channel]}))
        orders: tuple[Any, ...] = ({}, {"channel": channel}, {"channel": {**channel, "id": "x"}})
        shown += [(await admin.call("POST", PATH + "/test", one)).json() for one in orders]
    shown += [await admin.get(path) for path in (PATH, "/admin/settings", PATH + "/teams")]
    assert kiro.state.mailroom.received
    assert '"route":"/admin/notifications"' in log.getvalue()
    assert SECRET not in msgspec.json.encode(shown).decode()
    assert SECRET not in log.getvalue()
    assert SECRET.encode() not in stored_in(tmp_path)


def stored_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("gateway.db*"))
