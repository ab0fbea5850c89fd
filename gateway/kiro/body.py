"""The body of GenerateAssistantResponse: the members that we send, no more.

Empty lists and absent members are left out, never `null`: the service takes some of them for
malformed. Tool inputs and schemas stay JSON text. Which values are allowed is `lint`'s business.
"""

from typing import Literal

from msgspec import Raw, Struct, field

from gateway.conversation import ImageFormat


class ImageSource(Struct, frozen=True, gc=False):
    """`bytes` on the wire: standard base64 with padding."""

    data: str = field(name="bytes")


class ImageBlock(Struct, frozen=True, gc=False):
    """A picture; the service knows `jpeg` and not `jpg`."""

    format: ImageFormat
    source: ImageSource


class ResultText(Struct, frozen=True, gc=False):
    """One element of a tool result's content."""

    text: str


class ToolResultBlock(Struct, frozen=True, gc=False, rename="camel"):
    """The answer to a tool use of the assistant message directly before."""

    tool_use_id: str
    status: Literal["success", "error"]
    content: tuple[ResultText, ...]


class InputSchema(Struct, frozen=True, gc=False):
    """`json` is a JSON object, not a string that holds one."""

    json: Raw


class ToolSpecification(Struct, frozen=True, gc=False, rename="camel"):
    """A tool that the model may call."""

    name: str
    description: str
    input_schema: InputSchema


class ToolEntry(Struct, frozen=True, gc=False, rename="camel"):
    """An element of `tools`; the service's union has a cache point beside it."""

    tool_specification: ToolSpecification


class UserContext(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What rides beside a user message: results anywhere, tools on the current message only."""

    tool_results: tuple[ToolResultBlock, ...] = ()
    tools: tuple[ToolEntry, ...] = ()


class UserInputMessage(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """A user message; its content may be empty only beside tool results."""

    content: str
    model_id: str
    origin: str
    images: tuple[ImageBlock, ...] = ()
    user_input_message_context: UserContext | None = None


class ToolUseBlock(Struct, frozen=True, gc=False, rename="camel"):
    """A call of the model's; `input` is a JSON object."""

    tool_use_id: str
    name: str
    input: Raw


class ReasoningText(Struct, frozen=True, gc=False, omit_defaults=True):
    """Reasoning with the service's own signature."""

    text: str
    signature: str | None = None


class ReasoningContent(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Exactly one of the two; `redacted_content` is base64."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class AssistantResponseMessage(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """A message of the model's; its content is never empty."""

    content: str
    tool_uses: tuple[ToolUseBlock, ...] = ()
    reasoning_content: ReasoningContent | None = None


class UserEntry(Struct, frozen=True, gc=False, rename="camel"):
    """A user message in its place in the conversation."""

    user_input_message: UserInputMessage


class AssistantEntry(Struct, frozen=True, gc=False, rename="camel"):
    """A message of the model's in its place in the conversation."""

    assistant_response_message: AssistantResponseMessage


Entry = UserEntry | AssistantEntry


class ConversationState(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """The whole conversation; the service keeps none of it between requests."""

    conversation_id: str
    agent_continuation_id: str
    chat_trigger_type: Literal["MANUAL"]
    agent_task_type: Literal["vibe"]
    current_message: UserEntry
    history: tuple[Entry, ...] = ()


class RequestBody(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """The root. `profile_arn` comes late: one body serves several accounts."""

    conversation_state: ConversationState
    profile_arn: str | None = None
    additional_model_request_fields: Raw | None = None
