"""What happens on the wire, step by step. A play is an iterator of these."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from gateway.simulator.answers import Answer
from gateway.simulator.wire import Event


@dataclass(frozen=True, slots=True)
class Begin:
    """Send status 200 and the headers."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Say nothing for so many seconds; None: until the client hangs up."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Drop:
    """Break the connection: with a TCP reset, or by closing it in the middle of the body."""

    reset: bool


@dataclass(frozen=True, slots=True)
class Closing:
    """The content is told; what follows is the accounting. A gate can stand here."""


Step: TypeAlias = bytes | Begin | Wait | Drop | Closing
"""`bytes` are one frame, or what a fault makes of it."""

Play: TypeAlias = Callable[[Answer, float | None], Iterator[Step]]
"""Tells an answer. The number is the scenario's `seconds`, None when none were given."""


def tell(events: Iterable[Event]) -> Iterator[Step]:
    """The frames of events."""
    return (event.frame() for event in events)


def tell_all(answer: Answer) -> Iterator[Step]:
    """The whole answer, as it should be."""
    yield Begin()
    yield from tell(answer.opening())
    yield from tell(answer.content())
    yield from tell_closing(answer)


def tell_closing(answer: Answer) -> Iterator[Step]:
    """The end of an answer."""
    yield Closing()
    yield from tell(answer.closing())
