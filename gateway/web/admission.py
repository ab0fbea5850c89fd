"""Letting a request in: the limits of its key and account, held before and settled after."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

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


@dataclass(frozen=True, slots=True)
class Admission:
    """What has to be asked before a request may go on."""

    book: LimitBook
    owners: tuple[LimitOwner, ...]
    facts: Facts
    slot_wait: float  # seconds

    @asynccontextmanager
    async def held(self, conversation: Conversation) -> AsyncIterator[Conversation]:
        """Hold what the request will use; afterwards book what it did use, or give it back.

        Gives the conversation to send: where fewer tokens are left than its answer might take, the
        answer ends with them.

        Raises:
            LimitExceeded: the key may not spend so much.
            AccountBusy: the account serves as many requests as it may.
        """
        reservations: list[Reservation] = []
        try:
            yield await self._reserve(conversation, reservations)
        finally:
            self._settle(reservations)

    async def _reserve(self, conversation: Conversation, held: list[Reservation]) -> Conversation:
        started_at = time.monotonic()
        for owner in self.owners:
            tokens, answer = 0, 0
            if owner.tokens_per_day is not None:
                tokens = estimate_conversation(conversation)
                answer = min(conversation.max_tokens or LONGEST_ANSWER, LONGEST_ANSWER)
            try:
                reservation = await self.book.reserve(
                    owner, tokens=tokens + 1, most_tokens=tokens + answer, wait=self.slot_wait
                )
            except LimitExceeded as exc:
                self.facts.limit = exc.limit
                self.facts.limit_headers = refused_headers(exc, datetime.now(UTC))
                raise
            finally:
                self.facts.queued = time.monotonic() - started_at
            held.append(reservation)
            if owner.kind == "key":
                now = datetime.now(UTC)
                self.facts.limit_headers = standing_headers(reservation.standings, now)
            if owner.tokens_per_day is not None:
                left = max(1, reservation.tokens - tokens)
                if left < (conversation.max_tokens or left + 1):
                    if left < answer:
                        self.facts.add_note(Note("capped", "max_tokens"))
                    conversation = replace(conversation, max_tokens=left)
        return conversation

    def _settle(self, held: Iterable[Reservation]) -> None:
        usage = self.facts.usage
        for reservation in held:
            if usage is None:
                self.book.release(reservation)
                continue
            cached = usage.cache_read_tokens + usage.cache_write_tokens
            tokens = usage.input_tokens + usage.output_tokens + cached
            self.book.settle(reservation, tokens=tokens, cost=usage.credits)


def admission(
    book: LimitBook, api_key: ApiKey, account: Account, facts: Facts, *, slot_wait: float
) -> Admission | None:
    """What a key and an account limit, None where neither limits anything.

    The key comes first, so that nobody holds an account's place while queueing for a key's.
    """
    owners = (owner_of_key(api_key), owner_of_account(account))
    limited = tuple(owner for owner in owners if owner is not None)
    return Admission(book, limited, facts, slot_wait) if limited else None
