import signal
import threading

import anyio
import pytest

from gateway.web.signals import ending_signals

pytestmark = pytest.mark.anyio


async def test_a_signal_that_comes_while_a_log_line_is_written_does_not_wait_for_its_lock() -> None:
    # What a logger holds while it writes; the handler runs in the thread that holds it.
    lock = threading.Lock()
    told = anyio.Event()

    def on_signal(sig: signal.Signals, count: int) -> None:
        assert lock.acquire(blocking=False), "the handler would wait for itself"
        lock.release()
        if (sig, count) == (signal.SIGTERM, 1):
            told.set()

    with ending_signals(on_signal) as caught:
        with lock:
            signal.raise_signal(signal.SIGTERM)
        with anyio.fail_after(10):
            await told.wait()
    assert caught == [signal.SIGTERM]


async def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ending_signals(lambda *_: None) as caught:
            signal.raise_signal(signal.SIGTERM)
        assert caught == []
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
