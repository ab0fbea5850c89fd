"""How each kind of sign-in goes, from its first page to tokens; nothing is stored here.

Secrets of a sign-in under way (verifier, device code, client secret) live in the variables of these
coroutines alone, and are gone with them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import httpx

from gateway.errors import (
    Conflict,
    GatewayError,
    InvalidRequest,
    UpstreamError,
    UpstreamUnreachable,
)
from gateway.logins.login import Login
from gateway.logins.timing import LoginTiming
from gateway.store.accounts import DEFAULT_REGION, check_region
from gateway.upstream.guard import Guard
from gateway.upstream.signin import external_idp, portal
from gateway.upstream.signin.callback import Callback, CallbackRefused
from gateway.upstream.signin.device_code import (
    SLOWER,
    DeviceAuthorization,
    DeviceFlow,
    OidcClient,
    check_start_url,
)
from gateway.upstream.signin.imported import BUILDER_ID_START_URL
from gateway.upstream.signin.issued import SignedIn, SignInFailed
from gateway.upstream.signin.pkce import Pkce, new_pkce, new_state

ATTEMPTS = 3  # at redeeming a code, as long as nobody has answered
REFUSED_ERRORS = frozenset({"access_denied", "user_cancelled", "cancelled", "consent_required"})

ClientFor = Callable[[str, str | None], httpx.AsyncClient]
"""Gives the HTTP client for a URL and a proxy."""


class Redeem(Protocol):
    """Exchanges one code for tokens."""

    async def __call__(self, *, now: datetime) -> SignedIn:
        """Raise UpstreamError when that fails."""
        ...


@dataclass(frozen=True, slots=True)
class SignInUrls:
    """`upstream.portal_url`, `auth_url` and `oidc_url`, with `{region}` or without."""

    portal: str
    auth: str
    oidc: str


@dataclass(frozen=True, slots=True)
class Started:
    """A device flow under way."""

    flow: DeviceFlow
    client: OidcClient
    authorization: DeviceAuthorization


@dataclass(frozen=True, slots=True)
class Flows:
    """Carries out sign-ins over the network."""

    client_for: ClientFor
    guard: Guard
    urls: SignInUrls
    timing: LoginTiming

    async def portal(self, login: Login, pkce: Pkce, *, proxy: str | None) -> SignedIn:
        """Wait for the browser to come back from Kiro's page, and go on as it says.

        Raises:
            SignInFailed: it is over.
        """
        port = login.port
        assert port is not None
        while True:
            offer = await login.next_offer()
            try:
                callback = _checked(login, offer.answer, external=False)
                way_on = None if callback.error else await self._way_on(callback, proxy)
            except GatewayError as exc:
                offer.refuse(exc)
                continue
            match way_on:
                case Started():
                    self._show_code(login, way_on.authorization)
                    offer.accept()
                    return await self.device(login, way_on)
                case external_idp.Provider():
                    second = new_pkce()
                    self._show_provider(login, way_on, second)
                    offer.accept()
                    return await self._external(login, way_on, second, proxy)
                case None:
                    self._finishing(login)
                    offer.accept()
                    _check_error(callback)
                    url = self.urls.auth.replace("{region}", DEFAULT_REGION)
                    redeem = partial(
                        portal.redeem_code,
                        self.client_for(url, proxy),
                        self.urls.auth,
                        callback,
                        pkce=pkce,
                        port=port,
                    )
                    return await self._redeemed(redeem)

    async def start_device(
        self, start_url: str | None, region: str, *, proxy: str | None
    ) -> Started:
        """Register and get a code, for Builder ID without a start URL.

        Raises:
            InvalidRequest: the start URL or the region is none.
            SignInFailed: the service refuses them.
            UpstreamError: it does not answer.
        """
        start_url = check_start_url(start_url) if start_url else BUILDER_ID_START_URL
        if start_url == BUILDER_ID_START_URL:
            region = DEFAULT_REGION
        region = check_region(region)
        url = self.urls.oidc.replace("{region}", region)
        flow = DeviceFlow(self.client_for(url, proxy), self.urls.oidc, region, start_url)
        client = await flow.register()
        return Started(flow, client, await flow.start(client))

    async def device(self, login: Login, started: Started) -> SignedIn:
        """Ask again and again until somebody has confirmed the code.

        Raises:
            SignInFailed: it is over.
        """
        interval = started.authorization.interval
        device_code = started.authorization.device_code
        while True:
            await self.timing.sleep(interval)
            answer = await started.flow.ask_for_tokens(
                started.client, device_code, now=self.timing.clock()
            )
            if isinstance(answer, SignedIn):
                return answer
            if answer == "slow_down":
                interval += SLOWER
                login.interval = interval

    def show_code(self, login: Login, authorization: DeviceAuthorization) -> None:
        """Put the code and the page for it where people see them."""
        login.user_code = authorization.user_code
        login.verification_uri = authorization.verification_uri
        login.verification_uri_complete = authorization.verification_uri_complete
        login.interval = authorization.interval
        login.message = "Open the page and allow the access, but only if it shows this very code."

    def _show_code(self, login: Login, authorization: DeviceAuthorization) -> None:
        until = self.timing.clock() + timedelta(seconds=authorization.expires_in)
        login.enter("device", until=until)
        self.show_code(login, authorization)

    def _show_provider(self, login: Login, provider: external_idp.Provider, pkce: Pkce) -> None:
        until = self.timing.clock() + timedelta(seconds=self.timing.step)
        login.enter("identity_provider", until=until)
        login.state = new_state()
        login.provider_url = provider.sign_in_address(state=login.state, pkce=pkce)
        login.message = (
            "Sign in at the organisation's identity provider. The browser ends on an address that "
            "it cannot open, beginning with kiro://; paste it."
        )

    def _finishing(self, login: Login) -> None:
        until = self.timing.clock() + timedelta(seconds=self.timing.finishing)
        login.enter("finishing", until=until)

    async def _way_on(
        self, callback: Callback, proxy: str | None
    ) -> Started | external_idp.Provider | None:
        """What a callback leads to, prepared; None: its code is to be redeemed.

        Raises:
            GatewayError: it leads nowhere. Nothing has changed; another one may come.
        """
        match callback.login_option:
            case "external_idp":
                return await external_idp.find_provider(self.guard, callback, proxy=proxy)
            case "builderid":
                return await self._start_from(callback, proxy)
            case "awsidc":
                if not callback.issuer_url:
                    raise CallbackRefused("The address names no start URL.")
                return await self._start_from(callback, proxy)
            case _ if callback.code:
                return None
            case _:
                raise CallbackRefused("The address holds no code.")

    async def _start_from(self, callback: Callback, proxy: str | None) -> Started:
        try:
            return await self.start_device(
                callback.issuer_url or None, callback.idc_region or DEFAULT_REGION, proxy=proxy
            )
        except InvalidRequest as exc:
            raise CallbackRefused(str(exc), kind="provider") from exc

    async def _external(
        self, login: Login, provider: external_idp.Provider, pkce: Pkce, proxy: str | None
    ) -> SignedIn:
        while True:
            offer = await login.next_offer()
            try:
                callback = _checked(login, offer.answer, external=True)
            except GatewayError as exc:
                offer.refuse(exc)
                continue
            self._finishing(login)
            offer.accept()
            _check_error(callback)
            redeem = partial(
                external_idp.redeem_code, self.guard, provider, callback, pkce=pkce, proxy=proxy
            )
            return await self._redeemed(redeem)

    async def _redeemed(self, redeem: Redeem) -> SignedIn:
        """Redeem a code; again only while nobody has been reached who could have spent it."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await redeem(now=self.timing.clock())
            except SignInFailed:
                raise
            except UpstreamError as exc:
                unreached = isinstance(exc, UpstreamUnreachable) and exc.retry == "back_off"
                if not unreached or attempt == ATTEMPTS:
                    raise SignInFailed(
                        f"The code could not be redeemed: {exc} Start the sign-in again.",
                        why="unreachable",
                    ) from exc
            await self.timing.sleep(self.timing.pause)
        raise AssertionError("the last attempt returns or raises")


