"""What a release says of itself: which files it has, and that they are ours.

`SHA256SUMS` lists the files of a release as `sha256sum` writes them, and `SHA256SUMS.sig` is its
Ed25519 signature. The archives are named `kiro-gateway_v1.2.3_linux_amd64.tar.gz`, so that the
signature also speaks for the version, and an old list cannot pass for a new one.
"""

import platform
import re
import sys
from dataclasses import dataclass

from gateway.errors import UpdateFailed
from gateway.release_key import PUBLIC_KEYS, is_signed
from gateway.update.versions import Version

SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"

_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "arm64": "arm64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Release:
    """The archive of one release for one system."""

    version: Version
    archive: str
    sha256: str  # hexadecimal

    @property
    def folder(self) -> str:
        """The archive's top folder."""
        return self.archive.removesuffix(".tar.gz").removesuffix(".zip")


def this_system() -> str:
    """What the archive for this machine is named after, such as `linux_amd64`.

    Raises:
        UpdateFailed: there are no archives for it.
    """
    system, machine = _SYSTEMS.get(sys.platform), _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise UpdateFailed(f"There are no downloads for {sys.platform} on {platform.machine()}.")
    return f"{system}_{machine}"


def read_release(
    sums: bytes, signature: bytes, system: str, *, keys: tuple[str, ...] | None = None
) -> Release:
    """Check the signature of a release's list, and find the archive for a system in it.

    Raises:
        UpdateFailed: it is not signed by us, or has nothing for this system.
    """
    keys = PUBLIC_KEYS if keys is None else keys
    if not keys:
        raise UpdateFailed(
            "This build knows no release key, so it cannot tell our releases from others. Install "
            "one by hand."
        )
    if not is_signed(sums, signature, keys):
        raise UpdateFailed(
            f"The signature of {SUMS} is wrong: this is not a release of ours. Nothing was changed."
        )
    form = re.compile(
        rf"([0-9a-f]{{64}}) [ *](kiro-gateway_v(\S+)_{re.escape(system)}\.(?:tar\.gz|zip))"
    )
    lines = sums.decode("ascii", "replace").splitlines()
    found = [match for line in lines if (match := form.fullmatch(line))]
    if len(found) != 1:
        raise UpdateFailed(f"The release has no download for {system.replace('_', ' on ')}.")
    sha256, archive, version = found[0].groups()
    try:
        return Release(Version.parse(version), archive, sha256)
    except ValueError as exc:
        raise UpdateFailed(f"The release has no proper version: {exc}.") from exc
