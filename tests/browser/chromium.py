"""A browser for the tests: Debian's Chromium, or the one that Playwright brings along.

Debian's package is installed where it is missing and this is root; an ordinary user gets
Playwright's own. Where neither is to be had the tests are skipped, with the reason; on CI nothing
is skipped.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from typing import NoReturn

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Fonts too, or Chinese would be drawn as boxes in the screenshots.
PACKAGES = ("chromium", "fonts-liberation", "fonts-noto-cjk")
INSTALL_SECONDS = 600

# As root there is no sandbox. The rest keeps Chromium from talking to its makers.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@cache
def executable() -> str | None:
    """The path of a browser; None for Playwright's own."""
    if found := _installed():
        return found
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES)
        if found := _installed():
            return found
    elif _run(sys.executable, "-m", "playwright", "install", "chromium"):
        return None
    return _give_up("there is no Chromium, and none could be installed")


def _installed() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _run(*command: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=environment, capture_output=True, timeout=INSTALL_SECONDS, check=False
    )
    return done.returncode == 0


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and on CI nothing is skipped")
    pytest.skip(reason)
