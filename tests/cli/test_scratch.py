import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.scratch import FILLING, IN_USE, MARKER, hold, scratch_folder, sweep

if sys.platform == "win32":
    pytest.skip("locks are POSIX", allow_module_level=True)

import fcntl

PREFIX = "_MEI"


def make_folder(parent: Path, name: str = PREFIX + "one") -> Path:
    folder = parent / name
    folder.mkdir()
    (folder / MARKER).touch()
    (folder / "lib").mkdir()
    (folder / "lib" / "a.so").touch()
    return folder


def test_the_folder_of_a_process_that_ended_is_removed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    hold(folder)()
    sweep(tmp_path, PREFIX, now=0)
    assert not folder.exists()


def test_the_folder_of_a_process_that_was_killed_is_removed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    holder = (
        "import os, pathlib, sys; from gateway.cli.scratch import hold;"
        "hold(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", holder, folder], check=False)
    assert done.returncode == -9
    assert (folder / IN_USE).exists()
    sweep(tmp_path, PREFIX, now=0)
    assert not folder.exists()


def test_a_folder_in_use_is_left_alone_however_old(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    let_go = hold(folder)
    sweep(tmp_path, PREFIX, now=1e12)
    assert (folder / "lib" / "a.so").exists()
    let_go()


@pytest.mark.parametrize(("age", "is_left"), [(FILLING - 1, True), (FILLING + 1, False)])
def test_a_folder_that_nobody_has_locked_yet_is_given_time(
    age: float, is_left: bool, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path)
    made = (folder / MARKER).stat().st_mtime
    sweep(tmp_path, PREFIX, now=made + age)
    assert folder.exists() is is_left


def test_folders_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    foreign, elsewhere = tmp_path / "_MEIforeign", make_folder(tmp_path, "other")
    foreign.mkdir()
    sweep(tmp_path, PREFIX, now=1e12)
    assert foreign.exists()
    assert elsewhere.exists()


def test_a_link_that_looks_like_a_folder_of_ours_is_not_followed(tmp_path: Path) -> None:
    target = make_folder(tmp_path, "precious")
    link = tmp_path / "_MEIlink"
    link.symlink_to(target)
    sweep(tmp_path, PREFIX, now=1e12)
    assert (target / "lib" / "a.so").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_folders_of_other_users_are_left_alone(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    os.chown(folder, 12345, 12345)
    sweep(tmp_path, PREFIX, now=1e12)
    assert folder.exists()


def test_a_parent_that_is_not_there_is_nothing_to_sweep(tmp_path: Path) -> None:
    sweep(tmp_path / "missing", PREFIX, now=0)


def test_a_scratch_folder_is_held_and_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = make_folder(tmp_path, "demo-left")
    (left / IN_USE).touch()
    with scratch_folder("demo-") as folder:
        assert not left.exists()
        descriptor = os.open(folder, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)
    assert not list(tmp_path.glob("demo-*"))
