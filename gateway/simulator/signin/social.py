"""The desktop sign-in service: Google and GitHub, directly and behind the portal."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from gateway.simulator.refusals import Refusal, oauth_error
from gateway.simulator.region import SOCIAL_REGIONS
from gateway.simulator.rule import Refused
from gateway.simulator.service import Asked, check_host
from gateway.simulator.signin import pages
from gateway.simulator.signin.codes import Authorization
from gateway.simulator.signin.members import (
    JSON,
    check_parameters,
    read_form,
    read_json,
    read_query,
    texts,
)
from gateway.simulator.signin.people import Way
from gateway.simulator.signin.renewal import renew, wants_refresh_token
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
from gateway.simulator.strict_json import JsonObject
from gateway.simulator.tokens import Grant

DIRECT_REDIRECT = "kiro://kiro.kiroAgent/authenticate-success"
_PROVIDERS: Mapping[str, Way] = {"Google": "google", "Github": "github"}
_NEEDED = (*PROOF, "idp", "redirect_uri")
_OPTIONAL = ("prompt",)


def _message(status: int, text: str) -> Refusal:
    return Refusal(status, json.dumps({"message": text}).encode(), content_type=JSON)


_CODE_INVALID = _message(400, "Invalid authorization code provided")
_REQUEST_INVALID = _message(400, "Invalid request provided")
_REFRESH_INVALID = oauth_error("invalid_request", "Invalid request provided")


async def exchange_social_code(asked: Asked) -> Response:
    """`POST /oauth/token`, JSON with snake_case members; the answer is in camelCase."""
    check_host(asked, SOCIAL_REGIONS)
    members = read_json(asked, _REQUEST_INVALID)
    needed = ("code", "code_verifier", "redirect_uri")
    given = texts(members, needed, _REQUEST_INVALID, ("invitation_code",))
    codes = asked.simulator.codes
    try:
        await asked.meet_scenario("exchange", codes.owner_of(given["code"]))
        authorization = codes.redeem(
            "social", given["code"], given["code_verifier"], given["redirect_uri"]
        )
    except Refused as exc:
        raise Refused(exc.breaches, _CODE_INVALID if exc.breaches else exc.refusal) from None
    finally:
        # Whatever becomes of it, nobody may try again with this code.
        codes.spend(given["code"])
    asked.entry.account = authorization.account.name
    grant = asked.simulator.desk.sign_in(
        authorization.account, renewable=wants_refresh_token(asked)
    )
    authorization.family = grant.family
    return asked.json(_tokens(asked, grant), JSON)


async def refresh_social(asked: Asked) -> Response:
    """`POST /refreshToken`, JSON `{"refreshToken": …}`."""
    check_host(asked, SOCIAL_REGIONS)
    given = texts(read_json(asked, _REFRESH_INVALID), ("refreshToken",), _REFRESH_INVALID)
    grant = await renew(asked, given["refreshToken"], {"social"})
    return asked.json(_tokens(asked, grant), JSON)


def _tokens(asked: Asked, grant: Grant) -> JsonObject:
    answer: JsonObject = {"accessToken": grant.access_token, "expiresIn": grant.expires_in}
    if grant.refresh_token is not None:
        answer["refreshToken"] = grant.refresh_token
    profiles = asked.simulator.profiles.of(grant.account)
    if profiles:
        answer["profileArn"] = profiles[0].arn
    return answer


async def login(asked: Asked) -> Response:
    """`GET /login`: the direct way, whose end is an address that only the IDE can open."""
    check_host(asked, SOCIAL_REGIONS)
    await asked.meet_scenario("sign-in", None)
    request = read_query(asked.request.query_params, _NEEDED, _OPTIONAL, BAD_REQUEST)
    _check(request)
    script = asked.simulator.scripts.take("login")
    if script is not None:
        return pages.go_to(_end(asked, request, script))
    go_on = pages.button("go", "on", "Continue")
    return pages.show(f"Sign in with {request['idp']}", pages.form(request, go_on, CANCEL, WHO))


async def login_choice(asked: Asked) -> Response:
    """`POST /login`: somebody pressed a button on the page."""
    check_host(asked, SOCIAL_REGIONS)
    choice, request = split_choice(read_form(asked, BAD_REQUEST), "go", "error", "account")
    _check(check_parameters(request, _NEEDED, _OPTIONAL, BAD_REQUEST))
    script = Script(account=choice.get("account") or None, error=choice.get("error"))
    return pages.end_at(_end(asked, request, script))


def _check(request: dict[str, str]) -> None:
    check_values(
        request,
        {
            "idp": request["idp"] not in _PROVIDERS,
            "redirect_uri": request["redirect_uri"] != DIRECT_REDIRECT,
            "prompt": request.get("prompt", "select_account") != "select_account",
        },
    )


def _end(asked: Asked, request: Mapping[str, str], script: Script) -> str:
    result = failure(script)
    if result is None:
        person = signing_in(asked, _PROVIDERS[request["idp"]], script.account)
        challenge = request["code_challenge"]
        authorization = Authorization("social", person, challenge, DIRECT_REDIRECT)
        result = {"code": asked.simulator.codes.issue(authorization)}
    members = script.applied_to({**result, "state": request["state"]})
    return f"{DIRECT_REDIRECT}?{urlencode(members)}"
