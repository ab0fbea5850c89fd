"""Putting another program in the place of this one, in one step, and back again.

A program that runs cannot be written over, but on POSIX its name can be given to another file at
any time. On Windows it can be renamed first. Either way what runs goes on with the old file.
"""

import errno
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from gateway.errors import UpdateFailed
from gateway.update.installed import Installed
from gateway.update.release import Release
from gateway.update.versions import Version

LARGEST_PROGRAM = 500 * 1024 * 1024  # bytes
FIRST_START = 120.0  # seconds; virus scanners read a new program before it runs
STAGED = ".kiro-gateway-update-"
ABANDONED = 3600.0  # seconds after which nobody is still at it


@contextmanager
def staging(installed: Installed) -> Iterator[Path]:
    """A folder beside the program, so that nothing has to be copied at the last moment.

    Raises:
        UpdateFailed: its folder cannot be written, or the disk is full. Also what the block meets
            of that kind.
    """
    folder = installed.program.parent
    _sweep(folder)
    try:
        with tempfile.TemporaryDirectory(
            prefix=STAGED, dir=folder, ignore_cleanup_errors=True
        ) as staged:
            yield Path(staged)
    except OSError as exc:
        if exc.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise UpdateFailed(
                f"{folder} cannot be written by you. Run the command as whoever owns it, or "
                "install the program for yourself with install.sh. Nothing was changed."
            ) from exc
        if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise UpdateFailed(
                f"There is no room left in {folder}. Make some and try again. Nothing was changed."
            ) from exc
        raise


def _sweep(folder: Path) -> None:
    """Remove what updates left behind that were killed."""
    before = time.time() - ABANDONED
    for staged in folder.glob(f"{STAGED}*"):
        with suppress(OSError):
            if staged.stat().st_mtime < before:
                shutil.rmtree(staged)


def unpack(archive: Path, release: Release, into: Path) -> Path:
    """Take the program out of an archive; gives its path.

    Raises:
        UpdateFailed: it is not in there.
    """
    name = "kiro-gateway.exe" if release.archive.endswith(".zip") else "kiro-gateway"
    target = into / name
    try:
        with _opened(archive, release, name) as file:
            _copy(file, target)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile, EOFError) as exc:
        raise UpdateFailed(f"{release.archive} has no program in it. Nothing was changed.") from exc
    return target


@contextmanager
def _opened(archive: Path, release: Release, name: str) -> Iterator[IO[bytes]]:
    inside = f"{release.folder}/{name}"
    if release.archive.endswith(".zip"):
        with zipfile.ZipFile(archive) as zipped, zipped.open(inside) as entry:
            yield entry
        return
    with tarfile.open(archive, "r:gz") as packed:
        found = packed.extractfile(inside)
        if found is None:
            raise KeyError(inside)
        with found:
            yield found


def _copy(source: IO[bytes], target: Path) -> None:
    left = LARGEST_PROGRAM
    with target.open("wb") as file:
        while chunk := source.read(1024 * 1024):
            left -= len(chunk)
            if left < 0:
                raise UpdateFailed("The program in the archive is larger than any of ours.")
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    target.chmod(0o755)


def version_of(program: Path) -> Version:
    """What a program says it is; so that it also starts.

    Raises:
        UpdateFailed: it does not run here, or says something else.
    """
    try:
        done = subprocess.run(  # noqa: S603  # a file that was just verified, or ours
            [str(program), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=FIRST_START,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise UpdateFailed(
            f"{program.name} does not run here: {exc}. Nothing was changed."
        ) from exc
    if done.returncode != 0:
        raise UpdateFailed(
            f"{program.name} does not run here; it says: {done.stderr.strip()[-500:]}. Nothing was "
            "changed."
        )
    try:
        return Version.parse(done.stdout.split()[-1])
    except (IndexError, ValueError) as exc:
        raise UpdateFailed(
            f"{program.name} does not say its version. Nothing was changed."
        ) from exc


def put_in_place(installed: Installed, new: Path) -> None:
    """Give the program's name to `new`, and keep the old one as `previous`."""
    if sys.platform == "win32":
        _on_windows(installed, new)
        return
    kept = new.with_name("kept")
    shutil.copy2(installed.program, kept)
    # First the copy, then the name: at every moment there is a whole program under it.
    os.replace(kept, installed.previous)  # noqa: PTH105  # reads as what it does
    os.replace(new, installed.program)  # noqa: PTH105
    _sync(installed.program.parent)


def put_back(installed: Installed, folder: Path) -> None:
    """Exchange the program with the previous one, so that this can be taken back as well.

    Raises:
        UpdateFailed: there is no previous one.
    """
    if not installed.previous.is_file():
        raise UpdateFailed("There is no previous version here to go back to.")
    previous = folder / installed.program.name
    shutil.copy2(installed.previous, previous)
    version_of(previous)
    put_in_place(installed, previous)


def _on_windows(installed: Installed, new: Path) -> None:
    _make_way(installed)
    installed.program.rename(installed.previous)
    try:
        new.rename(installed.program)
    except OSError:
        installed.previous.rename(installed.program)
        raise


def _make_way(installed: Installed) -> None:
    stem = installed.program.stem
    for old in installed.program.parent.glob(f"{stem}.*.old.exe"):
        with suppress(PermissionError):
            old.unlink()
    try:
        installed.previous.unlink(missing_ok=True)
    except PermissionError:
        # It still runs, from before the last update; it may be renamed all the same.
        installed.previous.rename(installed.program.with_name(f"{stem}.{os.getpid()}.old.exe"))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
