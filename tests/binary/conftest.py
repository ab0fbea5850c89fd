"""The binary that `make binary` builds, started as people start it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from gateway.simulator.server import RunningSimulator, serve_in_thread
from tests.gateway_process import GatewayProcess, Installation, free_port, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
NAME = "kiro-gateway.exe" if sys.platform == "win32" else "kiro-gateway"
PATIENCE = 60.0  # seconds

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.binary)


@pytest.fixture(scope="session")
def binary() -> Path:
    if named := os.environ.get("KIRO_GATEWAY_BINARY"):
        return Path(named).resolve(strict=True)
    built = ROOT / "dist" / NAME
    if reason := _unfit(built):
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return built


def _unfit(built: Path) -> str | None:
    if not built.exists():
        return "there is no dist/kiro-gateway; `make binary` builds it"
    packed = [path for path in (ROOT / "gateway").rglob("*") if path.suffix != ".pyc"]
    newest = max(path.stat().st_mtime for path in packed if path.is_file())
    if built.stat().st_mtime < newest:
        return "dist/kiro-gateway is older than the sources; `make binary` builds it"
    return None


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def installation(binary: Path, tmp_path: Path, simulator: RunningSimulator) -> Installation:
    folder = tmp_path / "home"
    folder.mkdir()
    # By the binary: where releases are built, Python's own SQLite is too old for the sources.
    made = Installation(folder, simulator.url, command=binary)
    made.add_account()
    return made


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the binary under test unpacks itself."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.fixture
def run(binary: Path, tmp_path: Path, temporary: Path) -> Run:
    """Run the binary to its end; gives its exit code, standard output and standard error."""

    def run(
        *arguments: str | Path,
        program: Path = binary,
        environ: Mapping[str, str] | None = None,
        cwd: Path = tmp_path,
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [program, *arguments],
            env=environment(tmp_path, temporary) | dict(environ or {}),
            cwd=cwd,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )

    return run


def environment(home: Path, temporary: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    homes = {name: str(home) for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")}
    return kept | homes | {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}


@contextmanager
def serving(
    binary: Path, installation: Installation, temporary: Path, **options: object
) -> Iterator[GatewayProcess]:
    """A running gateway; its process is the boot loader's."""
    port = free_port()
    log = installation.folder / "binary.log"
    environ = environment(installation.folder, temporary) | installation.environment(port)
    with log.open("wb") as file:
        process = subprocess.Popen(
            [binary, "serve"],
            env=environ,
            cwd=installation.folder,
            **{"stdout": subprocess.DEVNULL, "stderr": file, **options},  # type: ignore[call-overload]
        )
    gateway = GatewayProcess(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_until_ready(gateway)
        yield gateway
    finally:
        for child in children(process):
            child.kill()
        process.kill()
        process.wait(PATIENCE)


def children(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children()
    except psutil.NoSuchProcess:
        return []


def unpacked(temporary: Path) -> list[Path]:
    return sorted(temporary.glob("_MEI*"))
