"""The shapes of a Messages API request, as far as they mean something here.

Fields that are not named are skipped unread, blocks of unknown types stay raw JSON, and so do tool
schemas and inputs, which nobody here looks into. What is named has to have its type: anything else
is an `InvalidRequest` whose message begins with the path, `messages.0.content.1.text: …`.
"""

import re
from collections.abc import Sequence
from typing import Final, TypeVar

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder

from gateway.dialects.escapes import without_half_pairs
from gateway.errors import InvalidRequest

T = TypeVar("T")

ABSENT: Final = Raw(b"")


class Source(Struct, gc=False):
    """Where an image or document comes from: `base64`, `text`, `url`, `file` or `content`."""

    type: str = ""
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: Raw = ABSENT


class TextBlock(Struct, tag="text", gc=False):
    """Text of either role."""

    text: str


class ImageBlock(Struct, tag="image", gc=False):
    """A picture."""

    source: Source


class DocumentBlock(Struct, tag="document", gc=False):
    """A file with text in it, perhaps."""

    source: Source
    title: str | None = None
    context: str | None = None
    citations: object = None


class ToolUseBlock(Struct, tag="tool_use", gc=False):
    """The model's call of a tool; `input` may be any JSON."""

    id: str
    name: str
    input: Raw = ABSENT


class ToolResultBlock(Struct, tag="tool_result", gc=False):
    """The client's answer to a call; listed content is looked at piece by piece."""

    tool_use_id: str
    content: str | list[Raw] | None = None
    is_error: bool | None = None


class ThinkingBlock(Struct, tag="thinking", gc=False):
    """Reasoning with its signature."""

    thinking: str | None = None
    signature: str | None = None


class RedactedThinkingBlock(Struct, tag="redacted_thinking", gc=False):
    """Reasoning that only its author can read."""

    data: str


KnownBlock = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | ToolUseBlock
    | ToolResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
)


class UnknownBlock(Struct, frozen=True):
    """A block of a type that is not ours to know; `raw` is the JSON text of the object."""

    type: str
    raw: Raw


Block = KnownBlock | UnknownBlock


class Message(Struct, gc=False):
    """A message all of whose blocks are of known types."""

    role: str
    content: str | list[KnownBlock] | None


class LooseMessage(Struct, gc=False):
    """A message with blocks yet to be told apart by `block_of`."""

    role: str
    content: str | list[Raw] | None


class ToolDefinition(Struct, gc=False):
    """A tool of the client's, or, with a `type` and without a schema, one of Anthropic's own."""

    name: str | None = None
    type: str | None = None
    description: str | None = None
    input_schema: Raw = ABSENT
    strict: Raw = ABSENT
    defer_loading: Raw = ABSENT
    input_examples: Raw = ABSENT


class ToolChoiceObject(Struct):
    """`{"type": "auto" | "any" | "tool" | "none", …}`."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingConfig(Struct):
    """`{"type": "enabled" | "adaptive" | "disabled", …}`."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None


class OutputFormat(Struct):
    """`{"type": "json_schema", "schema": {…}}`."""

    type: str
    schema: Raw = ABSENT


class Metadata(Struct):
    """Only the user id is of use."""

    user_id: str | None = None


class _Typed(Struct):
    type: str


TEXT: Final[Decoder[str]] = Decoder(str)
OPTIONAL_INTEGER: Final[Decoder[int | None]] = Decoder(int | None)
OPTIONAL_BOOLEAN: Final[Decoder[bool | None]] = Decoder(bool | None)
OPTIONAL_TEXT: Final[Decoder[str | None]] = Decoder(str | None)
OPTIONAL_TEXTS: Final[Decoder[list[str] | None]] = Decoder(list[str] | None)
OPTIONAL_OBJECT: Final[Decoder[dict[str, Raw] | None]] = Decoder(dict[str, Raw] | None)
CONTENT: Final[Decoder[str | list[Raw] | None]] = Decoder(str | list[Raw] | None)
TOOLS: Final[Decoder[list[ToolDefinition] | None]] = Decoder(list[ToolDefinition] | None)
TOOL_CHOICE: Final[Decoder[ToolChoiceObject | str | None]] = Decoder(ToolChoiceObject | str | None)
THINKING: Final[Decoder[ThinkingConfig | None]] = Decoder(ThinkingConfig | None)
OUTPUT_FORMAT: Final[Decoder[OutputFormat | None]] = Decoder(OutputFormat | None)
METADATA: Final[Decoder[Metadata | None]] = Decoder(Metadata | None)

