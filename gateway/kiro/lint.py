"""The rules that a body keeps, each with a name, checked before every send.

The service answers nearly every violation with the same `Improperly formed request.` and no hint,
so what is wrong has to be known here. `payload` and `trim` build bodies that keep all of them: a
violation is a defect of ours, and its name goes to the log. What the types of `body` cannot even
express (`null` members, empty lists, an entry with two messages) has no rule.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, get_args

import msgspec

from gateway.conversation import OWN_SIGNATURE_PREFIX
from gateway.kiro.body import (
    AssistantEntry,
    AssistantResponseMessage,
    Entry,
    RequestBody,
    ToolEntry,
    ToolResultBlock,
    UserEntry,
    UserInputMessage,
)
from gateway.kiro.images import MAX_IMAGES, image_fault
from gateway.kiro.json_object import is_sound_object
from gateway.kiro.payload import MAX_HISTORY, MAX_TOOL_RESULTS, MAX_USER_TEXT
from gateway.kiro.schemas import HOLDERS, MAPS_OF_SCHEMAS, REFUSED_KEYWORDS
from gateway.kiro.tools import MAX_DESCRIPTION, is_reserved_name, is_valid_name

Rule = Literal[
    "conversation-id",
    "continuation-id",
    "profile-arn",
    "model-fields",
    "model-id",
    "origin",
    "history-starts-with-user",
    "history-alternates",
    "history-ends-with-assistant",
    "history-length",
    "user-content",
    "user-size",
    "assistant-content",
    "own-signature",
    "reasoning-union",
    "tools-in-history",
    "tools-missing",
    "tool-undeclared",
    "tool-name",
    "tool-name-reserved",
    "tool-name-unique",
    "tool-description-empty",
    "tool-description-length",
    "schema-object",
    "schema-properties",
    "schema-required",
    "schema-keyword",
    "tool-use-id",
    "tool-use-id-unique",
    "tool-use-input",
    "tool-use-unanswered",
    "tool-result-orphaned",
    "tool-result-repeated",
    "tool-result-content",
    "tool-results-size",
    "image-count",
    "image-format",
    "image-size",
    "image-data",
]

RULES: Final[dict[Rule, str]] = {
    "conversation-id": "the body names a conversation, by 1 to 128 visible ASCII characters",
    "continuation-id": "what the user said last is named by a UUID",
    "profile-arn": "a profile ARN is left out rather than empty",
    "model-fields": "further request fields are a JSON object, no name in it twice",
    "model-id": "every user message names a model",
    "origin": "every user message names its origin",
    "history-starts-with-user": "the history begins with a user message",
    "history-alternates": "no two neighbours of the history are of one role",
    "history-ends-with-assistant": "the history ends with a message of the model's",
    "history-length": f"the history has at most {MAX_HISTORY} entries",
    "user-content": "a user message has text unless it brings tool results",
    "user-size": f"the text of a user message is at most {MAX_USER_TEXT} bytes",
    "assistant-content": "the content of a message of the model's is not empty",
    "own-signature": "reasoning goes up only under the service's own signature",
    "reasoning-union": "reasoning is either text or redacted, and neither is empty",
    "tools-in-history": "only the current message declares tools",
    "tools-missing": "a body with tool calls or results declares tools",
    "tool-undeclared": "every tool that the history calls is declared, in any case of letters",
    "tool-name": "a tool name is a letter and at most 63 letters, digits, `_` or `-`",
    "tool-name-reserved": "no tool is called like the service's own `web_search`",
    "tool-name-unique": "tool names differ in more than the case of letters",
    "tool-description-empty": "every tool has a description",
    "tool-description-length": f"a description has at most {MAX_DESCRIPTION} characters",
    "schema-object": "a schema is a JSON object of type `object` with `properties`, no name twice",
    "schema-properties": "`properties` is an object of objects, at every level",
    "schema-required": "`required` is a list of names of `properties`, not empty, at every level",
    "schema-keyword": f"no schema uses {', '.join(f'`{k}`' for k in sorted(REFUSED_KEYWORDS))}",
    "tool-use-id": "every tool call has an id",
    "tool-use-id-unique": "the ids of one message's tool calls differ",
    "tool-use-input": "the input of a tool call is a JSON object, no name in it twice",
    "tool-use-unanswered": "every tool call has its result in the next user message",
    "tool-result-orphaned": "a result answers a call of the message directly before",
    "tool-result-repeated": "a call has one result",
    "tool-result-content": "a tool result has a text",
    "tool-results-size": f"one message's tool results are at most {MAX_TOOL_RESULTS} bytes",
    "image-count": f"a body has at most {MAX_IMAGES} images",
    "image-format": "an image is png, jpeg, gif or webp",
    "image-size": "an image is at most 10 MiB",
    "image-data": "an image is valid base64",
}
"""What each rule asks for."""

assert RULES.keys() == set(get_args(Rule))

_IMAGE_RULES: Final[dict[str, Rule]] = {
    "format": "image-format",
    "size": "image-size",
    "data": "image-data",
}
_MAX_CACHED: Final = 32 * 1024  # bytes of one schema
_CONVERSATION_ID: Final = re.compile(r"[!-~]{1,128}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule. `detail` says where, in positions and counts, never what a user wrote."""

    rule: Rule
    detail: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.detail}"


