"""Where the sign-in services live."""

from starlette.routing import Route

from gateway.simulator.service import endpoint
from gateway.simulator.signin import device_page, external, oidc, portal, social
from gateway.simulator.signin.provider import AUTHORIZE_PATH, ISSUER_PATH, TOKEN_PATH

SIGN_IN_ROUTES = [
    Route("/signin", endpoint("sign-in", portal.portal), methods=["GET"]),
    Route("/signin", endpoint("sign-in", portal.portal_choice), methods=["POST"]),
    Route("/login", endpoint("sign-in", social.login), methods=["GET"]),
    Route("/login", endpoint("sign-in", social.login_choice), methods=["POST"]),
    Route(
        "/oauth/token",
        endpoint("exchange", social.exchange_social_code, secret=True),
        methods=["POST"],
    ),
    Route(
        "/refreshToken", endpoint("refresh", social.refresh_social, secret=True), methods=["POST"]
    ),
    Route("/client/register", endpoint("register", oidc.spelled(oidc.register)), methods=["POST"]),
    Route(
        "/device_authorization",
        endpoint("device", oidc.spelled(oidc.start_device), secret=True),
        methods=["POST"],
    ),
    Route("/token", endpoint("refresh", oidc.spelled(oidc.token), secret=True), methods=["POST"]),
    Route("/device", endpoint("sign-in", device_page.device_page), methods=["GET"]),
    Route("/device", endpoint("sign-in", device_page.device_choice), methods=["POST"]),
    Route("/authorize", endpoint("sign-in", device_page.authorize), methods=["GET"]),
    Route("/authorize", endpoint("sign-in", device_page.authorize_choice), methods=["POST"]),
    Route(
        f"{ISSUER_PATH}/.well-known/openid-configuration",
        endpoint("discovery", external.discover),
        methods=["GET"],
    ),
    Route(AUTHORIZE_PATH, endpoint("sign-in", external.authorize), methods=["GET"]),
    Route(AUTHORIZE_PATH, endpoint("sign-in", external.authorize_choice), methods=["POST"]),
    Route(TOKEN_PATH, endpoint("refresh", external.token, secret=True), methods=["POST"]),
    # Where the first external account has always renewed its token.
    Route("/oauth2/token", endpoint("refresh", external.token, secret=True), methods=["POST"]),
]
