"""What the binary says is what the sources say, though it is optimised and anywhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from build.product import LARGEST_BINARY
from gateway import __version__
from gateway.cli.__main__ import root
from gateway.settings.example import example_config
from tests.binary.conftest import ROOT, Run, unpacked

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="locales and paths are POSIX")


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command there is, as the words that name it."""
    yield path
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from commands(command, *path, name)
            else:
                yield (*path, name)


def test_it_is_small_enough_to_download(binary: Path) -> None:
    assert binary.stat().st_size <= LARGEST_BINARY


def test_it_says_its_version(run: Run) -> None:
    assert run("--version").stdout == f"kiro-gateway {__version__}\n"


def test_each_command_explains_itself_as_the_sources_do(run: Run) -> None:
    environ = os.environ | {"COLUMNS": "100"}
    for words in commands(root):
        from_sources = subprocess.run(
            [sys.executable, "-m", "gateway", *words, "--help"],
            env=environ,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        told = run(*words, "--help", environ={"COLUMNS": "100"})
        assert (told.returncode, told.stdout) == (0, from_sources.stdout), words


def test_it_writes_the_same_settings_file(run: Run, tmp_path: Path) -> None:
    assert run("config", "init", "--config", "made.yaml").returncode == 0
    assert (tmp_path / "made.yaml").read_text("utf-8") == example_config()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("config", "init", "--config", "made.yaml"), 0),
        (("accounts", "remove", "nobody"), 1),
        (("accounts", "list", "--no-such-option"), 2),
        (("config", "check", "--config", "missing.yaml"), 2),
    ],
    ids=["done", "failed", "wrong usage", "wrong settings"],
)
def test_exit_codes_pass_through_the_boot_loader(
    run: Run, arguments: tuple[str, ...], code: int
) -> None:
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "environ",
    [
        {"LC_ALL": "C"},
        {"LANG": "POSIX", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "cp932", "LC_ALL": "en_US.ISO-8859-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
    ],
    ids=lambda environ: " ".join(environ.values()),
)
def test_any_text_can_be_read_and_printed_whatever_the_console(
    run: Run, tmp_path: Path, environ: dict[str, str]
) -> None:
    made = run("config", "init", "--config", "配置-ü.yaml", environ=environ)
    assert made.returncode == 0, made.stderr
    assert "配置-ü.yaml" in made.stdout + made.stderr
    assert (tmp_path / "配置-ü.yaml").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is Python's own")
def test_it_brings_its_own_sqlite(binary: Path) -> None:
    packed = (ROOT / "dist" / "contents.txt").read_text()
    assert " PYZ.pyz/sqlean.dbapi2" in packed
    assert "libsqlite3" not in packed
    assert "/_sqlite3." not in packed.replace("sqlean/_sqlite3.", "")


@POSIX
def test_it_runs_from_a_very_long_path(run: Run, binary: Path, tmp_path: Path) -> None:
    folder = tmp_path
    while len(str(folder)) < 3500:
        folder /= "a" * 200
    folder.mkdir(parents=True)
    program = folder / "kiro-gateway"
    program.symlink_to(binary)
    assert run("--version", program=program).returncode == 0
    program.unlink()
    program.write_bytes(binary.read_bytes())
    program.chmod(0o755)
    assert run("--version", program=program, cwd=folder).returncode == 0


@POSIX
def test_it_runs_where_the_temporary_folder_is_very_deep(run: Run, temporary: Path) -> None:
    deep = temporary
    while len(str(deep)) < 3500:
        deep /= "b" * 200
    deep.mkdir(parents=True)
    done = run("--version", environ={"TMPDIR": str(deep)})
    assert done.returncode == 0, done.stderr
    assert not unpacked(deep)


@POSIX
def test_closed_streams_are_no_reason_to_fail(binary: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        f"'{binary}' --version >&- 2>&- <&-", shell=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0


@POSIX
def test_a_reader_that_goes_away_gets_no_traceback(binary: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        f"'{binary}' completion bash | head -c 1",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "Traceback" not in done.stderr
