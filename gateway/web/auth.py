"""Who is calling: API keys."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import anyio
from starlette.datastructures import Headers

from gateway.accounts.directory import Directory
from gateway.errors import NotAllowed, NotAuthenticated
from gateway.store.api_keys import ApiKey

# Guessing is made slow, mistyping is not: the first failures of a peer cost nothing.
FREE_FAILURES = 5
LONGEST_DELAY = 4.0  # seconds
FORGET_AFTER = 300.0  # seconds
MAX_PEERS = 4096


class FailureDelay:
    """How long a peer's next failed attempt is held back; remembers a bounded number of peers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def fail(self, peer: str) -> float:
        """Count a failure; returns the seconds to wait before answering it."""
        now = self._clock()
        count, last = self._failures.pop(peer, (0, now))
        count = 1 if now - last > FORGET_AFTER else count + 1
        self._failures[peer] = (count, now)
        if len(self._failures) > MAX_PEERS:
            self._failures.popitem(last=False)
        if count <= FREE_FAILURES:
            return 0.0
        return float(min(LONGEST_DELAY, 0.25 * 2 ** (count - FREE_FAILURES - 1)))


def presented_secrets(headers: Headers) -> list[str]:
    """The secrets a client sends, the one to try first first: Bearer, then x-api-key."""
    found: list[str] = []
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and (token := token.strip()):
        found.append(token)
    if (key := headers.get("x-api-key", "").strip()) and key not in found:
        found.append(key)
    return found


async def authenticate(
    headers: Headers,
    peer: str,
    directory: Directory,
    delay: FailureDelay,
    *,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> ApiKey:
    """The API key a request presents; `sleep` holds a failed attempt back, for seconds.

    Raises:
        NotAuthenticated: none, or none that is known.
        NotAllowed: it is disabled or has expired.
    """
    secrets = presented_secrets(headers)
    for secret in secrets:
        if (api_key := directory.key_presented(secret)) is not None:
            return check_usable_key(api_key)
    if (seconds := delay.fail(peer)) > 0:
        await sleep(seconds)
    if not secrets:
        raise NotAuthenticated(
            "No API key. Send one as Authorization: Bearer or x-api-key; "
            "`kiro-gateway keys create` makes one."
        )
    raise NotAuthenticated("This API key is not known here. Check that it was copied whole.")


def check_usable_key(api_key: ApiKey) -> ApiKey:
    """Pass a key on that may be used now.

    Raises:
        NotAllowed: it is disabled or has expired.
    """
    if not api_key.enabled:
        raise NotAllowed(f'API key "{api_key.name}" is disabled. Ask the gateway\'s operator.')
    if api_key.expires_at is not None and api_key.expires_at <= datetime.now(UTC):
        raise NotAllowed(
            f'API key "{api_key.name}" expired on {api_key.expires_at:%Y-%m-%d at %H:%M} UTC. Ask '
            "the gateway's operator for a new one."
        )
    return api_key
