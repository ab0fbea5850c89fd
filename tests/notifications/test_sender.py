"""Looking and sending: a real database, real receivers, a clock of the test's own."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from structlog.testing import capture_logs

from gateway.accounts.directory import Directory
from gateway.accounts.health_states import Health
from gateway.kiro.quota import Amount, Quota, parse_quota
from gateway.notifications import leading, notifier
from gateway.notifications.channel import LeaseLost, Sender
from gateway.notifications.notifier import Notifier
from gateway.notifications.observer import Observer
from gateway.notifications.saved import channel_id, save
from gateway.settings import NotificationChannel, NotificationSettings
from gateway.store.accounts import Account
from gateway.store.api_keys import Limits, create_api_key
from gateway.store.database import Database
from gateway.store.leases import NOTIFICATIONS, give_up_lease, take_lease
from gateway.store.notification_channels import ChannelRecord, read_channels
from gateway.upstream.http import HttpClients
from tests.harness import Kiro
from tests.notifications.seen import RESET
from tests.sample_store import BOX, NOW, add_account, open_sample, stored_text
from tests.web.pauses import Pauses

pytestmark = pytest.mark.anyio

ACTIVE = Health("active")
UNKNOWN = parse_quota(b"{}")


def quota(used: float, **more: Any) -> Quota:
    return replace(UNKNOWN, known=True, base=Amount(used, 100), resets_at=RESET, **more)


@dataclass
class World:
    """A gateway's database and what is known of its one account, at a time of the test's choice."""

    kiro: Kiro
    database: Database
    directory: Directory
    clients: HttpClients
    now: datetime = NOW
    quotas: dict[str, Quota] = field(default_factory=dict)
    health: Health = ACTIVE
    pauses: Pauses = field(default_factory=Pauses)
    looks: int = 0

    def channel(self, name: str = "ops", kind: Any = "webhook") -> NotificationChannel:
        return NotificationChannel(
            type=kind, url=f"{self.kiro.url}/_sim/webhooks/{kind}/{name}", name=name
        )

    @property
    def account(self) -> Account:
        (account,) = self.directory.accounts
        return account

    def uses(self, used: float) -> None:
        self.quotas[self.account.id] = quota(used)

    @property
    def observer(self) -> Observer:
        return Observer(
            self.database,
            self.directory,
            last_quota=self.quotas.get,
            health_of=self.health_of,
        )

    def health_of(self, _: Account) -> Health:
        self.looks += 1
        return self.health

    def sender(self, name: str = "ops", holder: str = "me", **settings: Any) -> Sender:
        channel = self.channel(name)
        return Sender(
            channel=channel,
            settings=NotificationSettings(enabled=True, timezone="UTC", **settings),
            key=channel_id(channel, BOX),
            holder=holder,
            since=None,
            database=self.database,
            observer=self.observer,
            client_for=lambda url: self.clients.client_for(url, None),
            clock=lambda: self.now,
            sleep=self.pauses,
        )

    def notifier(self, settings: NotificationSettings, **more: Any) -> Notifier:
        return Notifier(
            self.database,
            self.directory,
            lambda: self.observer,
            lambda url: self.clients.client_for(url, None),
            settings,
            clock=lambda: self.now,
            sleep=self.pauses,
            first_look=0,
            **more,
        )

    async def lease(self, holder: str = "me", lasts: timedelta = timedelta(hours=1)) -> bool:
        async with self.database.begin() as db:
            return await take_lease(db, NOTIFICATIONS, holder, lasts=lasts)

    async def record(self, name: str = "ops") -> ChannelRecord:
        key = channel_id(self.channel(name), BOX)
        async with self.database.connect() as db:
            return (await read_channels(db, [key]))[key]

    async def arm(self, name: str = "ops", **order: Any) -> None:
        await self.kiro.control("PUT", "/webhooks", {"name": name, **order})

    def received(self, name: str = "ops") -> list[str]:
        """The types of the messages that a channel took."""
        return [
            one.body["type"]
            for one in self.kiro.state.mailroom.sent_to(name)
            if isinstance(one.outcome, int) and one.outcome < 300
        ]


@pytest.fixture
async def world(kiro: Kiro, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(kiro, tmp_path) as world:
        await add_account(world.database, "work")
        await world.directory.reload()
        await world.lease()
        yield world


@asynccontextmanager
async def a_world(kiro: Kiro, folder: Path) -> AsyncIterator[World]:
    clients = HttpClients("test")
    async with open_sample(folder) as database:
        directory = Directory(database)
        await directory.reload()
        try:
            yield World(kiro, database, directory, clients)
        finally:
            await clients.aclose()


async def test_a_threshold_is_delivered_once(world: World) -> None:
    sender = world.sender()
    world.uses(50)
    assert await sender.look() == NOW + timedelta(seconds=600)
    assert world.received() == []
    world.uses(95)
    await sender.look()
    await sender.look()
    assert world.received() == ["quota_threshold"]
    (message,) = world.kiro.state.mailroom.received
    (told,) = message.body["facts"]["accounts"]
    assert (told["name"], told["threshold"]) == ("work", 90)
    assert (await world.record()).delivered_at == NOW


@pytest.mark.usefixtures("both_stores")
async def test_what_was_told_is_remembered_over_a_restart(kiro: Kiro, tmp_path: Path) -> None:
    for attempt in range(3):
        async with a_world(kiro, tmp_path) as world:
            if attempt == 0:
                await add_account(world.database, "work")
                await world.directory.reload()
            await world.lease(lasts=timedelta(seconds=-1) if attempt else timedelta(hours=1))
            await world.lease()
            world.uses(95)
            await world.sender().look()
            assert world.received() == ["quota_threshold"]


async def test_what_failed_is_told_later_even_after_a_restart(kiro: Kiro, tmp_path: Path) -> None:
    async with a_world(kiro, tmp_path) as world:
        await add_account(world.database, "work")
        await world.directory.reload()
        await world.lease()
        await world.arm(status=500, times=4)
        world.uses(95)
        assert await world.sender().look() == NOW + timedelta(minutes=1)
        record = await world.record()
        assert (record.failures, record.last_error) == (
            1,
            "It answers 500 (Internal Server Error).",
        )
    async with a_world(kiro, tmp_path) as world:
        world.uses(96)
        assert await world.sender().look() == NOW + timedelta(minutes=1)  # left alone until then
        assert world.received() == []
        world.now += timedelta(minutes=1)
        await world.sender().look()
        assert world.received() == ["quota_threshold"]
        record = await world.record()
        assert (record.failures, record.last_error, record.retry_at) == (0, None, None)


async def test_a_channel_that_keeps_failing_is_asked_ever_less_often(world: World) -> None:
    await world.arm(status=500, times=None)
    world.uses(95)
    waits = []
    for _ in range(7):
        wake = await world.sender().look()
        waits.append((wake - world.now).total_seconds())
        world.now = wake
    assert waits == [60, 120, 240, 480, 600, 600, 600]


async def test_a_channel_that_failed_and_is_owed_nothing_any_more_is_left_in_peace(
    world: World,
) -> None:
    await world.arm(status=500, times=None)
    world.uses(95)
    world.now = await world.sender().look()
    world.uses(50)
    assert await world.sender().look() == world.now + timedelta(seconds=600)
    assert len(world.kiro.state.mailroom.received) == 4


async def test_a_channel_that_asks_for_a_long_pause_gets_it(world: World) -> None:
    await world.arm(status=429, retry_after="7200")
    world.uses(95)
    assert await world.sender().look() == NOW + timedelta(hours=2)
    assert list(world.pauses) == []


async def test_one_message_that_is_refused_keeps_no_other_back(world: World) -> None:
    await world.arm(status=400)
    world.uses(95)
    world.health = Health("sign_in_required", "Its token is refused.")
    await world.sender().look()
    assert world.received() == ["account_trouble"]


async def test_channels_are_told_independently(world: World) -> None:
    world.uses(95)
    await world.arm("broken", status=410, times=None)
    for name in ("broken", "ops"):
        await world.sender(name).look()
    assert (world.received("broken"), world.received("ops")) == ([], ["quota_threshold"])


async def test_troubles_and_keys_are_told(world: World) -> None:
    async with world.database.begin() as db:
        limits = Limits(tokens_per_day=100)
        await create_api_key(db, name="k", allowed=["work"], limits=limits, now=NOW)
    await world.directory.reload()
    world.health = Health("suspended", "Kiro has suspended it.")
    await world.sender().look()
    assert world.received() == ["account_trouble"]
    (message,) = world.kiro.state.mailroom.received
    (told,) = message.body["facts"]["accounts"]
    assert (told["condition"], told["reason"]) == ("suspended", "Kiro has suspended it.")
    assert told["api_keys"] == ["k"]


AT_NINE: dict[str, Any] = {"daily_times": ("09:00",)}


async def test_the_summary_goes_out_at_its_time_and_once(world: World) -> None:
    world.uses(10)
    sender = world.sender(**AT_NINE, check_interval_seconds=86_400)
    nine = NOW.replace(hour=9, minute=0)
    assert await sender.look() == nine
    world.now = nine
    assert await sender.look() == nine + timedelta(days=1)
    world.now += timedelta(minutes=10)
    await sender.look()
    assert world.received() == ["daily_summary"]
    world.now = nine + timedelta(days=1)
    await sender.look()
    assert world.received() == ["daily_summary"] * 2


async def test_a_summary_missed_by_a_restart_is_sent_within_the_hour(world: World) -> None:
    world.uses(10)
    await world.sender(**AT_NINE).look()
    world.now = NOW.replace(hour=9, minute=40)
    await world.sender(**AT_NINE).look()
    assert world.received() == ["daily_summary"]


async def test_a_summary_is_not_sent_hours_late(world: World) -> None:
    world.uses(10)
    await world.sender(**AT_NINE).look()
    world.now = NOW.replace(hour=12)
    await world.sender(**AT_NINE).look()
    assert world.received() == []


async def test_a_new_channel_is_not_owed_the_summary_of_before(world: World) -> None:
    world.uses(10)
    world.now = NOW.replace(hour=9, minute=5)
    await world.sender(**AT_NINE).look()
    assert world.received() == []


async def test_a_summary_without_figures_is_sent_when_there_are_some(world: World) -> None:
    await world.sender(**AT_NINE).look()
    world.now = NOW.replace(hour=9, minute=1)
    assert await world.sender(**AT_NINE).look() == world.now + timedelta(minutes=1)
    assert world.received() == []
    world.uses(10)
    world.now += timedelta(minutes=1)
    await world.sender(**AT_NINE).look()
    assert world.received() == ["daily_summary"]


async def test_a_summary_that_failed_is_tried_again_and_not_marked_as_sent(world: World) -> None:
    world.uses(10)
    await world.sender(**AT_NINE).look()
    world.now = NOW.replace(hour=9, minute=0)
    await world.arm(status=502, times=4)
    world.now = await world.sender(**AT_NINE).look()
    assert world.received() == []
    await world.sender(**AT_NINE).look()
    assert world.received() == ["daily_summary"]


async def test_without_the_lease_nothing_is_sent(world: World) -> None:
    await world.sender().look()
    async with world.database.begin() as db:
        await give_up_lease(db, NOTIFICATIONS, "me")
    await world.lease("somebody else")
    world.uses(95)
    with pytest.raises(LeaseLost):
        await world.sender().look()
    assert world.received() == []


async def until(condition: Callable[[], bool]) -> None:
    """Let everybody run until it is so."""
    with anyio.fail_after(20):
        while not condition():  # noqa: ASYNC110  # of much that nothing tells
            await anyio.sleep(0.01)


@asynccontextmanager
async def at_work(*runs: Callable[[], Coroutine[Any, Any, object]]) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        for run in runs:
            tasks.start_soon(run)
        yield
        tasks.cancel_scope.cancel()


@pytest.fixture
async def idle(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Nobody sends yet, and who does will notice at once when the test sets its clock."""
    monkeypatch.setattr(leading, "LONGEST_NAP", 0.01)
    monkeypatch.setattr(notifier, "FOLLOW_EVERY", 0.05)
    async with world.database.begin() as db:
        await give_up_lease(db, NOTIFICATIONS, "me")
    return world


