"""What the parts of a release are called, and which version this is."""

import platform
import runpy
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

LARGEST_BINARY = 30 * 2**20  # bytes; people download it, and each start unpacks it

ROOT = Path(__file__).resolve().parent.parent
SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "arm64": "arm64", "aarch64": "arm64"}


def version(root: Path = ROOT) -> str:
    """The version in the sources, without a v."""
    return str(runpy.run_path(str(root / "gateway/__init__.py"))["__version__"])


def this_system() -> str:
    """What this machine's downloads are for: linux, darwin or windows."""
    return SYSTEMS[sys.platform]


def this_machine() -> str:
    """What this machine's downloads are for: amd64 or arm64."""
    return MACHINES[platform.machine().lower()]


def archive_name(number: str, system: str, machine: str) -> str:
    """The top folder of an archive; its file has .tar.gz or, for Windows, .zip behind it."""
    return f"kiro-gateway_v{number}_{system}_{machine}"


def source_date(root: Path = ROOT) -> datetime:
    """When the sources were last changed: the time of everything that is made of them."""
    shown = subprocess.run(
        ["git", "log", "-1", "--format=%ct"],  # noqa: S607  # the git that made the checkout
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return datetime.fromtimestamp(int(shown.stdout), UTC)
