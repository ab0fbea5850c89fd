"""How the service is asked to think.

Two ways. A model whose entry in the model list publishes a schema of further request fields takes
a native object, built from what that schema allows: it forbids anything else. Every other model
reads tags in front of the system text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from gateway.conversation import OWN_SIGNATURE_PREFIX, Note, Thinking, ThinkingRequest
from gateway.kiro import texts
from gateway.kiro.body import ReasoningContent, ReasoningText

DEFAULT_BUDGET: Final = 20_000  # tokens
MAX_BUDGET: Final = 24_576  # tokens, through tags

# Members of the published schemas, and the tags, tell efforts by these names.
_EFFORTS: Final = ("minimal", "low", "medium", "high", "xhigh", "max")
_TAG_EFFORTS: Final = ("low", "medium", "high")
_TAG_MARKS: Final = ("<thinking_mode>", "<max_thinking_length>")


@dataclass(frozen=True, slots=True)
class ThinkingPlan:
    """How one request asks.

    Attributes:
        tags: to stand in front of the system text, or "".
        fields: JSON text of `additionalModelRequestFields`, or None.
        requested: whether reasoning is to be expected in the reply.
    """

    tags: str = ""
    fields: bytes | None = None
    requested: bool = False
    notes: tuple[Note, ...] = ()


def plan_thinking(request: ThinkingRequest, system: str, schema: bytes | None) -> ThinkingPlan:
    """Decide how to ask for what the client wants.

    Args:
        request: the client's wish.
        system: its system text, which may hold the tags already.
        schema: JSON text of the model's schema of further request fields, if it publishes one.
    """
    native = _read_schema(schema) if schema else _NativeFields()
    wanted = request.mode != "off"
    tagged = any(mark in system for mark in _TAG_MARKS)
    if not wanted and request.effort is None:
        return ThinkingPlan(requested=tagged) if tagged else _NOTHING
    notes: list[Note] = []
    fields: dict[str, object] = {}
    if wanted and native.modes:
        fields["thinking"] = native.thinking(request, notes)
    elif request.budget and native.reasoning_efforts:
        notes.append(Note("dropped", "thinking_budget"))
    if request.effort is not None and native.efforts:
        effort = _nearest(request.effort, native.efforts)
        fields |= {"output_config": {"effort": effort}}
        _note_effort(request.effort, effort, notes)
    elif request.effort is not None and native.reasoning_efforts:
        effort = _nearest(request.effort, native.reasoning_efforts)
        fields |= {"reasoning": {"effort": effort}}
        _note_effort(request.effort, effort, notes)
    tags = ""
    if wanted and not tagged and not native.thinks:
        tags = _tags(request, notes, effort_is_sent=bool(fields))
    elif request.effort is not None and not fields:
        notes.append(Note("dropped", "effort"))
    encoded = msgspec.json.encode(fields) if fields else None
    return ThinkingPlan(tags, encoded, wanted or tagged, tuple(notes))


_NOTHING: Final = ThinkingPlan()


def _tags(request: ThinkingRequest, notes: list[Note], *, effort_is_sent: bool) -> str:
    if request.mode == "adaptive":
        wanted = request.effort or "high"
        effort = _nearest(wanted, _TAG_EFFORTS)
        if not effort_is_sent:
            _note_effort(wanted, effort, notes)
        return texts.THINKING_ADAPTIVE.format(effort=effort)
    if request.effort is not None and not effort_is_sent:
        notes.append(Note("dropped", "effort"))
    budget = request.budget if request.budget and request.budget > 0 else DEFAULT_BUDGET
    if budget > MAX_BUDGET:
        notes.append(Note("capped", "thinking_budget"))
    return texts.THINKING_ENABLED.format(budget=min(budget, MAX_BUDGET))


def _nearest(effort: str, allowed: Sequence[str]) -> str:
    """The strongest allowed effort that is not above `effort`, else the weakest there is."""
    ranked = sorted((e for e in allowed if e in _EFFORTS), key=_EFFORTS.index)
    below = [e for e in ranked if _EFFORTS.index(e) <= _EFFORTS.index(effort)]
    return below[-1] if below else ranked[0]


def _note_effort(wanted: str, sent: str, notes: list[Note]) -> None:
    if sent != wanted:
        notes.append(Note("changed", "effort"))


@dataclass(frozen=True, slots=True)
class _Mode:
    """One shape that `thinking` may have: its `type`, and what stands beside that."""

    type: str
    members: frozenset[str]
    displays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _NativeFields:
    """What a model's schema of further request fields has to say about thinking."""

    modes: tuple[_Mode, ...] = ()
    efforts: tuple[str, ...] = ()
    reasoning_efforts: tuple[str, ...] = ()

    @property
    def thinks(self) -> bool:
        return bool(self.modes or self.reasoning_efforts)

    def thinking(self, request: ThinkingRequest, notes: list[Note]) -> dict[str, object]:
        """The `thinking` member; only for a schema that has one."""
        by_type = {mode.type: mode for mode in self.modes}
        enabled = by_type.get("enabled")
        takes_budget = enabled is not None and "budget_tokens" in enabled.members
        budget = request.budget if request.mode == "enabled" else None
        member: dict[str, object]
        if takes_budget and enabled and (budget or "adaptive" not in by_type):
            mode = enabled
            member = {"type": "enabled", "budget_tokens": budget or DEFAULT_BUDGET}
        else:
            mode = by_type.get("adaptive") or self.modes[0]
            member = {"type": mode.type}
            if budget:
                notes.append(Note("dropped", "thinking_budget"))
        if "summarized" in mode.displays:
            member["display"] = "summarized"
        return member


