"""Sending notifications, in one of the processes that share a database.

Whoever has the lease sends; the others wait for it. Each channel is told in a task of its own, so
that one which hangs holds up nobody else.
"""

import secrets as random_source
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import anyio
import structlog

from gateway.accounts.directory import Directory
from gateway.errors import StoreError
from gateway.notifications.channel import LEASE_NAME, LeaseLost, Sender, label_of, letter_of
from gateway.notifications.delivery import ClientFor, Outcome, post
from gateway.notifications.notices import Trial
from gateway.notifications.observer import Observer
from gateway.notifications.payloads import payload_for
from gateway.notifications.saved import Effective, channel_id, read_effective
from gateway.settings import NotificationChannel, NotificationSettings
from gateway.store.database import Database
from gateway.store.leases import give_up_lease, take_lease
from gateway.store.notification_channels import prune_channels

FIRST_LOOK = 10.0  # seconds
# A sender that was killed is followed by another after so long.
LEASE = timedelta(seconds=30)
RENEW_EVERY = 10.0  # seconds
FOLLOW_EVERY = 5.0  # seconds between two questions whether the lease is free
RETRY = 1.0  # seconds between attempts to renew the lease while the database refuses
# Clocks are set and machines sleep, so nobody waits longer without looking at the time.
LONGEST_NAP = 30.0  # seconds
AFTER_FAILURE = timedelta(seconds=30)
# A channel that comes back within that time has not forgotten what it was told.
FORGET_AFTER = timedelta(days=30)

log = structlog.get_logger("gateway.notifications")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Notifier:
    """Looks and sends, as the settings in force say.

    Attributes:
        configured: what file and environment say; what was saved in the database wins over it.
        lease: how long it lasts without being renewed.
        first_look: seconds after the start.
    """

    database: Database
    directory: Directory
    observer: Observer
    client_for: ClientFor
    configured: NotificationSettings
    clock: Callable[[], datetime] = _utc_now
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    lease: timedelta = LEASE
    first_look: float = FIRST_LOOK
    _holder: str = field(default_factory=lambda: random_source.token_hex(16))
    _leading: bool = False
    _failing: bool = False
    _before: NotificationSettings | None = None
    _since: datetime | None = None

    async def run(self) -> NoReturn:
        """Send for ever, whenever this process is the one that does."""
        try:
            # By then it shows which accounts have recovered from nothing but the restart.
            await anyio.sleep(self.first_look)
            while True:
                revision = self.directory.revision
                try:
                    await self._work(revision)
                    self._failing = False
                except StoreError as exc:
                    self._warn(exc)
                    await anyio.sleep(FOLLOW_EVERY)
        finally:
            with anyio.move_on_after(2, shield=True):
                await self._give_up()

    async def effective(self) -> Effective:
        """The settings in force.

        Raises:
            StoreError: the database fails, or holds what cannot be read.
        """
        async with self.database.connect() as db:
            return await read_effective(db, self.database.secrets, self.configured)

    async def try_out(
        self, channel: NotificationChannel, settings: NotificationSettings
    ) -> Outcome:
        """Post a test message, once."""
        letter = letter_of(Trial(), settings, self.clock())
        return await post(channel, payload_for(channel.type, letter), self.client_for)

    async def _work(self, revision: int) -> None:
        """Do what the settings of now ask for, until they are others."""
        settings = (await self.effective()).settings
        if self._before is not None and _times(self._before) != _times(settings):
            self._since = self.clock()
        self._before = settings
        if not settings.enabled or not settings.channels:
            await self._give_up()
            await self.directory.wait_for_change(revision)
        elif await self._take():
            await self._lead(settings, revision)
        else:
            with anyio.move_on_after(FOLLOW_EVERY):
                await self.directory.wait_for_change(revision)

    async def _lead(self, settings: NotificationSettings, revision: int) -> None:
        """Send until the lease is lost or the settings change."""
        senders = [
            Sender(
                channel=channel,
                settings=settings,
                key=key,
                holder=self._holder,
                since=self._since,
                database=self.database,
                observer=self.observer,
                client_for=self.client_for,
                clock=self.clock,
                sleep=self.sleep,
            )
            for key, channel in self._distinct(settings).items()
        ]
        await self._prune([sender.key for sender in senders])
        async with anyio.create_task_group() as tasks:
            for sender in senders:
                tasks.start_soon(self._serve, sender, name=f"notify {label_of(sender.channel)}")
            await self._hold(settings, revision)
            tasks.cancel_scope.cancel()

    def _distinct(self, settings: NotificationSettings) -> dict[str, NotificationChannel]:
        # Of two that are the same, one is enough.
        return {channel_id(one, self.database.secrets): one for one in settings.channels}

    async def _serve(self, sender: Sender) -> None:
        while True:
            try:
                wake = await sender.look()
            except LeaseLost:
                # If it is, the next renewal ends this; it may also only have come too late.
                wake = self.clock() + timedelta(seconds=RENEW_EVERY)
            except StoreError as exc:
                self._warn(exc)
                wake = self.clock() + AFTER_FAILURE
            except Exception:
                # Raised on, a defect here would end every other task of the gateway.
                log.exception("defect in notifications", channel=label_of(sender.channel))
                wake = self.clock() + AFTER_FAILURE
            await self._sleep_until(wake)

    async def _sleep_until(self, wake: datetime) -> None:
        while True:
            left = (wake - self.clock()).total_seconds()
            if left <= 0:
                return
            await anyio.sleep(min(left, LONGEST_NAP))

    async def _hold(self, settings: NotificationSettings, revision: int) -> None:
        """Renew the lease; returns when it is lost, or other settings are in force."""
        renewed_at = anyio.current_time()
        while True:
            with anyio.move_on_after(renewed_at + RENEW_EVERY - anyio.current_time()):
                await self.directory.wait_for_change(revision)
            try:
                if self.directory.revision != revision:
                    revision = self.directory.revision
                    if (await self.effective()).settings != settings:
                        return
                if anyio.current_time() >= renewed_at + RENEW_EVERY:
                    if not await self._take():
                        log.warning("notifications are sent by another process now")
                        return
                    renewed_at = anyio.current_time()
                self._failing = False
            except StoreError as exc:
                self._warn(exc)
                if anyio.current_time() >= renewed_at + self.lease.total_seconds():
                    return
                await anyio.sleep(RETRY)

    async def _take(self) -> bool:
        async with self.database.begin() as db:
            self._leading = await take_lease(db, LEASE_NAME, self._holder, lasts=self.lease)
        return self._leading

    async def _give_up(self) -> None:
        if not self._leading:
            return
        try:
            async with self.database.begin() as db:
                await give_up_lease(db, LEASE_NAME, self._holder)
            self._leading = False
        except StoreError as exc:
            self._warn(exc)

    def _warn(self, exc: StoreError) -> None:
        if not self._failing:
            log.warning("notifications wait for the database", error=str(exc))
        self._failing = True

    async def _prune(self, keys: list[str]) -> None:
        async with self.database.begin() as db:
            await prune_channels(db, keep=keys, unused_since=self.clock() - FORGET_AFTER)


def _times(settings: NotificationSettings) -> tuple[object, ...]:
    return settings.daily_times, settings.timezone
