import json
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.kiro.builtin_tools import FETCH_PROMPT, is_builtin, remap

CLAUDE_CODE = frozenset({"Read", "Write", "Bash", "WebSearch", "WebFetch", "LSP"})


def remapped(name: str, **tool_input: object) -> tuple[str, object]:
    result = remap(name, tool_input, CLAUDE_CODE)
    assert result is not None
    return result[0], json.loads(result[1])


@pytest.mark.parametrize(
    ("name", "tool_input", "target", "expected"),
    [
        ("readFile", {"path": "a.py"}, "Read", {"file_path": "a.py"}),
        ("readCode", {"filePath": "a.py"}, "Read", {"file_path": "a.py"}),
        ("fs_read", {"fileName": "a.py", "path": ""}, "Read", {"file_path": "a.py"}),
        (
            "fsWrite",
            {"relativePath": "a", "path": "b", "content": "x"},
            "Write",
            {"file_path": "a", "content": "x"},
        ),
        (
            "fs_write",
            {"file_path": "a", "newContent": ""},
            "Write",
            {"file_path": "a", "content": ""},
        ),
        ("executeCommand", {"command": "ls | wc"}, "Bash", {"command": "ls | wc"}),
        ("executeBash", {"command": "ls"}, "Bash", {"command": "ls"}),
        ("listDirectory", {}, "Bash", {"command": "ls -la ."}),
        ("listDirectory", {"path": "a b"}, "Bash", {"command": "ls -la 'a b'"}),
        ("searchFiles", {"query": "*.py"}, "Bash", {"command": "find . -name '**.py*'"}),
        ("searchFiles", {"path": "-x"}, "Bash", {"command": "find ./-x -name '**'"}),
        (
            "grepSearch",
            {"pattern": "a b", "path": "src"},
            "Bash",
            {"command": "grep -rn -e 'a b' src"},
        ),
        ("grepSearch", {"query": "-v"}, "Bash", {"command": "grep -rn -e -v ."}),
        ("grepSearch", {"path": "src"}, "Bash", {}),
        ("webSearch", {"query": "rye"}, "WebSearch", {"query": "rye"}),
        ("web_search", {"query": "rye"}, "WebSearch", {"query": "rye"}),
        ("websearch", {"pattern": "rye"}, "WebSearch", {"query": "rye"}),
        (
            "fetchWebpage",
            {"url": "https://e.org"},
            "WebFetch",
            {"url": "https://e.org", "prompt": FETCH_PROMPT},
        ),
        (
            "getDefinition",
            {"path": "a.py", "line": 3, "character": 0},
            "LSP",
            {"operation": "goToDefinition", "filePath": "a.py", "line": 3, "character": 0},
        ),
        (
            "getTypeDefinition",
            {"path": "a.py"},
            "LSP",
            {"operation": "goToDefinition", "filePath": "a.py"},
        ),
        (
            "getReferences",
            {"path": "a.py"},
            "LSP",
            {"operation": "findReferences", "filePath": "a.py"},
        ),
        (
            "getDiagnostics",
            {"path": "a.py", "line": 9},
            "LSP",
            {"operation": "documentSymbol", "filePath": "a.py", "line": 1, "character": 1},
        ),
        ("readFile", {"path": 5}, "Read", {}),
    ],
)
def test_a_builtin_call_becomes_one_of_the_clients(
    name: str, tool_input: dict[str, object], target: str, expected: object
) -> None:
    assert remapped(name, **tool_input) == (target, expected)


@pytest.mark.parametrize(
    "name", ["smartRelocate", "browser_click", "browser_type", "useAws", "createNewFile"]
)
def test_a_builtin_tool_without_a_counterpart_is_not_mapped(name: str) -> None:
    assert is_builtin(name, CLAUDE_CODE)
    assert remap(name, {}, CLAUDE_CODE) is None


def test_a_builtin_tool_is_only_mapped_to_what_the_client_declared() -> None:
    assert remap("readFile", {"path": "a"}, frozenset({"Bash"})) is None


@pytest.mark.parametrize("name", ["readFile", "browser_click", "web_search"])
def test_a_name_that_the_client_declared_is_no_builtin(name: str) -> None:
    assert is_builtin(name, frozenset())
    assert not is_builtin(name, frozenset({name}))


def test_a_name_that_kiro_does_not_have_is_no_builtin() -> None:
    assert not is_builtin("stock_count", frozenset())


@settings(max_examples=150, deadline=None)
@given(path=st.text(min_size=1), query=st.text(min_size=1))
def test_arguments_reach_the_shell_as_one_word_each(path: str, query: str) -> None:
    word = f"./{path}" if path[0] in "-(!" else path
    for name, words in (
        ("listDirectory", ["ls", "-la", word]),
        ("searchFiles", ["find", word, "-name", f"*{query}*"]),
        ("grepSearch", ["grep", "-rn", "-e", query, word]),
    ):
        result = remap(name, {"path": path, "query": query}, CLAUDE_CODE)
        assert result is not None
        assert shlex.split(json.loads(result[1])["command"]) == words
