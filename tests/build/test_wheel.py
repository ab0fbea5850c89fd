"""The wheel and the source distribution: what is in them, and that what they install works."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from build.product import ROOT

pytestmark = pytest.mark.slow

PAGES = "gateway/web/static/index.html"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / PAGES).exists():
        reason = "the admin pages are not built; `make ui` builds them"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


def shipped() -> set[str]:
    """Every file of the package as it is here, but for what Python makes of it."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gateway").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == shipped()
    assert PAGES in names


def test_the_source_distribution_makes_the_same_wheel(
    built: Path, wheel: Path, tmp_path: Path
) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        "out",
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    assert (folder / "out" / wheel.name).read_bytes() == wheel.read_bytes()


def test_what_the_wheel_installs_passes_the_selftest(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    scripts = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    # Its requirements are taken from where this runs; `make wheel-test` installs them as well.
    subprocess.run(
        [uv, "pip", "install", "--offline", "--no-deps", "--python", scripts / "python", wheel],
        check=True,
        capture_output=True,
    )
    (places,) = [*(tmp_path / "venv").glob("lib/python3*/site-packages")] or [
        tmp_path / "venv/Lib/site-packages"
    ]
    (places / "requirements.pth").write_text(sysconfig.get_path("purelib"))
    done = subprocess.run(
        [sys.executable, ROOT / "build/selftest.py", scripts / "kiro-gateway"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    done = subprocess.run(
        [scripts / "kiro-gateway", "update"],
        env=os.environ | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1
    assert "pip install --upgrade FILE.whl" in done.stderr
