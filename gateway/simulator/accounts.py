"""The sign-ins that the simulator knows from the start, for the demo and the tests.

All secrets here are made up and worth nothing outside the simulator.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Literal

AuthMethod = Literal["social", "builder_id", "idc", "external_idp", "api_key"]
Subscription = Literal["free", "pro", "power"]

TOKEN_SECONDS = 3600
"""How long an access token lives unless told otherwise."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One sign-in: what a gateway account is seeded with to use it.

    Attributes:
        access_token: valid for `TOKEN_SECONDS` from the simulator's start; None for an API key.
        profile_arn: the only ARN the simulator accepts from this account; None: it has none.
        region: the sign-in region; the API region is the one inside `profile_arn`.
        token_endpoint: the path at which `refresh_token` is spent; empty for an API key.
        subscription: `free` has fewer models than the others.
    """

    name: str
    auth_method: AuthMethod
    access_token: str | None = None
    refresh_token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    api_key: str | None = None
    profile_arn: str | None = None
    region: str = "us-east-1"
    token_endpoint: str = ""
    scopes: tuple[str, ...] = ()
    subscription: Subscription = "pro"
    email: str = "dev@example.com"

    @property
    def bearer(self) -> str:
        """What the account presents at first: its access token or its API key."""
        return self.access_token or self.api_key or ""

    @property
    def needs_profile(self) -> bool:
        """Whether generation refuses a request without `profileArn`."""
        return self.auth_method in {"social", "idc", "external_idp"}

    @property
    def token_type(self) -> str | None:
        """The `TokenType` header that must come with the bearer; None: it must be absent."""
        return {"external_idp": "EXTERNAL_IDP", "api_key": "API_KEY"}.get(self.auth_method)


def unsigned_jwt(claims: dict[str, object]) -> str:
    """A token with a JWT's three parts, whose claims anybody can read; the signature is empty talk.

    The access tokens of external identity providers are JWTs, and programs derive the scope of a
    refresh from `aud` and `scp`.
    """
    parts = ({"alg": "RS256", "typ": "JWT"}, claims, "simulated")
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    return ".".join(part.rstrip(b"=").decode() for part in encoded)


EXTERNAL_AUDIENCE = "api://kiro-simulator"
EXTERNAL_SCOPES = ("codewhisperer:conversations", "codewhisperer:completions")


FOREIGN_AUDIENCE = "00000003-0000-0000-c000-000000000000"
"""What a token is for when nobody says what it is wanted for."""


def external_claims(account: str, serial: int, *, usable: bool = True) -> dict[str, object]:
    """The claims of an external access token; `serial` tells one token from the next.

    Unless `usable`, it is for somebody else than the service.
    """
    return {
        "aud": EXTERNAL_AUDIENCE if usable else FOREIGN_AUDIENCE,
        "scp": " ".join(EXTERNAL_SCOPES),
        "sub": account,
        "jti": serial,
    }


def arn(region: str, identifier: str) -> str:
    """A profile's ARN; its region is the one whose hosts serve it."""
    return f"arn:aws:codewhisperer:{region}:111122223333:profile/{identifier}"


def profile_id(about: str) -> str:
    """The end of a made-up ARN, equal for equal names."""
    return "SIM" + hashlib.sha256(about.encode()).hexdigest()[:10].upper()


def _access(name: str) -> str:
    return f"aoaSIMULATED-{name}-first"


def _refresh(name: str) -> str:
    return f"aorSIMULATED-{name}-first"


DEMO_ACCOUNTS = (
    DemoAccount(
        name="social",
        auth_method="social",
        access_token=_access("social"),
        refresh_token=_refresh("social"),
        profile_arn=arn("us-east-1", "SIMSOCIAL1"),
        token_endpoint="/refreshToken",  # noqa: S106  # a path
        email="social@example.com",
    ),
    DemoAccount(
        name="builder",
        auth_method="builder_id",
        access_token=_access("builder"),
        refresh_token=_refresh("builder"),
        client_id="simulated-builder-client",
        client_secret=f"simulated-{'builder'}-secret",
        token_endpoint="/token",  # noqa: S106  # a path
        subscription="free",
        email="builder@example.com",
    ),
    DemoAccount(
        name="organisation",
        auth_method="idc",
        access_token=_access("organisation"),
        refresh_token=_refresh("organisation"),
        client_id="simulated-organisation-client",
        client_secret=f"simulated-{'organisation'}-secret",
        profile_arn=arn("eu-central-1", "SIMORG0001"),
        region="eu-west-1",
        token_endpoint="/token",  # noqa: S106  # a path
        subscription="power",
        email="organisation@example.com",
    ),
    DemoAccount(
        name="external",
        auth_method="external_idp",
        access_token=unsigned_jwt(external_claims("external", 0)),
        refresh_token=_refresh("external"),
        client_id="simulated-external-client",
        profile_arn=arn("us-east-1", "SIMEXTERN1"),
        token_endpoint="/oauth2/token",  # noqa: S106  # a path
        scopes=(*(f"{EXTERNAL_AUDIENCE}/{scope}" for scope in EXTERNAL_SCOPES), "offline_access"),
        email="external@example.com",
    ),
    DemoAccount(
        name="key",
        auth_method="api_key",
        api_key="ksk_SIMULATED0000000000000001",
        email="key@example.com",
    ),
)
"""One account of each kind. `builder` has the free subscription, the others all models."""
