"""Leaving out what libraries load only for show."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
