"""What the pages about clients tell people to set works, as far as it can be tried here."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from gateway.simulator.server import serve_in_thread
from tests.gateway_process import Installation, gateway_processes
from tests.pages import FOLDER, Block, blocks
from tests.release.test_install_ps1 import parsed

PAGES = sorted((FOLDER / "docs" / "clients").glob("*.md"))
SNIPPETS = FOLDER / "ui" / "src" / "components" / "snippets" / "snippets.ts"

# Programs that are not installed with this project. What they are given was tried by hand, with
# the version that their page names.
BY_HAND = {
    *("aider", "claude", "cline", "cn", "codex", "llm", "open-webui", "opencode", "pi", "qwen"),
}

ALL = [
    pytest.param(page, block, id=f"{page.stem}-{number}-{block.language}")
    for page in PAGES
    for number, block in enumerate(blocks(page), 1)
]


@dataclass(frozen=True, slots=True)
class Served:
    """A running gateway, and a key for it."""

    url: str
    key: str

    def meant(self, text: str) -> str:
        """A snippet with this gateway's address and a key that is good."""
        return text.replace("http://localhost:8080", self.url).replace("sk-kiro-…", self.key)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve_in_thread() as simulator:
        installation = Installation(tmp_path_factory.mktemp("pages"), simulator.url)
        installation.add_account()
        key = installation.create_key()
        with gateway_processes(installation) as (gateway,):
            yield Served(gateway.url, key)


def works_as_sh(block: Block, served: Served, folder: Path) -> None:
    here = []
    for command in block.commands():
        name = command.split()[0]
        if name not in BY_HAND:
            assert name in {"curl", "export"}, f"{name}: try it here, or by hand"
            here.append(served.meant(command).replace("curl ", "curl -sS --fail-with-body ", 1))
    done = subprocess.run(
        ["sh", "-ec", "\n".join(here)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if any(command.startswith("curl") for command in here):
        assert done.stdout


def works_as_python(block: Block, served: Served, folder: Path) -> None:
    code = compile(served.meant(block.text), "snippet", "exec")
    needed = re.findall(r"^(?:from|import) (\w+)", block.text, re.MULTILINE)
    if not set(needed) <= {"openai", "anthropic"}:
        return  # compiled; the rest by hand
    done = subprocess.run(
        [sys.executable, "-c", served.meant(block.text)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert code
    assert done.stdout == "You said: Hello!", done.stderr


def works_as_js(block: Block, served: Served, folder: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not there")
    file = folder / "snippet.mjs"
    file.write_text(served.meant(block.text))
    done = subprocess.run([node, "--check", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def works_as_powershell(block: Block, served: Served, folder: Path) -> None:
    assert not parsed(block.text.encode()).root_node.has_error


def works_as_data(block: Block, served: Served, folder: Path) -> None:
    text = served.meant(block.text)
    readers: dict[str, Callable[[str], object]] = {
        "json": json.loads,
        "toml": tomllib.loads,
        "yaml": yaml.safe_load,
    }
    assert readers[block.language](text)


WORKS = {
    "sh": works_as_sh,
    "python": works_as_python,
    "js": works_as_js,
    "powershell": works_as_powershell,
    "json": works_as_data,
    "toml": works_as_data,
    "yaml": works_as_data,
}


@pytest.mark.parametrize(("page", "block"), ALL)
def test_what_is_to_be_copied_works(
    page: Path, block: Block, served: Served, tmp_path: Path
) -> None:
    WORKS[block.language](block, served, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_says_whether_it_was_tried(page: Path) -> None:
    text = page.read_text("utf-8").partition("\n\n")[2]
    tried = re.match(
        r"Tried (with .*?\d+\.\d+.*?\bon \d+ \w+ 20\d\d|by the tests)", text, re.DOTALL
    )
    assert tried or text.startswith("Not tried by us")


@pytest.mark.parametrize("name", ["README.md", "README_CN.md"])
def test_the_readme_leads_to_every_page(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    linked = set(re.findall(r"\(docs/clients/([\w-]+)\.md\)", text))
    assert linked == {page.stem for page in PAGES}


def test_the_admin_pages_say_the_same() -> None:
    source = SNIPPETS.read_text("utf-8")
    (kinds,) = re.findall(r"export type SnippetId =\n(.*?)\n\n", source, re.DOTALL)
    for kind in re.findall(r"'([\w-]+)'", kinds):
        named = ("openai-sdk", "anthropic-sdk") if kind == "python" else (kind,)
        assert set(named) <= {page.stem for page in PAGES}
    told = "\n".join(page.read_text("utf-8") for page in PAGES)
    facts = re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", source)
    facts += re.findall(r"\['([\w ]+)', (?:`|apiKey|model)", source)
    facts += re.findall(r"npm: '(.*?)'", source)
    assert len(facts) > 10
    for fact in set(facts):
        assert fact in told, fact
