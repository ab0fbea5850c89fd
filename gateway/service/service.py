"""What the command line may ask of a service, whichever system keeps it."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.errors import ServiceFailed

NAME = "kiro-gateway"
DESCRIPTION = "Kiro Gateway: OpenAI- and Anthropic-compatible APIs for Kiro accounts"

# Seconds that a stopped service has beyond those for its streams, before it is killed.
MORE_THAN_DRAIN = 30

Run = Callable[[Sequence[str]], str]
"""Runs a system's own tool and gives its output; raises ServiceFailed with what it complains of."""


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a service; `since` as the system says it."""

    installed: bool
    running: bool = False
    starts_by_itself: bool = False
    since: str = ""


class Service(Protocol):
    """One way of keeping the gateway running. Every method may raise ServiceFailed."""

    @property
    def place(self) -> Path:
        """The file that describes it to the system."""
        ...

    @property
    def logs(self) -> str:
        """How to read what it says."""
        ...

    @property
    def restart_command(self) -> str:
        """What restarts it, as people type it."""
        ...

    def install(self, command: Sequence[str], drain: float) -> None:
        """Describe it to the system, start it, and have it started from now on.

        `drain` is how many seconds streams may take to finish when it is stopped.
        """
        ...

    def uninstall(self) -> None:
        """Stop it and take its description away."""
        ...

    def restart(self) -> None:
        """Stop it, letting streams finish, and start it."""
        ...

    def state(self) -> State:
        """How it is."""
        ...


def run(command: Sequence[str]) -> str:
    """Run a tool.

    Raises:
        ServiceFailed: it is not there, or complains.
    """
    try:
        done = subprocess.run(  # noqa: S603  # the system's own tools, and no shell
            list(command), capture_output=True, text=True, errors="replace", check=False
        )
    except FileNotFoundError as exc:
        raise ServiceFailed(
            f"{command[0]} is not there, so there is nothing to keep a service."
        ) from exc
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise ServiceFailed(f"{' '.join(command)}: {said}")
    return done.stdout
