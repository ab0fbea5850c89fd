"""One channel: a look at what it has to be told, and telling it.

What was told is remembered once it has arrived, so a message that fails is decided anew at the next
look; one that arrived just before the process was killed may come twice.
"""

import secrets as random_source
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import anyio
import msgspec
import structlog

from gateway.notifications.decisions import ChannelState, Due, Thresholds, decide
from gateway.notifications.delivery import ClientFor, Outcome, deliver
from gateway.notifications.labels import label_of
from gateway.notifications.notices import DailySummary, Notice, type_of
from gateway.notifications.observer import Observer
from gateway.notifications.payloads import Letter
from gateway.notifications.schedule import due_time, next_time, zone_named
from gateway.notifications.texts import TEXTS
from gateway.notifications.wording import compose
from gateway.settings import NotificationChannel, NotificationSettings
from gateway.store.database import Database
from gateway.store.leases import NOTIFICATIONS, has_lease
from gateway.store.notification_channels import ChannelRecord, read_channels, save_channel

# After a delivery that failed, whatever its attempts, the channel is left alone: doubling.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=10)
LONGEST_INTERVAL = 366 * 86_400.0  # seconds; a setting may be any number, a date may not
# A summary that has no figures yet is looked at again so soon.
FIGURES_AWAITED = timedelta(minutes=1)

log = structlog.get_logger("gateway.notifications")


class LeaseLost(Exception):
    """Another process sends by now."""


def letter_of(notice: Notice, settings: NotificationSettings, now: datetime) -> Letter:
    """A notice in the words of the settings."""
    message = compose(notice, TEXTS[settings.language], zone_named(settings.timezone))
    return Letter(random_source.token_hex(16), now, notice, message, settings.language)


@dataclass(frozen=True, slots=True)
class Sender:
    """Tells one channel what it has to be told.

    Attributes:
        key: the channel's id in the database.
        holder: of the lease, without which nothing is sent.
        since: earlier times of day are of settings that are no longer in force; None: unknown.
    """

    channel: NotificationChannel
    settings: NotificationSettings
    key: str
    holder: str
    since: datetime | None
    database: Database
    observer: Observer
    client_for: ClientFor
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep

    async def look(self) -> datetime:
        """Send what is due; returns when to look again.

        Raises:
            LeaseLost: another process sends; what was not told yet is its business.
            StoreError: the database fails.
        """
        now = self.clock()
        record = await self._record(now)
        if record.retry_at is not None and now < record.retry_at:
            return record.retry_at
        seen = await self.observer.look(now)
        state = msgspec.json.decode(record.state, type=ChannelState)
        summary_due = self._summary_due(state, now)
        thresholds = Thresholds(self.settings.account_thresholds, self.settings.total_thresholds)
        settled, due = decide(state, seen, thresholds, summary_due=summary_due)
        if settled != state:
            record = await self._keep(record, settled, now)
        for one in due:
            outcome = await self._deliver(one.notice)
            record = await self._remember(record, one, outcome)
            if outcome.again:
                break  # what fails for a while fails for all of them
        if record.retry_at is not None and record.retry_at > now:
            return record.retry_at
        waits = summary_due is not None and not any(
            isinstance(one.notice, DailySummary) for one in due
        )
        return self._next_look(now, waits=waits)

    def _summary_due(self, state: ChannelState, now: datetime) -> datetime | None:
        done = [at for at in (state.summary_of, self.since) if at is not None]
        return due_time(
            self.settings.daily_times,
            zone_named(self.settings.timezone),
            after=max(done, default=None),
            now=now,
        )

    def _next_look(self, now: datetime, *, waits: bool) -> datetime:
        interval = min(self.settings.check_interval_seconds, LONGEST_INTERVAL)
        looks = [now + timedelta(seconds=interval)]
        if waits:
            looks.append(now + FIGURES_AWAITED)
        zone = zone_named(self.settings.timezone)
        if (summary := next_time(self.settings.daily_times, zone, now=now)) is not None:
            looks.append(summary)
        return min(looks)

    async def _deliver(self, notice: Notice) -> Outcome:
        async with self.database.connect() as db:
            if not await has_lease(db, NOTIFICATIONS, self.holder):
                raise LeaseLost
        letter = letter_of(notice, self.settings, self.clock())
        return await deliver(self.channel, letter, self.client_for, sleep=self.sleep)

    async def _record(self, now: datetime) -> ChannelRecord:
        async with self.database.connect() as db:
            known = await read_channels(db, [self.key])
        if (record := known.get(self.key)) is not None:
            return record
        # A channel that is new is not owed the summaries of the hour before.
        return await self._keep(ChannelRecord(self.key, "{}"), ChannelState(summary_of=now), now)

    async def _remember(self, record: ChannelRecord, due: Due, outcome: Outcome) -> ChannelRecord:
        now = self.clock()
        facts = {"channel": label_of(self.channel), "notification": type_of(due.notice)}
        if outcome.delivered:
            log.info("notification delivered", **facts, status=outcome.status)
            state = msgspec.json.decode(record.state, type=ChannelState)
            record = replace(record, failures=0, retry_at=None, last_error=None, delivered_at=now)
            return await self._keep(record, due.changes.applied_to(state), now)
        log.warning(
            "notification not delivered", **facts, status=outcome.status, error=outcome.error
        )
        failures = record.failures + 1
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
        pause = max(pause, timedelta(seconds=outcome.retry_after or 0.0))
        record = replace(
            record,
            failures=failures,
            retry_at=now + pause,
            last_error=outcome.error,
            failed_at=now,
        )
        return await self._keep(record, None, now)

    async def _keep(
        self, record: ChannelRecord, state: ChannelState | None, now: datetime
    ) -> ChannelRecord:
        """Store a record, with another state if one is given; also while being cancelled."""
        if state is not None:
            record = replace(record, state=msgspec.json.encode(state).decode())
        with anyio.CancelScope(shield=True):
            async with self.database.begin() as db:
                if not await has_lease(db, NOTIFICATIONS, self.holder):
                    raise LeaseLost
                await save_channel(db, record, now=now)
        return record
