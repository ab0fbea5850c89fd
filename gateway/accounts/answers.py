"""What the service last said of each account: its models, its quota.

Kept in memory for requests and in the store for the next start; another process's answer is as good
as one of our own. An answer from before a sign-in is about somebody else, and does not count.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec
import structlog
from anyio.abc import TaskGroup

from gateway.accounts.directory import Directory
from gateway.errors import StoreError
from gateway.store.accounts import Account
from gateway.store.answers import (
    AnswerKind,
    StoredAnswer,
    find_answer,
    read_answers,
    save_answer,
)
from gateway.store.database import Database
from gateway.upstream.cache import KeyedCache

T = TypeVar("T")

log = structlog.get_logger("gateway.accounts")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """An answer, and when it was heard."""

    value: T
    at: datetime


class AccountAnswers(Generic[T]):
    """One kind of answer, by account id.

    Args:
        kind: under which name it is stored.
        value_type: what `fetch` gives; has to survive the way through JSON.
        fetch: asks the service, with the account's token; raises GatewayError.
        fresh: seconds for which an answer is good.
        stale: seconds for which an old answer is better than an error.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        tasks: TaskGroup,
        *,
        kind: AnswerKind,
        value_type: type[T],
        fetch: Callable[[str], Awaitable[T]],
        fresh: float,
        stale: float,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.kind = kind
        self._database = database
        self._directory = directory
        self._fetch = fetch
        self._fresh = fresh
        self._clock = clock
        self._decoder = msgspec.json.Decoder(value_type)
        self._wanted_live: set[str] = set()
        self._cache: KeyedCache[Heard[T]] = KeyedCache(
            self._ask, tasks, fresh=fresh, stale=stale, clock=time.monotonic
        )

    async def load(self) -> None:
        """Take in what was stored; call it once, before anything else.

        Raises:
            StoreError: the database fails.
        """
        async with self._database.connect() as db:
            stored = await read_answers(db, self.kind)
        for account_id, answer in stored.items():
            if (heard := self._read(answer)) is not None:
                self._cache.put(account_id, heard, age=self._age(heard))

    def last(self, account_id: str) -> Heard[T] | None:
        """The last answer, however old; nobody is asked and nobody waits."""
        heard = self._cache.peek(account_id)
        return heard if heard is not None and self._counts(account_id, heard) else None

    def peek(self, account_id: str) -> T | None:
        """As `last`, without its time."""
        heard = self.last(account_id)
        return heard.value if heard else None

    def is_fresh(self, account_id: str, *, within: float | None = None) -> bool:
        """Whether the last answer is so many seconds old at most; as `fresh` says by default."""
        heard = self.last(account_id)
        limit = self._fresh if within is None else within
        return heard is not None and self._age(heard) < limit

    async def get(self, account_id: str, *, renew: bool = False) -> Heard[T]:
        """An answer: fresh, or old and being renewed meanwhile; with `renew` a new one.

        Raises:
            GatewayError: there is no answer young enough, and none to be had.
        """
        self._drop_anothers(account_id)
        if renew:
            self._wanted_live.add(account_id)
        return await self._cache.get(account_id, renew=renew)

    async def glance(self, account_id: str, *, patience: float) -> T | None:
        """What is known, for a request that cannot wait: `KeyedCache.glance` has the details."""
        self._drop_anothers(account_id)
        heard = await self._cache.glance(account_id, patience=patience)
        return heard.value if heard else None

    async def refresh(self, account_id: str) -> None:
        """Ask the service unless another process has just done so; failures are logged."""
        self._drop_anothers(account_id)
        await self._cache.renew(account_id)

    def forget(self, account_id: str) -> None:
        """Drop what is known in memory, failures too: somebody has signed in."""
        self._cache.forget(account_id)

    async def _ask(self, account_id: str) -> Heard[T]:
        live = account_id in self._wanted_live
        self._wanted_live.discard(account_id)
        if not live and (theirs := await self._from_store(account_id)) is not None:
            return theirs
        asked_at = self._clock()  # a sign-in while the service answers makes the answer another's
        heard = Heard(await self._fetch(account_id), asked_at)
        await self._save(account_id, heard)
        return heard

    async def _from_store(self, account_id: str) -> Heard[T] | None:
        """What another process has heard since, if it is fresh."""
        try:
            async with self._database.connect() as db:
                stored = await find_answer(db, account_id, self.kind)
        except StoreError:
            return None
        heard = self._read(stored) if stored else None
        if heard is None or not self._counts(account_id, heard):
            return None
        ours = self.last(account_id)
        newer = ours is None or heard.at > ours.at
        return heard if newer and self._age(heard) < self._fresh else None

    async def _save(self, account_id: str, heard: Heard[T]) -> None:
        text = msgspec.json.encode(heard.value).decode()
        try:
            answer = StoredAnswer(text, heard.at)
            await self._database.write(lambda db: save_answer(db, account_id, self.kind, answer))
        except StoreError as exc:
            log.warning("answer not stored", kind=self.kind, account=account_id, error=str(exc))

    def _read(self, answer: StoredAnswer) -> Heard[T] | None:
        try:
            return Heard(self._decoder.decode(answer.text), answer.fetched_at)
        except msgspec.MsgspecError:
            return None  # another version wrote it

    def _age(self, heard: Heard[T]) -> float:
        # A clock that was put back must not make an answer last for ever.
        return abs((self._clock() - heard.at).total_seconds())

    def _counts(self, account_id: str, heard: Heard[T]) -> bool:
        account = self._directory.account(account_id)
        return account is not None and _is_since_sign_in(heard.at, account)

    def _drop_anothers(self, account_id: str) -> None:
        heard = self._cache.peek(account_id)
        if heard is not None and not self._counts(account_id, heard):
            self._cache.forget(account_id)


def _is_since_sign_in(at: datetime, account: Account) -> bool:
    return account.signed_in_at is None or at >= account.signed_in_at
