"""The portal: one page for every way to sign in, which sends the browser back to a local port."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from gateway.simulator.rule import refused
from gateway.simulator.service import Asked
from gateway.simulator.signin import pages
from gateway.simulator.signin.codes import Authorization
from gateway.simulator.signin.members import check_parameters, read_form, read_query
from gateway.simulator.signin.people import (
    BUILDER_REGION,
    BUILDER_START_URL,
    METHODS,
    ORGANISATION_REGION,
    ORGANISATION_START_URL,
    Way,
)
from gateway.simulator.signin.provider import ISSUER_PATH, PROVIDER_CLIENT_ID, PROVIDER_SCOPES
from gateway.simulator.signin.scripts import CallbackPath, Script
from gateway.simulator.signin.visit import (
    BAD_REQUEST,
    CANCEL,
    PROOF,
    WHO,
    check_values,
    failure,
    signing_in,
    split_choice,
)

PORTS = frozenset({3128, 4649, 6588, 8008, 9091, 49153, 50153, 51153, 52153, 53153})
"""The local ports that the portal sends a browser back to."""

_NEEDED = (*PROOF, "redirect_uri", "redirect_from")
_OPTIONAL = ("signin_methods",)
_REDIRECT = re.compile(r"http://localhost:(\d{1,5})")
_BUTTONS: Mapping[Way, str] = {
    "google": "Google",
    "github": "GitHub",
    "builderid": "Builder ID",
    "awsidc": "Your organization",
    "external_idp": "Your organization's identity provider",
}
_FIELDS = (
    WHO,
    pages.text_field("start_url", "Start URL of your organization", ORGANISATION_START_URL),
    pages.text_field("region", "Region of your organization", ORGANISATION_REGION),
)


async def portal(asked: Asked) -> Response:
    """`GET /signin`: the page, or what a script makes of it at once."""
    await asked.meet_scenario("sign-in", None)
    request = read_query(asked.request.query_params, _NEEDED, _OPTIONAL, BAD_REQUEST)
    _check(request)
    script = asked.simulator.scripts.take("portal")
    if script is not None:
        return _leave(asked, request, script)
    wanted = request.get("signin_methods")
    ways = {way: label for way, label in _BUTTONS.items() if wanted in (None, way)}
    buttons = [pages.button("way", way, label) for way, label in ways.items()]
    return pages.show(
        "Sign in to Kiro",
        pages.paragraph("Choose how to sign in."),
        pages.form(request, *buttons, CANCEL, *_FIELDS),
    )


async def portal_choice(asked: Asked) -> Response:
    """`POST /signin`: somebody pressed a button on the page."""
    form = read_form(asked, BAD_REQUEST)
    choice, request = split_choice(form, "way", "account", "start_url", "region", "error")
    _check(check_parameters(request, _NEEDED, _OPTIONAL, BAD_REQUEST))
    way = next((way for way in _BUTTONS if way == choice.get("way")), None)
    error = choice.get("error")
    if way is None and not error:
        raise refused("parameter-value", "way", BAD_REQUEST)
    changes: dict[str, str | None] = {}
    if way == "awsidc":
        fields = {"issuer_url": "start_url", "idc_region": "region"}
        changes = {name: choice[field] for name, field in fields.items() if choice.get(field)}
    script = Script(
        way=way or "google",
        account=choice.get("account") or None,
        error=error or None,
        query=changes,
    )
    return _leave(asked, request, script)


def _check(request: dict[str, str]) -> None:
    redirect = _REDIRECT.fullmatch(request["redirect_uri"])
    check_values(
        request,
        {
            "redirect_uri": redirect is None or int(redirect[1]) not in PORTS,
            "redirect_from": request["redirect_from"] not in {"KiroIDE", "kirocli"},
            "signin_methods": request.get("signin_methods", "google") not in _BUTTONS,
        },
    )


def _leave(asked: Asked, request: Mapping[str, str], script: Script) -> Response:
    result = failure(script) or _success(asked, request, script)
    members = script.applied_to({"login_option": script.way, **result, "state": request["state"]})
    address = f"{request['redirect_uri']}{_path(script)}?{urlencode(members)}"
    return pages.go_to(address)


def _path(script: Script) -> CallbackPath:
    if script.path is not None:
        return script.path
    return "/oauth/callback" if METHODS[script.way] == "social" else "/signin/callback"


def _success(asked: Asked, request: Mapping[str, str], script: Script) -> dict[str, str]:
    match script.way:
        case "builderid":
            return {"issuer_url": BUILDER_START_URL, "idc_region": BUILDER_REGION}
        case "awsidc":
            return {"issuer_url": ORGANISATION_START_URL, "idc_region": ORGANISATION_REGION}
        case "external_idp":
            return {
                "issuer_url": asked.base_url + ISSUER_PATH,
                "client_id": PROVIDER_CLIENT_ID,
                "scopes": " ".join(PROVIDER_SCOPES),
            }
        case way:
            person = signing_in(asked, way, script.account)
            # What the exchange has to name is not what the portal was given.
            redirect_uri = f"{request['redirect_uri']}{_path(script)}?login_option={way}"
            challenge = request["code_challenge"]
            authorization = Authorization("social", person, challenge, redirect_uri)
            return {"code": asked.simulator.codes.issue(authorization)}
