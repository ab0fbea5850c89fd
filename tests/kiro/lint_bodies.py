"""Bodies that keep every rule, and bodies that break one each."""

import base64
from collections.abc import Callable

from msgspec import Raw
from msgspec.structs import replace

from gateway.conversation import OWN_SIGNATURE_PREFIX
from gateway.kiro.body import (
    AssistantEntry,
    AssistantResponseMessage,
    ConversationState,
    Entry,
    ImageBlock,
    ImageSource,
    InputSchema,
    ReasoningContent,
    ReasoningText,
    RequestBody,
    ResultText,
    ToolEntry,
    ToolResultBlock,
    ToolSpecification,
    ToolUseBlock,
    UserContext,
    UserEntry,
    UserInputMessage,
)
from gateway.kiro.lint import Rule

PICTURE = base64.b64encode(b"picture").decode()
CONTINUATION_ID = "5f0f3c1e-3f0e-5a1b-9a40-6d6a2b1f7c55"


def tool(
    name: str = "Read",
    description: str = "Reads.",
    schema: bytes = b'{"type":"object","properties":{"a":{}},"required":["a"]}',
) -> ToolEntry:
    return ToolEntry(ToolSpecification(name, description, InputSchema(Raw(schema))))


def use(identifier: str = "t1", name: str = "Read", given: bytes = b'{"a":null}') -> ToolUseBlock:
    return ToolUseBlock(identifier, name, Raw(given))


def result(identifier: str = "t1", *texts: str) -> ToolResultBlock:
    return ToolResultBlock(identifier, "success", tuple(map(ResultText, texts or ("done",))))


def user(
    content: str = "Hello",
    *results: ToolResultBlock,
    tools: tuple[ToolEntry, ...] = (),
    images: tuple[ImageBlock, ...] = (),
) -> UserEntry:
    context = UserContext(results, tools) if results or tools else None
    return UserEntry(UserInputMessage(content, "auto", "AI_EDITOR", images, context))


def assistant(
    content: str = "Hi", *uses: ToolUseBlock, reasoning: ReasoningContent | None = None
) -> AssistantEntry:
    return AssistantEntry(AssistantResponseMessage(content, uses, reasoning))


def image(image_format: str = "png", data: str = PICTURE) -> ImageBlock:
    return ImageBlock(image_format, ImageSource(data))  # type: ignore[arg-type]  # wrong on purpose


def signed(signature: str | None = "c2ln") -> ReasoningContent:
    return ReasoningContent(ReasoningText("hm", signature))


def body(
    *history: Entry, current: UserEntry | None = None, tools: tuple[ToolEntry, ...] = (tool(),)
) -> RequestBody:
    state = ConversationState(
        conversation_id="c",
        agent_continuation_id=CONTINUATION_ID,
        chat_trigger_type="MANUAL",
        agent_task_type="vibe",
        current_message=current or user(tools=tools),
        history=history,
    )
    return RequestBody(state, profile_arn="arn:x")


VALID = {
    "the smallest body": body(tools=()),
    "a conversation": body(user(), assistant(), tools=()),
    "calls and results": body(
        user(),
        assistant(" ", use("t1"), use("t2", "READ")),
        user("", result("t2"), result("t1")),
        assistant("ok", use("t1")),
        current=user("and now?", result("t1", "", "text"), tools=(tool(), tool("Write"))),
    ),
    "images in every turn": body(
        user(images=(image("gif"), image("webp"))),
        assistant(),
        current=user(images=(image("jpeg"),)),
    ),
    "signed and redacted reasoning": body(
        user(),
        assistant(reasoning=signed()),
        user(),
        assistant(reasoning=ReasoningContent(redacted_content="cmVk")),
        tools=(),
    ),
    "a property called like a keyword": body(
        tools=(tool(schema=b'{"type":"object","properties":{"$ref":{},"required":{}}}'),)
    ),
    "refused words where they are data": body(
        tools=(tool(schema=b'{"type":"object","properties":{"a":{"default":{"$ref":1}}}}'),)
    ),
}


def with_state(**changes: object) -> RequestBody:
    return replace(body(), conversation_state=replace(body().conversation_state, **changes))


def with_current(**changes: object) -> RequestBody:
    message = replace(user(tools=(tool(),)).user_input_message, **changes)
    return body(current=UserEntry(message))


def with_schema(schema: bytes) -> RequestBody:
    return body(tools=(tool(schema=schema),))


def in_properties(schema: bytes) -> RequestBody:
    return with_schema(b'{"type":"object","properties":{"a":' + schema + b"}}")


def with_picture(data: str) -> RequestBody:
    return with_current(images=(image(data=data),))


CALL, ANSWER = assistant("x", use()), user("", result())
PAIR: tuple[Entry, Entry] = (user(), assistant())

