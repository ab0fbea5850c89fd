"""The members of a GenerateAssistantResponse body, each with its type.

The walk reports what no later check could read past: unknown members, nulls, wrong types. Where a
member may hold any JSON (`Document`), nothing below it is looked at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.simulator.strict_json import Json, JsonObject

Kind = Literal[
    "unknown-root-member",
    "unknown-member",
    "missing-member",
    "null-member",
    "wrong-type",
    "one-variant",
    "empty-list",
    "empty-string",
    "unknown-value",
]


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `values` closes the set."""

    values: frozenset[str] | None = None
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number or a truth value."""

    of: type[bool] | type[int]


@dataclass(frozen=True, slots=True)
class Document:
    """Any JSON but null, or any object."""

    object_only: bool = False


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list that is left out rather than empty."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class Record:
    """An object of known members."""

    members: Mapping[str, "Shape"]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OneOf:
    """An object with exactly one of these members."""

    variants: Mapping[str, "Shape"]


Shape: TypeAlias = Text | Scalar | Document | ListOf | Record | OneOf


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it has to be; `where` is a path such as `history[3].content`."""

    kind: Kind
    where: str


def findings(body: JsonObject) -> Iterator[Finding]:
    """Walk a whole body."""
    for name in body.keys() - BODY.members.keys():
        yield Finding("unknown-root-member", name)
    known = {name: value for name, value in body.items() if name in BODY.members}
    yield from _walk(BODY, known, "")


def _walk(shape: Shape, value: Json, where: str) -> Iterator[Finding]:
    if value is None:
        yield Finding("null-member", where)
        return
    match shape:
        case Text(values, may_be_empty):
            if not isinstance(value, str):
                yield Finding("wrong-type", where)
            elif not value and not may_be_empty:
                yield Finding("empty-string", where)
            elif values is not None and value not in values:
                yield Finding("unknown-value", where)
        case Scalar(of):
            if isinstance(value, bool) is not (of is bool) or not isinstance(value, int):
                yield Finding("wrong-type", where)
        case Document(object_only):
            if object_only and not isinstance(value, dict):
                yield Finding("wrong-type", where)
        case ListOf(item):
            if not isinstance(value, list):
                yield Finding("wrong-type", where)
                return
            if not value:
                yield Finding("empty-list", where)
            for index, element in enumerate(value):
                yield from _walk(item, element, f"{where}[{index}]")
        case Record(members, required):
            if not isinstance(value, dict):
                yield Finding("wrong-type", where)
                return
            prefix = f"{where}." if where else ""
            for name in required:
                if name not in value:
                    yield Finding("missing-member", prefix + name)
            for name, member in value.items():
                if (inner := members.get(name)) is None:
                    yield Finding("unknown-member", prefix + name)
                else:
                    yield from _walk(inner, member, prefix + name)
        case OneOf(variants):
            if not isinstance(value, dict):
                yield Finding("wrong-type", where)
            elif len(value) != 1 or not value.keys() <= variants.keys():
                yield Finding("one-variant", where)
            else:
                name, member = next(iter(value.items()))
                yield from _walk(variants[name], member, f"{where}.{name}")


def _enum(*values: str) -> Text:
    return Text(frozenset(values))


_TEXT = Text()
_ANY_TEXT = Text(may_be_empty=True)
_NUMBER = Scalar(int)
_FLAG = Scalar(bool)
_CACHE_POINT = Record({"type": _enum("default")}, ("type",))

ORIGIN = _enum(
    "AI_EDITOR", "CHATBOT", "CLI", "CONSOLE", "DOCUMENTATION", "GITLAB", "IDE", "INLINE_CHAT",
    "KIRO_CLI", "MARKETING", "MD", "MD_CE", "MD_IDE", "MOBILE", "OPENSEARCH_DASHBOARD",
    "Q_DEV_BEXT", "SAGE_MAKER", "SERVICE_INTERNAL", "SM_AI_STUDIO_IDE", "UNIFIED_SEARCH", "UNKNOWN",
)  # fmt: skip
_INTENT = _enum(
    "APPLY_COMMON_BEST_PRACTICES", "CITE_SOURCES", "CODE_GENERATION", "EXPLAIN_CODE_SELECTION",
    "EXPLAIN_LINE_BY_LINE", "GENERATE_CLOUDFORMATION_TEMPLATE", "GENERATE_UNIT_TESTS",
    "IMPROVE_CODE", "SHOW_EXAMPLES", "SUGGEST_ALTERNATE_IMPLEMENTATION",
)  # fmt: skip

