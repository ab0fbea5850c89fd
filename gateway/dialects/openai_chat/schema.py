"""The shapes of a Chat Completions request, as far as they mean something here.

Fields that are not named are skipped unread. What differs by the type of a part, and what nobody
here looks into, stays JSON text (`Raw`) until its turn comes, so that a part of an unknown type
can hold anything.
"""

import re
from collections.abc import Mapping
from typing import Final, TypeVar

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder

from gateway.dialects.escapes import without_half_pairs
from gateway.errors import InvalidRequest

T = TypeVar("T")
Fields = Mapping[str, Raw]
"""The members of a request body, each still as JSON text."""

ABSENT: Final = Raw()
"""Stands for a `Raw` field that was not there; equal to no JSON text."""
NULL: Final = Raw(b"null")


class Part(Struct, gc=False):
    """One part of a message's content, of any type.

    `text`, `image_url`, `file`, `refusal` are Chat Completions'; `input_image` and `input_file`
    (members of the part itself) the Responses API's; `source`, `content`, `thinking`, `id`, `name`,
    `input` and `tool_use_id` belong to Anthropic's blocks, which some clients mix in.
    """

    type: str = ""
    text: object = None
    refusal: object = None
    thinking: object = None
    signature: object = None
    image_url: Raw = ABSENT
    file: Raw = ABSENT
    filename: object = None
    file_data: object = None
    file_url: object = None
    source: Raw = ABSENT
    title: object = None
    id: object = None
    name: object = None
    input: Raw = ABSENT
    tool_use_id: object = None
    content: Raw = ABSENT
    is_error: object = None


class FunctionCall(Struct, gc=False):
    """`arguments` should be the JSON text of an object; some clients send the object."""

    name: str = ""
    arguments: object = None


class CustomCall(Struct, gc=False):
    """A call of a free-form tool."""

    name: str = ""
    input: object = None


class ToolCall(Struct, gc=False):
    """An element of an assistant's `tool_calls`."""

    id: str | None = None
    function: FunctionCall | None = None
    custom: CustomCall | None = None


class Message(Struct, gc=False):
    """A message, or an item of a Responses request's `input`, which has a `type`."""

    role: str = ""
    content: str | list[str | Part] | None = None
    reasoning_content: object = None
    reasoning: object = None
    refusal: object = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    function_call: FunctionCall | None = None
    type: str | None = None
    call_id: str | None = None
    arguments: object = None
    input: object = None
    output: Raw = ABSENT
    summary: Raw = ABSENT


class ImageUrl(Struct):
    """`{"url": …, "detail": …}`; pictures are always taken at full detail."""

    url: str


class FileData(Struct):
    """`file_data` is base64, as a rule in a `data:` URL."""

    file_data: str | None = None
    filename: str | None = None


class Source(Struct):
    """Where the data of an Anthropic image or document is."""

    type: str = ""
    media_type: str | None = None
    data: str | None = None
    url: str | None = None


class FunctionDefinition(Struct):
    """A tool's declaration; `input_schema` is Anthropic's word for `parameters`."""

    name: str | None = None
    description: str | None = None
    parameters: Raw = ABSENT
    input_schema: Raw = ABSENT
    strict: object = None


class ToolDefinition(FunctionDefinition):
    """`{"type": "function", "function": {…}}`, or flat: the function's members beside the type."""

    type: str | None = None
    function: FunctionDefinition | None = None


class NamedFunction(Struct):
    """A function by its name."""

    name: str | None = None


class AllowedTools(Struct):
    """A choice among some of the tools."""

    mode: str | None = None
    tools: list[ToolDefinition] | None = None


class ToolChoiceObject(Struct):
    """`{"type": "function" | "allowed_tools" | …}`, nested as in Chat Completions, or flat."""

    type: str = ""
    function: NamedFunction | None = None
    name: str | None = None
    allowed_tools: AllowedTools | None = None
    mode: str | None = None
    tools: list[ToolDefinition] | None = None


class StreamOptions(Struct):
    """Whether a chunk with the usage shall end the stream."""

    include_usage: bool | None = None


class SchemaFormat(Struct):
    """The schema of a structured answer, under a name."""

    schema: Raw = ABSENT


class ResponseFormatObject(Struct):
    """`{"type": "json_schema", "json_schema": {"schema": …}}`; flat in the Responses API."""

    type: str
    json_schema: SchemaFormat | None = None
    schema: Raw = ABSENT


class TextOptions(Struct):
    """The Responses API's `text`."""

    format: ResponseFormatObject | None = None


class Reasoning(Struct):
    """The Responses API's `reasoning`, with the members that other gateways have added."""

    effort: str | None = None
    enabled: bool | None = None
    max_tokens: int | None = None


class ThinkingConfig(Struct):
    """`{"type": "enabled" | "adaptive" | "disabled", …}`, Anthropic's."""

    type: str | None = None
    budget_tokens: int | None = None
    effort: str | None = None


