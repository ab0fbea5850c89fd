"""In which order accounts are asked when a request may run on several: facts in, an order out.

An account that can serve comes before one that cannot, one in good order before one in trouble, one
with room before one that is busy or nearly out of quota. Among equals the session decides, by
weighted rendezvous hashing: the same session finds the same account as long as that is there,
sessions spread over all of them in proportion to the quota that is left, and when an account drops
out only its own sessions move.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

# Below this share, what is left of a quota is kept for those that have no other account.
NEARLY_SPENT = 0.05
# The share of quota counts in steps, so that it does not move sessions with every request.
QUOTA_STEPS = 4
# An account may have so much more to do than the average before others take its sessions.
FAIR_SHARE = 1.25
SLACK = 2.0  # requests that are no load yet


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that a request may run on, as it is at this moment.

    Attributes:
        preferred: the one that the request is meant for; comes first when it is in good order.
        in_order: nothing is known that makes its answers doubtful.
        has_token: its token is valid now; another has to be renewed first.
        blocked_until: it sits out until then; `datetime.max`: nobody knows how long.
        lacks_model: the service said so lately.
        quota_left: from 0 to 1; None when that is not known.
        running: requests that it is serving.
        cap: how many it may serve at once; None: any number.
    """

    id: str
    preferred: bool = False
    in_order: bool = True
    has_token: bool = True
    blocked_until: datetime | None = None
    lacks_model: bool = False
    quota_left: float | None = None
    running: int = 0
    cap: int | None = None


def rank(candidates: Collection[Candidate], session: str, *, now: datetime) -> list[str]:
    """Ids of accounts in the order in which to ask them.

    Those that sit out come last, the one that is back soonest first. Those that lack the model are
    left out, unless all do: then the preferred one may say so.

    Args:
        candidates: one for each account.
        session: whatever stays the same as long as a session lasts.
        now: aware UTC.
    """
    having = [one for one in candidates if not one.lacks_model]
    if not having:
        having = sorted(candidates, key=lambda one: (not one.preferred, one.id))[:1]
    able = [one for one in having if not _is_blocked(one, now)]
    blocked = [one for one in having if _is_blocked(one, now)]
    fair = _fair_load(able)
    able.sort(key=lambda one: (_drawbacks(one, fair), -_pull(one, session), one.id))
    blocked.sort(key=lambda one: (one.blocked_until, not one.preferred, one.id))
    return [one.id for one in (*able, *blocked)]


def _drawbacks(one: Candidate, fair: float) -> tuple[bool, ...]:
    """The gravest first; an account with fewer of the grave ones is better."""
    full = one.cap is not None and one.running >= one.cap
    spent = one.quota_left is not None and one.quota_left < NEARLY_SPENT
    return (
        not one.in_order,
        full,
        not one.preferred,
        not one.has_token,
        one.running > fair,
        spent,
    )


def _pull(one: Candidate, session: str) -> float:
    """How much an account attracts a session; equal for equal arguments, and for nothing else."""
    digest = blake2b(f"{one.id}\0{session}".encode(), digest_size=8).digest()
    # In 52 bits, so that rounding makes it neither 0 nor 1.
    chance = ((int.from_bytes(digest, "big") >> 12) + 0.5) / 2**52
    # The greatest of such values falls on each account in proportion to its weight.
    return -_weight(one) / math.log(chance)


def _weight(one: Candidate) -> float:
    if one.quota_left is None:
        return 1.0
    return max(1, math.ceil(min(one.quota_left, 1.0) * QUOTA_STEPS)) / QUOTA_STEPS


def _fair_load(able: Sequence[Candidate]) -> float:
    if not able:
        return SLACK
    return FAIR_SHARE * sum(one.running for one in able) / len(able) + SLACK


def _is_blocked(one: Candidate, now: datetime) -> bool:
    return one.blocked_until is not None and now < one.blocked_until
