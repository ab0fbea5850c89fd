"""Copying a sign-in from a program on this machine: kiro-cli, Amazon Q's command line, Kiro's IDE.

Their files are only read. They belong to programs that are running, and that would be signed out by
a token they do not know of.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gateway.errors import InvalidRequest
from gateway.upstream.signin.ide_cache import read_ide_cache
from gateway.upstream.signin.imported import Findings, Imported, check_file
from gateway.upstream.signin.kiro_cli import read_cli_database

SQLITE_MAGIC = b"SQLite format 3\0"
CLI_PROGRAMS = ("kiro-cli", "amazon-q")

_NEVER = datetime.min.replace(tzinfo=UTC)


def known_places(environ: Mapping[str, str], home: Path, platform: str) -> list[Path]:
    """Where such programs keep their sign-ins; `platform` is spelt as `sys.platform` does.

    Whether the files exist is not looked at.
    """
    if platform == "darwin":
        folders = [home / "Library" / "Application Support"]
    elif platform == "win32":
        # The programs disagree on which of the two is theirs.
        folders = [
            Path(environ.get("APPDATA") or home / "AppData" / "Roaming"),
            Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local"),
        ]
    else:
        folders = [home / ".local" / "share"]
        if configured := environ.get("XDG_DATA_HOME"):
            folders.insert(0, Path(configured))
    databases = [
        folder / program / "data.sqlite3" for program in CLI_PROGRAMS for folder in folders
    ]
    ide_cache = home / ".aws" / "sso" / "cache" / "kiro-auth-token.json"
    return [*dict.fromkeys(databases), ide_cache]


def import_from(
    path: Path | None,
    *,
    environ: Mapping[str, str],
    home: Path,
    platform: str,
    now: datetime,
) -> Imported:
    """The best sign-in in the file `path` or, without one, in the known places.

    Of several the one that has not expired and lasts longest; an expired one does if it can be
    renewed. Blocks for a moment: reads files.

    Raises:
        InvalidRequest: there is none; says where was looked and what was wrong there.
    """
    if path is not None:
        findings = read_source(path)
        looked = [path]
    else:
        looked = known_places(environ, home, platform)
        findings = _read_all(place for place in looked if os.path.lexists(place))
    best = choose(findings.found, now)
    if best is not None:
        return best
    if findings.found:
        findings.problems.append("What was found has expired and cannot be renewed.")
    places = ", ".join(str(place) for place in looked)
    raise InvalidRequest(
        " ".join([f"No usable sign-in was found. Looked at: {places}.", *findings.problems])
    )


def read_source(path: Path) -> Findings:
    """All sign-ins in one file, of either kind.

    Raises:
        InvalidRequest: the file is not there, not fit to be trusted, or of neither kind.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            magic = file.read(len(SQLITE_MAGIC))
    except OSError as exc:
        raise InvalidRequest(f"{path} cannot be read: {exc.strerror}.") from exc
    if magic == SQLITE_MAGIC:
        return read_cli_database(path)
    return Findings(found=[read_ide_cache(path)])


def choose(found: list[Imported], now: datetime) -> Imported | None:
    """The one that lasts longest; None when all have expired and cannot be renewed."""

    def lasts_until(imported: Imported) -> datetime:
        return imported.credentials.expires_at or _NEVER

    usable = [
        imported
        for imported in found
        if imported.credentials.refresh_token or lasts_until(imported) > now
    ]
    return max(usable, key=lasts_until, default=None)


def _read_all(places: Iterable[Path]) -> Findings:
    findings = Findings()
    for place in places:
        try:
            here = read_source(place)
        except InvalidRequest as exc:
            findings.problems.append(str(exc))
        else:
            findings.found += here.found
            findings.problems += here.problems
    return findings