def wanting(world: World, *names: str, **more: Any) -> NotificationSettings:
    channels = tuple(world.channel(name) for name in names)
    return NotificationSettings(enabled=True, timezone="UTC", channels=channels, **more)


async def test_of_several_processes_one_sends(idle: World) -> None:
    settings = wanting(idle, "ops", check_interval_seconds=1)
    some = [idle.notifier(settings) for _ in range(3)]
    async with at_work(*(one.run for one in some)):
        for used in (95, 101):
            idle.uses(used)
            before = len(idle.received())
            idle.now += timedelta(seconds=60)
            await until(lambda: len(idle.received()) > before)  # noqa: B023  # awaited here
        for looks in range(idle.looks, idle.looks + 5):
            idle.now += timedelta(seconds=60)
            await until(lambda: idle.looks > looks)  # noqa: B023  # awaited here
        assert sum(one._leading for one in some) == 1
    assert idle.received() == ["quota_threshold"] * 2


async def test_when_the_sender_ends_another_goes_on(idle: World) -> None:
    settings = wanting(idle, "ops", check_interval_seconds=1)
    idle.uses(50)
    first, second = idle.notifier(settings), idle.notifier(settings)
    async with at_work(second.run):
        async with at_work(first.run):
            await until(lambda: first._leading or second._leading)
        idle.uses(95)
        idle.now += timedelta(seconds=60)
        await until(lambda: idle.received() != [])
        assert second._leading
    assert idle.received() == ["quota_threshold"]


