"""Which service there is on this machine, or could be."""

import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.errors import ServiceFailed
from gateway.service.service import Service


def own_service(environ: Mapping[str, str]) -> Service:
    """The service of whoever runs this, installed or not."""
    home = Path.home()
    if sys.platform == "darwin":
        from gateway.service import launchd  # noqa: PLC0415  # one system, one of them

        return launchd.user_service(home)
    if sys.platform == "win32":
        from gateway.service.scheduled_task import ScheduledTask  # noqa: PLC0415

        local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        user = f"{environ.get('USERDOMAIN', '.')}\\{environ.get('USERNAME', '')}"
        return ScheduledTask(local / "kiro-gateway", user)
    from gateway.service import systemd  # noqa: PLC0415

    return systemd.user_service(environ, home)


def system_service(user: str) -> Service:
    """The service of the whole machine, run as `user`.

    Raises:
        ServiceFailed: this system has no such thing here.
    """
    if sys.platform in {"darwin", "win32"}:
        raise ServiceFailed("--system is for systemd. Without it the service is yours alone.")
    from gateway.service import systemd  # noqa: PLC0415

    return systemd.system_service(user)


def running_service(environ: Mapping[str, str]) -> Service | None:
    """The service that runs just now: one's own, else the machine's."""
    candidates = [own_service(environ)]
    if sys.platform not in {"darwin", "win32"}:
        from gateway.service.systemd import SystemdService  # noqa: PLC0415

        candidates.append(SystemdService(Path("/etc/systemd/system"), "root", Path("/root")))
    for service in candidates:
        try:
            if service.state().running:
                return service
        except ServiceFailed:
            continue
    return None
