"""The organisation's own identity provider: where it lives, and whom it knows as a client."""

from gateway.simulator.accounts import EXTERNAL_AUDIENCE, EXTERNAL_SCOPES

PROVIDER_CLIENT_ID = "simulated-external-client"
PROVIDER_PATH = "/idp/simulated-tenant"
ISSUER_PATH = f"{PROVIDER_PATH}/v2.0"
PROVIDER_SCOPES = (*(f"{EXTERNAL_AUDIENCE}/{scope}" for scope in EXTERNAL_SCOPES), "offline_access")
