"""Sending notifications, in one of the processes that share a database.

Whoever has the lease sends; the others wait for it.
"""

import secrets as random_source
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NoReturn

import anyio
import structlog

from gateway.accounts.directory import Directory
from gateway.errors import StoreError
from gateway.notifications.saved import Effective, read_effective
from gateway.settings import NotificationChannel, NotificationSettings
from gateway.store.database import Database
from gateway.store.leases import NOTIFICATIONS, give_up_lease, take_lease

if TYPE_CHECKING:
    from gateway.notifications.delivery import ClientFor, Outcome
    from gateway.notifications.observer import Observer

FIRST_LOOK = 10.0  # seconds
# A sender that was killed is followed by another after so long.
LEASE = timedelta(seconds=30)
FOLLOW_EVERY = 5.0  # seconds between two questions whether the lease is free

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
    make_observer: Callable[[], "Observer"]
    client_for: "ClientFor"
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
                    self._warn(None)
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
    ) -> "Outcome":
        """Post a test message, once."""
        from gateway.notifications.channel import letter_of  # noqa: PLC0415  # as in `_lead`
        from gateway.notifications.delivery import post  # noqa: PLC0415
        from gateway.notifications.notices import Trial  # noqa: PLC0415
        from gateway.notifications.payloads import payload_for  # noqa: PLC0415

        letter = letter_of(Trial(), settings, self.clock())
        return await post(channel, payload_for(channel.type, letter), self.client_for)

    async def _work(self, revision: int) -> None:
        """Do what the settings of now ask for, until they are others."""
        settings = await self._read_settings()
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
        # Loaded where something is sent, which is not everywhere: it takes a while.
        from gateway.notifications.leading import Leader  # noqa: PLC0415

        leader = Leader(
            database=self.database,
            directory=self.directory,
            observer=self.make_observer(),
            client_for=self.client_for,
            settings=settings,
            since=self._since,
            holder=self._holder,
            lease=self.lease,
            renew=self._take,
            read_settings=self._read_settings,
            warn=self._warn,
            clock=self.clock,
            sleep=self.sleep,
        )
        await leader.lead(revision)

    async def _read_settings(self) -> NotificationSettings:
        return (await self.effective()).settings

    async def _take(self) -> bool:
        async with self.database.begin() as db:
            self._leading = await take_lease(db, NOTIFICATIONS, self._holder, lasts=self.lease)
        return self._leading

    async def _give_up(self) -> None:
        if not self._leading:
            return
        try:
            async with self.database.begin() as db:
                await give_up_lease(db, NOTIFICATIONS, self._holder)
            self._leading = False
        except StoreError as exc:
            self._warn(exc)

    def _warn(self, exc: StoreError | None) -> None:
        """Log a failure of the database once; None: it works again."""
        if exc is not None and not self._failing:
            log.warning("notifications wait for the database", error=str(exc))
        self._failing = exc is not None


def _times(settings: NotificationSettings) -> tuple[object, ...]:
    return settings.daily_times, settings.timezone
