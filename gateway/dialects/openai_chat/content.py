"""The parts of a message's content, gathered into a turn.

A turn keeps text, images, calls, results and reasoning apart; the order among kinds is lost, the
order within a kind is kept. A user's texts are joined by newlines, the model's by nothing.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from gateway.conversation import Image, Note, Role, Thinking, ToolResult, ToolUse, Turn
from gateway.dialects import media
from gateway.dialects.openai_chat import schema
from gateway.dialects.openai_chat.schema import ABSENT, Part, decode_field
from gateway.errors import InvalidRequest

_TEXT_TYPES: Final = frozenset({"", "text", "input_text", "output_text", "summary_text"})
_REASONING_TYPES: Final = frozenset({"thinking", "reasoning", "reasoning_text"})
# A client's word that may stand in a note: a field or type name, nothing a person wrote.
_WORD: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}")


class Notes:
    """Conversion notes, each once, in the order they came up."""

    def __init__(self) -> None:
        self._notes: dict[Note, None] = {}

    def add(self, kind: str, subject: str) -> None:
        """Note something; again makes no difference."""
        self._notes[Note(kind, subject)] = None

    def add_note(self, note: Note | None) -> None:
        """The same, for a note made elsewhere."""
        if note is not None:
            self._notes[note] = None

    def all(self) -> tuple[Note, ...]:
        """Everything noted."""
        return tuple(self._notes)


def word(name: object, otherwise: str) -> str:
    """`name` if it looks like a field or type name, else `otherwise`."""
    return name if isinstance(name, str) and _WORD.fullmatch(name) else otherwise


class Draft:
    """What the parts of a turn amount to so far.

    Attributes:
        is_answering: it holds results of tools and takes those that follow.
    """

    def __init__(self, role: Role, notes: Notes) -> None:
        self.role: Role = role
        self.is_answering = False
        self.texts: list[str] = []
        self.tool_uses: list[ToolUse] = []
        self.thinking: list[Thinking] = []
        self._images: list[Image] = []
        self._tool_results: list[ToolResult] = []
        self._notes = notes

    def turn(self) -> Turn:
        """The turn, complete."""
        return Turn(
            self.role,
            ("\n" if self.role == "user" else "").join(self.texts),
            tuple(self._images),
            tuple(self.tool_uses),
            tuple(self._tool_results),
            tuple(self.thinking),
        )

    def add_content(self, content: str | Sequence[str | Part] | None, path: str) -> None:
        """What a message says.

        Raises:
            InvalidRequest: a part is not what its type says; the message begins with its path.
        """
        if isinstance(content, str):
            self._add_text(content)
            return
        for index, part in enumerate(content or ()):
            if isinstance(part, str):
                self._add_text(part)
            elif part.type in _TEXT_TYPES:
                self._add_text(self._part_text(part, f"{path}[{index}]"))
            elif part.type in _REASONING_TYPES:
                self._add_thinking(part)
            elif part.type == "tool_use":
                self._add_tool_use(part)
            elif part.type == "tool_result":
                self._add_tool_result_part(part, f"{path}[{index}]")
            else:
                self._add_aside(self._part_text(part, f"{path}[{index}]"))

    def add_result(
        self, tool_use_id: str, content: str | Sequence[str | Part] | None, path: str
    ) -> None:
        """What a tool answered; raises as `add_content`."""
        text = content if isinstance(content, str) else None
        if text is None:
            text = self._joined(content or (), path)
        elif text.startswith("[") and (parts := _listed_parts(text)) is not None:
            kept = len(self._images)
            try:
                text = self._joined(parts, path)
            except InvalidRequest:  # what the tool printed only looks like parts
                del self._images[kept:]
        self._tool_results.append(ToolResult(tool_use_id, text))

    def _add_text(self, text: str) -> None:
        if text:
            self.texts.append(text)

    def _add_aside(self, text: str) -> None:
        """Text that stands for something else; on lines of its own in either role."""
        if text:
            self.texts.append(text if self.role == "user" else f"\n{text}\n")

    def _add_thinking(self, part: Part) -> None:
        text = part.thinking if isinstance(part.thinking, str) else part.text
        signature = part.signature if isinstance(part.signature, str) else ""
        if self.role == "assistant" and isinstance(text, str) and (text or signature):
            self.thinking.append(Thinking(text, signature))
        else:
            self._notes.add("dropped", "thinking")

    def _add_tool_use(self, part: Part) -> None:
        """Anthropic's block of a call, which Cursor leaves in some chat messages."""
        arguments = bytes(part.input) if bytes(part.input).startswith(b"{") else b"{}"
        if self.role != "assistant" or not isinstance(part.id, str) or not part.name:
            self._notes.add("dropped", "tool_use")
        else:
            self.tool_uses.append(ToolUse(part.id, str(part.name), arguments))

    def _add_tool_result_part(self, part: Part, path: str) -> None:
        content = None
        if part.content != ABSENT:
            content = decode_field(f"{path}.content", schema.CONTENT, part.content)
        text = content if isinstance(content, str) else None
        if text is None:
            text = self._joined(content or (), f"{path}.content")
        if self.role == "user" and isinstance(part.tool_use_id, str):
            result = ToolResult(part.tool_use_id, text, is_error=part.is_error is True)
            self._tool_results.append(result)
        else:
            self._notes.add("converted", "tool_result")
            self._add_aside(text)

    def _joined(self, parts: Sequence[str | Part], path: str) -> str:
        """The texts of a list of parts; its images go to the turn."""
        texts = [
            part if isinstance(part, str) else self._part_text(part, f"{path}[{index}]")
            for index, part in enumerate(parts)
        ]
        return "\n".join(filter(None, texts))

    def _part_text(self, part: Part, path: str) -> str:
        """A part as text. A picture is kept for the turn and gives none."""
        if part.type in _TEXT_TYPES:
            if not isinstance(part.text, str):
                raise InvalidRequest(f"{path}.text: expected a string.")
            return part.text
        match part.type:
            case "image_url" | "input_image" if schema.is_given(part.image_url):
                at = f"{path}.image_url"
                image = decode_field(at, schema.IMAGE_URL, part.image_url)
                if isinstance(image, schema.ImageUrl):
                    return self._image_text(image.url, f"{at}.url")
                return self._image_text(image, at)
            case "input_image":
                self._notes.add("dropped", "image")
                return "[Image not loaded]"
            case "image" if part.source != ABSENT:
                source = decode_field(f"{path}.source", schema.SOURCE, part.source)
                return self._source_text(source, f"{path}.source")
            case "file" if part.file != ABSENT:
                file = decode_field(f"{path}.file", schema.FILE, part.file)
                return self._file_text(file.file_data, file.filename, f"{path}.file.file_data")
            case "input_file":
                return self._file_text(part.file_data, part.filename, f"{path}.file_data")
            case "document" if part.source != ABSENT:
                source = decode_field(f"{path}.source", schema.SOURCE, part.source)
                return self._document_text(source, part.title, f"{path}.source")
            case "input_audio":
                self._notes.add("dropped", "input_audio")
                return "[Audio not available]"
            case "refusal" if isinstance(part.refusal, str):
                return part.refusal
            case "image_url" | "image" | "file" | "document":
                raise InvalidRequest(f"{path}: the data of this {part.type} part is missing.")
        if isinstance(part.text, str) and part.text:
            self._notes.add("converted", word(part.type, "part"))
            return part.text
        self._notes.add("dropped", word(part.type, "part"))
        return ""

    def _image_text(self, url: str, path: str) -> str:
        with _located(path):
            image = media.image_from_data_url(url)
        if image is not None:
            self._images.append(image)
            return ""
        text, note = media.remote_image_text(url)
        self._notes.add_note(note)
        return text

    def _source_text(self, source: schema.Source, path: str) -> str:
        if source.url is not None and source.data is None:
            return self._image_text(source.url, f"{path}.url")
        if source.data is None:
            raise InvalidRequest(f"{path}.data is required.")
        with _located(f"{path}.data"):
            self._images.append(media.image_from_base64(source.media_type, source.data))
        return ""

    def _document_text(self, source: schema.Source, title: object, path: str) -> str:
        label = title if isinstance(title, str) else None
        if source.type == "text" and source.data is not None:
            text, note = media.plain_document_text(source.data, label)
            self._notes.add_note(note)
            return text
        with _located(f"{path}.data"):
            return self._noted_document(source.media_type, source.data, label)

    def _file_text(self, data: object, filename: object, path: str) -> str:
        with _located(path):
            return self._noted_document(
                None,
                data if isinstance(data, str) else None,
                filename if isinstance(filename, str) else None,
            )

    def _noted_document(self, media_type: str | None, data: str | None, title: str | None) -> str:
        text, note = (
            media.unread_document_text(media_type, title)
            if data is None
            else media.document_text(media_type, data, title)
        )
        self._notes.add_note(note)
        return text


