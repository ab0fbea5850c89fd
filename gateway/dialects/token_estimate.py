"""Token counts for when upstream reports none.

No tokenizer runs here: its tables would cost more start-up time and size than the counts are
worth. Byte-pair encoders cut text where the kind of character changes, so the estimate is a sum
over pairs of neighbouring bytes: each pair (class of the byte before, class of the byte) has a
weight, fitted against a real tokenizer (`scripts/calibrate_tokens.py`). What it was fitted to,
and how far it is off, stands in `docs/token-counts.md`.

A sum over pairs is exact under concatenation: counting a text in pieces gives the same total,
however it is cut.
"""

from functools import lru_cache
from typing import Final
from zlib import adler32

from gateway.conversation import OWN_SIGNATURE_PREFIX, Conversation, Thinking, Tool, Turn
from gateway.dialects.image_size import image_tokens
from gateway.dialects.token_weights import UNITS_PER_TOKEN, WEIGHTS

# The classes that `WEIGHTS` is indexed by, in order. Bytes from 0x80 on are UTF-8.
BYTE_CLASSES: Final[tuple[bytes, ...]] = (
    b"abcdefghijklmnopqrstuvwxyz",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"0123456789",
    b" ",
    b"\n\r",
    b"\t",
    b"_./",  # they tie names, paths and numbers together
    b"=#-*",  # they come in rows, and a row is one token
    b"!\"$%&'()+,:;<>?@[\\]^`{|}~" + bytes([*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F]),
    bytes(range(0xC0, 0xE0)),  # first of two: Latin with marks, Greek, Cyrillic, Hebrew, Arabic
    bytes([*range(0xE0, 0xE3), 0xEE, 0xEF]),  # first of three: Indic, Thai, signs, full width
    b"\xe3",  # kana and CJK punctuation
    bytes(range(0xE4, 0xEA)),  # CJK ideographs
    bytes(range(0xEA, 0xEE)),  # Hangul
    bytes(range(0xF0, 0x100)),  # first of four: emoji, rare ideographs
    bytes(range(0x80, 0xC0)),  # any further byte of a character
)
_NEWLINE_CLASS: Final = 4  # what every text is taken to come after

# Around what the client wrote. Anthropic documents 346 tokens for the prompt that introduces
# tools; the others are what roles, ids and block borders come to in such prompts.
TOKENS_PER_TURN: Final = 4
TOKENS_PER_TOOL_BLOCK: Final = 12
TOKENS_PER_TOOL: Final = 8
TOKENS_FOR_TOOLS: Final = 346
# Nobody outside can read redacted thinking; base64 of text runs at some four bytes a token.
_REDACTED_CHARACTERS_PER_TOKEN: Final = 5

# A weight is at most 127, so that a sum over this many stays below the modulus of Adler-32.
_BLOCK: Final = 512
# Longer integers are memory that the system has to find anew each time, which takes as long again.
_SLICE: Final = 32 * 1024
_FLUSH_AT: Final = 4096  # characters

_CLASS_OF: Final = bytes(
    next(number for number, members in enumerate(BYTE_CLASSES) if byte in members)
    for byte in range(256)
)


def estimate_text(text: str) -> int:
    """Tokens of a text."""
    return _tokens(_units(text.encode("utf-8", "surrogatepass"), _NEWLINE_CLASS))


class TokenCounter:
    """Tokens of a text that arrives in pieces, however cut.

    `add` only collects; the counting is done in batches. Holds at most some 4,000 characters
    and the last piece.
    """

    __slots__ = ("_before", "_pending", "_size", "_units")

    def __init__(self) -> None:
        self._pending: list[str] = []
        self._size = 0
        self._units = 0
        self._before = _NEWLINE_CLASS

    def add(self, text: str) -> None:
        """More of the text."""
        self._pending.append(text)
        self._size += len(text)
        if self._size >= _FLUSH_AT:
            self._flush()

    @property
    def total(self) -> int:
        """Tokens so far: what `estimate_text` says of all pieces joined."""
        if self._size:
            self._flush()
        return _tokens(self._units)

    def _flush(self) -> None:
        data = "".join(self._pending).encode("utf-8", "surrogatepass")
        self._pending.clear()
        self._size = 0
        self._units += _units(data, self._before)
        self._before = _CLASS_OF[data[-1]]


