"""Where an account is served: which hosts, in which region, and why there."""

from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.errors import UpstreamError
from gateway.store.accounts import Account
from gateway.upstream.client import api_region
from gateway.upstream.signin.refresh import RefreshUrls, refresh_endpoint

RegionSource = Literal["override", "profile", "default"]


class EndpointUrls(Protocol):
    """The `upstream` settings that matter here; `{region}` in them is filled in."""

    @property
    def runtime_url(self) -> str: ...  # noqa: D102
    @property
    def management_url(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses that are used for one account.

    `sign_in` renews its token; None for an account that has none to renew, or not where secrets
    may be sent to.
    """

    auth_region: str
    api_region: str
    api_region_from: RegionSource
    runtime: str
    management: str
    sign_in: str | None


def endpoints_of(account: Account, urls: EndpointUrls, refresh: RefreshUrls) -> Endpoints:
    """Where an account is served, by its own regions and the settings."""
    region = api_region(account)
    source: RegionSource = "default"
    if account.api_region:
        source = "override"
    elif f":{region}:" in (account.profile_arn or ""):
        source = "profile"
    try:
        sign_in = refresh_endpoint(account, refresh)
    except UpstreamError:
        sign_in = None
    return Endpoints(
        auth_region=account.auth_region,
        api_region=region,
        api_region_from=source,
        runtime=urls.runtime_url.replace("{region}", region).rstrip("/"),
        management=urls.management_url.replace("{region}", region).rstrip("/"),
        sign_in=sign_in,
    )
