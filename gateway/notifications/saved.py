"""Settings of notifications that were saved while the gateway ran; they win over the file's.

URLs of channels are kept encrypted: whoever knows one may write to the channel.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import StoreError
from gateway.settings import NotificationChannel, NotificationSettings
from gateway.store.saved_settings import read_setting, save_setting
from gateway.store.secrets import SecretBox

NAME = "notifications"
_PLACE = "saved_settings/notifications/channels"


class _SealedChannel(msgspec.Struct, frozen=True):
    type: Literal["teams", "slack", "webhook"]
    url_encrypted: str
    name: str = ""


class _Saved(msgspec.Struct, frozen=True, omit_defaults=True):
    """As `NotificationSettings`; what was never saved, or was taken back, is not there."""

    enabled: bool | UnsetType = UNSET
    language: Literal["en", "zh"] | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    check_interval_seconds: float | UnsetType = UNSET
    channels: tuple[_SealedChannel, ...] | UnsetType = UNSET
    account_thresholds: tuple[int, ...] | UnsetType = UNSET
    total_thresholds: tuple[int, ...] | UnsetType = UNSET
    daily_times: tuple[str, ...] | UnsetType = UNSET


FIELDS = NotificationSettings.__struct_fields__


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings in force, and the names of those that were saved."""

    settings: NotificationSettings
    saved: frozenset[str]


async def read_effective(
    db: AsyncConnection, secrets: SecretBox, configured: NotificationSettings
) -> Effective:
    """What is in force: the configured settings, under what was saved.

    Raises:
        StoreError: what was saved cannot be read, or was encrypted with another key.
    """
    value = await read_setting(db, NAME)
    if value is None:
        return Effective(configured, frozenset())
    try:
        saved = msgspec.convert(value, _Saved)
    except msgspec.ValidationError as exc:
        raise StoreError("The saved settings of notifications cannot be read.") from exc
    changes = {name: found for name in FIELDS if (found := getattr(saved, name)) is not UNSET}
    if saved.channels is not UNSET:
        changes["channels"] = tuple(_opened(one, secrets) for one in saved.channels)
    return Effective(msgspec.structs.replace(configured, **changes), frozenset(changes))


async def save(
    db: AsyncConnection,
    secrets: SecretBox,
    settings: NotificationSettings,
    names: Collection[str],
    *,
    now: datetime,
) -> None:
    """Save these members of `settings`, and forget whichever else was saved before."""
    members = {name: getattr(settings, name) for name in FIELDS if name in names}
    if "channels" in members:
        members["channels"] = tuple(_sealed(one, secrets) for one in settings.channels)
    value = msgspec.to_builtins(_Saved(**members)) if members else None
    await save_setting(db, NAME, value, now=now)


def channel_id(channel: NotificationChannel, secrets: SecretBox) -> str:
    """64 hex digits for a channel: the same for the same type and URL, telling nothing of it.

    A channel that is given another URL is another one: whoever reads it has been told nothing yet.
    """
    return secrets.fingerprint(f"{channel.type} {channel.url}", place="notifications/channel")


def _sealed(channel: NotificationChannel, secrets: SecretBox) -> _SealedChannel:
    return _SealedChannel(channel.type, secrets.encrypt(channel.url, place=_PLACE), channel.name)


def _opened(channel: _SealedChannel, secrets: SecretBox) -> NotificationChannel:
    url = secrets.decrypt(channel.url_encrypted, place=_PLACE)
    return NotificationChannel(type=channel.type, url=url, name=channel.name)