async def test_a_killed_sender_is_followed_when_its_lease_runs_out(idle: World) -> None:
    await idle.lease("killed", lasts=timedelta(seconds=0.3))
    idle.uses(95)
    heir = idle.notifier(wanting(idle, "ops"))
    async with at_work(heir.run):
        await until(lambda: idle.received() != [])


async def test_a_hanging_channel_holds_up_no_other(idle: World) -> None:
    await idle.arm("hanging", trouble="silence", times=None)
    idle.uses(95)
    async with at_work(idle.notifier(wanting(idle, "hanging", "ops")).run):
        for used, told in ((95, 1), (120, 2)):
            idle.uses(used)
            idle.now += timedelta(minutes=10)
            await until(lambda: len(idle.received("ops")) == told)  # noqa: B023  # awaited here
    assert idle.received("hanging") == []


async def test_saved_settings_count_at_once(idle: World) -> None:
    idle.uses(95)
    off = NotificationSettings(timezone="UTC", channels=(idle.channel(),))
    on = msgspec.structs.replace(off, enabled=True)
    mine = idle.notifier(off)
    async with at_work(mine.run):
        await anyio.wait_all_tasks_blocked()
        for settings in (on, off):
            async with idle.database.begin() as db:
                await save(db, BOX, settings, ["enabled"], now=NOW)
            await idle.directory.reload()
            await until(lambda: idle.received() == ["quota_threshold"])
        # Off again: silent, whatever happens.
        await until(lambda: not mine._leading)
        looks = idle.looks
        idle.uses(120)
        idle.now += timedelta(days=1)
        await idle.directory.reload()
        await anyio.wait_all_tasks_blocked()
        assert idle.looks == looks
    assert idle.received() == ["quota_threshold"]


