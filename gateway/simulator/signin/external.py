"""An organisation's own identity provider: discovery, a page, and forms with snake_case names."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from gateway.simulator.refusals import oauth_error
from gateway.simulator.rule import Refused, refused
from gateway.simulator.service import Asked
from gateway.simulator.signin import pages
from gateway.simulator.signin.codes import Authorization
from gateway.simulator.signin.members import JSON, check_parameters, read_form, read_query
from gateway.simulator.signin.provider import (
    ABOUT_PEOPLE,
    AUTHORIZE_PATH,
    CONVERSATIONS,
    ISSUER_PATH,
    OFFLINE_ACCESS,
    PROVIDER_CLIENT_ID,
    PROVIDER_REDIRECT,
    PROVIDER_SCOPES,
    TOKEN_PATH,
)
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

_CLIENT_INVALID = oauth_error("invalid_client", "Invalid client provided")
_REQUEST_INVALID = oauth_error("invalid_request", "Invalid request provided")
_CODE_INVALID = oauth_error("invalid_grant", "Invalid authorization code provided")
_GRANT_TYPE_UNSUPPORTED = oauth_error("unsupported_grant_type", "Unsupported grant type")
_SCOPE_INVALID = oauth_error("invalid_scope", "Invalid scope provided")

_SCOPES = ABOUT_PEOPLE | frozenset(PROVIDER_SCOPES)
_NEEDED = (*PROOF, "client_id", "response_type", "redirect_uri", "scope")
_OPTIONAL = ("response_mode", "login_hint")
_OF_CODE = ("client_id", "grant_type", "code", "redirect_uri", "code_verifier")
_OF_REFRESH = ("client_id", "grant_type", "refresh_token")


async def discover(asked: Asked) -> Response:
    """`GET {issuer}/.well-known/openid-configuration`."""
    await asked.meet_scenario("discovery", None)
    base = asked.base_url
    return asked.json(
        {
            "issuer": base + ISSUER_PATH,
            "authorization_endpoint": base + AUTHORIZE_PATH,
            "token_endpoint": base + TOKEN_PATH,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "scopes_supported": [*sorted(_SCOPES)],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        },
        JSON,
    )


async def authorize(asked: Asked) -> Response:
    """The provider's page; its end is an address that only the IDE can open."""
    await asked.meet_scenario("sign-in", None)
    request = read_query(asked.request.query_params, _NEEDED, _OPTIONAL, BAD_REQUEST)
    _check(request)
    script = asked.simulator.scripts.take("provider")
    if script is not None:
        return pages.go_to(_end(asked, request, script))
    hint = request.get("login_hint")
    return pages.show(
        "Sign in to your organization",
        pages.paragraph(
            f"You are asked to sign in as {hint}." if hint else "You are asked to sign in."
        ),
        pages.form(request, pages.button("go", "on", "Sign in"), CANCEL, WHO),
    )


async def authorize_choice(asked: Asked) -> Response:
    """Somebody pressed a button on the provider's page."""
    choice, request = split_choice(read_form(asked, BAD_REQUEST), "go", "error", "account")
    _check(check_parameters(request, _NEEDED, _OPTIONAL, BAD_REQUEST))
    script = Script(account=choice.get("account") or None, error=choice.get("error"))
    return pages.end_at(_end(asked, request, script))


def _check(request: dict[str, str]) -> None:
    check_values(
        request,
        {
            "client_id": request["client_id"] != PROVIDER_CLIENT_ID,
            "response_type": request["response_type"] != "code",
            "redirect_uri": request["redirect_uri"] != PROVIDER_REDIRECT,
            "scope": not set(request["scope"].split(" ")) <= _SCOPES,
            "response_mode": request.get("response_mode", "query") != "query",
        },
    )


def _end(asked: Asked, request: Mapping[str, str], script: Script) -> str:
    result = failure(script)
    if result is None:
        authorization = Authorization(
            "external",
            signing_in(asked, "external_idp", script.account),
            request["code_challenge"],
            PROVIDER_REDIRECT,
            PROVIDER_CLIENT_ID,
            tuple(request["scope"].split(" ")),
        )
        result = {"code": asked.simulator.codes.issue(authorization)}
    members = script.applied_to({**result, "state": request["state"]})
    return f"{PROVIDER_REDIRECT}?{urlencode(members)}"


async def token(asked: Asked) -> Response:
    """The token endpoint: a form, for a code or for a refresh token."""
    given = read_form(asked, _REQUEST_INVALID)
    if "client_secret" in given:
        raise refused("client", "client_secret", _CLIENT_INVALID)
    match given.get("grant_type"):
        case "authorization_code":
            grant = await _redeem_code(asked, given)
        case "refresh_token":
            grant = await _refresh(asked, given)
        case None:
            raise refused("missing-parameter", "grant_type", _REQUEST_INVALID)
        case other:
            raise refused("grant-type", other, _GRANT_TYPE_UNSUPPORTED)
    answer: JsonObject = {
        "access_token": grant.access_token,
        "expires_in": grant.expires_in,
        "token_type": "Bearer",
    }
    if grant.refresh_token is not None:
        answer["refresh_token"] = grant.refresh_token
    return asked.json(answer, JSON)


async def _redeem_code(asked: Asked, given: dict[str, str]) -> Grant:
    asked.entry.operation = "exchange"
    check_parameters(given, _OF_CODE, ("scope",), _REQUEST_INVALID)
    if given["client_id"] != PROVIDER_CLIENT_ID:
        raise refused("client", "client_id", _CLIENT_INVALID)
    codes = asked.simulator.codes
    try:
        await asked.meet_scenario("exchange", codes.owner_of(given["code"]))
        authorization = codes.redeem(
            "external",
            given["code"],
            given["code_verifier"],
            given["redirect_uri"],
            given["client_id"],
        )
    except Refused as exc:
        raise Refused(exc.breaches, _CODE_INVALID if exc.breaches else exc.refusal) from None
    finally:
        codes.spend(given["code"])
    asked.entry.account = authorization.account.name
    scopes = _scopes(given, authorization.scopes)
    grant = asked.simulator.desk.sign_in(
        authorization.account,
        given["client_id"],
        renewable=OFFLINE_ACCESS in scopes and wants_refresh_token(asked),
        usable=CONVERSATIONS in scopes,
    )
    authorization.family = grant.family
    return grant


async def _refresh(asked: Asked, given: dict[str, str]) -> Grant:
    check_parameters(given, _OF_REFRESH, ("scope",), _REQUEST_INVALID)
    scopes = _scopes(given, tuple(_SCOPES))
    return await renew(
        asked,
        given["refresh_token"],
        {"external_idp"},
        given["client_id"],
        rotate=OFFLINE_ACCESS in scopes,
        # Without a scope the provider does not know whom the token is for.
        usable="scope" in given and CONVERSATIONS in scopes,
    )


def _scopes(given: Mapping[str, str], allowed: tuple[str, ...]) -> set[str]:
    """The scopes that are asked for; without a word on it, all that are allowed.

    Raises:
        Refused: more than is allowed.
    """
    if "scope" not in given:
        return set(allowed)
    wanted = set(given["scope"].split(" "))
    if unknown := wanted - set(allowed):
        raise refused("scope", min(unknown), _SCOPE_INVALID)
    return wanted
