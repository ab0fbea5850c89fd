"""The three places where a refresh token is spent."""

from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.routing import Route

from gateway.simulator.accounts import AuthMethod
from gateway.simulator.refusals import oauth_error
from gateway.simulator.rule import refused
from gateway.simulator.service import Asked, check_content_type, endpoint
from gateway.simulator.strict_json import JsonObject, NotStrictJson, decode_object
from gateway.simulator.tokens import Grant

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_GRANT_INVALID = oauth_error("invalid_grant", "Invalid refresh token provided")
_CLIENT_INVALID = oauth_error("invalid_client", "Invalid client provided")
_REQUEST_INVALID = oauth_error("invalid_request", "Invalid request provided")
_GRANT_TYPE_UNSUPPORTED = oauth_error("unsupported_grant_type", "Unsupported grant type")
_SCOPE_INVALID = oauth_error("invalid_scope", "Invalid scope provided")


async def refresh_social(asked: Asked) -> Response:
    """`POST /refreshToken`, JSON `{"refreshToken": …}`, of the desktop sign-in service."""
    check_content_type(asked, _JSON)
    given = _json_members(asked, "refreshToken")
    grant = _exchange(asked, given["refreshToken"], {"social"}, None)
    answer: JsonObject = {
        "accessToken": grant.access_token,
        "refreshToken": grant.refresh_token,
        "expiresIn": grant.expires_in,
    }
    if grant.account.profile_arn is not None:
        answer["profileArn"] = grant.account.profile_arn
    return asked.json(answer, _JSON)


async def refresh_oidc(asked: Asked) -> Response:
    """`POST /token` of AWS's OIDC service: JSON with camelCase members, never a form."""
    check_content_type(asked, _JSON)
    given = _json_members(asked, "clientId", "clientSecret", "grantType", "refreshToken")
    if given["grantType"] != "refresh_token":
        raise refused("grant-type", "grantType", _GRANT_TYPE_UNSUPPORTED)
    client = given["clientId"], given["clientSecret"]
    grant = _exchange(asked, given["refreshToken"], {"builder_id", "idc"}, client)
    return asked.json(
        {
            "accessToken": grant.access_token,
            "refreshToken": grant.refresh_token,
            "expiresIn": grant.expires_in,
            "tokenType": "Bearer",
        },
        _JSON,
    )


async def refresh_external(asked: Asked) -> Response:
    """`POST /oauth2/token` of an organisation's identity provider: a form with snake_case names."""
    check_content_type(asked, _FORM)
    given = dict(parse_qsl(asked.body.decode(errors="replace"), keep_blank_values=True))
    for name in ("client_id", "grant_type", "refresh_token"):
        if not given.get(name):
            raise refused("missing-member", name, _REQUEST_INVALID)
    if given["grant_type"] != "refresh_token":
        raise refused("grant-type", "grant_type", _GRANT_TYPE_UNSUPPORTED)
    owner = asked.simulator.desk.owner_of_refresh_token(given["refresh_token"])
    wanted = set(given.get("scope", "").split())
    if owner is not None and not wanted <= set(owner.scopes):
        raise refused("scope", "scope", _SCOPE_INVALID)
    secret = given.get("client_secret")
    grant = _exchange(asked, given["refresh_token"], {"external_idp"}, (given["client_id"], secret))
    return asked.json(
        {
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "expires_in": grant.expires_in,
            "token_type": "Bearer",
        },
        _JSON,
    )


def _json_members(asked: Asked, *names: str) -> dict[str, str]:
    try:
        given = decode_object(asked.body)
    except NotStrictJson as exc:
        raise refused(exc.rule, exc.where, _REQUEST_INVALID) from None
    values = {name: given.get(name) for name in names}
    wrong = [n for n, value in values.items() if not isinstance(value, str) or not value]
    if wrong:
        raise refused("missing-member", wrong[0], _REQUEST_INVALID)
    return {name: str(value) for name, value in values.items()}


def _exchange(
    asked: Asked,
    refresh_token: str,
    methods: set[AuthMethod],
    client: tuple[str, str | None] | None,
) -> Grant:
    """Spend a refresh token for a client.

    Raises:
        Refused: unknown, spent, another kind's or another client's.
    """
    owner = asked.simulator.desk.owner_of_refresh_token(refresh_token)
    asked.entry.account = owner.name if owner else None
    asked.meet_scenario("refresh", owner.name if owner else None)
    if owner is None or owner.auth_method not in methods:
        raise refused("refresh-token", "refresh token", _GRANT_INVALID)
    if client is not None and client != (owner.client_id, owner.client_secret):
        raise refused("client", "client", _CLIENT_INVALID)
    grant = asked.simulator.desk.exchange(refresh_token)
    if grant is None:
        raise refused("refresh-token-reused", "refresh token", _GRANT_INVALID)
    return grant


SIGN_IN_ROUTES = [
    Route("/refreshToken", endpoint("refresh", refresh_social, secret=True), methods=["POST"]),
    Route("/token", endpoint("refresh", refresh_oidc, secret=True), methods=["POST"]),
    Route("/oauth2/token", endpoint("refresh", refresh_external, secret=True), methods=["POST"]),
]
