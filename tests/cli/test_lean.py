import sys

import pytest

from gateway.cli.lean import without


def test_a_hidden_module_cannot_be_imported_and_comes_back_afterwards() -> None:
    sys.modules.pop("this", None)
    with without("this"), pytest.raises(ImportError):
        import this  # noqa: F401
    assert "this" not in sys.modules


def test_a_module_that_is_loaded_already_stays() -> None:
    with without("sys"):
        import sys as again
    assert again is sys.modules["sys"]


def test_a_hidden_module_comes_back_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), without("no_such_module"):
        _ = 1 / 0
    assert "no_such_module" not in sys.modules
