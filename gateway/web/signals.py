"""The signals that end the gateway: caught until everything is closed, raised again after that."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# A terminal that is closed sends SIGHUP, Ctrl-Break on Windows SIGBREAK.
ENDING = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)

OnSignal = Callable[[signal.Signals, int], None]
"""Told which signal it is, and how many there have been with it."""


@contextmanager
def ending_signals(on_signal: OnSignal) -> Iterator[list[signal.Signals]]:
    """Catch what would end the process at once while the block runs; gives what was caught.

    `on_signal` is told from the running loop: a handler runs in the middle of anything, such as a
    log call that holds the log's lock.

    Signals that whoever started the process wants ignored, as `nohup` does, stay ignored. After the
    second one the next ends the process at once: somebody is in a hurry.
    """
    caught: list[signal.Signals] = []
    loop = asyncio.get_running_loop()

    def handle(number: int, _: FrameType | None) -> None:
        caught.append(signal.Signals(number))
        if len(caught) > 1:
            for one in before:
                signal.signal(one, signal.SIG_DFL)
        loop.call_soon_threadsafe(on_signal, caught[-1], len(caught))

    before = {one: signal.getsignal(one) for one in ENDING}
    before = {one: handler for one, handler in before.items() if handler is not signal.SIG_IGN}
    for one in before:
        signal.signal(one, handle)
    try:
        yield caught
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
