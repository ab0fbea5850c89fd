"""What a rule is, and what it may know besides the body."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.simulator.body import Body
from gateway.simulator.catalogue import Model
from gateway.simulator.refusals import IMPROPERLY_FORMED, Refusal
from gateway.simulator.signatures import ReasoningSigner


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: what the rules have to know of the account."""

    models: Mapping[str, Model]
    profile_arns: frozenset[str]
    needs_profile: bool
    signer: ReasoningSigner


Check = Callable[[Body, Caller], Iterator[str]]
"""Yields a path for each place that breaks the rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A named check and the service's answer to what breaks it."""

    name: str
    check: Check
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken rule at one place, for the log."""

    rule: str
    where: str


class Refused(Exception):
    """A request is refused: what it breaks, for the log, and the answer that tells nothing of it.

    `breaches` is empty when nothing is wrong with the request itself.
    """

    def __init__(self, breaches: list[Breach], refusal: Refusal) -> None:
        super().__init__(", ".join(breach.rule for breach in breaches))
        self.breaches = breaches
        self.refusal = refusal


def refused(rule: str, where: str, refusal: Refusal = IMPROPERLY_FORMED) -> Refused:
    """One broken rule."""
    return Refused([Breach(rule, where)], refusal)


def rule(check: Check, refusal: Refusal = IMPROPERLY_FORMED) -> Rule:
    """A rule under the function's own name, written with hyphens."""
    name = getattr(check, "__name__", "")
    return Rule(name.replace("_", "-"), check, refusal)
