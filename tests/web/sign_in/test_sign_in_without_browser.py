"""Ways in that need no browser: other programs' sign-ins, and a Kiro API key."""

from pathlib import Path
from typing import Any

import pytest

from tests.other_programs import AN_HOUR_AGO, BY_NAME, IN_AN_HOUR, write_ide, write_kiro_cli
from tests.web.sign_in.sign_in_gateway import NEW, SignInGateway

pytestmark = pytest.mark.anyio


@pytest.fixture
def places(gateway: SignInGateway, tmp_path: Path) -> tuple[Path, Path]:
    """Where kiro-cli and the IDE keep theirs."""
    known = (
        tmp_path / "share" / "kiro-cli" / "data.sqlite3",
        tmp_path / ".aws" / "sso" / "cache" / "kiro-auth-token.json",
    )
    gateway.admin.services.admin.local_places = known
    for place in known:
        place.parent.mkdir(parents=True)
    return known


async def imported(gateway: SignInGateway, **order: str) -> dict[str, Any]:
    answer = await gateway.admin.call("POST", "/admin/kiro/import-local", {"account": NEW, **order})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize("expires_at", [IN_AN_HOUR, AN_HOUR_AGO], ids=["valid", "expired"])
@pytest.mark.parametrize("name", ["social", "builder", "organisation", "external"])
async def test_every_kind_of_kiro_clis_is_imported_and_answers(
    gateway: SignInGateway, places: tuple[Path, Path], name: str, expires_at: str
) -> None:
    await forget(gateway, name)
    account = BY_NAME[name]
    write_kiro_cli(places[0], account, gateway.kiro.url, expires_at)
    told = await imported(gateway, source="kiro-cli")
    assert (told["message"], told["has_refresh"]) == ("kiro-cli token imported", True)
    assert told["is_external_idp"] is (name == "external")
    shown = await gateway.answers()
    assert (shown["auth_method"], shown["region"]) == (account.auth_method, account.region)
    assert (shown["token_info"]["profile_arn"] or None) == account.profile_arn


@pytest.mark.parametrize("expires_at", [IN_AN_HOUR, AN_HOUR_AGO], ids=["valid", "expired"])
@pytest.mark.parametrize("name", ["social", "builder", "organisation"])
async def test_every_kind_of_the_ides_is_imported_and_answers(
    gateway: SignInGateway, places: tuple[Path, Path], name: str, expires_at: str
) -> None:
    await forget(gateway, name)
    write_ide(places[1], BY_NAME[name], expires_at)
    told = await imported(gateway)
    assert told["message"] == "Kiro IDE token imported"
    assert (await gateway.answers())["auth_method"] == BY_NAME[name].auth_method


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
async def test_a_kiro_api_key_answers(gateway: SignInGateway, *, later: bool) -> None:
    key = {"api_key": f" {BY_NAME['key'].api_key}\n"}
    if later:
        changed = await gateway.admin.call("PUT", f"/admin/accounts/{NEW}", key)
        assert changed.status_code == 200
    else:
        await gateway.admin.call("DELETE", f"/admin/accounts/{NEW}")
        made = await gateway.admin.call("POST", "/admin/accounts", {"name": NEW, **key})
        assert made.status_code == 201
        assert "ksk_" not in made.text
    assert (await gateway.answers())["auth_method"] == "api_key"


async def forget(gateway: SignInGateway, name: str) -> None:
    """Take away the account that has this sign-in already: two would share its refresh token."""
    answer = await gateway.admin.call("DELETE", f"/admin/accounts/{name}?force=true")
    assert answer.status_code == 200
