"""Temporary folders that do not outlive us: a process locks its own and clears away dead ones'.

Whoever is killed leaves its folder behind. The next one of us to start recognises it by a file in
it and by its lock, which the system releases with the process. systemd-tmpfiles, which clears /tmp
of what is old, leaves a locked folder alone too.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

MARKER = ".kiro-gateway"
"""The first file in a folder of ours."""

IN_USE = ".in-use"
"""Made when the lock is held: from then on an open lock means that the process has ended."""

FILLING = 600.0  # seconds; filling a folder takes less than one, so whoever takes this long is gone


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder for as long as the block runs; those of dead processes go first."""
    sweep(Path(gettempdir()), prefix, now=time.time())
    with TemporaryDirectory(prefix=prefix) as name:
        folder = Path(name)
        (folder / MARKER).touch()
        let_go = hold(folder)
        try:
            yield folder
        finally:
            let_go()


def hold(folder: Path) -> Callable[[], None]:
    """Keep `folder`, which has its marker, from being cleared away until what is given is called.

    It need not be: the lock ends with the process.
    """
    if sys.platform == "win32":
        # Windows deletes no file that is open.
        return (folder / IN_USE).open("xb").close
    else:  # noqa: RET505  # mypy looks at one system at a time
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(OSError):  # some network file systems cannot lock; nothing is cleared there
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            (folder / IN_USE).touch()
        return partial(os.close, descriptor)


def sweep(parent: Path, prefix: str, *, now: float) -> None:
    """Remove the folders in `parent` that processes of ours and of this user left behind.

    `prefix` is how their names begin, `now` seconds since 1970.
    """
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(prefix):
                with suppress(OSError):
                    _remove_if_left(Path(entry.path), now)


def _remove_if_left(folder: Path, now: float) -> None:
    marker = (folder / MARKER).lstat()
    is_filled = (folder / IN_USE).exists()
    if not is_filled and now - marker.st_mtime < FILLING:
        return
    if sys.platform == "win32":
        (folder / IN_USE).unlink(missing_ok=True)
        _remove(folder)
    else:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            # In a folder for everybody, somebody else may have made this to have us follow it.
            if os.fstat(descriptor).st_uid == os.geteuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(folder)
        finally:
            os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove everything, the marker last, so that what is left by a cut is still known as ours."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            elif entry.name != MARKER:
                Path(entry.path).unlink()
    (folder / MARKER).unlink()
    folder.rmdir()
