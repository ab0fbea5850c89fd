"""How this program came onto the machine, and so how it is updated."""

import json
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from gateway.errors import UpdateFailed

PACKAGE = "kiro-gateway"
# Whoever owns these writes down what is in them; a file changed behind its back comes back.
MANAGED = ("/usr/bin", "/usr/lib", "/usr/libexec", "/bin", "/snap", "/nix/store", "/gnu/store")
CELLARS = ("/opt/homebrew/Cellar", "/usr/local/Cellar", "/home/linuxbrew/.linuxbrew/Cellar")


@dataclass(frozen=True, slots=True)
class Installed:
    """The one file that is this program, and what its predecessor is kept as."""

    program: Path

    @property
    def previous(self) -> Path:
        """Where the program that this one replaced is kept."""
        return self.program.with_name(f"{self.program.stem}.previous{self.program.suffix}")


def find_installed() -> Installed:
    """The file of this program.

    Raises:
        UpdateFailed: something else put it here; says what updates it.
    """
    if not getattr(sys, "frozen", False):
        raise UpdateFailed(f"This is a Python package. Update it with: {_package_command()}")
    program = Path(sys.executable).resolve()
    if any(str(program).startswith(f"{folder}/") for folder in CELLARS):
        raise UpdateFailed(
            "Homebrew installed this program. Update it with: brew upgrade kiro-gateway"
        )
    if any(str(program).startswith(f"{folder}/") for folder in MANAGED):
        raise UpdateFailed(
            f"A package manager installed {program}. Update it with that, or install the program "
            "for yourself with install.sh."
        )
    return Installed(program)


def _package_command() -> str:
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        return "git pull && make install"
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        return "git pull && make install"
    if "archive_info" in origin:  # a file, not what some index has under the name
        from gateway.update.download import RELEASES  # noqa: PLC0415  # httpx, which few need here

        return (
            f"{sys.executable} -m pip install --upgrade FILE.whl (the file is at {RELEASES}/latest)"
        )
    environment = Path(sys.prefix)
    if "pipx" in environment.parts:
        return f"pipx upgrade {PACKAGE}"
    if (package.read_text("INSTALLER") or "").strip() == "uv":
        tool = "tools" in environment.parts
        return f"uv tool upgrade {PACKAGE}" if tool else f"uv pip install --upgrade {PACKAGE}"
    return f"{sys.executable} -m pip install --upgrade {PACKAGE}"
