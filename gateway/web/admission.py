"""Letting a request in: the limits of its key and account, held before and settled after."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.accounts.directory import Directory
from gateway.conversation import Conversation, Note
from gateway.dialects.token_estimate import estimate_conversation
from gateway.errors import LimitExceeded
from gateway.relay.facts import Facts
from gateway.store.accounts import Account
from gateway.store.api_keys import ApiKey
from gateway.store.limit_book import LimitBook, Reservation
from gateway.store.limits import LimitOwner, owner_of_account, owner_of_key
from gateway.web.limit_headers import refused_headers, standing_headers

# No answer of a key with limited tokens gets longer than this, whatever its client asks for.
LONGEST_ANSWER = 32_000  # tokens


@dataclass(slots=True)
class Admission:
    """What has to be asked before a request may go on.

    The key comes first, so that nobody holds an account's place while queueing for a key's.
    """

    book: LimitBook
    directory: Directory
    key: LimitOwner | None
    facts: Facts
    slot_wait: float  # seconds
    _held_of_key: Reservation | None = None
    _place: Reservation | None = None

    @asynccontextmanager
    async def held(self, conversation: Conversation) -> AsyncIterator[Conversation]:
        """Hold what the request will use; afterwards book what it did use, or give it back.

        Gives the conversation to send: where fewer tokens are left than its answer might take, the
        answer ends with them.

        Raises:
            LimitExceeded: the key may not spend so much.
        """
        try:
            yield await self._reserve(conversation, self.key) if self.key else conversation
        finally:
            for reservation in (self._held_of_key, self._place):
                if reservation is not None:
                    self._settle(reservation)

    async def take_place(self, account_id: str, patient: bool) -> None:
        """Hold a place on an account instead of the one held so far; `patient`: queue for it.

        Raises:
            AccountBusy: the account serves as many requests as it may.
        """
        former, self._place = self._place, None
        if former is not None:
            self.book.release(former)
        account = self.directory.account(account_id)
        owner = owner_of_account(account) if account is not None else None
        if owner is None:
            return
        started_at = time.monotonic()
        try:
            wait = self.slot_wait if patient else 0.0
            self._place = await self.book.reserve(owner, wait=wait)
        finally:
            self.facts.queued += time.monotonic() - started_at

    async def _reserve(self, conversation: Conversation, key: LimitOwner) -> Conversation:
        started_at = time.monotonic()
        tokens, answer = 0, 0
        if key.tokens_per_day is not None:
            tokens = estimate_conversation(conversation)
            answer = min(conversation.max_tokens or LONGEST_ANSWER, LONGEST_ANSWER)
        try:
            reservation = await self.book.reserve(
                key, tokens=tokens + 1, most_tokens=tokens + answer, wait=self.slot_wait
            )
        except LimitExceeded as exc:
            self.facts.limit = exc.limit
            self.facts.limit_headers = refused_headers(exc, datetime.now(UTC))
            raise
        finally:
            self.facts.queued = time.monotonic() - started_at
        self._held_of_key = reservation
        self.facts.limit_headers = standing_headers(reservation.standings, datetime.now(UTC))
        if key.tokens_per_day is not None:
            left = max(1, reservation.tokens - tokens)
            if left < (conversation.max_tokens or left + 1):
                if left < answer:
                    self.facts.add_note(Note("capped", "max_tokens"))
                conversation = replace(conversation, max_tokens=left)
        return conversation

    def _settle(self, reservation: Reservation) -> None:
        usage = self.facts.usage
        if usage is None:
            self.book.release(reservation)
            return
        cached = usage.cache_read_tokens + usage.cache_write_tokens
        tokens = usage.input_tokens + usage.output_tokens + cached
        self.book.settle(reservation, tokens=tokens, cost=usage.credits)


def admission(
    book: LimitBook,
    directory: Directory,
    api_key: ApiKey,
    accounts: Iterable[Account],
    facts: Facts,
    *,
    slot_wait: float,
) -> Admission | None:
    """What a key and the accounts that may serve limit, None where none limits anything."""
    key = owner_of_key(api_key)
    if key is None and all(account.max_concurrent_requests is None for account in accounts):
        return None
    return Admission(book, directory, key, facts, slot_wait)