def _checked(login: Login, answer: Callback | str, *, external: bool) -> Callback:
    """An answer, if it is one to what this sign-in has asked.

    Raises:
        CallbackRefused: it is another one's, or of the other kind.
        Conflict: it is no callback.
    """
    if not isinstance(answer, Callback):
        raise Conflict("There is no profile to choose at this point of the sign-in.")
    if not answer.has_state(login.state):
        raise CallbackRefused(
            "The address belongs to another sign-in, or this one has used it already. Open the "
            "page of this sign-in, and use the address that it ends on.",
            kind="foreign_state",
        )
    if answer.external != external or (external and not (answer.code or answer.error)):
        raise CallbackRefused("The address holds no code for this step of the sign-in.")
    return answer


def _check_error(callback: Callback) -> None:
    """Raises SignInFailed when the page says that it did not go well."""
    if not callback.error:
        return
    code = re.sub(r"[^A-Za-z0-9_.-]", "", callback.error)[:64]
    said = "".join(c for c in callback.error_description if c.isprintable())[:200]
    if code in REFUSED_ERRORS:
        raise SignInFailed(
            "The sign-in was refused in the browser. Start it again, and allow it there.",
            why="denied",
        )
    detail = f" ({said})" if said else ""
    raise SignInFailed(
        f"The sign-in page reports an error: {code or 'unknown'}{detail}. Start the sign-in again.",
        why="refused",
    )
