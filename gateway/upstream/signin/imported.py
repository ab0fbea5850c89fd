"""What an import finds, and which files it may look into."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import InvalidRequest
from gateway.store.accounts import AuthMethod, Credentials, ImportSource

BUILDER_ID_START_URL = "https://view.awsapps.com/start"


@dataclass(frozen=True, slots=True)
class Imported:
    """A sign-in copied from another program, ready for `save_credentials`."""

    credentials: Credentials
    auth_method: AuthMethod
    auth_region: str
    profile_arn: str | None
    source: ImportSource


@dataclass(slots=True)
class Findings:
    """The sign-ins in one place, and why others there could not be taken (sentences)."""

    found: list[Imported] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def check_file(path: Path) -> None:
    """Refuse what a trusted program would not keep its tokens in.

    Raises:
        InvalidRequest: not a regular file, a link, or somebody else's.
    """
    try:
        status = path.lstat()
    except FileNotFoundError as exc:
        raise InvalidRequest(f"There is no file {path}.") from exc
    except OSError as exc:
        raise InvalidRequest(f"{path} cannot be read: {exc.strerror}.") from exc
    if not stat.S_ISREG(status.st_mode):
        raise InvalidRequest(f"{path} is not a regular file.")
    if hasattr(os, "geteuid") and os.geteuid() not in {0, status.st_uid}:
        raise InvalidRequest(f"{path} belongs to another user.")


def plain_start_url(url: str | None) -> str | None:
    """A start URL without the fragment and trailing slash that people paste along."""
    return (url or "").partition("#")[0].rstrip("/") or None


def oidc_method(start_url: str | None) -> AuthMethod:
    """Builder ID is the sign-in at its own start URL, which the command lines leave out."""
    plain = plain_start_url(start_url)
    return "builder_id" if plain in {None, BUILDER_ID_START_URL} else "idc"
