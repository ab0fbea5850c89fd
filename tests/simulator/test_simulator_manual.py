import re
from pathlib import Path

import pytest

from gateway.simulator.accounts import DEMO_ACCOUNTS
from gateway.simulator.control import CONTROL_ROUTES
from gateway.simulator.rules import RULES
from gateway.simulator.scenarios import SCENARIOS

SOURCES = sorted((Path(__file__).parents[2] / "gateway" / "simulator").rglob("*.py"))
MANUAL = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_the_manual_names_every_rule(name: str) -> None:
    assert f"`{name}`" in MANUAL


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_manual_names_whatever_else_a_request_can_break(path: Path) -> None:
    names = re.findall(r'refused\(\s*"([a-z-]+)"', path.read_text())
    assert [name for name in names if f"`{name}`" not in MANUAL] == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_manual_names_every_scenario(name: str) -> None:
    kind = name.removeprefix("exception-first-").removeprefix("exception-later-")
    assert f"`{kind}`" in MANUAL


def test_the_manual_names_every_account_and_control_route() -> None:
    for account in DEMO_ACCOUNTS:
        assert f"| `{account.name}` |" in MANUAL
    for route in CONTROL_ROUTES:
        assert route.path in MANUAL
