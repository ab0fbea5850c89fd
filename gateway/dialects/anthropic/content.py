"""Content blocks of one message, to a turn.

A turn keeps text, images, calls, results and reasoning apart; the order among kinds is lost, the
order within a kind is kept. A user's texts are joined by newlines, the model's by nothing, since
the API splits the model's text wherever a call or a citation stood.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from msgspec import Raw

from gateway.conversation import Image, Note, Role, Thinking, ToolResult, ToolUse, Turn
from gateway.dialects import media
from gateway.dialects.anthropic.foreign import foreign_text
from gateway.dialects.anthropic.schema import (
    ABSENT,
    CONTENT,
    DocumentBlock,
    ImageBlock,
    KnownBlock,
    RedactedThinkingBlock,
    Source,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UnknownBlock,
    block_of,
    decode_field,
    result_part,
)
from gateway.errors import InvalidRequest

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


def word(name: str, otherwise: str) -> str:
    """`name` if it looks like a field or type name, else `otherwise`."""
    return name if _WORD.fullmatch(name) else otherwise


def turn_of(
    role: Role,
    content: str | Sequence[KnownBlock | Raw] | None,
    path: str,
    notes: Notes,
) -> Turn:
    """The turn that one message's `content` amounts to.

    Raises:
        InvalidRequest: a block is not what its type says; the message begins with `path`.
    """
    if isinstance(content, str):
        return Turn(role, content)
    gathered = _Gathered(role, notes)
    for index, part in enumerate(content or ()):
        gathered.add(part, f"{path}.{index}")
    return gathered.turn()


@contextmanager
def _located(path: str) -> Iterator[None]:
    """Puts the path in front of an error's message."""
    try:
        yield
    except InvalidRequest as exc:
        raise InvalidRequest(f"{path}: {exc}") from None


class _Gathered:
    """What the blocks of a message amount to so far."""

    def __init__(self, role: Role, notes: Notes) -> None:
        self._role: Role = role
        self._notes = notes
        self._texts: list[str] = []
        self._images: list[Image] = []
        self._tool_uses: list[ToolUse] = []
        self._tool_results: list[ToolResult] = []
        self._thinking: list[Thinking] = []

    def turn(self) -> Turn:
        joint = "\n" if self._role == "user" else ""
        return Turn(
            role=self._role,
            text=joint.join(self._texts),
            images=tuple(self._images),
            tool_uses=tuple(self._tool_uses),
            tool_results=tuple(self._tool_results),
            thinking=tuple(self._thinking),
        )

    def add(self, part: KnownBlock | Raw, path: str) -> None:
        block = block_of(path, part) if isinstance(part, Raw) else part
        # By type, most frequent first: class patterns would cost more than all else here.
        if isinstance(block, TextBlock):
            if block.text:
                self._texts.append(block.text)
        elif isinstance(block, ToolUseBlock):
            self._add_tool_use(block)
        elif isinstance(block, ToolResultBlock):
            self._add_tool_result(block, path)
        elif isinstance(block, ThinkingBlock):
            self._add_thinking(block.thinking or "", block.signature or "")
        elif isinstance(block, ImageBlock):
            self._add_aside(self._image_text(block.source, f"{path}.source"))
        elif isinstance(block, DocumentBlock):
            self._add_aside(self._document_text(block, f"{path}.source"))
        elif isinstance(block, RedactedThinkingBlock):
            self._add_thinking(redacted=block.data)
        else:
            self._notes.add("textualised", word(block.type, "block"))
            self._add_aside(foreign_text(block.raw))

    def _add_aside(self, text: str) -> None:
        """Text that stands for something else; on lines of its own in either role."""
        if text:
            self._texts.append(text if self._role == "user" else f"\n{text}\n")

    def _add_tool_use(self, block: ToolUseBlock) -> None:
        arguments = bytes(block.input)
        if not arguments.startswith(b"{"):
            arguments = b"{}"
        if self._role == "assistant":
            self._tool_uses.append(ToolUse(block.id, block.name, arguments))
        else:  # only the model calls tools; as text it is at least not lost
            self._notes.add("textualised", "tool_use")
            self._add_aside(f"[{block.name} {arguments.decode()}]")

    def _add_tool_result(self, block: ToolResultBlock, path: str) -> None:
        text = self._result_text(block.content, f"{path}.content")
        if self._role == "user":
            self._tool_results.append(ToolResult(block.tool_use_id, text, bool(block.is_error)))
        else:
            self._notes.add("textualised", "tool_result")
            self._add_aside(text)

    def _result_text(self, content: str | list[Raw] | None, path: str) -> str:
        """The text of a listed content; its images go to the turn."""
        if content is None or isinstance(content, str):
            return content or ""
        texts = []
        for index, raw in enumerate(content):
            at = f"{path}.{index}"
            match result_part(at, raw):
                case TextBlock(text=text):
                    texts.append(text)
                case ImageBlock(source=source):
                    texts.append(self._image_text(source, f"{at}.source"))
                case DocumentBlock() as document:
                    texts.append(self._document_text(document, f"{at}.source"))
                case UnknownBlock(type=kind):
                    self._notes.add("textualised", word(kind, "block"))
                    texts.append(foreign_text(raw))
                case _:
                    texts.append(foreign_text(raw))
        return "\n".join(filter(None, texts))

    def _add_thinking(
        self, text: str = "", signature: str = "", redacted: str | None = None
    ) -> None:
        if self._role == "user":
            self._notes.add("dropped", "thinking")
        elif text or signature or redacted:
            self._thinking.append(Thinking(text, signature, redacted))

    def _image_text(self, source: Source, path: str) -> str:
        """Keeps the image, or gives the text that stands for one that can't be had."""
        if source.type == "base64":
            if source.data is None:
                raise InvalidRequest(f"{path}.data: Field required")
            with _located(path):
                self._images.append(media.image_from_base64(source.media_type, source.data))
            return ""
        if source.type == "url":
            return self._linked_image_text(source.url, path)
        self._notes.add("dropped", "image")
        return "[Image not loaded]"

    def _linked_image_text(self, url: str | None, path: str) -> str:
        if url is None:
            raise InvalidRequest(f"{path}.url: Field required")
        with _located(f"{path}.url"):
            image = media.image_from_data_url(url)
        if image is not None:
            self._images.append(image)
            return ""
        text, note = media.remote_image_text(url)
        self._notes.add_note(note)
        return text

    def _document_text(self, block: DocumentBlock, path: str) -> str:
        source = block.source
        if source.type in ("base64", "text") and source.data is None:
            raise InvalidRequest(f"{path}.data: Field required")
        text, note = self._read_document(source, block.title, path)
        self._notes.add_note(note)
        if isinstance(block.citations, dict) and block.citations.get("enabled") is True:
            self._notes.add("dropped", "citations")
        return f"{text}\n{block.context}" if block.context else text

    def _read_document(
        self, source: Source, title: str | None, path: str
    ) -> tuple[str, Note | None]:
        match source.type:
            case "text":
                return media.plain_document_text(source.data or "", title)
            case "base64":
                with _located(path):
                    return media.document_text(source.media_type, source.data or "", title)
            case "content" if source.content != ABSENT:
                at = f"{path}.content"
                content = decode_field(at, CONTENT, source.content)
                return media.plain_document_text(self._result_text(content, at), title)
            case "url":
                return media.unread_document_text(None, title or source.url)
            case _:
                return media.unread_document_text(None, title)