async def test_other_times_of_day_are_not_owed_what_is_past(idle: World) -> None:
    idle.uses(10)
    settings = wanting(idle, "ops", daily_times=("08:31",))
    mine = idle.notifier(settings)
    async with at_work(mine.run):
        await until(lambda: idle.looks > 0)
        idle.now += timedelta(minutes=1)
        await until(lambda: idle.received() == ["daily_summary"])
        idle.now += timedelta(minutes=20)
        async with idle.database.begin() as db:
            earlier = msgspec.structs.replace(settings, daily_times=("08:45", "08:55"))
            await save(db, BOX, earlier, ["daily_times"], now=NOW)
        await idle.directory.reload()
        await until(lambda: mine._since is not None)
        idle.now += timedelta(minutes=5)
        await until(lambda: len(idle.received()) == 2)
    due = [one.body["facts"]["due_at"][11:16] for one in idle.kiro.state.mailroom.received]
    assert due == ["08:31", "08:55"]


async def test_a_defect_in_one_look_ends_nothing_else(idle: World) -> None:
    idle.uses(95)
    asked = 0

    def broken(_: str) -> Quota | None:
        nonlocal asked
        asked += 1
        raise ZeroDivisionError

    observer = Observer(idle.database, idle.directory, last_quota=broken, health_of=idle.health_of)
    mine = replace(idle.notifier(wanting(idle, "ops")), make_observer=lambda: observer)
    with capture_logs() as logs:
        async with at_work(mine.run):
            await until(lambda: asked > 0)
            await until(lambda: any(one["log_level"] == "error" for one in logs))
    assert [one["event"] for one in logs if one["log_level"] == "error"] == [
        "defect in notifications"
    ]


async def test_no_log_line_and_no_table_holds_the_url(idle: World) -> None:
    idle.uses(95)
    for order in ({"status": 500, "times": 4}, {"status": 302}, {"trouble": "reset", "times": 4}):
        await idle.arm("hook-4711", location="/hook-4711", **order)
    nameless = NotificationChannel(type="webhook", url=idle.channel("hook-4711").url)
    settings = NotificationSettings(enabled=True, timezone="UTC", channels=(nameless,))
    with capture_logs() as logs:
        async with at_work(idle.notifier(settings).run):
            for told in range(1, 5):
                await until(lambda: len(logs) == told)  # noqa: B023  # awaited here
                idle.now += timedelta(minutes=11)
    assert [one["event"] for one in logs] == ["notification not delivered"] * 3 + [
        "notification delivered"
    ]
    assert "hook-4711" not in repr(logs)
    async with idle.database.connect() as db:
        found = await read_channels(db, [channel_id(nameless, BOX)])
    assert found
    assert "hook-4711" not in repr(found)
    assert "hook-4711" not in await stored_text(idle.database)
