import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from gateway import logs
from gateway.cli.__main__ import run

Invoke = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def an_empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of whoever runs the tests: an empty home, an empty folder, no settings around."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.chdir(work)
    for name in [name for name in os.environ if name.startswith(("KIRO_GATEWAY_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name in ("HOST", "PORT", "LOG_LEVEL", "DB_PATH", "ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def the_log_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands set up the log of their process, which here is that of all tests."""
    handlers, level = logging.root.handlers[:], logging.root.level
    monkeypatch.setattr(logs, "_debugging", logs.is_debugging())
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Run a command line; gives its exit code, standard output and standard error."""

    def invoke(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return invoke
