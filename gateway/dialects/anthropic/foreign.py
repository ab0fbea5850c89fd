"""Content blocks that mean nothing to the service, as text it can read.

Server-tool calls and their results, search results, references to tools, and whatever comes next:
clients repeat such blocks with every request, so they must neither fail nor vanish.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

# Ciphertext, and directions to other machines: noise to a reader.
_OPAQUE: Final = frozenset({"cache_control", "encrypted_content", "encrypted_index", "signature"})
# Deeper structures than any block has; a limit of ours comes before the interpreter's.
_MAX_DEPTH: Final = 32


def foreign_text(raw: bytes | msgspec.Raw) -> str:
    """The meaningful part of any JSON value: its text if it has one, else compact JSON."""
    value = msgspec.json.decode(raw)
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return _json(value)
    text = value.get("text")
    if isinstance(text, str) and text.strip():
        return text
    kind = value.get("type")
    if kind == "search_result":
        return "\n".join(_search_result(value)) or _json(value)
    if kind == "server_tool_use":
        return f"[{value.get('name')} {_json(value.get('input'))}]"
    content = value.get("content")
    if kind == "web_search_tool_result" and isinstance(content, list):
        return "\n".join(_links(content)) or _json(value)
    return _json(value)


def _search_result(block: dict[str, object]) -> Iterator[str]:
    for name in ("title", "source"):
        if (part := block.get(name)) and isinstance(part, str):
            yield part
    content = block.get("content")
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and isinstance(text := part.get("text"), str):
            yield text


def _links(results: list[object]) -> Iterator[str]:
    for result in results:
        if isinstance(result, dict):
            shown = [part for key in ("title", "url") if isinstance(part := result.get(key), str)]
            if shown:
                yield " - ".join(shown)


def _json(value: object) -> str:
    return msgspec.json.encode(_readable(value, _MAX_DEPTH)).decode()


def _readable(value: object, depth: int) -> object:
    """A copy without what only a machine could use."""
    if depth == 0:
        return "…"
    if isinstance(value, list):
        return [_readable(item, depth - 1) for item in value]
    if isinstance(value, dict):
        hidden = _OPAQUE | {"data"} if value.get("type") == "base64" else _OPAQUE
        return {key: _readable(item, depth - 1) for key, item in value.items() if key not in hidden}
    return value
