"""What a scenario is, and which operations can meet one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from gateway.simulator.answers import Answer
from gateway.simulator.refusals import Refusal
from gateway.simulator.steps import Play, Step, tell_all
from gateway.simulator.strict_json import JsonObject

Operation = Literal[
    "generate",
    "models",
    "usage",
    "profiles",
    "web-search",
    "refresh",
    "sign-in",
    "exchange",
    "register",
    "device",
    "poll",
    "discovery",
]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
EVERYWHERE: frozenset[Operation] = frozenset(OPERATIONS)
API_OPERATIONS: frozenset[Operation] = frozenset(
    {"generate", "models", "usage", "profiles", "web-search"}
)
TOKEN_OPERATIONS: frozenset[Operation] = frozenset(
    {"refresh", "exchange", "register", "device", "poll"}
)

Trouble = Literal["reset", "silence", "delay", "lost"]
"""What can befall any answer: a TCP reset comes instead; nothing comes; it comes late; a reset
comes instead when the work is done."""

Alter = Callable[[JsonObject], JsonObject]
"""Makes another JSON answer of a good one."""


def as_it_should_be(answer: Answer, _seconds: float | None) -> Iterator[Step]:
    """The whole answer."""
    return tell_all(answer)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way in which a request does not end as usual.

    Attributes:
        operations: those that can meet it.
        refusal: answered instead of the usual.
        play: how a stream is told.
        trouble: how any other answer fails to come.
        alter: what becomes of a JSON answer.
    """

    name: str
    summary: str
    operations: frozenset[Operation] = EVERYWHERE
    refusal: Refusal | None = None
    play: Play = as_it_should_be
    trouble: Trouble | None = None
    alter: Alter | None = None


USUAL = Scenario("usual", "The answer as it should be.")
