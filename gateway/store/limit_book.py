"""Reserving against limits before a request, settling after it.

What is reserved is in the database, so several processes agree exactly. Each reservation is one
small transaction; those that come at the same moment share one.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import anyio
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import AccountBusy, GatewayError, LimitExceeded, LimitName, StoreError
from gateway.store.database import Database
from gateway.store.limit_entries import (
    last_times,
    renew_leases,
    request_leaves_at,
    tokens_by_time,
    tokens_leave_at,
)
from gateway.store.limit_ledger import Ledger, close_ledgers, open_ledgers, read_spending
from gateway.store.limits import (
    LimitOwner,
    Spending,
    Standing,
    credits_to_reserve,
    exceeded,
    refusal,
    standings,
    start_of_next_month,
)

# A process that died holds its slots so long; one that lives renews in good time.
LEASE = timedelta(seconds=60)
RENEW_EVERY = 15.0  # seconds
MAX_BATCH = 1000  # operations in one transaction
# Who waits for a slot asks again this often, for slots that other processes give back.
ASK_AGAIN = 0.2  # seconds
MAX_WAITING = 64  # requests of one owner in one process
RETRY = 1.0  # seconds between attempts to write what was used while the database refuses

log = structlog.get_logger("gateway.store")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A request that was let in; settle or release it. `standings` are as of that moment.

    `tokens` is what was set aside for it, 0 where tokens are not limited.
    """

    id: str
    owner: LimitOwner
    standings: tuple[Standing, ...]
    tokens: int = 0


@dataclass(slots=True, eq=False)
class _Asking:
    owner: LimitOwner
    tokens: int
    most_tokens: int
    cost: float | None
    answer: Reservation | GatewayError | None = None
    given_up: bool = False


@dataclass(slots=True, eq=False)
class _Ending:
    reservation: Reservation
    used: tuple[int, float | None] | None  # tokens and credits; None: nothing happened


@dataclass(slots=True)
class _Waiting:
    """Requests of one owner that wait for a slot, in their order."""

    tickets: deque[object] = field(default_factory=deque)
    freed: anyio.Event = field(default_factory=anyio.Event)