def estimate_conversation(conversation: Conversation) -> int:
    """Input tokens of a whole request: system, turns, tool definitions, images; at least 1."""
    texts: list[str] = [conversation.system]
    total = 0
    for turn in conversation.turns:
        total += TOKENS_PER_TURN + _collect(turn, texts)
    if conversation.response_format is not None and conversation.response_format.schema:
        texts.append(conversation.response_format.schema.decode("utf-8", "replace"))
    if conversation.tools and conversation.tool_choice.mode != "none":
        total += TOKENS_FOR_TOOLS + sum(map(_tool_tokens, conversation.tools))
    return max(1, total + estimate_text("\n".join(texts)))


def _collect(turn: Turn, texts: list[str]) -> int:
    """Appends a turn's texts; returns the tokens of what is no text."""
    if turn.text:
        texts.append(turn.text)
    for use in turn.tool_uses:
        texts.append(use.name)
        texts.append(use.input.decode("utf-8", "replace"))
    texts.extend([result.text for result in turn.tool_results])
    blocks = len(turn.tool_uses) + len(turn.tool_results)
    return (
        TOKENS_PER_TOOL_BLOCK * blocks
        + sum([image_tokens(image) for image in turn.images])
        + sum([_collect_thinking(thinking, texts) for thinking in turn.thinking])
    )


def _collect_thinking(thinking: Thinking, texts: list[str]) -> int:
    # Only what the service itself signed goes back up to it.
    if thinking.redacted is not None:
        return len(thinking.redacted) // _REDACTED_CHARACTERS_PER_TOKEN
    if thinking.signature and not thinking.signature.startswith(OWN_SIGNATURE_PREFIX):
        texts.append(thinking.text)
    return 0


# Agents send the same definitions, tens of kilobytes of them, with every request.
@lru_cache(maxsize=512)
def _tool_tokens(tool: Tool) -> int:
    schema = tool.schema.decode("utf-8", "replace")
    return TOKENS_PER_TOOL + estimate_text(f"{tool.name}\n{tool.description}\n{schema}")


def _tokens(units: int) -> int:
    # Rounded, but what costs anything at all costs a token.
    return max((units + UNITS_PER_TOKEN // 2) // UNITS_PER_TOKEN, min(units, 1))


def _units(data: bytes, before: int) -> int:
    """The weights of all pairs in UTF-8 text, `before` being the class of the byte in front."""
    if len(data) <= _SLICE:
        return _units_of_slice(data, before)
    total = 0
    for at in range(0, len(data), _SLICE):
        piece = data[at : at + _SLICE]
        total += _units_of_slice(piece, before)
        before = _CLASS_OF[piece[-1]]
    return total


def _units_of_slice(data: bytes, before: int) -> int:
    # One Python-level step per byte would take a hundred times as long. So each byte is replaced
    # by its class, an integer as long as the text puts the class of its left neighbour into the
    # upper half of each byte, and the resulting pairs are replaced by their weights. Adler-32's
    # lower half is the sum of the bytes plus one, which adds those up.
    size = len(data)
    classes = int.from_bytes(data.translate(_CLASS_OF), "little")
    pairs = classes | classes << 12 | before << 4
    weights = pairs.to_bytes(size + 2, "little")[:size].translate(WEIGHTS)
    if size <= _BLOCK:
        return (adler32(weights) & 0xFFFF) - 1
    sums = [adler32(weights[at : at + _BLOCK]) & 0xFFFF for at in range(0, size, _BLOCK)]
    return sum(sums) - len(sums)
