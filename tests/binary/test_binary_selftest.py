"""`build/selftest.py`, which releases are judged by, judges rightly."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.binary.conftest import ROOT


def selftest(program: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, ROOT / "build/selftest.py", program],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.slow
def test_the_binary_passes_the_selftest(binary: Path) -> None:
    done = selftest(binary)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "ok   nothing left behind"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in")
@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("exit 3", "--version ended with 3"),
        ('test "$1" = --version && echo 1.0', "the demo ended instead of greeting"),
    ],
    ids=["fails", "prints nothing"],
)
def test_a_program_that_does_not_work_fails_it(script: str, complaint: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(stat.S_IRWXU)
    done = selftest(program)
    assert done.returncode == 1
    assert f"FAIL {complaint}" in done.stdout
