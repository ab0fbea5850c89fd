"""Ways to misbehave, by name, and which of them the next request meets."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gateway.simulator import content_faults, stream_faults
from gateway.simulator.alterations import alterations
from gateway.simulator.http_faults import HTTP_FAULTS
from gateway.simulator.odd_answers import odd_answers
from gateway.simulator.scenario import (
    API_OPERATIONS,
    EVERYWHERE,
    TOKEN_OPERATIONS,
    Operation,
    Scenario,
    Trouble,
)
from gateway.simulator.signin.discovery_faults import discovery_faults
from gateway.simulator.signin.faults import OAUTH_FAULTS, POLL_FAULTS
from gateway.simulator.steps import Play

_EXCEPTIONS: dict[str, tuple[str, str, str | None]] = {
    "throttling": ("ThrottlingException", "Too many requests.", None),
    "capacity": ("ThrottlingException", "No capacity.", "INSUFFICIENT_MODEL_CAPACITY"),
    "monthly-limit": ("ServiceQuotaExceededException", "Limit reached.", "MONTHLY_REQUEST_COUNT"),
    "validation": ("ValidationException", "Improperly formed request.", None),
    "too-long": (
        "ValidationException",
        "Input is too long.",
        "CONTENT_LENGTH_EXCEEDS_THRESHOLD",
    ),
    "content-length": ("ContentLengthExceededException", "The answer is too long.", None),
    "access-denied": ("AccessDeniedException", "User is not authorized.", None),
    "suspended": ("AccessDeniedException", "Suspended.", "TEMPORARILY_SUSPENDED"),
    "token-invalid": (
        "AccessDeniedException",
        "The bearer token included in the request is invalid.",
        None,
    ),
    "internal": ("InternalServerException", "Something went wrong.", None),
    "model-unavailable": (
        "InternalServerException",
        "Please try again.",
        "MODEL_TEMPORARILY_UNAVAILABLE",
    ),
    "unavailable": ("ServiceUnavailableException", "The service is unavailable.", None),
    "union-error": ("error", "Something went wrong.", None),
}

_PLAYS: tuple[Play, ...] = (
    # How the stream ends, or does not begin.
    stream_faults.cut_in_first_frame,
    stream_faults.cut_mid_frame,
    stream_faults.end_without_closing,
    stream_faults.close_mid_stream,
    stream_faults.reset_mid_stream,
    stream_faults.reset_before_events,
    stream_faults.reset_before_status,
    stream_faults.never_answers,
    stream_faults.slow_status,
    stream_faults.never_first_event,
    stream_faults.slow_first_event,
    stream_faults.stall_mid_stream,
    stream_faults.pause_mid_stream,
    stream_faults.empty_body,
    stream_faults.nothing_but_accounting,
    # Frames.
    stream_faults.bad_prelude_checksum,
    stream_faults.bad_message_checksum,
    stream_faults.bad_first_frame,
    stream_faults.impossible_length,
    stream_faults.bare_headers,
    stream_faults.odd_headers,
    # Events.
    stream_faults.error_frame_first,
    stream_faults.error_frame_later,
    stream_faults.invalid_state_first,
    stream_faults.invalid_state_later,
    stream_faults.empty_deltas,
    stream_faults.repeated_deltas,
    stream_faults.wrapped_payloads,
    stream_faults.extra_events,
    stream_faults.context_full,
    stream_faults.metadata_empty,
    stream_faults.metering_only,
    stream_faults.context_usage_only,
    # Tools.
    content_faults.tool_input_cut,
    content_faults.tool_input_cut_only,
    content_faults.tool_input_no_object,
    content_faults.tool_input_empty,
    content_faults.tool_input_as_object,
    content_faults.tool_in_one_event,
    content_faults.tool_without_stop,
    content_faults.tool_open_at_end,
    content_faults.tools_without_stops,
    content_faults.tools_interleaved,
    content_faults.tool_twice,
    content_faults.tools_equal,
    content_faults.tool_then_text,
    content_faults.tool_whole_event,
    content_faults.tool_as_text,
    # Thinking.
    content_faults.only_thinking,
    content_faults.only_tagged_thinking,
    content_faults.thinking_unclosed,
    content_faults.thinking_quotes_its_tag,
    content_faults.thinking_then_tool,
    content_faults.thinking_both_ways,
    content_faults.thinking_sealed,
    content_faults.thinking_unsigned,
)
_BUILTIN_CALLS: dict[str, tuple[str, dict[str, object]]] = {
    "builtin-read": ("readFile", {"path": "/tmp/a file.txt"}),  # noqa: S108  # never opened
    "builtin-shell": ("executeBash", {"command": "echo hello"}),
    "builtin-search": ("grepSearch", {"query": 'it"s $HOME', "path": "src"}),
    "builtin-browser": ("browser_click", {"selector": "#go"}),
}


_STREAMED: frozenset[Operation] = frozenset({"generate"})
_TROUBLES: dict[str, Trouble] = {
    # Nothing of a stream has begun in these, so that they can befall every operation.
    "reset-before-status": "reset",
    "never-answers": "silence",
    "slow-status": "delay",
}


def _every_scenario() -> Iterator[Scenario]:
    for name, (summary, refusal) in HTTP_FAULTS.items():
        yield Scenario(name, summary, refusal=refusal)
    for play in _PLAYS:
        name = getattr(play, "__name__", "").replace("_", "-")
        trouble = _TROUBLES.get(name)
        yield Scenario(
            name,
            (play.__doc__ or "").strip(),
            EVERYWHERE if trouble else _STREAMED,
            play=play,
            trouble=trouble,
        )
    yield Scenario(
        "answer-lost",
        "All is done, but a TCP reset comes instead of the answer.",
        EVERYWHERE - _STREAMED,
        trouble="lost",
    )
    yield from alterations()
    yield from odd_answers()
    yield from discovery_faults()
    for name, (summary, refusal) in POLL_FAULTS.items():
        yield Scenario(name, summary, frozenset({"poll"}), refusal=refusal)
    for name, (summary, refusal) in OAUTH_FAULTS.items():
        yield Scenario(name, summary, TOKEN_OPERATIONS, refusal=refusal)
    for name, (kind, message, reason) in _EXCEPTIONS.items():
        said = f"a {kind} frame" + (f" with {reason}" if reason else "")
        first = stream_faults.exception_first(kind, message, reason)
        summary = f"Before any content, {said}."
        yield Scenario(f"exception-first-{name}", summary, _STREAMED, play=first)
        later = stream_faults.exception_later(kind, message, reason)
        summary = f"After half of the content, {said}."
        yield Scenario(f"exception-later-{name}", summary, _STREAMED, play=later)
    for name, (tool, given) in _BUILTIN_CALLS.items():
        play = content_faults.builtin_tool(tool, given)
        yield Scenario(name, f"A call of the service's own {tool}.", _STREAMED, play=play)


SCENARIOS = {scenario.name: scenario for scenario in _every_scenario()}


@dataclass(slots=True)
class Armed:
    """A scenario that waits for requests.

    Attributes:
        operation: what it waits for; `api`: all that a bearer opens.
        left: how many requests it still applies to; None: all of them.
        account: only this account's requests, by the name of the sign-in.
        marker: only requests whose current message contains this text.
        region: only requests to this region's host.
        model: only requests for this model.
        seconds: how long the slow scenarios wait.
    """

    scenario: Scenario
    operation: Operation | Literal["api"] = "generate"
    left: int | None = 1
    account: str | None = None
    marker: str | None = None
    region: str | None = None
    model: str | None = None
    seconds: float | None = None

    def applies(
        self,
        operation: Operation,
        account: str | None,
        text: str,
        region: str | None,
        model: str | None,
    ) -> bool:
        """Whether a request is one of those it waits for."""
        return (
            (self.operation == operation or self.covers_api(operation))
            and self.left != 0
            and self.account in (None, account)
            and self.region in (None, region)
            and self.model in (None, model)
            and (self.marker is None or self.marker in text)
        )

    def covers_api(self, operation: Operation) -> bool:
        """Whether it waits for all that a bearer opens, and this is part of it."""
        return self.operation == "api" and operation in API_OPERATIONS


class Shelf:
    """The scenarios that are armed; the oldest that applies is taken."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []
        self._asked_for: dict[tuple[str, int], int] = {}

    def arm(self, armed: Armed) -> None:
        """Put one on the shelf."""
        self._armed.append(armed)

    def clear(self) -> None:
        """Forget them all."""
        self._armed.clear()
        self._asked_for.clear()

    def take(
        self,
        operation: Operation,
        account: str | None,
        *,
        text: str = "",
        region: str | None = None,
        model: str | None = None,
    ) -> Armed | None:
        """The scenario that this request meets, counted as used."""
        for armed in self._armed:
            if armed.applies(operation, account, text, region, model):
                if armed.left is not None:
                    armed.left -= 1
                return armed
        return None

    def take_asked_for(self, wanted: tuple[str, int | None], text: str) -> Armed | None:
        """The scenario that the text itself names, unless it had it as often as it said.

        A request is known again by its text, so that its repetitions count as one request.
        """
        name, most = wanted
        scenario = SCENARIOS.get(name)
        if scenario is None:
            return None
        key = name, hash(text)
        used = self._asked_for.get(key, 0)
        if most is not None and used >= most:
            return None
        self._asked_for[key] = used + 1
        return Armed(scenario, left=None)
