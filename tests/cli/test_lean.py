import gc
import subprocess
import sys

import pytest

from gateway.cli.lean import without, without_collecting


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


def test_a_server_loads_neither_an_orm_nor_the_dialect_of_a_store_it_does_not_have() -> None:
    program = (
        "import sys\n"
        "from gateway.cli.lean import load_sqlalchemy_without_orm\n"
        "load_sqlalchemy_without_orm()\n"
        "import gateway.web.app, gateway.web.server\n"
        "from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine\n"
        "print(*(set(sys.modules) & {'sqlalchemy.orm', 'sqlalchemy.dialects.postgresql'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_nothing_is_collected_while_the_block_imports_and_again_afterwards() -> None:
    with without_collecting():
        assert not gc.isenabled()
    assert gc.isenabled()
