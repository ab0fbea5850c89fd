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
from gateway.store.limits import LimitOwner, Standing, owner_of_account, owner_of_key

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


# What both dialects' clients read is named after what is counted, not after the time it is for.
_COUNTED = {"requests_per_minute": "requests", "tokens_per_day": "tokens"}


def standing_headers(standings: Iterable[Standing], now: datetime) -> dict[str, str]:
    """How a key's limits stand, as Anthropic's and OpenAI's own services tell it."""
    headers: dict[str, str] = {}
    for standing in standings:
        if (counted := _COUNTED.get(standing.name)) is not None:
            headers |= _headers(
                counted, standing.limit, standing.remaining, standing.resets_at, now
            )
    return headers


def refused_headers(error: LimitExceeded, now: datetime) -> dict[str, str]:
    """The same for a limit that has just refused a request."""
    counted = _COUNTED.get(error.limit)
    if counted is None:
        return {}
    left = max(0.0, error.limit_value - error.used)
    return _headers(counted, error.limit_value, left, error.resets_at, now)


def _headers(
    counted: str, limit: float, remaining: float, resets_at: datetime | None, now: datetime
) -> dict[str, str]:
    at = resets_at or now
    seconds = max(0, round((at - now).total_seconds()))
    return {
        f"anthropic-ratelimit-{counted}-limit": f"{limit:.0f}",
        f"anthropic-ratelimit-{counted}-remaining": f"{remaining:.0f}",
        f"anthropic-ratelimit-{counted}-reset": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"x-ratelimit-limit-{counted}": f"{limit:.0f}",
        f"x-ratelimit-remaining-{counted}": f"{remaining:.0f}",
        f"x-ratelimit-reset-{counted}": f"{seconds}s",
    }
