import signal
import threading

import anyio
import pytest
import uvicorn

from gateway.web.server import _Server

pytestmark = pytest.mark.anyio


async def nothing(*_: object) -> None:
    """No application is asked anything here."""


async def test_a_signal_that_comes_while_a_log_line_is_written_does_not_wait_for_its_lock() -> None:
    # What a logger holds while it writes; the handler runs in the thread that holds it.
    lock = threading.Lock()
    told = anyio.Event()

    def on_signal(sig: int) -> None:
        assert lock.acquire(blocking=False), "the handler would wait for itself"
        lock.release()
        if sig == signal.SIGTERM:
            told.set()

    server = _Server(uvicorn.Config(nothing), on_signal=on_signal)
    with lock:
        server.handle_exit(signal.SIGTERM, None)
    assert server.should_exit
    with anyio.fail_after(10):
        await told.wait()