_IMAGE = Record(
    {
        "format": _enum("gif", "jpeg", "png", "webp"),
        "source": Record({"bytes": _TEXT}, ("bytes",)),
    },
    ("format", "source"),
)
_TOOL_SPECIFICATION = Record(
    {
        "name": _ANY_TEXT,
        "description": _ANY_TEXT,
        "inputSchema": Record({"json": Document(object_only=True)}, ("json",)),
    },
    ("name", "inputSchema"),
)
_TOOL = OneOf({"toolSpecification": _TOOL_SPECIFICATION, "cachePoint": _CACHE_POINT})
_TOOL_RESULT = Record(
    {
        "toolUseId": _TEXT,
        "content": ListOf(OneOf({"text": _ANY_TEXT, "json": Document()})),
        "status": _enum("success", "error"),
    },
    ("toolUseId", "content"),
)
_ENVIRONMENT = Record(
    {
        # `darwin` is known to be refused; these three are what works.
        "operatingSystem": _enum("macos", "linux", "windows"),
        "currentWorkingDirectory": _TEXT,
        "environmentVariables": ListOf(Record({"key": _TEXT, "value": _ANY_TEXT})),
        "timezoneOffset": _NUMBER,
    }
)
_SHELL_COMMAND = Record(
    {"command": _TEXT, "directory": _TEXT, "exitCode": _NUMBER, "stdout": _ANY_TEXT,
     "stderr": _ANY_TEXT},
    ("command",),
)  # fmt: skip
_CONTEXT = Record(
    {
        "toolResults": ListOf(_TOOL_RESULT),
        "tools": ListOf(_TOOL),
        "envState": _ENVIRONMENT,
        "editorState": Record(
            {
                "document": Document(object_only=True),
                "cursorState": Document(object_only=True),
                "relevantDocuments": ListOf(Document(object_only=True)),
                "useRelevantDocuments": _FLAG,
                "workspaceFolders": ListOf(_TEXT),
            }
        ),
        "shellState": Record(
            {"shellName": _TEXT, "shellHistory": ListOf(_SHELL_COMMAND)}, ("shellName",)
        ),
        "gitState": Record({"status": _ANY_TEXT}),
        "appStudioContext": Record(
            {"namespace": _TEXT, "propertyName": _TEXT, "propertyValue": _ANY_TEXT,
             "propertyContext": _TEXT},
            ("namespace", "propertyName", "propertyContext"),
        ),
        "diagnostic": OneOf(
            {
                "textDocumentDiagnostic": Document(object_only=True),
                "runtimeDiagnostic": Document(object_only=True),
            }
        ),
        "consoleState": Record(
            dict.fromkeys(
                ("region", "consoleUrl", "serviceId", "serviceConsolePage",
                 "serviceSubconsolePage", "taskName"),
                _TEXT,
            )
        ),
        "userSettings": Record({"hasConsentedToCrossRegionCalls": _FLAG}),
        "additionalContext": ListOf(
            Record(
                {"name": _TEXT, "description": _TEXT, "innerContext": _ANY_TEXT},
                ("name", "description"),
            )
        ),
    }
)  # fmt: skip
_USER_MESSAGE = Record(
    {
        "content": _ANY_TEXT,
        "userInputMessageContext": _CONTEXT,
        "userIntent": _INTENT,
        "origin": ORIGIN,
        "images": ListOf(_IMAGE),
        "modelId": _TEXT,
        "cachePoint": _CACHE_POINT,
        "clientCacheConfig": Record({"useClientCachingOnly": _FLAG}),
    },
    ("content",),
)
_TOOL_USE = Record(
    {"toolUseId": _TEXT, "name": _TEXT, "input": Document(object_only=True)},
    ("toolUseId", "name", "input"),
)
_REASONING = OneOf(
    {
        "reasoningText": Record({"text": _ANY_TEXT, "signature": _TEXT}, ("text",)),
        "redactedContent": _TEXT,
    }
)
_ASSISTANT_MESSAGE = Record(
    {
        "content": _ANY_TEXT,
        "messageId": _TEXT,
        "toolUses": ListOf(_TOOL_USE),
        "reasoningContent": _REASONING,
        "cachePoint": _CACHE_POINT,
        "supplementaryWebLinks": ListOf(Document(object_only=True)),
        "references": ListOf(Document(object_only=True)),
        "followupPrompt": Record({"content": _TEXT, "userIntent": _INTENT}, ("content",)),
    },
    ("content",),
)
_MESSAGE = OneOf(
    {"userInputMessage": _USER_MESSAGE, "assistantResponseMessage": _ASSISTANT_MESSAGE}
)
BODY = Record(
    {
        "conversationState": Record(
            {
                "conversationId": _TEXT,
                "workspaceId": _TEXT,
                "history": ListOf(_MESSAGE),
                "currentMessage": OneOf({"userInputMessage": _USER_MESSAGE}),
                "chatTriggerType": _enum("MANUAL", "DIAGNOSTIC", "INLINE_CHAT"),
                "customizationArn": _TEXT,
                "agentContinuationId": _TEXT,
                "agentTaskType": _enum("vibe", "spectask"),
            },
            ("currentMessage", "chatTriggerType"),
        ),
        "profileArn": _TEXT,
        "agentMode": _enum("vibe", "spec"),
        "additionalModelRequestFields": Document(object_only=True),
    },
    ("conversationState",),
)
