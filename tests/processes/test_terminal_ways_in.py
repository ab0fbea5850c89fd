"""Ways in at a terminal that need no browser: other programs' sign-ins, and a Kiro API key."""

import sys
from pathlib import Path

import pytest

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.server import RunningSimulator
from tests.gateway_process import API_KEY_ACCOUNT, GatewayProcess, Installation
from tests.other_programs import AN_HOUR_AGO, BY_NAME, write_ide, write_kiro_cli

if sys.platform == "win32":
    pytest.skip("a terminal of POSIX", allow_module_level=True)

# They need that terminal.
from tests.processes.terminal_sign_in import accounts, accounts_command, answers


def known_place(installation: Installation, program: str) -> Path:
    """Where a program on this system keeps its sign-in."""
    places = {
        ("kiro-cli", "darwin"): "Library/Application Support/kiro-cli/data.sqlite3",
        ("kiro-cli", "linux"): ".local/share/kiro-cli/data.sqlite3",
        ("ide", sys.platform): ".aws/sso/cache/kiro-auth-token.json",
    }
    place = installation.folder / places[program, sys.platform]
    place.parent.mkdir(parents=True)
    return place


@pytest.mark.parametrize("name", ["social", "builder", "organisation", "external"])
def test_every_kind_of_kiro_clis_is_imported_and_answers(
    installation: Installation,
    simulator: RunningSimulator,
    running: GatewayProcess,
    name: str,
) -> None:
    place = known_place(installation, "kiro-cli")
    write_kiro_cli(place, BY_NAME[name], simulator.url, AN_HOUR_AGO)
    imported_and_answers(installation, running, BY_NAME[name])


@pytest.mark.parametrize("name", ["social", "builder", "organisation"])
def test_every_kind_of_the_ides_is_imported_and_answers(
    installation: Installation, running: GatewayProcess, name: str
) -> None:
    write_ide(known_place(installation, "ide"), BY_NAME[name], AN_HOUR_AGO)
    imported_and_answers(installation, running, BY_NAME[name])


def test_a_file_that_is_named_may_be_anywhere(
    installation: Installation, simulator: RunningSimulator, running: GatewayProcess
) -> None:
    place = installation.folder / "copied from my laptop.db"
    write_kiro_cli(place, BY_NAME["social"], simulator.url, AN_HOUR_AGO)
    imported_and_answers(installation, running, BY_NAME["social"], "--from", place.name)


def imported_and_answers(
    installation: Installation, gateway: GatewayProcess, account: DemoAccount, *options: str
) -> None:
    with accounts_command(installation, "import", "me", *options) as terminal:
        assert terminal.ended() == 0, terminal.shown
        shown = " ".join(terminal.shown.split())
        assert f'Account "me" is signed in by {account.auth_method}' in shown
        assert str(account.access_token) not in shown
    (found,) = accounts(installation)
    assert (found["name"], found["auth_method"]) == ("me", account.auth_method)
    answers(installation, gateway, "me")


def test_nothing_to_import_is_told_with_the_places(installation: Installation) -> None:
    with accounts_command(installation, "import", "me") as terminal:
        assert terminal.ended() == 1
        assert "kiro-auth-token.json" in "".join(terminal.shown.split())
    assert accounts(installation) == []


def test_a_kiro_api_key_is_typed_unseen_and_answers(
    installation: Installation, running: GatewayProcess
) -> None:
    with accounts_command(installation, "add", "me", "--api-key-stdin") as terminal:
        terminal.until("Kiro API key: ")
        terminal.type(API_KEY_ACCOUNT)
        assert terminal.ended() == 0, terminal.shown
        assert API_KEY_ACCOUNT not in terminal.shown
    (account,) = accounts(installation)
    assert account["auth_method"] == "api_key"
    answers(installation, running, "me")