def lint(body: RequestBody) -> tuple[Violation, ...]:
    """Check all rules; () for a body that may be sent. The whole size is the payload guard's."""
    return _Linter(body).run()


class _Linter:
    """One pass over one body; each method checks one place and names the rules it knows."""

    def __init__(self, body: RequestBody) -> None:
        self._body = body
        self._state = body.conversation_state
        self._found: list[Violation] = []
        self._declared: set[str] = set()
        self._images = 0

    def run(self) -> tuple[Violation, ...]:
        state = self._state
        history = state.history
        current = state.current_message.user_input_message
        if _CONVERSATION_ID.fullmatch(state.conversation_id) is None:
            self._break("conversation-id", "conversationState")
        if _UUID.fullmatch(state.agent_continuation_id) is None:
            self._break("continuation-id", "conversationState")
        if self._body.profile_arn == "":
            self._break("profile-arn", "body")
        fields = self._body.additional_model_request_fields
        if fields is not None and not is_sound_object(bytes(fields)):
            self._break("model-fields", "body")
        tools = current.user_input_message_context and current.user_input_message_context.tools
        self._check_tools(tools or ())
        self._check_order(history)
        open_calls: Collection[str] = ()
        for index, entry in enumerate(history):
            if type(entry) is AssistantEntry:
                if open_calls:  # two neighbours of one role: their results cannot be in between
                    self._break("tool-use-unanswered", _at(index))
                open_calls = self._check_assistant(entry.assistant_response_message, index)
            elif type(entry) is UserEntry:
                self._check_user(entry.user_input_message, index, open_calls)
                open_calls = ()
        self._check_user(current, None, open_calls)
        if self._images > MAX_IMAGES:
            self._break("image-count", f"{self._images} images")
        return tuple(self._found)

    def _break(self, rule: Rule, detail: str) -> None:
        self._found.append(Violation(rule, detail))

    def _check_order(self, history: Sequence[Entry]) -> None:
        if not history:
            return
        if type(history[0]) is not UserEntry:
            self._break("history-starts-with-user", _at(0))
        if type(history[-1]) is not AssistantEntry:
            self._break("history-ends-with-assistant", _at(len(history) - 1))
        previous: type[Entry] | None = None
        for index, entry in enumerate(history):
            kind = type(entry)
            if kind is previous:
                self._break("history-alternates", _at(index))
            previous = kind
        if len(history) > MAX_HISTORY:
            self._break("history-length", f"{len(history)} entries")

    def _check_user(
        self, message: UserInputMessage, index: int | None, open_calls: Collection[str]
    ) -> None:
        context = message.user_input_message_context
        results = context.tool_results if context is not None else ()
        if results or open_calls:
            self._check_results(results, open_calls, index)
        content = message.content
        if not results and (not content or content.isspace()):
            self._break("user-content", _at(index))
        if _exceeds((content,), MAX_USER_TEXT):
            self._break("user-size", _at(index))
        if not message.model_id:
            self._break("model-id", _at(index))
        if not message.origin:
            self._break("origin", _at(index))
        if index is not None and context is not None and context.tools:
            self._break("tools-in-history", _at(index))
        if message.images:
            self._images += len(message.images)
            for image in message.images:
                if fault := image_fault(image.format, image.source.data):
                    self._break(_IMAGE_RULES[fault], _at(index))

    def _check_results(
        self, results: Sequence[ToolResultBlock], open_calls: Collection[str], index: int | None
    ) -> None:
        answered: set[str] = set()
        for result in results:
            identifier = result.tool_use_id
            if identifier in answered:
                self._break("tool-result-repeated", _at(index))
            elif identifier not in open_calls:
                self._break("tool-result-orphaned", _at(index))
            answered.add(identifier)
            if not any(part.text and not part.text.isspace() for part in result.content):
                self._break("tool-result-content", _at(index))
        if not answered.issuperset(open_calls):
            self._break("tool-use-unanswered", _at(index))
        if results:
            if not self._declared:
                self._break("tools-missing", _at(index))
            if _exceeds([p.text for r in results for p in r.content], MAX_TOOL_RESULTS):
                self._break("tool-results-size", _at(index))

    def _check_assistant(self, message: AssistantResponseMessage, index: int) -> Collection[str]:
        """Returns the ids of its calls, which the next message has to answer."""
        if not message.content:
            self._break("assistant-content", _at(index))
        if (reasoning := message.reasoning_content) is not None:
            text, redacted = reasoning.reasoning_text, reasoning.redacted_content
            if (text is None) is (redacted is None) or redacted == "":
                self._break("reasoning-union", _at(index))
            if text and (not text.signature or text.signature.startswith(OWN_SIGNATURE_PREFIX)):
                self._break("own-signature", _at(index))
        if not message.tool_uses:
            return ()
        identifiers: dict[str, None] = {}
        for use in message.tool_uses:
            if not use.tool_use_id:
                self._break("tool-use-id", _at(index))
            elif use.tool_use_id in identifiers:
                self._break("tool-use-id-unique", _at(index))
            identifiers[use.tool_use_id] = None
            if self._declared and use.name.lower() not in self._declared:
                self._break("tool-undeclared", _at(index))
            if not is_sound_object(bytes(use.input)):
                self._break("tool-use-input", _at(index))
        return identifiers

    def _check_tools(self, tools: Iterable[ToolEntry]) -> None:
        for index, entry in enumerate(tools):
            tool = entry.tool_specification
            name, where = tool.name.lower(), f"tools[{index}]"
            if not is_valid_name(tool.name):
                self._break("tool-name", where)
            elif is_reserved_name(tool.name):
                self._break("tool-name-reserved", where)
            if name in self._declared:
                self._break("tool-name-unique", where)
            self._declared.add(name)
            if not tool.description or tool.description.isspace():
                self._break("tool-description-empty", where)
            elif len(tool.description) > MAX_DESCRIPTION:
                self._break("tool-description-length", where)
            for rule in _broken_by_schema(bytes(tool.input_schema.json)):
                self._break(rule, where)


