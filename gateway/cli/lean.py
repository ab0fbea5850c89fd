"""Loading fast, and leaving out what libraries load and nothing here uses."""

import gc
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SQLALCHEMY_ASYNCIO = "sqlalchemy.ext.asyncio"


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """While the block runs, these modules are as good as not installed, if nobody loaded them yet.

    structlog and httpx load rich and pygments whenever they can, for tracebacks in colour and a
    command line of their own: 4 MB and 40 ms of start-up that a server never uses.
    """
    hidden = [name for name in modules if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # this is how an import is made to fail
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextmanager
def without_collecting() -> Iterator[None]:
    """While the block imports, nobody looks for garbage: there is none, and it takes a tenth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def load_sqlalchemy_without_orm() -> None:
    """Import SQLAlchemy's asyncio engine past its package, which would load the ORM as well.

    That is 6 MB of every gateway and a tenth of its start-up, and we use Core alone. Where the
    package is loaded already, or made otherwise in another version, all stays as it is.
    """
    if SQLALCHEMY_ASYNCIO in sys.modules:
        return
    spec = importlib.util.find_spec(SQLALCHEMY_ASYNCIO)
    if spec is None:
        return
    package = sys.modules[SQLALCHEMY_ASYNCIO] = importlib.util.module_from_spec(spec)
    try:
        engine = importlib.import_module(f"{SQLALCHEMY_ASYNCIO}.engine")
        for name in ("AsyncConnection", "AsyncEngine", "create_async_engine"):
            setattr(package, name, getattr(engine, name))
    except (ImportError, AttributeError):
        del sys.modules[SQLALCHEMY_ASYNCIO]
