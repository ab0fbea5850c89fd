"""Put a built binary into the archive that people download.

    python -m build.archive dist/kiro-gateway

The archive has one folder with the archive's name. The same files make the same bytes, whoever
packs them and when: entries are sorted, belong to nobody, and are as old as the last commit.
"""

import argparse
import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from build.product import ROOT, archive_name, source_date, this_machine, this_system, version

BESIDE_THE_BINARY = {
    "config.example.yaml": "config.example.yaml",
    "README.md": "README.md",
    "LICENSE": "LICENSE",
    "install.sh": "scripts/install.sh",
    "install.ps1": "scripts/install.ps1",
}
EXECUTABLE = ("kiro-gateway", "kiro-gateway.exe", "install.sh")


def pack(binary: Path, system: str, machine: str, into: Path, *, root: Path = ROOT) -> Path:
    """Write the archive of one system into a folder; gives its path.

    Raises:
        FileNotFoundError: something that belongs into it is not there.
    """
    name = archive_name(version(root), system, machine)
    own_name = "kiro-gateway.exe" if system == "windows" else "kiro-gateway"
    contents = {own_name: binary.read_bytes()}
    contents |= {inside: (root / file).read_bytes() for inside, file in BESIDE_THE_BINARY.items()}
    into.mkdir(parents=True, exist_ok=True)
    time = source_date(root)
    if system == "windows":
        return _zip(into / f"{name}.zip", name, contents, time)
    return _tar(into / f"{name}.tar.gz", name, contents, time)


def _mode(name: str) -> int:
    return 0o755 if name in EXECUTABLE else 0o644


def _tar(path: Path, folder: str, contents: Mapping[str, bytes], time: datetime) -> Path:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(contents.items()):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode = len(content), _mode(name)
            entry.mtime = int(time.timestamp())
            archive.addfile(entry, io.BytesIO(content))
    path.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return path


def _zip(path: Path, folder: str, contents: Mapping[str, bytes], time: datetime) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(f"{folder}/{name}", time.timetuple()[:6])
            entry.external_attr = (0o100000 | _mode(name)) << 16
            entry.create_system = 3  # else the mode above means nothing
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def main() -> None:
    """Pack for the system that this runs on."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--into", type=Path, default=Path("dist/release"))
    wanted = parser.parse_args()
    try:
        path = pack(wanted.binary, this_system(), this_machine(), wanted.into)
    except FileNotFoundError as exc:
        parser.error(f"{exc.filename} is missing, and every archive has one")
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
