from collections.abc import Iterator

import anyio
import pytest

from tests import sample_store
from tests.postgresql_server import Server, running_server
from tests.sample_store import SampleServer

# Sign-ins come back to one of ten ports, and some tests want to know which, or to take all.
CALLBACK_PORTS = (
    "tests/binary/",
    "tests/browser/",
    "tests/processes/test_terminal_",
    "tests/test_readme.py",
    "tests/web/admin/test_admin_kiro.py",
    "tests/web/admin/test_admin_secrets.py",
    "tests/web/openapi/",
    "tests/web/sign_in/",
)


@pytest.hookimpl(tryfirst=True)  # before the workers read it
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell workers what has to stay together: a module, and modules that want the same ports."""
    for item in items:
        module = item.nodeid.partition("::")[0]
        group = "callback ports" if module.startswith(CALLBACK_PORTS) else module
        item.add_marker(pytest.mark.xdist_group(group))


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
