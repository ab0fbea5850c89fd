"""/admin/settings: what is in force, where it comes from, and what can be switched at run time."""

import platform
from datetime import datetime, timedelta
from typing import Annotated

import anyio
import msgspec
from msgspec import Meta

from gateway import __version__
from gateway.errors import UpdateFailed
from gateway.settings import LoadedSettings, Settings
from gateway.settings.example import shown_settings
from gateway.settings.schema import KEYS
from gateway.store.saved_settings import read_body_capture, set_body_capture
from gateway.web.admin.call import Call

LONGEST_CAPTURE = 24 * 60  # minutes
LONGEST_CHECK = 20  # seconds

AnyValue = Annotated[msgspec.Raw, Meta(extra_json_schema={"description": "Any JSON value."})]


class SettingObject(msgspec.Struct, frozen=True):
    """One setting. A secret's value is `***`, and null when there is none."""

    name: str
    value: AnyValue
    source: Annotated[
        str, Meta(description="Such as `default`, `config.yaml, line 3`, `flag --port` or `saved`.")
    ]
    description: str
    secret: bool


class SettingsObject(msgspec.Struct, frozen=True):
    """What is in force. Until `body_capture_until` the bodies of requests are stored."""

    settings: list[SettingObject]
    body_capture_until: datetime | None


class CaptureOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long to store what clients send and get; 0 stops it."""

    minutes: Annotated[int, Meta(ge=0, le=LONGEST_CAPTURE)]


class CaptureObject(msgspec.Struct, frozen=True):
    """Bodies are stored until then; null: they are not."""

    until: datetime | None


class VersionQuery(msgspec.Struct, frozen=True):
    """Whether to look for an update as well, which asks the release server."""

    check: bool = False


class UpdateObject(msgspec.Struct, frozen=True):
    """Whether there is something newer; `error` says why nobody can tell."""

    newest: str | None
    available: bool
    error: str | None


class VersionObject(msgspec.Struct, frozen=True):
    """What is running. `update` is null unless it was asked for."""

    version: str
    python: str
    platform: str
    update: UpdateObject | None


async def get(call: Call) -> SettingsObject:
    """GET /admin/settings."""
    # What was saved of notifications wins over everything else.
    notifications = await call.services.notifier.effective()
    settings = msgspec.structs.replace(call.services.settings, notifications=notifications.settings)
    saved = {f"notifications.{name}" for name in notifications.saved}
    shown = shown_settings(LoadedSettings(settings, {}, ()))
    async with call.services.database.connect() as db:
        until = await read_body_capture(db)
    return SettingsObject(
        settings=[
            SettingObject(
                name=name,
                value=msgspec.Raw(msgspec.json.encode(value)),
                source="saved" if name in saved else source_of(call, name),
                description=KEYS[name].description,
                secret=KEYS[name].secret,
            )
            for name, value in shown.items()
        ],
        body_capture_until=until if until is not None and until > call.now else None,
    )


async def capture_bodies(call: Call) -> CaptureObject:
    """PUT /admin/settings/body-capture."""
    order = await call.body(CaptureOrder)
    now = call.now
    until = now + timedelta(minutes=order.minutes) if order.minutes else None
    async with call.services.database.begin() as db:
        await set_body_capture(db, until, now=now)
    await call.services.directory.reload()
    return CaptureObject(until)


async def version(call: Call) -> VersionObject:
    """GET /admin/version: what is running and, with `check`, whether there is something newer."""
    update = await _newest(call) if call.query(VersionQuery).check else None
    return VersionObject(__version__, platform.python_version(), platform.platform(), update)


async def _newest(call: Call) -> UpdateObject:
    # Loaded by the few who ask: start-up has no use for it.
    from gateway.update.download import RELEASES  # noqa: PLC0415  # as said above
    from gateway.update.newest import find_newest  # noqa: PLC0415

    url = call.services.admin.releases_url or RELEASES
    try:
        with anyio.fail_after(LONGEST_CHECK):
            release, is_newer = await find_newest(url, proxy=call.services.settings.upstream.proxy)
    except UpdateFailed as exc:
        return UpdateObject(None, False, str(exc))
    except TimeoutError:
        return UpdateObject(None, False, "The release server does not answer. Try again later.")
    return UpdateObject(str(release.version), is_newer, None)


def source_of(call: Call, name: str) -> str:
    """Where the value of a setting comes from, if nothing was saved for it."""
    told = call.services.admin.setting_origins.get(name)
    return told or _guessed_source(call.services.settings, name)


def _guessed_source(settings: Settings, name: str) -> str:
    """Where a value comes from when whoever loaded the settings has not told."""
    section, _, field = name.partition(".")
    value = getattr(getattr(settings, section), field)
    return "default" if value == KEYS[name].default else "unknown"
