"""Accounts that sit out, in memory for every request, in the database for everybody else."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import NoReturn

import anyio
import structlog

from gateway.accounts import cooldown_rules as rules
from gateway.accounts.directory import Directory
from gateway.accounts.health_states import holds
from gateway.errors import GatewayError, StoreError
from gateway.kiro.quota import Quota
from gateway.store.accounts import Account
from gateway.store.cooldowns import Cooldown, Key, Kind, list_cooldowns, store_cooldowns
from gateway.store.database import Database

POLL = 0.5  # seconds; what other processes store is to be seen within one
RETRY = 1.0  # seconds between attempts to write while the database refuses
TIDY = 60.0  # seconds

GRAVEST_FIRST: tuple[Kind, ...] = ("suspended", "sign_in", "exhausted", "daily", "rate")

log = structlog.get_logger("gateway.accounts")


class Cooldowns:
    """What keeps accounts from serving although they are enabled and signed in.

    `run` and `watch` have to run beside it. Looking something up costs a
    dictionary read where nothing is wrong. The table is small, so it is always read as a whole.

    Args:
        known_quota: an account's quota as last heard, by its id.
        clock: aware UTC.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        *,
        known_quota: Callable[[str], Quota | None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._directory = directory
        self._known_quota = known_quota
        self._clock = clock
        self._entries: dict[str, dict[tuple[Kind, str], Cooldown]] = {}
        self._unwritten: dict[Key, Cooldown | None] = {}
        self._wake = anyio.Event()
        self._writing = anyio.Lock()
        self.on_change: Callable[[str], None] = lambda _: None
        """Told the id of an account whose cool-downs have changed."""

    def refusal(self, account_id: str, model: str | None = None) -> GatewayError | None:
        """Why a request must not be sent now; without `model` only what is about the account."""
        found = self._blocking(account_id, model)
        if found is None:
            return None
        account = self._directory.account(account_id)
        return rules.refusal(found, account.name if account else account_id, self._clock())

    def blocked_until(self, account_id: str, model: str) -> datetime | None:
        """When the account may serve the model again: None for now, `datetime.max` for who knows.

        Of several cool-downs the one that ends last counts.
        """
        held = [one for one in self.of(account_id) if one.model in ("", model)]
        if not held:
            return None
        return max(one.until or datetime.max.replace(tzinfo=UTC) for one in held)

    def of(self, account_id: str) -> tuple[Cooldown, ...]:
        """The cool-downs of an account that hold now, those of the whole account first."""
        entries = self._entries.get(account_id)
        if not entries:
            return ()
        held = [one for one in entries.values() if self._holds(one)]
        return tuple(sorted(held, key=lambda one: (one.model, one.since, one.kind)))

    def failed(self, account: Account, model: str, error: GatewayError) -> Cooldown | None:
        """A request failed for good on this account; the cool-down that this begins, if any."""
        kind = rules.kind_of(error)
        if kind is None:
            return None
        previous = self._last(account, kind, model if kind == "rate" else "")
        begun = rules.begin(
            error,
            account,
            model,
            previous=previous,
            quota=self._known_quota(account.id),
            now=self._clock(),
        )
        assert begun is not None
        if begun != previous:
            log.info(
                "account cools down",
                account=account.name,
                kind=kind,
                model=begun.model or None,
                until=str(begun.until) if begun.until else None,
                strikes=begun.strikes,
            )
            self._put(begun)
        return begun

    def answered(self, account_id: str, model: str, asked_at: datetime) -> None:
        """The service answered what it was asked at that time: it does not refuse any more."""
        entries = self._entries.get(account_id)
        if not entries:
            return
        for one in tuple(entries.values()):
            # What was on its way when the account was refused proves nothing.
            if one.kind != "suspended" and one.model in ("", model) and one.since < asked_at:
                self._drop(one)

    def heard_quota(self, account_id: str, quota: Quota, *, learning: bool = False) -> None:
        """The service told what is left of an account's quota; see `rules.after_quota`."""
        account = self._directory.account(account_id)
        if account is None:
            return
        current = self._last(account, "exhausted", "")
        changed = rules.after_quota(account, quota, current, now=self._clock(), learning=learning)
        if changed is not None and changed != current:
            self._put(changed)

    def accepted(self, account: Account) -> None:
        """The service took what an account cannot renew: its API key."""
        if account.auth_method == "api_key" and (
            one := self._entries.get(account.id, {}).get(("sign_in", ""))
        ):
            self._drop(one)

    def forget(self, account_id: str) -> None:
        """An operator has seen to the account: whatever it was, it is over."""
        for one in tuple(self._entries.get(account_id, {}).values()):
            self._drop(one)

    async def reload(self) -> None:
        """Take over what is stored, except where it is about to be overwritten.

        Raises:
            StoreError: the database fails; what is known stays.
        """
        async with self._writing:
            async with self._database.connect() as db:
                stored = await list_cooldowns(db)
            entries: dict[str, dict[tuple[Kind, str], Cooldown]] = {}
            known = {one.key: one for one in stored} | self._unwritten
            for one in known.values():
                if one is not None:
                    entries.setdefault(one.account_id, {})[one.kind, one.model] = one
            before, self._entries = self._entries, entries
        for account_id in before.keys() | entries.keys():
            if before.get(account_id) != entries.get(account_id):
                self.on_change(account_id)

    async def flush(self) -> None:
        """Write what has changed.

        Raises:
            StoreError: the database refuses; it stays to be written.
        """
        async with self._writing:
            changes, self._unwritten = self._unwritten, {}
            if not changes:
                return
            try:
                async with self._database.begin() as db:
                    await store_cooldowns(db, changes)
            except BaseException:
                self._unwritten = changes | self._unwritten
                raise

    async def run(self) -> NoReturn:
        """Write changes as they come; the rest is written when this is cancelled."""
        try:
            await self._run()
        finally:
            with anyio.CancelScope(shield=True), suppress(StoreError):
                await self.flush()

    async def _run(self) -> NoReturn:
        while True:
            with anyio.move_on_after(TIDY):
                await self._wake.wait()
            self._wake = anyio.Event()
            self._tidy()
            try:
                await self.flush()
            except StoreError as exc:
                log.warning("cool-downs not written", error=str(exc))
                self._wake.set()
                await anyio.sleep(RETRY)

    async def watch(self) -> NoReturn:
        """Take over, for ever, what other processes store."""
        failing = False
        while True:
            await anyio.sleep(POLL)
            try:
                await self.reload()
                failing = False
            except StoreError as exc:
                if not failing:
                    log.warning("cool-downs may be out of date", error=str(exc))
                failing = True

    def _last(self, account: Account, kind: Kind, model: str) -> Cooldown | None:
        """The one that a new one follows upon; what an earlier sign-in met is another matter."""
        one = self._entries.get(account.id, {}).get((kind, model))
        if one is None or (account.signed_in_at and one.since < account.signed_in_at):
            return None
        return one

    def _blocking(self, account_id: str, model: str | None) -> Cooldown | None:
        entries = self._entries.get(account_id)
        if not entries:
            return None
        held = [one for one in entries.values() if one.model in ("", model) and self._holds(one)]
        return min(held, key=lambda one: GRAVEST_FIRST.index(one.kind), default=None)

    def _holds(self, one: Cooldown) -> bool:
        account = self._directory.account(one.account_id)
        return account is not None and holds(one, account, self._clock())

    def _tidy(self) -> None:
        now = self._clock()
        for entries in tuple(self._entries.values()):
            for one in tuple(entries.values()):
                stale = one.kind == "sign_in" and not self._holds(one)
                if stale or rules.is_forgotten(one, now):
                    self._drop(one)

    def _put(self, one: Cooldown) -> None:
        self._entries.setdefault(one.account_id, {})[one.kind, one.model] = one
        self._changed(one.key, one)

    def _drop(self, one: Cooldown) -> None:
        entries = self._entries.get(one.account_id, {})
        entries.pop((one.kind, one.model), None)
        if not entries:
            self._entries.pop(one.account_id, None)
        self._changed(one.key, None)

    def _changed(self, key: Key, one: Cooldown | None) -> None:
        self._unwritten[key] = one
        self._wake.set()
        self.on_change(key[0])
