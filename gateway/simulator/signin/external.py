"""An organisation's own identity provider: forms with snake_case names."""

from starlette.responses import Response

from gateway.simulator.refusals import oauth_error
from gateway.simulator.rule import refused
from gateway.simulator.service import Asked
from gateway.simulator.signin.members import JSON, read_form
from gateway.simulator.signin.renewal import renew
from gateway.simulator.strict_json import JsonObject
from gateway.simulator.tokens import Grant

_CLIENT_INVALID = oauth_error("invalid_client", "Invalid client provided")
_REQUEST_INVALID = oauth_error("invalid_request", "Invalid request provided")
_GRANT_TYPE_UNSUPPORTED = oauth_error("unsupported_grant_type", "Unsupported grant type")
_SCOPE_INVALID = oauth_error("invalid_scope", "Invalid scope provided")


async def token(asked: Asked) -> Response:
    """`POST /oauth2/token`."""
    given = read_form(asked, _REQUEST_INVALID)
    for name in ("client_id", "grant_type", "refresh_token"):
        if not given.get(name):
            raise refused("missing-member", name, _REQUEST_INVALID)
    if given["grant_type"] != "refresh_token":
        raise refused("grant-type", "grant_type", _GRANT_TYPE_UNSUPPORTED)
    family = asked.simulator.desk.family_of(given["refresh_token"])
    wanted = set(given.get("scope", "").split())
    if family is not None and not wanted <= set(family.account.scopes):
        raise refused("scope", "scope", _SCOPE_INVALID)
    if "client_secret" in given:
        raise refused("client", "client_secret", _CLIENT_INVALID)
    grant = await renew(asked, given["refresh_token"], {"external_idp"}, given["client_id"])
    return asked.json(_tokens(grant), JSON)


def _tokens(grant: Grant) -> JsonObject:
    answer: JsonObject = {
        "access_token": grant.access_token,
        "expires_in": grant.expires_in,
        "token_type": "Bearer",
    }
    if grant.refresh_token is not None:
        answer["refresh_token"] = grant.refresh_token
    return answer
