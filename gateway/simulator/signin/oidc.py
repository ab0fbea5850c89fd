"""AWS's OIDC service: JSON with camelCase members, never a form."""

from starlette.responses import Response

from gateway.simulator.refusals import oauth_error
from gateway.simulator.rule import refused
from gateway.simulator.service import Asked
from gateway.simulator.signin.members import JSON, read_json, texts
from gateway.simulator.signin.renewal import renew
from gateway.simulator.strict_json import JsonObject
from gateway.simulator.tokens import Grant

_CLIENT_INVALID = oauth_error("invalid_client", "Invalid client provided")
_REQUEST_INVALID = oauth_error("invalid_request", "Invalid request provided")
_GRANT_TYPE_UNSUPPORTED = oauth_error("unsupported_grant_type", "Unsupported grant type")


async def token(asked: Asked) -> Response:
    """`POST /token`."""
    needed = ("clientId", "clientSecret", "grantType", "refreshToken")
    given = texts(read_json(asked, _REQUEST_INVALID), needed, _REQUEST_INVALID)
    if given["grantType"] != "refresh_token":
        raise refused("grant-type", "grantType", _GRANT_TYPE_UNSUPPORTED)
    known = {
        account.client_id: account.client_secret
        for account in asked.simulator.desk.accounts.values()
        if account.client_secret
    }
    if known.get(given["clientId"]) != given["clientSecret"]:
        raise refused("client", "client", _CLIENT_INVALID)
    grant = await renew(asked, given["refreshToken"], {"builder_id", "idc"}, given["clientId"])
    return asked.json(_tokens(grant), JSON)


def _tokens(grant: Grant) -> JsonObject:
    answer: JsonObject = {
        "accessToken": grant.access_token,
        "expiresIn": grant.expires_in,
        "tokenType": "Bearer",
    }
    if grant.refresh_token is not None:
        answer["refreshToken"] = grant.refresh_token
    return answer
