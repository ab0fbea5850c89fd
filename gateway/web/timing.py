"""How long things may take that no setting is about."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from gateway.logins.timing import LoginTiming


@dataclass(frozen=True, slots=True)
class Timing:
    """Waits, in seconds. The product takes them as they are; tests shorten them.

    Attributes:
        ping_interval: silence after which a stream gets a ping.
        stalled_client: a client that takes nothing for this long is gone without having said so.
        header_timeout: from the first byte of a request, or from the connection, to the end of its
            headers; and from an early answer to the end of a body that nobody wants.
        body_silence: a sender that delivers nothing for this long is holding a connection, not
            sending a request.
        slot_wait: how long a request may queue for another one of its key, or account, to end.
        upkeep_delay: how long after the start, or a change, the profiles, quotas and models of
            accounts are asked for; None: only when somebody wants to know them.
        logins: of sign-ins.
        first_notifications: from the start to the first look at what is worth one.
        sleep: waits between attempts, and before failed attempts to authenticate are answered.
    """

    ping_interval: float = 15.0
    stalled_client: float = 300.0
    header_timeout: float = 20.0
    body_silence: float = 30.0
    slot_wait: float = 5.0
    upkeep_delay: float | None = 2.0
    logins: LoginTiming = field(default_factory=LoginTiming)
    first_notifications: float = 10.0
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep


USUAL = Timing()