TEXT: Final[Decoder[str]] = Decoder(str)
OPTIONAL_TEXT: Final[Decoder[str | None]] = Decoder(str | None)
OPTIONAL_INTEGER: Final[Decoder[int | None]] = Decoder(int | None)
OPTIONAL_BOOLEAN: Final[Decoder[bool | None]] = Decoder(bool | None)
ANY_OBJECT: Final[Decoder[dict[str, object]]] = Decoder(dict[str, object])
ANYTHING: Final[Decoder[object]] = Decoder(object)
RAW_OBJECT: Final[Decoder[dict[str, Raw]]] = Decoder(dict[str, Raw])
MESSAGES: Final[Decoder[list[Message]]] = Decoder(list[Message])
INPUT: Final[Decoder[str | list[Message]]] = Decoder(str | list[Message])
CONTENT: Final[Decoder[str | list[str | Part] | None]] = Decoder(str | list[str | Part] | None)
IMAGE_URL: Final[Decoder[ImageUrl | str]] = Decoder(ImageUrl | str)
FILE: Final[Decoder[FileData]] = Decoder(FileData)
SOURCE: Final[Decoder[Source]] = Decoder(Source)
TOOLS: Final[Decoder[list[ToolDefinition] | None]] = Decoder(list[ToolDefinition] | None)
FUNCTIONS: Final[Decoder[list[FunctionDefinition] | None]] = Decoder(
    list[FunctionDefinition] | None
)
TOOL_CHOICE: Final[Decoder[ToolChoiceObject | str | None]] = Decoder(ToolChoiceObject | str | None)
FUNCTION_CALL: Final[Decoder[NamedFunction | str | None]] = Decoder(NamedFunction | str | None)
STOP: Final[Decoder[str | list[str] | None]] = Decoder(str | list[str] | None)
STREAM_OPTIONS: Final[Decoder[StreamOptions | None]] = Decoder(StreamOptions | None)
RESPONSE_FORMAT: Final[Decoder[ResponseFormatObject | None]] = Decoder(ResponseFormatObject | None)
TEXT_OPTIONS: Final[Decoder[TextOptions | None]] = Decoder(TextOptions | None)
REASONING: Final[Decoder[Reasoning | None]] = Decoder(Reasoning | None)
THINKING: Final[Decoder[ThinkingConfig | bool | str | None]] = Decoder(
    ThinkingConfig | bool | str | None
)


def decode_body(body: bytes) -> tuple[Fields, bool]:
    """The fields of a request body, each still as JSON text; and whether that had to be mended.

    Raises:
        InvalidRequest: no UTF-8, no JSON, or no object; says where.
    """
    try:
        body.decode()  # raw parts are handed on without another look
    except UnicodeDecodeError as exc:
        raise InvalidRequest(
            f"The request body is not valid UTF-8 (byte {exc.start}). Send JSON in UTF-8."
        ) from None
    try:
        try:
            return RAW_OBJECT.decode(body), False
        except DecodeError:
            if (mended := without_half_pairs(body)) == body:
                raise
            return RAW_OBJECT.decode(mended), True
    except ValidationError:
        raise InvalidRequest("The request body must be a JSON object.") from None
    except DecodeError as exc:
        reason = str(exc).removeprefix("JSON is malformed: ")
        raise InvalidRequest(f"The request body is not valid JSON: {reason}.") from None


def decode_field(path: str, decoder: Decoder[T], raw: Raw) -> T:
    """The value at `path` of the request, such as `messages[2].content[0].image_url`.

    Raises:
        InvalidRequest: it has another type than it must have; begins with the path.
    """
    try:
        return decoder.decode(raw)
    except ValidationError as exc:
        raise InvalidRequest(_explained(str(exc), path)) from None


def get_field(fields: Fields, name: str, decoder: Decoder[T]) -> T | None:
    """A member of the request, None if it is not there or null; raises as `decode_field`."""
    raw = fields.get(name)
    return None if raw is None else decode_field(name, decoder, raw)


def is_given(raw: Raw) -> bool:
    """Whether the member was there, with another value than null."""
    return raw not in (ABSENT, NULL)


_WITH_PATH: Final = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>\w+)`")
_EXPECTED: Final = re.compile(r"Expected `(?P<wanted>[^`]+)`(?:, got `(?P<got>[^`]+)`)?")
_NOUNS: Final = {
    "str": "a string",
    "array": "an array",
    "object": "an object",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "null": "null",
}


def _explained(message: str, path: str) -> str:
    """A decoder's message in our words, behind the path of the value."""
    whole = _WITH_PATH.fullmatch(message)
    assert whole is not None  # every part of the pattern is optional
    path += whole["path"] or ""
    if found := _MISSING.fullmatch(whole["what"]):
        return f"{path}.{found['name']} is required."
    if found := _EXPECTED.fullmatch(whole["what"]):
        # That null would do as well is no help to whoever sent something else.
        names = [name for name in found["wanted"].split(" | ") if name != "null"]
        wanted = " or ".join(_NOUNS.get(name, name) for name in names)
        got = f", got {_NOUNS.get(found['got'], found['got'])}" if found["got"] else ""
        return f"{path}: expected {wanted}{got}."
    return f"{path}: invalid value."
