"""What is running, and whether there is something newer."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import __version__
from gateway.update import release as release_list
from tests.release.release_server import SYSTEM, Releases, public_pem, release_server
from tests.web.admin.admin_gateway import AdminGateway

pytestmark = pytest.mark.anyio


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    """A release server whose key is the one of this program."""
    with release_server() as releases:
        monkeypatch.setattr(release_list, "PUBLIC_KEYS", (public_pem(releases.key),))
        monkeypatch.setattr("gateway.update.newest.this_system", lambda: SYSTEM)
        yield releases


async def test_without_a_wish_nobody_is_asked(admin: AdminGateway, releases: Releases) -> None:
    admin.services.admin.releases_url = releases.url
    shown = await admin.get("/admin/version")
    assert (shown["version"], shown["update"]) == (__version__, None)
    assert releases.asked == []


@pytest.mark.parametrize(("newest", "available"), [("99.0.0", True), ("0.0.1", False)])
async def test_what_is_newest_is_told(
    admin: AdminGateway, releases: Releases, newest: str, available: bool
) -> None:
    releases.publish(newest)
    admin.services.admin.releases_url = releases.url
    shown = await admin.get("/admin/version?check=true")
    assert shown["update"] == {"newest": newest, "available": available, "error": None}


async def test_why_nobody_can_tell_is_told(admin: AdminGateway, releases: Releases) -> None:
    admin.services.admin.releases_url = releases.url
    nothing = (await admin.get("/admin/version?check=true"))["update"]
    assert (nothing["newest"], nothing["available"]) == (None, False)
    assert nothing["error"]
    releases.publish("99.0.0")
    releases.seal("99.0.0", Ed25519PrivateKey.generate())
    forged = (await admin.get("/admin/version?check=true"))["update"]
    assert (forged["newest"], forged["available"]) == (None, False)
    assert "sign" in forged["error"]