def _at(index: int | None) -> str:
    return "currentMessage" if index is None else f"history[{index}]"


def _exceeds(texts: Sequence[str], limit: int) -> bool:
    """Whether the texts are longer than `limit` bytes; four bytes is the longest character."""
    if sum(map(len, texts)) * 4 <= limit:
        return False
    return sum(len(text.encode()) for text in texts) > limit


def _broken_by_schema(schema: bytes) -> tuple[Rule, ...]:
    """The same few schemas come with every body, so the answers for them are kept."""
    return _cached(schema) if len(schema) <= _MAX_CACHED else _check_schema(schema)


def _check_schema(schema: bytes) -> tuple[Rule, ...]:
    try:
        root = msgspec.json.decode(schema)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ("schema-object",)
    if not isinstance(root, dict):
        return ("schema-object",)
    broken: dict[Rule, None] = {}
    if root.get("type") != "object" or "properties" not in root or not is_sound_object(schema):
        broken["schema-object"] = None
    for node in _schemas_of(root):
        for rule, is_kept in _SCHEMA_CHECKS:
            if not is_kept(node):
                broken[rule] = None
    return tuple(broken)


_cached = lru_cache(maxsize=512)(_check_schema)


def _schemas_of(root: dict[str, object]) -> Iterator[dict[str, object]]:
    """A schema and all schemas in it; what only looks like a keyword (a property's name) is not.

    A list is searched wherever a schema could stand, for the service's way with it is not known.
    """
    pending: list[object] = [root]
    while pending:
        node = pending.pop()
        if not isinstance(node, dict):
            continue
        yield node
        for keyword, value in node.items():
            if keyword not in HOLDERS:
                continue
            if isinstance(value, list):
                pending += value
            elif keyword not in MAPS_OF_SCHEMAS:
                pending.append(value)
            elif isinstance(value, dict):
                pending += value.values()


def _has_sound_properties(schema: dict[str, object]) -> bool:
    properties = schema.get("properties", {})
    return isinstance(properties, dict) and all(isinstance(p, dict) for p in properties.values())


def _has_sound_required(schema: dict[str, object]) -> bool:
    if "required" not in schema:
        return True
    required, properties = schema["required"], schema.get("properties")
    return (
        isinstance(required, list)
        and bool(required)
        and isinstance(properties, dict)
        and all(isinstance(name, str) and name in properties for name in required)
    )


def _has_no_refused_keyword(schema: dict[str, object]) -> bool:
    return not schema.keys() & REFUSED_KEYWORDS


_SCHEMA_CHECKS: Final[tuple[tuple[Rule, Callable[[dict[str, object]], bool]], ...]] = (
    ("schema-properties", _has_sound_properties),
    ("schema-required", _has_sound_required),
    ("schema-keyword", _has_no_refused_keyword),
)
