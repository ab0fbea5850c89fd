"""What the documentation says of settings, texts, layers and commands is what the code has."""

import re
from pathlib import Path

import pytest

from gateway.cli.__main__ import root
from gateway.cli.commands import LazyGroup
from gateway.kiro import texts
from gateway.settings.load import FLAGS, SHORT_NAMES
from gateway.settings.schema import KEYS, Key

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_every_setting_has_its_row(key: Key) -> None:
    (row,) = re.findall(rf"^\| `{re.escape(key.name)}`.*$", CONFIGURATION, re.MULTILINE)
    where, default, meaning = row.strip("| ").split(" | ", 2)
    assert f"`{key.variable}`" in where
    assert (f"`{FLAGS[key.name]}`" in where) if key.name in FLAGS else ("--" not in where)
    assert key.description in meaning
    match key.default:
        case None:
            assert default == "–"
        case bool() as switch:
            assert default == f"`{str(switch).lower()}`"
        case int() | float() as number:
            assert default in {f"`{number}`", f"`{number // 1024**2} MiB`"}
        case str() as text:
            assert default.strip('`"') in {text, "kiro-gateway/<version>"}
        case tuple() | dict() as several:
            assert default.strip("`") == str(several).replace(" ", "").translate(
                str.maketrans("()", "[]")
            )


def test_no_row_is_of_a_setting_that_is_gone() -> None:
    assert set(re.findall(r"^\| `(\w+\.\w+)`", CONFIGURATION, re.MULTILINE)) == set(KEYS)


@pytest.mark.parametrize("name", SHORT_NAMES)
def test_every_short_name_is_documented(name: str) -> None:
    assert f"`{name}`" in CONFIGURATION


OURS = {name: text for name, text in vars(texts).items() if name.isupper()}


@pytest.mark.parametrize("name", OURS)
def test_every_text_of_ours_is_published(name: str) -> None:
    page = (ROOT / "docs" / "upstream-texts.md").read_text()
    shown = "one space" if OURS[name] == " " else f"`{OURS[name]}`"
    assert f"| {name} | {shown.replace(chr(10), '⏎')} |" in page


def test_no_published_text_is_gone() -> None:
    page = (ROOT / "docs" / "upstream-texts.md").read_text()
    assert set(re.findall(r"^\| ([A-Z_]{3,}) \|", page, re.MULTILINE)) == set(OURS)


def test_every_layer_is_in_the_diagram() -> None:
    diagram = (ROOT / "docs" / "architecture.md").read_text().partition("## Layers")[2]
    for path in (ROOT / "gateway").iterdir():
        if path.name.startswith("__"):
            continue
        assert f"\n  {path.name}{'/' if path.is_dir() else ''} " in diagram, path.name


def anchors(page: Path) -> set[str]:
    """What can be linked to in a page: its headings, as GitHub spells them in addresses."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http:", "https:", "#")):
            name, _, anchor = target.partition("#")
            assert (page.parent / name).exists(), target
            if anchor and name.endswith(".md"):
                assert anchor in anchors(page.parent / name), target


def test_every_command_in_the_pages_exists() -> None:
    assert isinstance(root, LazyGroup)
    known = set(root.commands_from)
    for page in PAGES:
        blocks = re.findall(r"```\w*\n(.*?)```", page.read_text(), re.DOTALL)
        named = re.findall(r"^\S*kiro-gateway +([a-z-]+)", "\n".join(blocks), re.MULTILINE)
        assert set(named) <= known, page


def test_the_pitfalls_have_codes_of_their_own() -> None:
    codes = re.findall(
        r"^- \*\*(P-\d\d)\*\*", (ROOT / "docs" / "pitfalls.md").read_text(), re.MULTILINE
    )
    assert codes == sorted(set(codes))
    assert len(codes) > 50


def test_the_readme_carries_the_notice() -> None:
    words = " ".join((ROOT / "README.md").read_text().replace(">", " ").split())
    assert (
        "Kiro support is unofficial and meant for personal testing and research; upstream "
        "protocols, model access and subscription policy may change without notice."
    ) in words