class LimitBook:
    """Books what keys and accounts spend.

    `run` has to run beside it; call `aclose` after that. What is settled while the database refuses
    is written when it takes it again.

    Args:
        clock: aware UTC.
        lease: how long a reservation outlives its process.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime] = _utc_now,
        lease: timedelta = LEASE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._lease = lease
        self._asked: deque[_Asking | _Ending] = deque()
        self._turn = anyio.Lock()
        self._wake = anyio.Event()
        self._held: set[str] = set()
        self._waiting: dict[str, _Waiting] = {}

    async def reserve(
        self,
        owner: LimitOwner,
        *,
        tokens: int = 0,
        most_tokens: int = 0,
        cost: float | None = None,
        wait: float = 0.0,
    ) -> Reservation:
        """Let a request in, if its owner's limits have room for it.

        Args:
            owner: the key or the account.
            tokens: what the request will use at least, by estimate.
            most_tokens: what it may come to use; as much of it as there is room for is set aside.
            cost: what it will cost, in credits; None: what the owner's requests cost so far.
            wait: seconds that it may queue for a slot, when only slots are wanting.

        Raises:
            RateLimitExceeded, CreditLimitExceeded: the key's limits have no room for it.
            AccountBusy: the account's cap has not.
            StoreError: the database fails.
        """
        most_tokens = max(tokens, most_tokens)
        if owner.id not in self._waiting:
            answer = await self._ask(owner, tokens, most_tokens, cost)
            if isinstance(answer, Reservation):
                return answer
            if not _is_for_want_of_slots(answer):
                raise answer
        waiting = self._waiting.get(owner.id)
        if wait <= 0 or (waiting is not None and len(waiting.tickets) >= MAX_WAITING):
            raise self._no_slot(owner, tokens)
        return await self._queue(owner, tokens, most_tokens, cost, wait)

    def settle(self, reservation: Reservation, *, tokens: int, cost: float | None) -> None:
        """Book what a request used, in all; frees its slot. Twice is once.

        A `cost` of None: upstream told none.
        """
        self._end(reservation, (tokens, cost))

    def release(self, reservation: Reservation) -> None:
        """Give everything back: the request failed and does not count."""
        self._end(reservation, None)

    async def read(self, owner: LimitOwner) -> tuple[Standing, ...]:
        """How an owner's limits stand now.

        Raises:
            StoreError: the database fails.
        """
        now = self._clock()
        async with self._database.connect() as db:
            spent = await read_spending(db, owner, now=now)
            request, tokens = await last_times(db, owner.id)
        return standings(owner, spent, now=now, last_request=request, last_tokens=tokens)

    async def run(self) -> NoReturn:
        """Write what was settled, as it comes, and keep the leases of running requests alive."""
        renewed_at = anyio.current_time()
        while True:
            with anyio.move_on_after(max(0.0, renewed_at + RENEW_EVERY - anyio.current_time())):
                await self._wake.wait()
            self._wake = anyio.Event()
            try:
                await self.flush()
                if anyio.current_time() >= renewed_at + RENEW_EVERY:
                    await self.renew()
                    renewed_at = anyio.current_time()
            except StoreError as exc:
                log.warning("limits not written", error=str(exc), pending=len(self._asked))
                self._wake.set()
                await anyio.sleep(RETRY)

    async def flush(self) -> None:
        """Write what was settled so far.

        Raises:
            StoreError: the database refuses; it stays to be written.
        """
        async with self._turn:
            while self._asked:
                await self._work()

    async def renew(self) -> None:
        """Keep the requests that run in this process from being taken for abandoned.

        Raises:
            StoreError: the database fails.
        """
        if self._held:
            until = self._clock() + self._lease
            async with self._database.begin() as db:
                await renew_leases(db, list(self._held), until=until)

    async def aclose(self) -> None:
        """Write the rest, also while being cancelled."""
        with anyio.CancelScope(shield=True):
            try:
                await self.flush()
            except StoreError:
                log.exception("limits not written at shutdown", pending=len(self._asked))

    async def _ask(
        self, owner: LimitOwner, tokens: int, most_tokens: int, cost: float | None
    ) -> Reservation | GatewayError:
        asking = _Asking(owner, tokens, most_tokens, cost)
        self._asked.append(asking)
        try:
            # Whoever gets the turn works for all who have asked by then.
            async with self._turn:
                while asking.answer is None:
                    await self._work()
        except BaseException:
            asking.given_up = True
            if isinstance(asking.answer, Reservation):
                self.release(asking.answer)
            elif asking in self._asked:
                self._asked.remove(asking)
            raise
        if isinstance(asking.answer, StoreError):
            raise asking.answer
        return asking.answer

    async def _queue(
        self,
        owner: LimitOwner,
        tokens: int,
        most_tokens: int,
        cost: float | None,
        wait: float,
    ) -> Reservation:
        waiting = self._waiting.setdefault(owner.id, _Waiting())
        ticket = object()
        waiting.tickets.append(ticket)
        try:
            with anyio.move_on_after(wait):
                freed = waiting.freed
                while True:
                    with anyio.move_on_after(ASK_AGAIN):
                        await freed.wait()
                    freed = waiting.freed  # before asking, so that what is freed then is noticed
                    if waiting.tickets[0] is ticket:
                        answer = await self._ask(owner, tokens, most_tokens, cost)
                        if isinstance(answer, Reservation):
                            return answer
                        if not _is_for_want_of_slots(answer):
                            raise answer
        finally:
            waiting.tickets.remove(ticket)
            self._freed(owner.id)  # the next one asks at once
            if not waiting.tickets:
                del self._waiting[owner.id]
        raise self._no_slot(owner, tokens)

    def _no_slot(self, owner: LimitOwner, tokens: int) -> GatewayError:
        spent = Spending(running=owner.max_concurrent_requests or 0)
        limit: LimitName = "max_concurrent_requests"
        return refusal(owner, limit, spent, tokens=tokens, resets_at=None, now=self._clock())

    def _freed(self, owner_id: str) -> None:
        if waiting := self._waiting.get(owner_id):
            waiting.freed.set()
            waiting.freed = anyio.Event()

    def _end(self, reservation: Reservation, used: tuple[int, float | None] | None) -> None:
        if reservation.id in self._held:
            self._held.remove(reservation.id)
            self._asked.append(_Ending(reservation, used))
            self._wake.set()

    async def _work(self) -> None:
        """Carry out what was asked, in its order; the caller has the turn."""
        batch = [self._asked.popleft() for _ in range(min(MAX_BATCH, len(self._asked)))]
        try:
            # Not to be left half-way: others wait for its outcome.
            with anyio.CancelScope(shield=True):
                await self._carry_out(batch)
        except StoreError as exc:
            for one in batch:
                if isinstance(one, _Asking):
                    one.answer = exc
            self._asked.extendleft(reversed([one for one in batch if isinstance(one, _Ending)]))
            raise
        for one in batch:
            if isinstance(one, _Ending):
                self._freed(one.reservation.owner.id)
            elif isinstance(one.answer, Reservation):
                self._held.add(one.answer.id)
                if one.given_up:
                    self.release(one.answer)

    async def _carry_out(self, batch: Sequence[_Asking | _Ending]) -> None:
        owners = {owner.id: owner for owner in map(_owner, batch)}
        answers: list[tuple[_Asking, Reservation | GatewayError]] = []
        refused: list[tuple[_Asking, LimitName, Spending]] = []
        async with self._database.begin() as db:
            ledgers, now = await open_ledgers(db, owners.values(), self._clock)
            for one in batch:
                ledger = ledgers[_owner(one).id]
                if isinstance(one, _Ending):
                    _book_end(ledger, one, now)
                elif (limit := _exceeded(ledger, one)) is not None:
                    refused.append((one, limit, replace(ledger.spent)))
                else:
                    answers.append((one, _admitted(ledger, one, now, now + self._lease)))
            await close_ledgers(db, ledgers.values())
            answers += await _refusals(db, refused, now)
        for asking, answer in answers:
            asking.answer = answer


def _owner(one: _Asking | _Ending) -> LimitOwner:
    return one.owner if isinstance(one, _Asking) else one.reservation.owner


def _is_for_want_of_slots(error: GatewayError) -> bool:
    return isinstance(error, AccountBusy) or (
        isinstance(error, LimitExceeded) and error.limit == "max_concurrent_requests"
    )


def _exceeded(ledger: Ledger, asking: _Asking) -> LimitName | None:
    return exceeded(ledger.owner, ledger.spent, tokens=asking.tokens, cost=asking.cost)


def _admitted(ledger: Ledger, asking: _Asking, now: datetime, until: datetime) -> Reservation:
    tokens = 0
    if (limit := ledger.owner.tokens_per_day) is not None:
        tokens = min(asking.most_tokens, max(asking.tokens, limit - ledger.spent.tokens))
    entry_id = ledger.admit(
        tokens=tokens,
        credits_reserved=credits_to_reserve(ledger.owner, ledger.spent, asking.cost),
        now=now,
        until=until,
    )
    stand = standings(ledger.owner, ledger.spent, now=now, last_request=now, last_tokens=now)
    return Reservation(entry_id, ledger.owner, stand, tokens)


def _book_end(ledger: Ledger, ending: _Ending, now: datetime) -> None:
    if ending.used is None:
        ledger.release(ending.reservation.id, now=now)
    else:
        tokens, cost = ending.used
        ledger.settle(ending.reservation.id, tokens=tokens, cost=cost, now=now)


async def _refusals(
    db: AsyncConnection, refused: Sequence[tuple[_Asking, LimitName, Spending]], now: datetime
) -> list[tuple[_Asking, Reservation | GatewayError]]:
    """Errors that say when there is room again; each owner is looked at once."""
    minutes: dict[str, datetime | None] = {}
    tokens: dict[str, list[tuple[datetime, int]]] = {}
    answers: list[tuple[_Asking, Reservation | GatewayError]] = []
    for asking, limit, spent in refused:
        owner = asking.owner
        resets_at: datetime | None = None
        if limit == "credits_per_month":
            resets_at = start_of_next_month(now)
        elif limit == "requests_per_minute":
            if owner.id not in minutes:
                minutes[owner.id] = await request_leaves_at(db, owner, now=now)
            resets_at = minutes[owner.id]
        elif limit == "tokens_per_day":
            if owner.id not in tokens:
                tokens[owner.id] = await tokens_by_time(db, owner.id)
            resets_at = tokens_leave_at(tokens[owner.id], owner, spent, asking.tokens)
        error = refusal(owner, limit, spent, tokens=asking.tokens, resets_at=resets_at, now=now)
        answers.append((asking, error))
    return answers
