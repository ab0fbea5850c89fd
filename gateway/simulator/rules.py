"""Everything a GenerateAssistantResponse body must keep, each rule by name.

A body is read in three steps, and a step is only taken when the one before found nothing: strict
JSON, the shape of every member, then the rules below and in `tool_rules` and `content_rules`.
"""

import re
import uuid
from collections import Counter
from collections.abc import Iterator

from gateway.simulator.body import AssistantMessage, Body, UserMessage, read_body
from gateway.simulator.content_rules import CONTENT_RULES
from gateway.simulator.refusals import (
    BODY_INVALID,
    CONVERSATION_INVALID,
    IMPROPERLY_FORMED,
    MODEL_UNKNOWN,
    PROFILE_INVALID,
    PROFILE_NEEDED,
    Refusal,
)
from gateway.simulator.rule import Breach, Caller, Refused, Rule, refused, rule
from gateway.simulator.shapes import findings
from gateway.simulator.strict_json import NotStrictJson, decode_object
from gateway.simulator.tool_rules import TOOL_RULES

LONGEST_HISTORY = 10_000
_CONVERSATION_ID = re.compile(r"[!-~]{1,128}")


def examine(raw: bytes, caller: Caller) -> Body:
    """Read a body, or refuse it.

    Raises:
        Refused: with every rule that is broken; the answer is that of the first.
    """
    try:
        document = decode_object(raw)
    except NotStrictJson as exc:
        raise refused(exc.rule, exc.where) from None
    if misshapen := [Breach(finding.kind, finding.where) for finding in findings(document)]:
        at_root = misshapen[0].rule == "unknown-root-member"
        raise Refused(misshapen, BODY_INVALID if at_root else IMPROPERLY_FORMED)
    body = read_body(document)
    breaches: list[Breach] = []
    refusal: Refusal | None = None
    for each in RULES:
        for where in each.check(body, caller):
            breaches.append(Breach(each.name, where))
            refusal = refusal or each.refusal
    if refusal is not None:
        raise Refused(breaches, refusal)
    return body


def profile_needed(body: Body, caller: Caller) -> Iterator[str]:
    """Accounts with a profile must name it."""
    if caller.needs_profile and body.profile_arn is None:
        yield "profileArn"


def profile_matches(body: Body, caller: Caller) -> Iterator[str]:
    """A profile that is named is the account's own, in the region that was asked."""
    if body.profile_arn is not None and body.profile_arn not in caller.profile_arns:
        yield "profileArn"


def conversation_id_form(body: Body, _caller: Caller) -> Iterator[str]:
    """A conversation id is 1 to 128 printable ASCII characters."""
    if body.conversation_id is not None and not _CONVERSATION_ID.fullmatch(body.conversation_id):
        yield "conversationId"


def continuation_id_is_uuid(body: Body, _caller: Caller) -> Iterator[str]:
    """`agentContinuationId` is a UUID with its dashes."""
    if body.continuation_id is None:
        return
    try:
        if str(uuid.UUID(body.continuation_id)) != body.continuation_id.lower():
            yield "agentContinuationId"
    except ValueError:
        yield "agentContinuationId"


def history_length(body: Body, _caller: Caller) -> Iterator[str]:
    """The history has at most 10 000 entries."""
    if len(body.history) > LONGEST_HISTORY:
        yield f"history[{LONGEST_HISTORY}]"


def history_starts_with_user(body: Body, _caller: Caller) -> Iterator[str]:
    """The first entry of the history is the user's."""
    if body.history and isinstance(body.history[0], AssistantMessage):
        yield body.history[0].where


def history_ends_with_assistant(body: Body, _caller: Caller) -> Iterator[str]:
    """The last entry is the assistant's, because the current message is the user's."""
    if body.history and isinstance(body.history[-1], UserMessage):
        yield body.history[-1].where


def history_alternates(body: Body, _caller: Caller) -> Iterator[str]:
    """No two neighbours in the history have one role."""
    for before, after in zip(body.history, body.history[1:], strict=False):
        if type(before) is type(after):
            yield after.where


def user_content(body: Body, _caller: Caller) -> Iterator[str]:
    """A user message says something, brings tool results or, when current, shows images."""
    for message in body.user_messages:
        shows = message.images and message is body.current
        if not message.content and not message.tool_results and not shows:
            yield f"{message.where}.content"


def assistant_content(body: Body, _caller: Caller) -> Iterator[str]:
    """An assistant message is never empty, not even beside tool uses."""
    for message in body.history:
        if isinstance(message, AssistantMessage) and not message.content:
            yield f"{message.where}.content"


def current_names_model(body: Body, _caller: Caller) -> Iterator[str]:
    """The current message has a `modelId`."""
    if body.current.model_id is None:
        yield "currentMessage.modelId"


def current_names_origin(body: Body, _caller: Caller) -> Iterator[str]:
    """The current message has an `origin`."""
    if body.current.origin is None:
        yield "currentMessage.origin"


def model_is_known(body: Body, caller: Caller) -> Iterator[str]:
    """The model is one of those that the account sees, letter by letter."""
    if body.current.model_id is not None and body.current.model_id not in caller.models:
        yield "currentMessage.modelId"


def tool_use_ids_unique(body: Body, _caller: Caller) -> Iterator[str]:
    """No two tool uses of a message share an id."""
    for message in body.history:
        if isinstance(message, AssistantMessage):
            counts = Counter(use.tool_use_id for use in message.tool_uses)
            yield from (f"{message.where}.toolUses {i}" for i, n in counts.items() if n > 1)


def tool_uses_answered(body: Body, _caller: Caller) -> Iterator[str]:
    """The message after tool uses has a result for each of them."""
    for used, user in _exchanges(body):
        answered = {result.tool_use_id for result in user.tool_results}
        yield from (f"{user.where}.toolResults lacks {i}" for i in sorted(used - answered))


def tool_results_answer_a_use(body: Body, _caller: Caller) -> Iterator[str]:
    """A tool result answers a tool use of the message right before it."""
    for used, user in _exchanges(body):
        yield from (r.where for r in user.tool_results if r.tool_use_id not in used)


def tool_results_once(body: Body, _caller: Caller) -> Iterator[str]:
    """A tool use is answered once."""
    for user in body.user_messages:
        counts = Counter(result.tool_use_id for result in user.tool_results)
        yield from (f"{user.where}.toolResults {i}" for i, n in counts.items() if n > 1)


def _exchanges(body: Body) -> Iterator[tuple[set[str], UserMessage]]:
    """Each user message with the ids of the tool uses right before it."""
    used: set[str] = set()
    for message in body.messages:
        if isinstance(message, AssistantMessage):
            used = {use.tool_use_id for use in message.tool_uses}
        else:
            yield used, message
            used = set()


RULES: tuple[Rule, ...] = (
    rule(profile_needed, PROFILE_NEEDED),
    rule(profile_matches, PROFILE_INVALID),
    rule(conversation_id_form, CONVERSATION_INVALID),
    rule(continuation_id_is_uuid),
    rule(history_length),
    rule(history_starts_with_user),
    rule(history_ends_with_assistant),
    rule(history_alternates),
    rule(user_content),
    rule(assistant_content),
    rule(current_names_model),
    rule(current_names_origin),
    rule(model_is_known, MODEL_UNKNOWN),
    rule(tool_use_ids_unique),
    rule(tool_uses_answered),
    rule(tool_results_answer_a_use),
    rule(tool_results_once),
    *TOOL_RULES,
    *CONTENT_RULES,
)