_body: Final[Decoder[dict[str, Raw]]] = Decoder(dict[str, Raw])
_messages: Final[Decoder[list[Message]]] = Decoder(list[Message])
_loose_messages: Final[Decoder[list[LooseMessage]]] = Decoder(list[LooseMessage])
_block: Final[Decoder[KnownBlock]] = Decoder(KnownBlock)
_typed: Final[Decoder[_Typed]] = Decoder(_Typed)
_KNOWN_TYPES: Final = frozenset(
    {
        "text",
        "image",
        "document",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
    }
)


def decode_body(body: bytes) -> tuple[dict[str, Raw], bool]:
    """The fields of a request body, each still as JSON text; and whether that had to be mended.

    Raises:
        InvalidRequest: no UTF-8, no JSON, or no object; says where.
    """
    try:
        body.decode()  # raw parts are handed on without another look
    except UnicodeDecodeError as exc:
        raise InvalidRequest(
            f"The request body is not valid UTF-8: unexpected byte at position {exc.start}."
        ) from None
    try:
        try:
            return _body.decode(body), False
        except DecodeError:
            if (mended := without_half_pairs(body)) == body:
                raise
            return _body.decode(mended), True
    except ValidationError:
        raise InvalidRequest("The request body must be a JSON object.") from None
    except DecodeError as exc:
        raise InvalidRequest(
            f"The request body is not valid JSON: {_where(str(exc), len(body))}."
        ) from None


def decode_field(path: str, decoder: Decoder[T], raw: Raw) -> T:
    """One value of the request.

    Raises:
        InvalidRequest: it has another type than it must have.
    """
    try:
        return decoder.decode(raw)
    except ValidationError as exc:
        raise InvalidRequest(_explained(str(exc), path)) from None


def decode_messages(raw: Raw) -> Sequence[Message | LooseMessage]:
    """The `messages` array.

    One pass does for nearly all requests. Only where that meets a block of an unknown type are the
    blocks kept apart, for `block_of` to take one by one.

    Raises:
        InvalidRequest: no array, or of no messages; not yet for what is wrong with a block.
    """
    try:
        return _messages.decode(raw)
    except ValidationError:
        return decode_field("messages", _loose_messages, raw)


def block_of(path: str, raw: Raw) -> Block:
    """A single content block.

    Raises:
        InvalidRequest: a block without a type, or a known one that lacks what it must have.
    """
    try:
        return _block.decode(raw)
    except ValidationError as exc:
        kind = decode_field(path, _typed, raw).type
        if kind in _KNOWN_TYPES:
            raise InvalidRequest(_explained(str(exc), path)) from None
        return UnknownBlock(kind, raw)


def result_part(path: str, raw: Raw) -> Block:
    """A piece of a tool result: a content block, or whatever the tool put where one belongs.

    Raises:
        InvalidRequest: as `block_of`, save that what has no type is an unknown block.
    """
    try:
        return _block.decode(raw)
    except ValidationError:
        pass
    try:
        _typed.decode(raw)
    except ValidationError:
        return UnknownBlock("", raw)
    return block_of(path, raw)


_MALFORMED: Final = re.compile(r"JSON is malformed: (?P<what>[^(]+) \(byte (?P<position>\d+)\)")
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


def _where(message: str, length: int) -> str:
    if found := _MALFORMED.fullmatch(message):
        return f"{found['what']} at position {found['position']}"
    return f"it ends too early, at position {length}"


def _explained(message: str, path: str) -> str:
    """A decoder's message in our words, behind the path in Anthropic's form."""
    whole = _WITH_PATH.fullmatch(message)
    assert whole is not None  # every part of the pattern is optional
    path += re.sub(r"\[(\d+)\]", r".\1", whole["path"] or "")
    if found := _MISSING.fullmatch(whole["what"]):
        return f"{path}.{found['name']}: Field required"
    if found := _EXPECTED.fullmatch(whole["what"]):
        # That null would do as well is no help to whoever sent something else.
        names = [name for name in found["wanted"].split(" | ") if name != "null"]
        wanted = " or ".join(map(_noun, names))
        got = f", got {_noun(found['got'])}" if found["got"] else ""
        return f"{path}: expected {wanted}{got}"
    return f"{path}: invalid value"


def _noun(name: str) -> str:
    return _NOUNS.get(name, name)
