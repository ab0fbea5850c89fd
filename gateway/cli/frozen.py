"""What only the one-file binary has to see to.

PyInstaller's boot loader unpacks the libraries into a temporary folder and runs the program as its
child. So there are two processes where people see one, a folder that must not outlive them, and
modules that are read from the executable whenever they are first imported. None of this is needed,
or done, when Python runs us directly.
"""

import mmap
import os
import signal
import sys
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Protocol, Self

from gateway.cli.scratch import hold, sweep

# Terminals and service managers send these to both processes, and the boot loader passes its own on
# to us, within milliseconds. Taken for a second one, that would cut off the streams that the first
# lets finish. Nobody presses Ctrl-C twice as fast as this.
SENT_TO_BOTH = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
ONE_PRESS = 0.5  # seconds

Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None

PR_SET_PDEATHSIG = 1  # linux/prctl.h

_kept: list[object] = []  # for as long as the process lives


class Archive(Protocol):
    """What is needed of PyInstaller's reader of the modules packed into the executable."""

    _filename: str


def prepare() -> None:
    """Make the unpacked program behave as one that was simply started."""
    end_with(os.getppid())
    ignore_echoes()
    restore_environment(os.environ)
    import pyimod01_archive  # type: ignore[import-not-found]  # PyInstaller's, in the binary only
    import pyimod02_importers  # type: ignore[import-not-found]

    keep_modules(pyimod01_archive, pyimod02_importers.pyz_archive)
    folder = Path(sys._MEIPASS)  # type: ignore[attr-defined]  # noqa: SLF001  # its public name
    _kept.append(hold(folder))
    sweep(folder.parent, "_MEI", now=time.time())


def restore_environment(environ: MutableMapping[str, str]) -> None:
    """Undo what the boot loader set for itself: programs that we start see what we were given."""
    original = environ.pop("LD_LIBRARY_PATH_ORIG", None)
    environ.pop("LD_LIBRARY_PATH", None)
    if original is not None:
        environ["LD_LIBRARY_PATH"] = original
    # A kiro-gateway that we start unpacks itself; it may be another version by then.
    environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"


def end_with(parent: int) -> None:
    """Have this process told to end when the boot loader, its parent, is killed.

    Else a gateway would go on that no service manager knows about, on a port that is not free.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), signal.SIGTERM)
    else:
        import threading

        threading.Thread(target=_end_after, args=(parent,), name="boot loader", daemon=True).start()


def _end_after(parent: int) -> None:
    """Wait for the end of the boot loader where the system does not tell by itself."""
    if sys.platform == "win32":
        import _thread
        import ctypes

        synchronize, forever = 0x0010_0000, 0xFFFF_FFFF  # winnt.h, winbase.h
        if handle := ctypes.windll.kernel32.OpenProcess(synchronize, 0, parent):
            ctypes.windll.kernel32.WaitForSingleObject(handle, forever)
        _thread.interrupt_main()
    elif sys.platform == "darwin":
        import select

        event = select.kevent(
            parent,
            filter=select.KQ_FILTER_PROC,
            flags=select.KQ_EV_ADD,
            fflags=select.KQ_NOTE_EXIT,
        )
        with suppress(OSError):  # it died before we asked
            select.kqueue().control([event], 1)
        os.kill(os.getpid(), signal.SIGTERM)


def ignore_echoes(clock: Callable[[], float] = time.monotonic) -> None:
    """From now on, of a signal that comes several times within half a second one is handled.

    Handlers are set and asked for as before, by us and by libraries; none of them sees the others.
    """
    set_handler, get_handler, raise_now = signal.signal, signal.getsignal, signal.raise_signal
    handlers: dict[int, Handler] = {number: get_handler(number) for number in SENT_TO_BOTH}
    last = dict.fromkeys(handlers, float("-inf"))

    def deliver(number: int, frame: FrameType | None) -> None:
        handler, now = handlers[number], clock()
        if now - last[number] >= ONE_PRESS and callable(handler):
            last[number] = now
            handler(number, frame)

    def set_once(signalnum: int, wanted: Handler) -> Handler:
        if signalnum not in handlers:
            return set_handler(signalnum, wanted)
        set_handler(signalnum, deliver if callable(wanted) else wanted)
        before, handlers[signalnum] = handlers[signalnum], wanted
        return before

    def get(signalnum: int) -> Handler:
        return handlers[signalnum] if signalnum in handlers else get_handler(signalnum)

    def raise_again(signalnum: int) -> None:
        last[signalnum] = float("-inf")  # what we raise ourselves is no echo
        raise_now(signalnum)

    signal.signal = set_once  # type: ignore[assignment]  # its parameters are by position only
    signal.getsignal = get
    signal.raise_signal = raise_again
    for number, handler in list(handlers.items()):
        signal.signal(number, handler)


class _Image:
    """The executable as it was when we started, read like a file."""

    def __init__(self, image: mmap.mmap) -> None:
        self._image, self._at = image, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Keep it: the next module comes from it as well."""

    def seek(self, at: int) -> None:
        self._at = at

    def read(self, size: int) -> bytes:
        return self._image[self._at : self._at + size]


def keep_modules(reader: ModuleType, archive: Archive) -> None:
    """Read modules from the executable that was started, whatever becomes of the file.

    PyInstaller opens it again for each import, and would after an update find another program's
    bytes there. A mapping keeps the file that it was made of.
    """
    with Path(archive._filename).open("rb") as file:  # noqa: SLF001  # there is no other way to it
        image = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    reader.open = lambda *_: _Image(image)  # type: ignore[attr-defined]  # shadows the builtin there