@contextmanager
def _located(path: str) -> Iterator[None]:
    """Puts the path in front of an error's message."""
    try:
        yield
    except InvalidRequest as exc:
        raise InvalidRequest(f"{path}: {exc}.") from None


def _listed_parts(text: str) -> list[Part] | None:
    """The parts in a tool's answer that is itself JSON: a list of `{"type": "text", …}`.

    Programs that relay tool results turn a list of parts into text this way. Any other list is
    what the tool said, and so is one whose members have more to say than a part.
    """
    if '"type"' not in text[:200]:
        return None
    try:
        items = _PART_LIST.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    parts = []
    for item in items:
        fields = {key: value for key, value in item.items() if key not in _MARGINAL}
        if not _is_part(fields):
            return None
        parts.append(_PART.decode(msgspec.json.encode(fields)))
    return parts or None


def _is_part(fields: dict[str, object]) -> bool:
    match fields:
        case {"type": "text", "text": str()}:
            return len(fields) == 2
        case {"type": "image_url", "image_url": _} | {"type": "image", "source": _}:
            return len(fields) == 2
        case _:
            return False


_MARGINAL: Final = frozenset({"annotations", "cache_control"})
_PART: Final = msgspec.json.Decoder(Part)
_PART_LIST: Final = msgspec.json.Decoder(list[dict[str, object]])
