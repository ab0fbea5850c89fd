"""Looking after accounts in the background, at no cost in credits.

A check wants a valid token and, when it has not been heard lately, the account's quota: the two
things that end most of what can be wrong with an account, or show it before a client does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NoReturn, Protocol

import anyio
import structlog
from anyio.abc import TaskGroup

from gateway.accounts.calls import AccountSource
from gateway.accounts.directory import Directory
from gateway.accounts.health import AccountHealth
from gateway.errors import GatewayError
from gateway.kiro.quota import Quota
from gateway.store.accounts import Account
from gateway.upstream.client import bearer_of

TICK = 1.0  # seconds between looks at what is due
AT_ONCE = 4
LIMIT = 75.0  # seconds for one check; its calls have limits of their own, which are shorter
FIRST_AFTER = timedelta(seconds=2)  # after the start, which has enough to do
PROBE_EVERY = timedelta(seconds=60)

log = structlog.get_logger("gateway.accounts")


class QuotaSource(Protocol):
    """Where the quotas of accounts are known. Whoever asks there tells `AccountHealth`."""

    def peek(self, account_id: str) -> Quota | None:
        """The quota as it was last heard."""
        ...

    def is_fresh(self, account_id: str) -> bool:
        """Whether that was lately."""
        ...

    async def get(self, account_id: str, *, renew: bool = False) -> object:
        """Ask the service, with `renew`; raises GatewayError."""
        ...

    async def refresh(self, account_id: str) -> None:
        """Ask the service, unless another process has just done so."""
        ...


@dataclass(slots=True)
class _Plan:
    next_at: datetime
    running: bool = False


class HealthChecks:
    """Checks every account about every `interval`, at a moment of its own.

    Disabled accounts are left alone, and suspended ones, whom asking would not help. So is
    everybody without `interval`; then only requests that an account's refused token stops have it
    tried again.
    """

    def __init__(
        self,
        directory: Directory,
        health: AccountHealth,
        tokens: AccountSource,
        quotas: QuotaSource,
        tasks: TaskGroup,
        *,
        interval: timedelta | None,
        random: Random | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._directory = directory
        self._health = health
        self._tokens = tokens
        self._quotas = quotas
        self._tasks = tasks
        self._interval = interval
        self._random = random or Random()  # noqa: S311  # spreads load, guards nothing
        self._clock = clock
        self._plans: dict[str, _Plan] = {}
        self._probed: dict[str, datetime] = {}
        self._places = anyio.Semaphore(AT_ONCE)
        self._learning: set[str] = set()

    def next_at(self, account_id: str) -> datetime | None:
        """When an account is checked next; None: it is not."""
        plan, account = self._plans.get(account_id), self._directory.account(account_id)
        if plan is None or account is None or not self._is_in(account):
            return None
        return plan.next_at

    def is_learning(self, account_id: str) -> bool:
        """Whether the quota is being asked for only to know when it begins anew."""
        return account_id in self._learning

    async def run(self) -> NoReturn:
        """Check, for ever, what is due."""
        while self._interval is None:
            await anyio.sleep_forever()
        while True:
            self.start_due(self._interval)
            await anyio.sleep(TICK)

    def start_due(self, interval: timedelta) -> None:
        """Begin the checks whose time has come, and plan those of accounts that are new."""
        now = self._clock()
        wanted = {
            account.id: account for account in self._directory.accounts if self._is_in(account)
        }
        for account_id in self._plans.keys() - wanted.keys():
            del self._plans[account_id]
        for account_id in wanted:
            plan = self._plans.get(account_id)
            if plan is None:
                # All are new at the start: the first round is spread over its whole length.
                first = now + FIRST_AFTER + interval * self._random.random()
                self._plans[account_id] = _Plan(first)
            elif plan.next_at <= now and not plan.running:
                plan.running = True
                plan.next_at = now + interval * self._random.uniform(0.9, 1.1)
                self._tasks.start_soon(self._planned, account_id, plan, name="check an account")

    def learn_reset(self, account_id: str) -> None:
        """Ask for the quota of an account that was just found exhausted, unless it is known."""
        known = self._quotas.peek(account_id)
        told = known is not None and known.resets_at is not None and known.resets_at > self._clock()
        if not told and account_id not in self._learning:
            self._learning.add(account_id)
            self._tasks.start_soon(self._learn, account_id, name="learn a reset date")

    def probe(self, account_id: str) -> None:
        """A request was stopped because the account's token is refused: try once in a while."""
        now = self._clock()
        last = self._probed.get(account_id)
        if self._interval is not None or (last is not None and now - last < PROBE_EVERY):
            return
        self._probed[account_id] = now
        if last is not None:  # the refusal itself was the first try
            self._tasks.start_soon(self.check, account_id, name="check an account")

    async def check(self, account_id: str) -> None:
        """See whether an account can do what it should; `AccountHealth` hears of it."""
        account = self._directory.account(account_id)
        if account is None or not self._is_in(account):
            return
        try:
            async with self._places:
                with anyio.move_on_after(LIMIT):
                    await self._check(account)
        except GatewayError as exc:
            self._health.heard_refusal(account_id, exc)
        except Exception:  # a defect must not end the tasks of everybody else
            log.exception("check broke", account=account.name)

    async def _check(self, account: Account) -> None:
        kinds = {one.kind for one in self._health.cooldowns.of(account.id)}
        refused = "sign_in" in kinds and account.auth_method != "api_key"
        await self._tokens.get(account.id, rejected=bearer_of(account) if refused else None)
        if self._health.of(account).state != "active":
            await self._quotas.get(account.id, renew=True)
        elif self._quotas.is_fresh(account.id):
            self._health.checked(account.id)
        else:
            await self._quotas.refresh(account.id)

    async def _planned(self, account_id: str, plan: _Plan) -> None:
        try:
            await self.check(account_id)
        finally:
            plan.running = False

    async def _learn(self, account_id: str) -> None:
        try:
            await self._quotas.get(account_id, renew=True)
        except GatewayError as exc:
            log.info("reset date not known", account=account_id, reason=str(exc))
        finally:
            self._learning.discard(account_id)

    def _is_in(self, account: Account) -> bool:
        return (
            account.enabled
            and account.credentials is not None
            and all(one.kind != "suspended" for one in self._health.cooldowns.of(account.id))
        )
