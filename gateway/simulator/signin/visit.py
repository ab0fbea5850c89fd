"""What the pages of a sign-in have in common: what they refuse, who signs in, how they fail."""

import re
from collections.abc import Mapping

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.rule import refused
from gateway.simulator.service import Asked
from gateway.simulator.signin import pages
from gateway.simulator.signin.codes import is_challenge
from gateway.simulator.signin.people import Way, WrongPerson
from gateway.simulator.signin.scripts import Script

BAD_REQUEST = pages.page_refusal("The sign-in request is not valid. Start again in your program.")
WHO = pages.text_field("account", "Sign in as (empty: somebody new)")
CANCEL = pages.button("error", "access_denied", "Cancel")
PROOF = ("state", "code_challenge", "code_challenge_method")
"""The parameters of every page that gives out codes."""

_STATE = re.compile(r"[!-~]{1,512}")


def check_values(request: dict[str, str], problems: Mapping[str, bool]) -> dict[str, str]:
    """`request`, if its proof key and state are in order and there are no problems either.

    Raises:
        Refused: with a page that says nothing of what is wrong.
    """
    every = {
        **problems,
        "state": not _STATE.fullmatch(request["state"]),
        "code_challenge": not is_challenge(request["code_challenge"]),
        "code_challenge_method": request["code_challenge_method"] != "S256",
    }
    if wrong := [name for name, is_wrong in every.items() if is_wrong]:
        raise refused("parameter-value", f"{wrong[0]}={request[wrong[0]]}", BAD_REQUEST)
    return request


def split_choice(form: dict[str, str], *names: str) -> tuple[dict[str, str], dict[str, str]]:
    """What was pressed and filled in, and what the page was asked for in the first place."""
    choice = {name: value.strip() for name, value in form.items() if name in names}
    return choice, {name: value for name, value in form.items() if name not in names}


def signing_in(asked: Asked, way: Way, name: str | None) -> DemoAccount:
    """Who signs in.

    Raises:
        Refused: with a page that says why nobody can by this name.
    """
    try:
        person = asked.simulator.people.get(way, name)
    except WrongPerson as exc:
        raise refused("person", str(exc), pages.page_refusal(f"{exc}.")) from None
    asked.entry.account = person.name
    return person


def failure(script: Script) -> dict[str, str] | None:
    """The members of a callback that brings an error; None: the script wants none."""
    if script.error is None:
        return None
    description = script.error_description or "The sign-in was not completed."
    return {"error": script.error, "error_description": description}
