"""An organisation's own identity provider, which Kiro's page sends its people on to.

Where it is comes out of an address in a browser, so it is looked up behind the guard, and what it
names as its endpoints has to be its own: otherwise the code and the refresh token would go to
whoever wrote that address. The way back is a custom scheme, which only Kiro's IDE is registered
for; the person pastes the address that the browser cannot open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode, urlsplit

from gateway.errors import UpstreamBadGateway
from gateway.upstream.guard import AddressRefused, Guard
from gateway.upstream.signin.answers import MAX_ANSWER, TIMEOUT, check_clock
from gateway.upstream.signin.callback import Callback, CallbackRefused
from gateway.upstream.signin.issued import SignedIn, SignInFailed, issued_tokens
from gateway.upstream.signin.pkce import Pkce
from gateway.upstream.signin.token_scope import scope_of

REDIRECT_URI = "kiro://kiro.oauth/callback"
MAX_DISCOVERY = 64 * 1024  # bytes
DISCOVERY_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider, and what we are there."""

    authorization_endpoint: str
    token_endpoint: str
    client_id: str
    scopes: str
    login_hint: str = ""

    def sign_in_address(self, *, state: str, pkce: Pkce) -> str:
        """The page to open in a browser."""
        members = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": self.scopes,
            "state": state,
            "code_challenge": pkce.challenge,
            "code_challenge_method": "S256",
            "response_mode": "query",
        }
        if self.login_hint:
            members["login_hint"] = self.login_hint
        joint = "&" if urlsplit(self.authorization_endpoint).query else "?"
        return f"{self.authorization_endpoint}{joint}{urlencode(members, quote_via=quote)}"


async def find_provider(guard: Guard, callback: Callback, *, proxy: str | None) -> Provider:
    """Look up the provider that the page has named.

    Raises:
        CallbackRefused: it names none, or one whose addresses cannot be trusted.
        UpstreamError: the provider does not answer as one.
    """
    if not callback.issuer_url or not callback.client_id:
        raise CallbackRefused(
            "The address names no identity provider, or no client of it.", kind="provider"
        )
    try:
        issuer = guard.check(callback.issuer_url)
        if issuer.query or issuer.fragment:
            raise AddressRefused("The address has a query.")
        answer = await guard.get(
            callback.issuer_url.rstrip("/") + "/.well-known/openid-configuration",
            proxy=proxy,
            what=f"{issuer.hostname}",
            limit=MAX_DISCOVERY,
            seconds=DISCOVERY_TIMEOUT,
        )
    except AddressRefused as exc:
        raise CallbackRefused(f"The identity provider is refused. {exc}", kind="provider") from exc
    authorize, token = answer.text("authorization_endpoint"), answer.text("token_endpoint")
    if answer.status != 200 or authorize is None or token is None:
        raise UpstreamBadGateway(
            f"The identity provider at {issuer.hostname} does not describe itself "
            f"(status {answer.status}). Ask the organisation's administrator."
        )
    _check_endpoints(guard, (authorize, token), issuer.hostname or "")
    return Provider(
        authorize, token, callback.client_id, callback.scopes, login_hint=callback.login_hint
    )


async def redeem_code(
    guard: Guard,
    provider: Provider,
    callback: Callback,
    *,
    pkce: Pkce,
    proxy: str | None,
    now: datetime,
) -> SignedIn:
    """Exchange the pasted code for tokens; once.

    Raises:
        SignInFailed: the code is refused, or the answer holds no usable tokens.
        UpstreamError: there is no answer.
    """
    form = {
        "grant_type": "authorization_code",
        "client_id": provider.client_id,
        "code": callback.code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": pkce.verifier,
    }
    if provider.scopes:
        form["scope"] = provider.scopes
    answer = await guard.post(
        provider.token_endpoint,
        urlencode(form).encode(),
        {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
        proxy=proxy,
        what=f"{urlsplit(provider.token_endpoint).hostname}",
        limit=MAX_ANSWER,
        seconds=TIMEOUT,
    )
    check_clock(answer.headers.get("date"), now)
    if answer.status != 200:
        raise SignInFailed(
            f"The identity provider did not accept the code ({answer.code or answer.status}). A "
            "code is good once and for a short time. Start the sign-in again.",
            why="code_refused",
            upstream_status=answer.status,
        )
    signed_in = issued_tokens(answer, now=now)
    credentials = replace(
        signed_in.credentials,
        client_id=provider.client_id,
        token_endpoint=provider.token_endpoint,
        refresh_scope=scope_of(signed_in.credentials.access_token or ""),
    )
    return SignedIn(credentials, "external_idp")


def registrable_domains(*hosts: str) -> tuple[str, ...]:
    """Of each host the part that somebody has registered: example.co.uk for login.example.co.uk.

    Addresses, and names without such a part, are whole.
    """
    # A third of a megabyte that only these sign-ins need, so it is not kept either.
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    suffixes = PublicSuffixList()

    def registered(host: str) -> str:
        host = host.lower().rstrip(".")
        if ":" in host or host.replace(".", "").isdigit():
            return host
        return suffixes.privatesuffix(host) or host

    return tuple(registered(host) for host in hosts)


def _check_endpoints(guard: Guard, endpoints: Sequence[str], issuer: str) -> None:
    try:
        hosts = [(guard.check(endpoint).hostname or "").lower() for endpoint in endpoints]
    except AddressRefused as exc:
        raise CallbackRefused(
            f"An endpoint of the identity provider is refused. {exc}", kind="provider"
        ) from exc
    own, *domains = registrable_domains(issuer, *hosts)
    for host, domain in zip(hosts, domains, strict=True):
        if domain != own and host not in guard.allowed_hosts:
            raise CallbackRefused(
                f"The identity provider at {issuer} names an endpoint at {host}, which is not its "
                "own. If it is right, add that host to upstream.allowed_private_hosts.",
                kind="provider",
            )
