import signal
from collections.abc import Iterator

import anyio
import pytest

from tests import sample_store
from tests.postgresql_server import Server, running_server
from tests.sample_store import SampleServer


def pytest_configure() -> None:
    """Hear signals as in a terminal: what nohup or a shell's & ignores, every child would, too."""
    for name in ("SIGINT", "SIGHUP", "SIGQUIT"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            usual = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
            signal.signal(number, usual)


@pytest.fixture(scope="session")
def sample_server() -> Iterator[SampleServer]:
    with running_server() as server:
        samples = SampleServer(server)
        anyio.run(samples.prepare)
        yield samples


@pytest.fixture
def postgresql(sample_server: SampleServer) -> Server:
    return sample_server.server


@pytest.fixture(params=["sqlite", "postgresql"])
def both_stores(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let `open_sample` open a database of each kind, one after the other."""
    if request.param == "sqlite":
        yield
        return
    samples: SampleServer = request.getfixturevalue("sample_server")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample_store, "server", samples)
        yield
    anyio.run(samples.clean)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
