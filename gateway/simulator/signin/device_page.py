"""Where a person approves a device, and the authorize page of the same service."""

from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from starlette.responses import Response

from gateway.simulator.rule import Refused, refused
from gateway.simulator.service import Asked
from gateway.simulator.signin import pages
from gateway.simulator.signin.codes import Authorization
from gateway.simulator.signin.devices import Device
from gateway.simulator.signin.members import check_parameters, read_form, read_query
from gateway.simulator.signin.people import BUILDER_START_URL, Way, WrongPerson
from gateway.simulator.signin.registrations import Registration
from gateway.simulator.signin.scripts import Script
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

_CODE_UNKNOWN = pages.page_refusal("This code is not known, or its time is over.")
_NEEDED = (*PROOF, "response_type", "client_id", "redirect_uri", "scopes")


async def device_page(asked: Asked) -> Response:
    """`GET /device`: asks for the code, or for a word on the one that is given."""
    await asked.meet_scenario("sign-in", None)
    user_code = asked.request.query_params.get("user_code")
    if not user_code:
        field = pages.text_field("user_code", "Code")
        return pages.show(
            "Authorize a device", pages.form({}, field, pages.button("decision", "look", "Next"))
        )
    return _question(_device(asked, user_code))


async def device_choice(asked: Asked) -> Response:
    """`POST /device`: somebody typed a code in, or pressed Approve or Deny."""
    form = read_form(asked, BAD_REQUEST)
    device = _device(asked, form.get("user_code", ""))
    decision = form.get("decision")
    if decision == "approve":
        try:
            asked.simulator.devices.decide(
                device, "approve", form.get("account", "").strip() or None
            )
        except WrongPerson as exc:
            raise refused("person", str(exc), pages.page_refusal(f"{exc}.")) from None
        asked.entry.account = device.account.name if device.account else None
        return pages.show("Request approved", pages.paragraph("You can close this page."))
    if decision == "deny":
        asked.simulator.devices.decide(device, "deny", None)
        return pages.show("Request denied", pages.paragraph("You can close this page."))
    return _question(device)


def _device(asked: Asked, user_code: str) -> Device:
    device = asked.simulator.devices.by_user_code(user_code)
    if device is None or asked.simulator.devices.state_of(device) != "waiting":
        raise refused("user-code", user_code, _CODE_UNKNOWN)
    return device


def _question(device: Device) -> Response:
    kept = {"user_code": device.user_code}
    return pages.show(
        "Authorize a device",
        pages.paragraph(f"{device.client_name} wants to act for you at {device.start_url}."),
        f"<p>Approve only if it shows this code: <code>{escape(device.user_code)}</code></p>",
        pages.form(
            kept,
            pages.button("decision", "approve", "Approve"),
            pages.button("decision", "deny", "Deny"),
            WHO,
        ),
    )


async def authorize(asked: Asked) -> Response:
    """`GET /authorize`: the page of the authorization code grant."""
    await asked.meet_scenario("sign-in", None)
    request = read_query(asked.request.query_params, _NEEDED, (), BAD_REQUEST)
    registration = _check(asked, request)
    script = asked.simulator.scripts.take("authorize")
    if script is not None:
        return pages.go_to(_end(asked, registration, request, script))
    return pages.show(
        "Allow access",
        pages.paragraph(f"{registration.name} wants to act for you."),
        pages.form(request, pages.button("go", "on", "Allow"), CANCEL, WHO),
    )


async def authorize_choice(asked: Asked) -> Response:
    """`POST /authorize`: somebody pressed a button on the page."""
    choice, request = split_choice(read_form(asked, BAD_REQUEST), "go", "error", "account")
    registration = _check(asked, check_parameters(request, _NEEDED, (), BAD_REQUEST))
    script = Script(account=choice.get("account") or None, error=choice.get("error"))
    return pages.go_to(_end(asked, registration, request, script))


def _check(asked: Asked, request: dict[str, str]) -> Registration:
    try:
        registration = asked.simulator.registrations.find(request["client_id"], asked.region)
    except Refused as exc:
        raise Refused(exc.breaches, BAD_REQUEST) from None
    kinds = registration.grant_types or frozenset({"authorization_code"})
    check_values(
        request,
        {
            "response_type": request["response_type"] != "code",
            "client_id": "authorization_code" not in kinds,
            "redirect_uri": request["redirect_uri"] not in registration.redirect_uris,
            "scopes": not set(request["scopes"].split(" ")) <= set(registration.scopes),
        },
    )
    return registration


def _end(
    asked: Asked, registration: Registration, request: Mapping[str, str], script: Script
) -> str:
    result = failure(script)
    if result is None:
        way: Way = "builderid" if registration.issuer_url == BUILDER_START_URL else "awsidc"
        person = signing_in(asked, way, script.account)
        authorization = Authorization(
            "oidc",
            person,
            request["code_challenge"],
            request["redirect_uri"],
            registration.client_id,
        )
        result = {"code": asked.simulator.codes.issue(authorization)}
    members = script.applied_to({**result, "state": request["state"]})
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in members.items())
    return f"{request['redirect_uri']}?{query}"
