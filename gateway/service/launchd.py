"""A launchd agent: runs while its user is logged in, on macOS."""

import os
import plistlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from gateway.errors import ServiceFailed
from gateway.service.service import MORE_THAN_DRAIN, Run, State, run

LABEL = "com.pinealctx.kiro-gateway"


@dataclass(frozen=True, slots=True)
class LaunchdService:
    """See `gateway.service.service.Service`."""

    home: Path
    user_id: int
    run: Run = run

    @property
    def place(self) -> Path:
        """The property list."""
        return self.home / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    @property
    def log_file(self) -> Path:
        """Where Console.app looks, too."""
        return self.home / "Library" / "Logs" / "kiro-gateway.log"

    @property
    def logs(self) -> str:
        """The file that it writes."""
        return f"tail -f {self.log_file}"

    @property
    def restart_command(self) -> str:
        """Of launchctl."""
        return f"launchctl kickstart -k {self._target}"

    def install(self, command: Sequence[str], drain: float) -> None:
        """Write the property list and load it; one that is loaded already is loaded anew."""
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            self.log_file.parent.mkdir(parents=True, exist_ok=True)
            self.place.write_bytes(self.property_list(command, drain))
        except OSError as exc:
            raise ServiceFailed(f"{self.place} cannot be written: {exc.strerror}.") from exc
        if self._shown() is not None:  # loaded; also while it waits to be started again
            self.run(["launchctl", "bootout", self._target])
        self.run(["launchctl", "bootstrap", self._domain, str(self.place)])

    def uninstall(self) -> None:
        """Unload it and remove the property list."""
        if self._shown() is not None:  # loaded; also while it waits to be started again
            self.run(["launchctl", "bootout", self._target])
        self.place.unlink(missing_ok=True)

    def restart(self) -> None:
        """Restart it."""
        self.run(["launchctl", "kickstart", "-k", self._target])

    def state(self) -> State:
        """What launchctl knows of it."""
        if not self.place.exists():
            return State(installed=False)
        shown = self._shown()
        if shown is None:
            return State(installed=True)
        return State(installed=True, running="state = running" in shown, starts_by_itself=True)

    def _shown(self) -> str | None:
        """What launchctl tells of it; None while it is not loaded."""
        try:
            return self.run(["launchctl", "print", self._target])
        except ServiceFailed:
            return None

    def property_list(self, command: Sequence[str], drain: float) -> bytes:
        """As launchd.plist(5) describes it."""
        return plistlib.dumps(
            {
                "Label": LABEL,
                "ProgramArguments": list(command),
                "RunAtLoad": True,
                # Not after it was told to end, or is configured wrongly for good.
                "KeepAlive": {"SuccessfulExit": False},
                "ThrottleInterval": 10,
                "ExitTimeOut": ceil(drain) + MORE_THAN_DRAIN,
                "ProcessType": "Interactive",
                "Umask": 0o077,
                "StandardOutPath": str(self.log_file),
                "StandardErrorPath": str(self.log_file),
            }
        )

    @property
    def _domain(self) -> str:
        return f"gui/{self.user_id}"

    @property
    def _target(self) -> str:
        return f"{self._domain}/{LABEL}"


def user_service(home: Path) -> LaunchdService:
    """The agent of whoever runs this."""
    return LaunchdService(home, os.getuid())