@lru_cache(maxsize=64)
def _read_schema(schema: bytes) -> _NativeFields:
    try:
        properties = _properties(msgspec.json.decode(schema))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _NativeFields()
    thinking = properties.get("thinking")
    shapes: list[object] = [thinking]
    if isinstance(thinking, dict):
        for union in ("oneOf", "anyOf"):
            if isinstance(members := thinking.get(union), list):
                shapes += members
    return _NativeFields(
        tuple(mode for shape in shapes for mode in _modes(shape)),
        _known_efforts(properties.get("output_config")),
        _known_efforts(properties.get("reasoning")),
    )


def _modes(shape: object) -> Iterable[_Mode]:
    properties = _properties(shape)
    displays = _allowed(properties.get("display"))
    for kind in _allowed(properties.get("type")):
        if kind != "disabled":
            yield _Mode(kind, frozenset(properties), displays)


def _known_efforts(shape: object) -> tuple[str, ...]:
    return tuple(e for e in _allowed(_properties(shape).get("effort")) if e in _EFFORTS)


def _properties(schema: object) -> dict[str, object]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


def _allowed(schema: object) -> tuple[str, ...]:
    """The strings that a schema of an enumeration or a constant lets through."""
    if not isinstance(schema, dict):
        return ()
    values = schema.get("enum", [schema.get("const")])
    return tuple(v for v in values if isinstance(v, str)) if isinstance(values, list) else ()


def reasoning_of(blocks: Sequence[Thinking]) -> ReasoningContent | None:
    """What of a turn's reasoning can go back up.

    The service takes only what it signed itself, and one block for each message. Of several the
    last goes: it is the one that led to the message's tool calls. Clients that ask for reasoning
    without its text echo signatures alone, and those fit no text that could be sent with them.
    """
    redacted: str | None = None
    for block in reversed(blocks):
        if block.redacted is not None:
            redacted = redacted or block.redacted
        elif block.text and _is_the_services(block.signature):
            return ReasoningContent(ReasoningText(block.text, block.signature))
    return ReasoningContent(redacted_content=redacted) if redacted else None


def _is_the_services(signature: str) -> bool:
    return bool(signature) and not signature.startswith(OWN_SIGNATURE_PREFIX)
