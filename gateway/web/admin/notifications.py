"""/admin/notifications: what is told to whom, and whether it arrives."""

import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import anyio
import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.errors import InvalidRequest
from gateway.notifications.labels import label_of, masked
from gateway.notifications.saved import FIELDS, Effective, channel_id, read_effective, save
from gateway.settings import NotificationChannel, NotificationSettings
from gateway.settings.schema import HIDDEN, KEYS
from gateway.settings.values import BadValue, allowed_words, check_value
from gateway.store.notification_channels import ChannelRecord, read_channels
from gateway.web.admin.call import Call
from gateway.web.admin.settings import source_of

if TYPE_CHECKING:
    from gateway.notifications.delivery import Outcome

SAVED = "saved"
ID_LENGTH = 16  # of the digits that a channel is known by in the database
MAX_URL = 2048

Language = Literal["en", "zh"]
Kind = Literal["teams", "slack", "webhook"]
Percentages = Annotated[
    list[Annotated[int, Meta(ge=1, le=1000)]],
    Meta(max_length=20, description="Percent; in any order, none: never."),
]
Times = Annotated[
    list[Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]],
    Meta(max_length=48, description='Such as "09:00", in `timezone`.'),
]
Zone = Annotated[
    str, Meta(min_length=1, max_length=64, description="Local, or such as Asia/Tokyo.")
]
Interval = Annotated[float, Meta(ge=1, le=86_400, description="Seconds between two looks.")]
Name = Annotated[str, Meta(max_length=64)]


class ChannelObject(msgspec.Struct, frozen=True):
    """A channel. Of its URL only scheme and host are shown."""

    id: Annotated[str, Meta(description="Stands for the URL when the channel is sent back.")]
    type: Kind
    name: str
    url: str


class DeliveryObject(msgspec.Struct, frozen=True):
    """How a channel behaves. Until `retry_at` nothing is sent to it."""

    id: str
    name: str
    delivered_at: datetime | None
    failures: Annotated[int, Meta(description="Deliveries in a row that failed.")]
    failed_at: datetime | None
    last_error: str | None
    retry_at: datetime | None


class NotificationsObject(msgspec.Struct, frozen=True):
    """The settings in force. `sources` tells for each where its value comes from."""

    enabled: bool
    language: Language
    timezone: str
    check_interval_seconds: float
    account_thresholds: list[int]
    total_thresholds: list[int]
    daily_times: list[str]
    channels: list[ChannelObject]
    sources: Annotated[
        dict[str, str],
        Meta(description="`saved`, or as in /admin/settings; `saved` wins over the others."),
    ]
    deliveries: list[DeliveryObject]


class ChannelOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A channel: `type` and `url`, or the `id` of one that there is."""

    id: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    type: Kind | UnsetType = UNSET
    url: (
        Annotated[
            str,
            Meta(min_length=1, max_length=MAX_URL, description="Masked as it was shown, or whole."),
        ]
        | UnsetType
    ) = UNSET
    name: Name | UnsetType = UNSET


class NotificationsChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to save. Left out: stays as it is; null: what the file says counts again."""

    enabled: bool | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    timezone: Zone | UnsetType | None = UNSET
    check_interval_seconds: Interval | UnsetType | None = UNSET
    account_thresholds: Percentages | UnsetType | None = UNSET
    total_thresholds: Percentages | UnsetType | None = UNSET
    daily_times: Times | UnsetType | None = UNSET
    channels: Annotated[list[ChannelOrder], Meta(max_length=20)] | UnsetType | None = UNSET


class TestOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The channel to try, which need not be saved; by default all there are."""

    channel: ChannelOrder | None = None


class TestedChannel(msgspec.Struct, frozen=True):
    """What came of one test message: delivered, or why not."""

    id: str
    type: Kind
    name: str
    url: str
    delivered: bool
    status: Annotated[int | None, Meta(description="What the channel answered.")]
    error: str | None
    milliseconds: int


class TestResults(msgspec.Struct, frozen=True):
    """One result for each channel, in their order."""

    delivered: Annotated[bool, Meta(description="To all of them.")]
    results: list[TestedChannel]


class TeamsStatus(msgspec.Struct, frozen=True):
    """Whether there is a channel of Microsoft Teams, and whether it is told anything."""

    configured: bool
    enabled: bool


class TeamsSwitch(msgspec.Struct, frozen=True):
    """The switch of all notifications, by its older route."""

    enabled: bool


async def get(call: Call) -> NotificationsObject:
    """GET /admin/notifications: the settings in force, and how the channels behave."""
    return await _shown(call, await call.services.notifier.effective())


async def change(call: Call) -> NotificationsObject:
    """PUT /admin/notifications: save settings, which win over the file."""
    order = await call.body(NotificationsChange, ignoring=("sources", "deliveries"))
    configured = call.services.settings.notifications
    database = call.services.database
    async with database.begin() as db:
        effective = await read_effective(db, database.secrets, configured)
        changed = _changed(call, effective, order)
        await save(db, database.secrets, changed.settings, changed.saved, now=call.now)
    await call.services.directory.reload()
    return await _shown(call, changed)


async def test(call: Call) -> TestResults:
    """POST /admin/notifications/test: send a test message now, enabled or not."""
    order = await call.body(TestOrder)
    effective = await call.services.notifier.effective()
    channels = effective.settings.channels
    if order.channel is not None:
        channels = (_channel(call, effective, order.channel, "channel"),)
    if not channels:
        raise InvalidRequest("There is no channel to test. Give one, or save one first.")
    results: dict[int, TestedChannel] = {}

    async def try_out(index: int, channel: NotificationChannel) -> None:
        began = time.monotonic()
        outcome = await call.services.notifier.try_out(channel, effective.settings)
        seconds = time.monotonic() - began
        results[index] = _tested(call, channel, outcome, round(seconds * 1000))

    async with anyio.create_task_group() as tasks:
        for index, channel in enumerate(channels):
            tasks.start_soon(try_out, index, channel)
    return TestResults(
        delivered=all(one.delivered for one in results.values()),
        results=[results[index] for index in sorted(results)],
    )


async def teams(call: Call) -> TeamsStatus:
    """GET /admin/notifications/teams: whether Teams is told anything."""
    return _teams((await call.services.notifier.effective()).settings)


async def switch_teams(call: Call) -> TeamsStatus:
    """PUT /admin/notifications/teams: switch all notifications on or off."""
    order = await call.body(TeamsSwitch)
    database = call.services.database
    async with database.begin() as db:
        configured = call.services.settings.notifications
        effective = await read_effective(db, database.secrets, configured)
        if not _teams(effective.settings).configured:
            raise InvalidRequest("teams notifications are not configured")
        settings = msgspec.structs.replace(effective.settings, enabled=order.enabled)
        names = effective.saved | {"enabled"}
        await save(db, database.secrets, settings, names, now=call.now)
    await call.services.directory.reload()
    return _teams(settings)


def _changed(call: Call, effective: Effective, order: NotificationsChange) -> Effective:
    """The settings with what an order changes of them.

    Raises:
        InvalidRequest: a member has a value that its setting does not accept; names it.
    """
    values: dict[str, object] = {}
    saved = set(effective.saved)
    for name in FIELDS:
        given = getattr(order, name)
        if given is UNSET:
            continue
        if given is None:
            values[name] = getattr(call.services.settings.notifications, name)
            saved.discard(name)
            continue
        value = _channels(call, effective, given) if name == "channels" else _value(name, given)
        # What is sent back as it was shown is no wish to cut it off from the file.
        if value != getattr(effective.settings, name):
            values[name] = value
            saved.add(name)
    return Effective(msgspec.structs.replace(effective.settings, **values), frozenset(saved))


async def _shown(call: Call, effective: Effective) -> NotificationsObject:
    settings = effective.settings
    keys = {_key(call, one): one for one in settings.channels}
    async with call.services.database.connect() as db:
        records = await read_channels(db, keys)
    return NotificationsObject(
        enabled=settings.enabled,
        language=settings.language,
        timezone=settings.timezone,
        check_interval_seconds=settings.check_interval_seconds,
        account_thresholds=list(settings.account_thresholds),
        total_thresholds=list(settings.total_thresholds),
        daily_times=list(settings.daily_times),
        channels=[
            ChannelObject(_short(_key(call, one)), one.type, one.name, masked(one.url))
            for one in settings.channels
        ],
        sources={
            name: SAVED if name in effective.saved else source_of(call, f"notifications.{name}")
            for name in FIELDS
        },
        deliveries=[_delivery(key, one, records, call.now) for key, one in keys.items()],
    )


def _delivery(
    key: str, channel: NotificationChannel, records: Mapping[str, ChannelRecord], now: datetime
) -> DeliveryObject:
    record = records.get(key) or ChannelRecord(key, "{}")
    paused = record.retry_at is not None and record.retry_at > now
    return DeliveryObject(
        id=_short(key),
        name=label_of(channel),
        delivered_at=record.delivered_at,
        failures=record.failures,
        failed_at=record.failed_at,
        last_error=record.last_error,
        retry_at=record.retry_at if paused else None,
    )


def _tested(
    call: Call, channel: NotificationChannel, outcome: "Outcome", milliseconds: int
) -> TestedChannel:
    return TestedChannel(
        id=_short(_key(call, channel)),
        type=channel.type,
        name=channel.name,
        url=masked(channel.url),
        delivered=outcome.delivered,
        status=outcome.status,
        error=outcome.error,
        milliseconds=milliseconds,
    )


def _teams(settings: NotificationSettings) -> TeamsStatus:
    configured = any(one.type == "teams" for one in settings.channels)
    return TeamsStatus(configured, configured and settings.enabled)


def _value(name: str, given: object) -> object:
    """A member as the settings hold it.

    Raises:
        InvalidRequest: it has a value that the setting does not accept; names it.
    """
    value = tuple(given) if isinstance(given, list) else given
    try:
        check_value(value, KEYS[f"notifications.{name}"].hint)
    except BadValue as exc:
        place = name if exc.item is None else f"{name}[{exc.item}]"
        raise InvalidRequest(f"{place}: {exc}") from exc
    return value


def _channels(
    call: Call, effective: Effective, orders: list[ChannelOrder]
) -> tuple[NotificationChannel, ...]:
    channels = tuple(
        _channel(call, effective, order, f"channels[{index}]") for index, order in enumerate(orders)
    )
    for index, one in enumerate(channels):
        if any((one.type, one.url) == (other.type, other.url) for other in channels[:index]):
            raise InvalidRequest(f"channels[{index}]: is there twice")
    return channels


def _channel(
    call: Call, effective: Effective, order: ChannelOrder, place: str
) -> NotificationChannel:
    """The channel that is meant: a new one, or one there is, with what is given changed.

    Raises:
        InvalidRequest: it is none; names the member.
    """
    known = None
    if order.id is not UNSET:
        every = {_short(_key(call, one)): one for one in effective.settings.channels}
        known = every.get(order.id)
        if known is None:
            raise InvalidRequest(
                f"{place}.id: there is no such channel; leave it out for a new one"
            )
    url = order.url
    if known is not None and (url is UNSET or url == masked(known.url)):
        url = known.url
    kind = order.type if order.type is not UNSET else known.type if known else UNSET
    if kind is UNSET or url is UNSET:
        raise InvalidRequest(f"{place}.{'type' if kind is UNSET else 'url'} is required")
    _check_url(url, f"{place}.url")
    name = order.name if order.name is not UNSET else known.name if known else ""
    return NotificationChannel(type=kind, url=url, name=name)


def _check_url(url: str, place: str) -> None:
    hint = NotificationChannel.__annotations__["url"]
    if re.search(r"\$\{[A-Za-z_]", url):
        # Whoever has the admin key would else read the gateway's environment.
        raise InvalidRequest(
            f"{place}: ${{VAR}} is for the settings file and the environment; give the whole URL"
        )
    if url.endswith(f"/{HIDDEN}"):
        raise InvalidRequest(f"{place}: is masked; give the whole URL, or the id of its channel")
    try:
        check_value(url, hint)
    except BadValue:
        raise InvalidRequest(f"{place}: is not {allowed_words(hint)}") from None


def _key(call: Call, channel: NotificationChannel) -> str:
    return channel_id(channel, call.services.database.secrets)


def _short(key: str) -> str:
    return key[:ID_LENGTH]
