"""What the process does that sends: a task for each channel, and the lease kept meanwhile."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio
import structlog

from gateway.accounts.directory import Directory
from gateway.errors import StoreError
from gateway.notifications.channel import LeaseLost, Sender
from gateway.notifications.delivery import ClientFor
from gateway.notifications.labels import label_of
from gateway.notifications.observer import Observer
from gateway.notifications.saved import channel_id
from gateway.settings import NotificationChannel, NotificationSettings
from gateway.store.database import Database
from gateway.store.notification_channels import prune_channels

RENEW_EVERY = 10.0  # seconds
RETRY = 1.0  # seconds between attempts to renew the lease while the database refuses
# Clocks are set and machines sleep, so nobody waits longer without looking at the time.
LONGEST_NAP = 30.0  # seconds
AFTER_FAILURE = timedelta(seconds=30)
# A channel that comes back within that time has not forgotten what it was told.
FORGET_AFTER = timedelta(days=30)

log = structlog.get_logger("gateway.notifications")


@dataclass(frozen=True, slots=True)
class Leader:
    """Sends, for as long as the lease lasts and the settings stay as they are.

    Attributes:
        since: times of day before that are of other settings; None: unknown.
        holder: who has the lease.
        lease: how long it lasts without being renewed.
        renew: takes it again; False: somebody else has it. Raises StoreError.
        read_settings: what is in force now; raises StoreError.
        warn: told what the database fails with.
    """

    database: Database
    directory: Directory
    observer: Observer
    client_for: ClientFor
    settings: NotificationSettings
    since: datetime | None
    holder: str
    lease: timedelta
    renew: Callable[[], Awaitable[bool]]
    read_settings: Callable[[], Awaitable[NotificationSettings]]
    warn: Callable[[StoreError | None], None]
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]

    async def lead(self, revision: int) -> None:
        """Send until then. The settings are those of this revision of the store.

        Raises:
            StoreError: the database fails at the start.
        """
        senders = [self._sender(key, one) for key, one in self._distinct().items()]
        async with self.database.begin() as db:
            keys = [sender.key for sender in senders]
            await prune_channels(db, keep=keys, unused_since=self.clock() - FORGET_AFTER)
        # Each in a task of its own, so that a channel which hangs holds up nobody else.
        async with anyio.create_task_group() as tasks:
            for sender in senders:
                tasks.start_soon(self._serve, sender, name=f"notify {label_of(sender.channel)}")
            await self._hold(revision)
            tasks.cancel_scope.cancel()

    def _distinct(self) -> dict[str, NotificationChannel]:
        # Of two that are the same, one is enough.
        return {channel_id(one, self.database.secrets): one for one in self.settings.channels}

    def _sender(self, key: str, channel: NotificationChannel) -> Sender:
        return Sender(
            channel=channel,
            settings=self.settings,
            key=key,
            holder=self.holder,
            since=self.since,
            database=self.database,
            observer=self.observer,
            client_for=self.client_for,
            clock=self.clock,
            sleep=self.sleep,
        )

    async def _serve(self, sender: Sender) -> None:
        while True:
            try:
                wake = await sender.look()
            except LeaseLost:
                # If it is, the next renewal ends this; it may also only have come too late.
                wake = self.clock() + timedelta(seconds=RENEW_EVERY)
            except StoreError as exc:
                self.warn(exc)
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

    async def _hold(self, revision: int) -> None:
        """Renew the lease; returns when it is lost, or other settings are in force."""
        renewed_at = anyio.current_time()
        while True:
            with anyio.move_on_after(renewed_at + RENEW_EVERY - anyio.current_time()):
                await self.directory.wait_for_change(revision)
            try:
                if self.directory.revision != revision:
                    revision = self.directory.revision
                    if await self.read_settings() != self.settings:
                        return
                if anyio.current_time() >= renewed_at + RENEW_EVERY:
                    if not await self.renew():
                        log.warning("notifications are sent by another process now")
                        return
                    renewed_at = anyio.current_time()
                self.warn(None)
            except StoreError as exc:
                self.warn(exc)
                if anyio.current_time() >= renewed_at + self.lease.total_seconds():
                    return
                await anyio.sleep(RETRY)
