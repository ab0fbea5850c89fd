"""Posting to one channel: what counts as delivered, and what is worth another attempt.

Whoever knows a webhook's URL may write to the channel, so no error, log line or answer of this
module holds more of it than the host.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import anyio
import httpx

from gateway.errors import UpstreamError, UpstreamUntrusted
from gateway.notifications.labels import host_of
from gateway.notifications.payloads import Letter, payload_for
from gateway.settings import NotificationChannel
from gateway.upstream.http import network_errors

TIMEOUT = 10.0  # seconds for one attempt, from the connection to the end of the answer
PAUSES = (1.0, 5.0, 25.0)  # seconds between the attempts of one delivery
# A channel that wants to be left alone for longer is tried again at a later look.
LONGEST_WAIT = 60.0  # seconds
LONGEST_RETRY_AFTER = 24 * 3600.0  # seconds that a channel may ask for
MAX_ANSWER = 4096  # bytes that are read of an answer

_WORTH_ANOTHER = frozenset({408, 425, 429, 500, 502, 503, 504})
_SLACK_WORD = re.compile(r"[a-z]+(_[a-z]+){1,5}")

ClientFor = Callable[[str], httpx.AsyncClient]
"""The client for a URL, through the proxy where one has to be used."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went. `error` is a sentence without the URL; None: the channel took it.

    `again`: another attempt may help; `retry_after`: not before so many seconds.
    """

    status: int | None = None
    error: str | None = None
    again: bool = False
    retry_after: float | None = None

    @property
    def delivered(self) -> bool:
        """Whether it arrived."""
        return self.error is None


async def deliver(
    channel: NotificationChannel,
    letter: Letter,
    client_for: ClientFor,
    *,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> Outcome:
    """Post until it arrives, it turns out that it will not, or the attempts are used up."""
    body = payload_for(channel.type, letter)
    for pause in PAUSES:
        outcome = await post(channel, body, client_for)
        wait = max(pause, outcome.retry_after or 0.0)
        if outcome.delivered or not outcome.again or wait > LONGEST_WAIT:
            return outcome
        await sleep(wait)
    return await post(channel, body, client_for)


async def post(channel: NotificationChannel, body: bytes, client_for: ClientFor) -> Outcome:
    """One attempt."""
    host = host_of(channel.url)
    headers = {"content-type": "application/json; charset=utf-8"}
    try:
        with network_errors(host), anyio.fail_after(TIMEOUT):
            request = client_for(channel.url).stream(
                "POST", channel.url, content=body, headers=headers
            )
            async with request as response:
                if 200 <= response.status_code < 300:
                    # It was taken; whatever becomes of the rest of the answer changes nothing.
                    return Outcome(response.status_code)
                return _judged(channel, response, await _beginning(response))
    except UpstreamError as exc:
        return Outcome(None, str(exc), again=not isinstance(exc, UpstreamUntrusted))
    except ValueError:  # of names that cannot be encoded, from several libraries
        return Outcome(None, f"The URL at {host} cannot be used.")


async def _beginning(response: httpx.Response) -> bytes:
    read = b""
    async for piece in response.aiter_raw():
        read += piece
        if len(read) >= MAX_ANSWER:
            break
    return read


def _judged(channel: NotificationChannel, response: httpx.Response, answer: bytes) -> Outcome:
    status = response.status_code
    if 300 <= status < 400:
        return Outcome(
            status, f"It answers {status}: a redirect, which is not followed. Use its new URL."
        )
    again = status in _WORTH_ANOTHER
    return Outcome(
        status,
        f"It answers {status}{_explained(channel, status, answer)}.",
        again=again,
        retry_after=_seconds(response) if again else None,
    )


def _explained(channel: NotificationChannel, status: int, answer: bytes) -> str:
    """The reason; of an answer's body only Slack's words, which cannot repeat the URL."""
    word = answer.decode("utf-8", "replace").strip()
    if channel.type == "slack" and len(word) <= 40 and _SLACK_WORD.fullmatch(word):
        return f" ({word})"
    try:
        return f" ({HTTPStatus(status).phrase})"
    except ValueError:
        return ""


def _seconds(response: httpx.Response) -> float | None:
    """What Retry-After says: seconds, or a date, which is compared with the answer's own."""
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(float(value), LONGEST_RETRY_AFTER)
    if (moment := _moment(value)) is None:
        return None
    now = _moment(response.headers.get("date", "")) or datetime.now(UTC)
    return min(max(0.0, (moment - now).total_seconds()), LONGEST_RETRY_AFTER)


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
