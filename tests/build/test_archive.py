import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from build.archive import BESIDE_THE_BINARY, pack

NAMES = ["LICENSE", "README.md", "config.example.yaml", "install.ps1", "install.sh"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with what an archive takes from it."""
    root = tmp_path / "checkout"
    for file in ("gateway/__init__.py", *BESIDE_THE_BINARY.values()):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(f"this is {file}\n")
    (root / "gateway/__init__.py").write_text('__version__ = "1.2.3-rc.1"\n')
    (root / "kiro-gateway").write_bytes(b"\x7fELF" + bytes(1000))
    git = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    environ = {"GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z", "PATH": "/usr/bin:/bin"}
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], env=environ, check=True)
    return root


def test_a_tar_has_one_folder_with_all_that_is_documented(root: Path, tmp_path: Path) -> None:
    path = pack(root / "kiro-gateway", "linux", "amd64", tmp_path, root=root)
    assert path.name == "kiro-gateway_v1.2.3-rc.1_linux_amd64.tar.gz"
    folder = "kiro-gateway_v1.2.3-rc.1_linux_amd64"
    with tarfile.open(path) as archive:
        entries = {entry.name: entry for entry in archive}
        assert sorted(entries) == sorted(f"{folder}/{name}" for name in [*NAMES, "kiro-gateway"])
        executable = {name for name, entry in entries.items() if entry.mode == 0o755}
        assert executable == {f"{folder}/kiro-gateway", f"{folder}/install.sh"}
        assert {(entry.uid, entry.gid, entry.uname) for entry in entries.values()} == {(0, 0, "")}
        assert {entry.mtime for entry in entries.values()} == {1767323045}
        packed = archive.extractfile(f"{folder}/install.sh")
        assert packed is not None
        assert packed.read() == b"this is scripts/install.sh\n"


def test_a_zip_for_windows_has_an_exe(root: Path, tmp_path: Path) -> None:
    path = pack(root / "kiro-gateway", "windows", "amd64", tmp_path, root=root)
    folder = "kiro-gateway_v1.2.3-rc.1_windows_amd64"
    assert path.name == f"{folder}.zip"
    with zipfile.ZipFile(path) as archive:
        names = sorted(f"{folder}/{name}" for name in [*NAMES, "kiro-gateway.exe"])
        assert archive.namelist() == names
        assert archive.read(f"{folder}/kiro-gateway.exe").startswith(b"\x7fELF")
        assert archive.testzip() is None


@pytest.mark.parametrize("system", ["linux", "windows"])
def test_the_same_files_make_the_same_bytes(system: str, root: Path, tmp_path: Path) -> None:
    one = pack(root / "kiro-gateway", system, "arm64", tmp_path / "one", root=root)
    (root / "README.md").touch()
    (root / "README.md").chmod(0o600)
    other = pack(root / "kiro-gateway", system, "arm64", tmp_path / "other", root=root)
    assert one.read_bytes() == other.read_bytes()


def test_an_archive_without_an_installer_is_not_made(root: Path, tmp_path: Path) -> None:
    (root / "scripts/install.sh").unlink()
    with pytest.raises(FileNotFoundError, match=r"install\.sh"):
        pack(root / "kiro-gateway", "linux", "amd64", tmp_path / "into", root=root)
    assert not list(tmp_path.glob("into/*"))
