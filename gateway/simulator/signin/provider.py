"""The organisation's own identity provider: where it lives, whom it knows, what it gives."""

from gateway.simulator.accounts import EXTERNAL_AUDIENCE, EXTERNAL_SCOPES

PROVIDER_CLIENT_ID = "simulated-external-client"
PROVIDER_PATH = "/idp/simulated-tenant"
ISSUER_PATH = f"{PROVIDER_PATH}/v2.0"
AUTHORIZE_PATH = f"{PROVIDER_PATH}/oauth2/v2.0/authorize"
TOKEN_PATH = f"{PROVIDER_PATH}/oauth2/v2.0/token"
PROVIDER_REDIRECT = "kiro://kiro.oauth/callback"

OFFLINE_ACCESS = "offline_access"
"""Asks for a refresh token."""

CONVERSATIONS = f"{EXTERNAL_AUDIENCE}/codewhisperer:conversations"
"""Without it an access token is for somebody else than the service."""

PROVIDER_SCOPES = (*(f"{EXTERNAL_AUDIENCE}/{scope}" for scope in EXTERNAL_SCOPES), OFFLINE_ACCESS)
ABOUT_PEOPLE = frozenset({"openid", "profile", "email"})
