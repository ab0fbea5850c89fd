"""The error texts that the manual quotes are those that the gateway says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent
PAGE = (FOLDER / "docs" / "troubleshooting.md").read_text("utf-8")

# What other programs say, and what the gateway logs in fewer words.
NOT_OURS = {"kiro-gateway: command not found"}

GAP = "\0"


def sentences(tree: ast.AST) -> Iterator[str]:
    """Every text in a module, with `GAP` for what is filled in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values
            )


@pytest.fixture(scope="module")
def said() -> str:
    modules = [path for path in (FOLDER / "gateway").rglob("*.py") if "simulator" not in path.parts]
    texts = [text for path in modules for text in sentences(ast.parse(path.read_text("utf-8")))]
    others = [FOLDER / "scripts" / "install.sh", *(FOLDER / "ui/src/locales/en").glob("*.ts")]
    return "\n".join([*texts, *(path.read_text("utf-8") for path in others)])


@pytest.mark.parametrize("quoted", sorted(set(re.findall(r"“(.+?)”", PAGE)) - NOT_OURS))
def test_the_gateway_says_what_is_quoted(quoted: str, said: str) -> None:
    # A gap of the page is one of the text, and the end of a text may be left out.
    wanted = re.escape(quoted.removesuffix("…").rstrip()).replace("…", "[^\n]{0,160}?")
    assert re.search(wanted, said), quoted


def test_a_text_that_nobody_says_would_be_noticed(said: str) -> None:
    assert not re.search(re.escape("The account is on holiday."), said)
