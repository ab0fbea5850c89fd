"""Client registrations of the OIDC service: each belongs to one region, and ends one day."""

import hashlib
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.refusals import oauth_error
from gateway.simulator.rule import refused

REGISTRATION_SECONDS = 90 * 86_400
CONVERSATIONS = "codewhisperer:conversations"
SCOPES = frozenset(
    {
        CONVERSATIONS,
        "codewhisperer:completions",
        "codewhisperer:analysis",
        "codewhisperer:transformations",
        "codewhisperer:taskassist",
    }
)
CLIENT_INVALID = oauth_error("invalid_client", "Invalid client provided")
CLIENT_UNAUTHORIZED = oauth_error("unauthorized_client", "Client is not allowed to do this")


@dataclass(frozen=True, slots=True)
class Registration:
    """A program that may sign people in.

    Attributes:
        region: whose host it was registered at; None: at an address that named none.
        grant_types: what it said it would use; None: it said nothing, so that all are allowed.
        issued_at, expires_at: seconds since 1970.
    """

    client_id: str
    client_secret: str
    name: str
    region: str | None
    scopes: tuple[str, ...]
    issued_at: float
    expires_at: float
    grant_types: frozenset[str] | None = None
    issuer_url: str | None = None
    redirect_uris: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether its tokens are good for conversations."""
        return CONVERSATIONS in self.scopes


class Registrations:
    """Who registered. `clock` gives seconds since 1970.

    Attributes:
        lifetime: seconds that new ones live.
    """

    def __init__(
        self, accounts: Collection[DemoAccount], *, seed: int, clock: Callable[[], float]
    ) -> None:
        self._first = accounts
        self._key = f"registrations of {seed}".encode()
        self._clock = clock
        self.lifetime = REGISTRATION_SECONDS
        self.reset()

    def reset(self) -> None:
        """Forget all but those of the first accounts."""
        self._known: dict[str, Registration] = {}
        now = self._clock()
        for account in self._first:
            if account.client_id and account.client_secret:
                self._known[account.client_id] = Registration(
                    account.client_id,
                    account.client_secret,
                    "first accounts",
                    account.region,
                    tuple(SCOPES),
                    now,
                    now + self.lifetime,
                )

    def add(
        self,
        name: str,
        region: str | None,
        scopes: Collection[str],
        *,
        grant_types: frozenset[str] | None,
        issuer_url: str | None,
        redirect_uris: tuple[str, ...],
    ) -> Registration:
        """Register one more."""
        now = self._clock()
        number = len(self._known)
        registration = Registration(
            self._text(f"id {number}")[:22],
            # Real ones are long, a signed token that nobody else can read.
            f"eyJraWQiOiJzaW0ifQ.{self._text(f'secret {number}')}.{self._text(f'mac {number}')}",
            name,
            region,
            tuple(scopes),
            now,
            now + self.lifetime,
            grant_types,
            issuer_url,
            redirect_uris,
        )
        self._known[registration.client_id] = registration
        return registration

    def find(self, client_id: str, region: str | None) -> Registration:
        """The client of this id.

        Raises:
            Refused: unknown in this region, or its registration has run out.
        """
        registration = self._known.get(client_id)
        if registration is None:
            raise refused("client", "clientId", CLIENT_INVALID)
        if None not in (region, registration.region) and region != registration.region:
            raise refused("client-region", f"{region}", CLIENT_INVALID)
        if registration.expires_at <= self._clock():
            raise refused("client-expired", "clientId", CLIENT_INVALID)
        return registration

    def prove(
        self, client_id: str, client_secret: str, grant_type: str, region: str | None
    ) -> Registration:
        """The client of this id, if it knows its secret and may use this kind of grant.

        Raises:
            Refused: as `find`, and for a wrong secret or a kind it did not register for.
        """
        registration = self.find(client_id, region)
        if not hmac.compare_digest(registration.client_secret.encode(), client_secret.encode()):
            raise refused("client", "clientSecret", CLIENT_INVALID)
        if registration.grant_types is not None and grant_type not in registration.grant_types:
            raise refused("client-grant-type", grant_type, CLIENT_UNAUTHORIZED)
        return registration

    def expire(self, client_id: str | None) -> int:
        """End one registration, or all; gives how many were still good."""
        now = self._clock()
        hit = [
            one
            for one in self._known.values()
            if one.expires_at > now and client_id in (None, one.client_id)
        ]
        for one in hit:
            self._known[one.client_id] = replace(one, expires_at=now)
        return len(hit)

    def _text(self, about: str) -> str:
        return hmac.new(self._key, about.encode(), hashlib.sha256).hexdigest()
