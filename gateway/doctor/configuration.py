"""The settings: whether they can be read, and what in them is worth a second look."""

import os
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from gateway.doctor.findings import Finding
from gateway.doctor.installation import Installation
from gateway.settings import Settings


def check_settings(installation: Installation) -> Iterator[Finding]:
    """Look at the settings without starting anything."""
    if installation.settings_error is not None:
        yield Finding(
            "settings",
            "problem",
            str(installation.settings_error),
            mend="Mend that; `kiro-gateway config check` says whether it is enough.",
        )
        return
    assert installation.loaded is not None
    place = installation.settings_file
    yield Finding(
        "settings",
        "ok",
        f"{place} is fine." if place else "There is no settings file; the defaults are in force.",
        facts={"file": place},
    )
    for warning in installation.loaded.warnings:
        yield Finding("settings", "warning", warning)
    yield from _check_exposure(installation.settings)
    yield from _check_tls(installation.settings)


def _check_exposure(settings: Settings) -> Iterator[Finding]:
    host = settings.server.host
    if settings.auth.admin_local_only or _is_loopback(host):
        return
    if settings.server.tls_cert is None and not settings.server.trusted_proxies:
        yield Finding(
            "settings",
            "warning",
            f"The admin pages answer to everybody who reaches {host}, and the admin key travels "
            "unencrypted.",
            mend="Set auth.admin_local_only, server.tls_cert and server.tls_key, or put a proxy "
            "with TLS in front and name it in server.trusted_proxies.",
        )


def _check_tls(settings: Settings) -> Iterator[Finding]:
    for name in ("tls_cert", "tls_key"):
        path = getattr(settings.server, name)
        if path is None:
            continue
        if not os.access(Path(path).expanduser(), os.R_OK):
            yield Finding(
                "settings",
                "problem",
                f"server.{name} names {path}, which is not there or cannot be read.",
                mend="Name a file in PEM form that whoever runs the gateway may read.",
            )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
