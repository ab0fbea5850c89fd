"""Imports in `gateway/` go one way. The table is the one in docs/architecture.md."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "gateway"

PURE = {"errors", "conversation", "events", "protocol"}
STORED = PURE | {"settings", "redact", "logs", "kiro", "store"}
BELOW_WEB = STORED | {"upstream", "accounts", "notifications", "dialects", "relay"}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "redact": set(),
    "release_key": set(),
    "settings": {"errors"},
    "conversation": {"errors"},
    "events": {"errors"},
    "protocol": {"errors"},
    "dialects": PURE,
    "kiro": PURE,
    "logs": {"redact"},
    "store": {"errors", "settings"},
    "upstream": STORED,
    "accounts": STORED | {"upstream"},
    "logins": STORED | {"upstream", "accounts"},
    "notifications": STORED | {"upstream", "accounts"},
    "relay": BELOW_WEB - {"notifications"},
    "web": BELOW_WEB | {"logins", "update"},
    "simulator": {"errors", "protocol"},
    "doctor": BELOW_WEB,
    "update": {"errors", "release_key", "upstream"},
    "service": {"errors"},
    "cli": BELOW_WEB | {"logins", "web", "doctor", "simulator", "update", "service"},
    "__main__": {"cli"},
}

# No clock, no network, no event loop.
STILL = {"errors", "redact", "settings", "conversation", "events", "protocol", "dialects", "kiro"}
# Nor in these modules, whose layer has some.
STILL_MODULES = {
    f"notifications/{name}.py"
    for name in (
        "decisions",
        "facts",
        "notices",
        "observation",
        "payloads",
        "schedule",
        "texts",
        "thresholds",
        "wording",
    )
}
MOVING = {"anyio", "asyncio", "httpx", "aiohttp", "socket", "threading", "time"}


def imports(path: Path) -> set[str]:
    """Dotted names; `from gateway import x` counts as gateway.x."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "gateway":
            found |= {f"gateway.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


MODULES = [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_from_its_own_layer_and_those_it_may(path: Path) -> None:
    used = {name.split(".")[1] for name in imports(path) if name.startswith("gateway.")}
    assert used - MAY_IMPORT[layer(path)] - {layer(path), "__version__"} == set()


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in MODULES
        if layer(path) in STILL or str(path.relative_to(ROOT)) in STILL_MODULES
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_pure_module_knows_no_clock_network_or_event_loop(path: Path) -> None:
    assert {name.split(".")[0] for name in imports(path)} & MOVING == set()
    tree = ast.parse(path.read_text())
    assert not [n.name for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef)]


def test_only_the_command_line_reads_the_environment() -> None:
    readers = {
        layer(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        if isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert readers <= {"cli"}
