"""What a page of the documentation tells people to type."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import click

from gateway.cli.__main__ import DEFAULT_COMMAND, root

FOLDER = Path(__file__).parent.parent
PAGES = [*FOLDER.glob("*.md"), *(FOLDER / "docs").rglob("*.md")]

SHELL = {"sh", "console"}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the word behind its fence, and what is in it."""

    language: str
    text: str

    def commands(self) -> list[str]:
        """The commands of a shell block, each with all of its lines."""
        text = re.sub(r"\\\n", "\\\0", self.text)
        lines = [line.removeprefix("$ ").replace("\0", "\n") for line in text.splitlines()]
        return [line for line in lines if line.strip() and not line.startswith("#")]


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [Block(language, text) for language, text in found]


def check_ours(command: str) -> None:
    """See that a command line has only commands and options of ours that there are, if it is ours.

    Raises:
        click.UsageError: it does not.
    """
    if not re.match(r"([A-Z_]+=\S* )*(\S*/)?kiro-gateway( |$)", command):
        return
    words = shlex.split(command, comments=True)
    for stop in ("<", ">", ">>", "|", "&&"):
        if stop in words:
            words = words[: words.index(stop)]
    while words and re.match(r"[A-Z_]+=", words[0]):
        del words[0]
    found: click.Command | None = root
    context = click.Context(root, info_name="kiro-gateway")
    name, words = "kiro-gateway", words[1:]
    own = {option for parameter in root.params for option in parameter.opts}
    if {*words[:1]} & own:
        return
    # Bare options are those of `serve`.
    if not words or words[0].startswith("-"):
        words = [DEFAULT_COMMAND, *words]
    while isinstance(found, click.Group) and words:
        name, *words = words
        found = found.get_command(context, name)
    if found is None:
        raise click.UsageError(f"{command}: there is no command {name}")
    found.make_context(name, words, context)
