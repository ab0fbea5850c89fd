"""The installer for Windows, as PowerShell reads it; the release workflow runs it there."""

import re
from collections.abc import Iterator
from pathlib import Path

import tree_sitter
import tree_sitter_powershell

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "install.ps1"


def every_node(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from every_node(child)


def parsed(source: bytes) -> tree_sitter.Tree:
    language = tree_sitter.Language(tree_sitter_powershell.language())
    return tree_sitter.Parser(language).parse(source)


def test_powershell_can_read_it() -> None:
    assert not parsed(SCRIPT.read_bytes()).root_node.has_error
    assert parsed(b"function broken { if (").root_node.has_error, "the parser tells the difference"


def test_it_is_plain_text_that_powershell_5_reads_without_a_mark() -> None:
    assert SCRIPT.read_bytes().isascii()


def test_every_function_that_is_called_is_there_and_used() -> None:
    text = SCRIPT.read_text()
    tree = parsed(text.encode())
    defined = {
        match[1] for match in re.finditer(r"^function ([A-Z][a-z]+-[A-Za-z]+)", text, re.MULTILINE)
    }
    called = {
        node.text.decode()
        for node in every_node(tree.root_node)
        if node.type == "command_name" and node.text is not None
    }
    known = {
        *("Copy-Item", "Expand-Archive", "Get-ChildItem", "Get-Command", "Get-Content"),
        *("Get-FileHash", "Get-Process", "Invoke-WebRequest", "Join-Path", "Move-Item", "New-Item"),
        *("Remove-Item", "Select-Object", "Split-Path", "Test-Path", "Where-Object", "Write-Host"),
    }
    assert defined <= called
    assert {name for name in called if "-" in name} == defined | known


def test_half_a_script_does_nothing_and_none_of_it_closes_the_window() -> None:
    text = SCRIPT.read_text()
    assert text.rstrip().endswith("\n}\n\nInvoke-Installer")
    commands = [
        node.text.decode().split()[0].lower()
        for node in every_node(parsed(text.encode()).root_node)
        if node.type in {"flow_control_statement", "command"} and node.text
    ]
    assert "throw" in commands
    assert "exit" not in commands