BROKEN: dict[str, tuple[Rule, Callable[[], RequestBody]]] = {
    "no conversation id": ("conversation-id", lambda: with_state(conversation_id="")),
    "a conversation id of two words": (
        "conversation-id",
        lambda: with_state(conversation_id="two words"),
    ),
    "a long conversation id": ("conversation-id", lambda: with_state(conversation_id="c" * 129)),
    "a continuation id that is no UUID": (
        "continuation-id",
        lambda: with_state(agent_continuation_id="turn-1"),
    ),
    "request fields that are no object": (
        "model-fields",
        lambda: replace(body(), additional_model_request_fields=Raw(b"[]")),
    ),
    "a request field twice": (
        "model-fields",
        lambda: replace(body(), additional_model_request_fields=Raw(b'{"a":1,"a":2}')),
    ),
    "an empty profile ARN": ("profile-arn", lambda: replace(body(), profile_arn="")),
    "no model": ("model-id", lambda: with_current(model_id="")),
    "no origin": ("origin", lambda: with_current(origin="")),
    "an assistant first": ("history-starts-with-user", lambda: body(assistant())),
    "two users in a row": ("history-alternates", lambda: body(user(), user(), assistant())),
    "two assistants in a row": (
        "history-alternates",
        lambda: body(user(), assistant(), assistant()),
    ),
    "a user last": ("history-ends-with-assistant", lambda: body(*PAIR, user())),
    "too many entries": ("history-length", lambda: body(*PAIR * 5_001)),
    "an empty user message": ("user-content", lambda: body(user(""), assistant())),
    "a blank current message": ("user-content", lambda: with_current(content=" \n")),
    "only an image": ("user-content", lambda: with_current(content="", images=(image(),))),
    "a huge text": ("user-size", lambda: with_current(content="x" * 600_001)),
    "a huge text in wide characters": ("user-size", lambda: with_current(content="长" * 200_001)),
    "an empty answer": ("assistant-content", lambda: body(user(), assistant(""))),
    "a signature of ours": (
        "own-signature",
        lambda: body(user(), assistant(reasoning=signed(f"{OWN_SIGNATURE_PREFIX}1"))),
    ),
    "reasoning without signature": (
        "own-signature",
        lambda: body(user(), assistant(reasoning=signed(None))),
    ),
    "reasoning without anything": (
        "reasoning-union",
        lambda: body(user(), assistant(reasoning=ReasoningContent())),
    ),
    "reasoning of both kinds": (
        "reasoning-union",
        lambda: body(user(), assistant(reasoning=replace(signed(), redacted_content="cmVk"))),
    ),
    "redacted reasoning that is empty": (
        "reasoning-union",
        lambda: body(user(), assistant(reasoning=ReasoningContent(redacted_content=""))),
    ),
    "tools in the history": ("tools-in-history", lambda: body(user(tools=(tool(),)), assistant())),
    "results without tools": (
        "tools-missing",
        lambda: body(user(), CALL, ANSWER, assistant(), tools=()),
    ),
    "an undeclared tool": (
        "tool-undeclared",
        lambda: body(user(), assistant("x", use(name="Gone")), ANSWER, assistant()),
    ),
    "a long tool name": ("tool-name", lambda: body(tools=(tool("a" * 65),))),
    "an empty tool name": ("tool-name", lambda: body(tools=(tool(""),))),
    "a dot in a tool name": ("tool-name", lambda: body(tools=(tool("a.b"),))),
    "a line end in a tool name": ("tool-name", lambda: body(tools=(tool("a\n"),))),
    "a digit first": ("tool-name", lambda: body(tools=(tool("1a"),))),
    "the service's own tool": ("tool-name-reserved", lambda: body(tools=(tool("web_search"),))),
    "the service's own tool in other letters": (
        "tool-name-reserved",
        lambda: body(tools=(tool("Web_search"),)),
    ),
    "names that differ in case": ("tool-name-unique", lambda: body(tools=(tool("Ls"), tool("ls")))),
    "no description": ("tool-description-empty", lambda: body(tools=(tool(description=""),))),
    "a blank description": ("tool-description-empty", lambda: body(tools=(tool(description=" "),))),
    "a long description": (
        "tool-description-length",
        lambda: body(tools=(tool(description="x" * 10_001),)),
    ),
    "a schema that is no JSON": ("schema-object", lambda: with_schema(b"{")),
    "a schema that is a list": ("schema-object", lambda: with_schema(b"[]")),
    "a schema of another type": (
        "schema-object",
        lambda: with_schema(b'{"type":"string","properties":{}}'),
    ),
    "a schema without properties": ("schema-object", lambda: with_schema(b'{"type":"object"}')),
    "a schema that names a member twice": (
        "schema-object",
        lambda: with_schema(b'{"type":"object","properties":{"a":{}, "a":{}}}'),
    ),
    "properties that are a list": (
        "schema-properties",
        lambda: with_schema(b'{"type":"object","properties":[]}'),
    ),
    "a boolean property": ("schema-properties", lambda: in_properties(b"true")),
    "nested properties that are a list": (
        "schema-properties",
        lambda: in_properties(b'{"items":{"properties":[]}}'),
    ),
    "an empty required": ("schema-required", lambda: in_properties(b'{"required":[]}')),
    "a required name that is no property": (
        "schema-required",
        lambda: in_properties(b'{"properties":{"x":{}},"required":["x","y"]}'),
    ),
    "a boolean required": ("schema-required", lambda: in_properties(b'{"required":true}')),
    "additionalProperties": (
        "schema-keyword",
        lambda: with_schema(b'{"type":"object","properties":{},"additionalProperties":false}'),
    ),
    "a reference deep inside": (
        "schema-keyword",
        lambda: in_properties(b'{"anyOf":[{"items":[{"not":{"$ref":"#"}}]}]}'),
    ),
    "a reference in a list that should be a schema": (
        "schema-keyword",
        lambda: in_properties(b'{"not":[{"$ref":"#"}]}'),
    ),
    "a definition table": ("schema-keyword", lambda: in_properties(b'{"$defs":{}}')),
    "a call without id": (
        "tool-use-id",
        lambda: body(user(), assistant("x", use("")), user("", result("")), assistant()),
    ),
    "two calls of one id": (
        "tool-use-id-unique",
        lambda: body(user(), assistant("x", use(), use()), ANSWER, assistant()),
    ),
    "an input that is a string": (
        "tool-use-input",
        lambda: body(user(), assistant("x", use(given=b'"{}"')), ANSWER, assistant()),
    ),
    "an input that is cut": (
        "tool-use-input",
        lambda: body(user(), assistant("x", use(given=b'{"a":')), ANSWER, assistant()),
    ),
    "an input that is no UTF-8": (
        "tool-use-input",
        lambda: body(user(), assistant("x", use(given=b'{"a":"\xff"}')), ANSWER, assistant()),
    ),
    "an input that names a member twice": (
        "tool-use-input",
        lambda: body(
            user(), assistant("x", use(given=b'{"a":[{"b":1,"b":2}]}')), ANSWER, assistant()
        ),
    ),
    "a call without result": (
        "tool-use-unanswered",
        lambda: body(user(), CALL, user(), assistant()),
    ),
    "a last call without result": ("tool-use-unanswered", lambda: body(user(), CALL)),
    "one of two calls without result": (
        "tool-use-unanswered",
        lambda: body(user(), assistant("x", use(), use("t2")), ANSWER, assistant()),
    ),
    "a result without call": ("tool-result-orphaned", lambda: body(ANSWER, assistant())),
    "a current result without call": (
        "tool-result-orphaned",
        lambda: body(*PAIR, current=user("", result(), tools=(tool(),))),
    ),
    "a result of an older call": (
        "tool-result-orphaned",
        lambda: body(user(), CALL, ANSWER, assistant(), ANSWER, assistant()),
    ),
    "two results for one call": (
        "tool-result-repeated",
        lambda: body(user(), CALL, user("", result(), result()), assistant()),
    ),
    "an empty result": (
        "tool-result-content",
        lambda: body(user(), CALL, user("", result("t1", "")), assistant()),
    ),
    "a result without content": (
        "tool-result-content",
        lambda: body(user(), CALL, user("", ToolResultBlock("t1", "error", ())), assistant()),
    ),
    "huge results": (
        "tool-results-size",
        lambda: body(
            user(),
            assistant("x", use(), use("t2")),
            user("", result("t1", "x" * 400_000), result("t2", "x" * 400_001)),
            assistant(),
        ),
    ),
    "eleven images": (
        "image-count",
        lambda: body(user(images=(image(),) * 5), assistant(), current=user(images=(image(),) * 6)),
    ),
    "an unknown picture format": ("image-format", lambda: with_current(images=(image("jpg"),))),
    "a huge picture": ("image-size", lambda: with_picture("A" * 14_000_000)),
    "a data URL": ("image-data", lambda: with_picture("data:,AAA")),
    "an empty picture": ("image-data", lambda: with_picture("")),
    "a picture without padding": ("image-data", lambda: with_picture("QQ")),
    "padding in the middle": ("image-data", lambda: with_picture("QQ==QUFB")),
    "too much padding": ("image-data", lambda: with_picture("Q===")),
    "a picture in wide letters": ("image-data", lambda: with_picture("ＱＱＱＱ")),
    "a line break in a picture": ("image-data", lambda: with_picture("QUFB\nQUF")),
}
