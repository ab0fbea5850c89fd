"""A systemd unit: of one user's session manager, or of the system with a user to run as."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from gateway.errors import ServiceFailed
from gateway.service.service import DESCRIPTION, MORE_THAN_DRAIN, NAME, Run, State, run

FOLDER = ".kiro-gateway"
UNIT = f"{NAME}.service"

# What every unit may ask for without privileges.
HARDENING = """\
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""
# These need mount namespaces, which only the system's manager is sure to have.
SYSTEM_HARDENING = """\
CapabilityBoundingSet=
AmbientCapabilities=
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
"""


@dataclass(frozen=True, slots=True)
class SystemdService:
    """See `gateway.service.service.Service`.

    Args:
        folder: where units go.
        user: the unit is the system's and runs as this user; None: it belongs to one's own session.
        home: that user's home folder, where the database is.
    """

    folder: Path
    user: str | None
    home: Path
    run: Run = run

    @property
    def place(self) -> Path:
        """The unit file."""
        return self.folder / UNIT

    @property
    def logs(self) -> str:
        """The journal."""
        return f"journalctl {'' if self.user else '--user '}-u {NAME} -f"

    @property
    def restart_command(self) -> str:
        """Of systemctl."""
        return f"{'sudo ' if self.user else ''}{' '.join(self._systemctl('restart', NAME))}"

    def install(self, command: Sequence[str], drain: float) -> None:
        """Write the unit and start it; a running one is started again."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.place.write_text(self.unit(command, drain))
            self.place.chmod(0o644)
            if self.user is not None:
                # The only folder that the unit may write; it has to be there beforehand.
                own_folder = self.home / FOLDER
                own_folder.mkdir(mode=0o700, exist_ok=True)
                shutil.chown(own_folder, self.user)
        except OSError as exc:
            raise ServiceFailed(
                f"{exc.filename or self.place} cannot be written: {exc.strerror}. The service of "
                "the whole machine needs sudo; without --system it is yours alone."
            ) from exc
        self.run(self._systemctl("daemon-reload"))
        self.run(self._systemctl("enable", NAME))
        self.run(self._systemctl("restart", NAME))

    def uninstall(self) -> None:
        """Stop it, and remove the unit."""
        self.run(self._systemctl("disable", "--now", NAME))
        self.place.unlink(missing_ok=True)
        self.run(self._systemctl("daemon-reload"))

    def restart(self) -> None:
        """Restart it."""
        self.run(self._systemctl("restart", NAME))

    def state(self) -> State:
        """What systemctl knows of it."""
        if not self.place.exists():
            return State(installed=False)
        shown = self.run(
            self._systemctl(
                "show", NAME, "--property=ActiveState,UnitFileState,ActiveEnterTimestamp"
            )
        )
        facts = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        return State(
            installed=True,
            running=facts.get("ActiveState") in {"active", "reloading", "deactivating"},
            starts_by_itself=facts.get("UnitFileState") == "enabled",
            since=facts.get("ActiveEnterTimestamp", ""),
        )

    def unit(self, command: Sequence[str], drain: float) -> str:
        """The unit file; its form is that of systemd.unit(5) and systemd.exec(5)."""
        whole = self.user is not None
        run_as = (
            f"User={self.user}\nWorkingDirectory={_specifiers(str(self.home))}\n" if whole else ""
        )
        # A session's manager knows no such target; by then there is a network, or there is none.
        network = "Wants=network-online.target\nAfter=network-online.target\n" if whole else ""
        own_folder = _quoted(str(self.home / FOLDER))
        hardening = SYSTEM_HARDENING + f"ReadWritePaths={own_folder}\n" if whole else ""
        return (
            f"[Unit]\nDescription={DESCRIPTION}\n"
            f"Documentation=https://github.com/pinealctx/kiro-gateway\n{network}\n"
            f"[Service]\nExecStart={' '.join(map(_quoted, command))}\n{run_as}"
            "Restart=on-failure\nRestartSec=2\n"
            # The program is two processes; the second is told by the first.
            f"KillMode=mixed\nTimeoutStopSec={ceil(drain) + MORE_THAN_DRAIN}\n"
            "SuccessExitStatus=143\n"
            f"{HARDENING}{hardening}\n"
            f"[Install]\nWantedBy={'multi-user' if whole else 'default'}.target\n"
        )

    def _systemctl(self, *arguments: str) -> list[str]:
        return ["systemctl", *([] if self.user else ["--user"]), *arguments]


def user_service(environ: Mapping[str, str], home: Path) -> SystemdService:
    """The unit of whoever runs this."""
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return SystemdService(config / "systemd" / "user", None, home)


def system_service(user: str) -> SystemdService:
    """The system's unit, run as `user`.

    Raises:
        ServiceFailed: nobody is called that.
    """
    import pwd  # noqa: PLC0415  # POSIX only

    try:
        home = Path(pwd.getpwnam(user).pw_dir)
    except KeyError as exc:
        raise ServiceFailed(f"There is no user {user} on this machine.") from exc
    return SystemdService(Path("/etc/systemd/system"), user, home)


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    """One word of a command line in a unit, whatever is in it."""
    escaped = _specifiers(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"' if escaped != text or any(char in text for char in " \t';") else text
