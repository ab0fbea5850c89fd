"""What is in force, and what an operator switches while the gateway runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.settings.schema import KEYS
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio


async def test_every_setting_is_shown_with_its_value_and_its_meaning(admin: AdminGateway) -> None:
    shown = {
        setting["name"]: setting for setting in (await admin.get("/admin/settings"))["settings"]
    }
    assert list(shown) == list(KEYS)
    assert shown["server.host"]["value"] == "127.0.0.1"
    assert shown["server.log_level"]["source"] == "default"
    assert all(setting["description"] for setting in shown.values())


async def test_settings_say_where_they_come_from(admin: AdminGateway) -> None:
    origins = {"server.host": "flag --host"}
    admin.services.admin.setting_origins = origins
    shown = {
        setting["name"]: setting for setting in (await admin.get("/admin/settings"))["settings"]
    }
    assert shown["server.host"]["source"] == "flag --host"


async def test_secret_settings_are_hidden(kiro: Kiro, tmp_path: Path) -> None:
    async with admin_gateway(kiro, tmp_path, auth={"admin_key": "hunter2-hunter2"}) as gateway:
        answer = await gateway.call("GET", "/admin/settings")
    assert "hunter2" not in answer.text
    shown = {setting["name"]: setting for setting in answer.json()["settings"]}
    assert (shown["auth.admin_key"]["value"], shown["auth.admin_key"]["secret"]) == ("***", True)
    assert shown["upstream.proxy"]["value"] is None


async def test_bodies_are_captured_for_a_stated_time(admin: AdminGateway) -> None:
    assert (await admin.get("/admin/settings"))["body_capture_until"] is None
    answer = await admin.call("PUT", "/admin/settings/body-capture", {"minutes": 10})
    until = datetime.fromisoformat(answer.json()["until"])
    assert timedelta(minutes=9) < until - datetime.now(UTC) <= timedelta(minutes=10)
    assert admin.services.directory.captures_bodies()
    shown = (await admin.get("/admin/settings"))["body_capture_until"]
    assert datetime.fromisoformat(shown) == until
    answer = await admin.call("PUT", "/admin/settings/body-capture", {"minutes": 0})
    assert (answer.status_code, answer.json()) == (200, {"until": None})
    assert not admin.services.directory.captures_bodies()


@pytest.mark.parametrize("minutes", [-1, 1441, 1.5, "x", None])
async def test_a_time_that_makes_no_sense_is_refused(admin: AdminGateway, minutes: object) -> None:
    answer = await admin.call("PUT", "/admin/settings/body-capture", {"minutes": minutes})
    assert answer.status_code == 400


async def test_the_version_is_told(admin: AdminGateway) -> None:
    version = await admin.get("/admin/version")
    assert version.keys() == {"version", "python", "platform", "update"}
    assert version["update"] is None  # nobody is asked unless the caller wants it
