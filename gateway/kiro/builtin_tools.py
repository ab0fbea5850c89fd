"""Calls of Kiro's own IDE tools, remapped to the tools of the client.

The service tells the model of tools that only its IDE has, and the model sometimes calls one. Where
the client declared a tool that does the same (under the names of Claude Code's tools), the call is
rewritten to it; elsewhere nobody could run it, and it is discarded. A name that the client itself
declared is the client's, whatever Kiro means by it.
"""

import shlex
from collections.abc import Callable, Collection, Mapping

import msgspec

Input = Mapping[str, object]

PATH_MEMBERS = ("relativePath", "path", "filePath", "file_path", "fileName")
QUERY_MEMBERS = ("query", "pattern")

FETCH_PROMPT = "Extract the main content of this page."


def is_builtin(name: str, declared: Collection[str]) -> bool:
    """Whether `name` is a tool of Kiro's rather than one of the client's `declared` ones."""
    return name in _BUILTIN and name not in declared


def remap(name: str, tool_input: Input, declared: Collection[str]) -> tuple[str, str] | None:
    """The client's tool for a built-in one, with the JSON text of its input.

    None where the client has no such tool. A member that the model left out stays out, so that the
    client's own check tells the model.
    """
    mapping = _MAPPINGS.get(name)
    if mapping is None:
        return None
    target, convert = mapping
    if target not in declared:
        return None
    return target, msgspec.json.encode(convert(tool_input)).decode()


def _first(tool_input: Input, *members: str) -> str:
    found = (tool_input.get(member) for member in members)
    return next((value for value in found if isinstance(value, str) and value), "")


def _path(tool_input: Input) -> str:
    return _first(tool_input, *PATH_MEMBERS)


def _shell_path(tool_input: Input) -> str:
    path = _path(tool_input) or "."
    # A leading dash would be read as an option, and `find` takes `(` and `!` for expressions.
    return shlex.quote(f"./{path}" if path[0] in "-(!" else path)


def _present(members: Input) -> Input:
    return {name: value for name, value in members.items() if value not in (None, "")}


def _read(tool_input: Input) -> Input:
    return _present({"file_path": _path(tool_input)})


def _write(tool_input: Input) -> Input:
    converted = dict(_read(tool_input))
    contents = (tool_input.get(member) for member in ("content", "newContent"))
    # An empty file is a file: only a missing content stays out.
    content = next((value for value in contents if isinstance(value, str)), None)
    return converted if content is None else converted | {"content": content}


def _execute(tool_input: Input) -> Input:
    return _present({"command": _first(tool_input, "command")})


def _list(tool_input: Input) -> Input:
    return {"command": f"ls -la {_shell_path(tool_input)}"}


def _find(tool_input: Input) -> Input:
    pattern = shlex.quote(f"*{_first(tool_input, *QUERY_MEMBERS)}*")
    return {"command": f"find {_shell_path(tool_input)} -name {pattern}"}


def _grep(tool_input: Input) -> Input:
    query = _first(tool_input, *QUERY_MEMBERS)
    # An empty pattern would print every line of every file.
    if not query:
        return {}
    return {"command": f"grep -rn -e {shlex.quote(query)} {_shell_path(tool_input)}"}


def _search_web(tool_input: Input) -> Input:
    return _present({"query": _first(tool_input, *QUERY_MEMBERS)})


def _fetch(tool_input: Input) -> Input:
    return _present({"url": _first(tool_input, "url"), "prompt": FETCH_PROMPT})


def _go_to_definition(tool_input: Input) -> Input:
    return _locate("goToDefinition", tool_input)


def _find_references(tool_input: Input) -> Input:
    return _locate("findReferences", tool_input)


def _locate(operation: str, tool_input: Input) -> Input:
    position = {member: tool_input.get(member) for member in ("line", "character")}
    return _present({"operation": operation, "filePath": _path(tool_input), **position})


def _diagnose(tool_input: Input) -> Input:
    members = {"operation": "documentSymbol", "filePath": _path(tool_input)}
    return _present({**members, "line": 1, "character": 1})


_MAPPINGS: Mapping[str, tuple[str, Callable[[Input], Input]]] = {
    "readFile": ("Read", _read),
    "readCode": ("Read", _read),
    "fs_read": ("Read", _read),
    "fsWrite": ("Write", _write),
    "fs_write": ("Write", _write),
    "executeCommand": ("Bash", _execute),
    "executeBash": ("Bash", _execute),
    "listDirectory": ("Bash", _list),
    "searchFiles": ("Bash", _find),
    "grepSearch": ("Bash", _grep),
    "webSearch": ("WebSearch", _search_web),
    "web_search": ("WebSearch", _search_web),
    "websearch": ("WebSearch", _search_web),
    "fetchWebpage": ("WebFetch", _fetch),
    "getDefinition": ("LSP", _go_to_definition),
    "getTypeDefinition": ("LSP", _go_to_definition),
    "getReferences": ("LSP", _find_references),
    "getDiagnostics": ("LSP", _diagnose),
}

_UNMAPPED = frozenset(
    {
        "browser_click",
        "browser_navigate",
        "browser_snapshot",
        "browser_type",
        "codeSearch",
        "createNewFile",
        "deleteCodeBlock",
        "diffSearch",
        "findUsages",
        "getErrors",
        "getFileMetadata",
        "getUrl",
        "insertCodeBlock",
        "openUrl",
        "readImage",
        "replaceCodeBlock",
        "smartRelocate",
        "useAws",
    }
)
_BUILTIN = _UNMAPPED | _MAPPINGS.keys()
