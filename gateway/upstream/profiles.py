"""Looking up the profiles of an account, which some kinds of sign-in do not bring along."""

from dataclasses import dataclass

import msgspec

from gateway.errors import GatewayError, UpstreamBadGateway
from gateway.store.accounts import Account
from gateway.upstream.client import API_REGIONS, KiroService

MAX_PAGES = 20


@dataclass(frozen=True, slots=True)
class Profile:
    """What an organisation has granted to whoever signed in."""

    arn: str
    name: str

    @property
    def region(self) -> str:
        """The region in its ARN; "" in what is no ARN."""
        fields = self.arn.split(":")
        return fields[3] if len(fields) > 5 else ""


class _Profile(msgspec.Struct, rename="camel"):
    arn: str = ""
    profile_name: str | None = None


class _Page(msgspec.Struct, rename="camel"):
    profiles: list[_Profile] = []
    next_token: str | None = None


_decoder = msgspec.json.Decoder(_Page)


async def list_profiles(service: KiroService, account: Account) -> tuple[Profile, ...]:
    """ListAvailableProfiles in every API region, without doubles, by name.

    A region that fails is passed over when another one has profiles.

    Raises:
        GatewayError: a region failed, and no other has any: there may be some.
    """
    found: dict[str, Profile] = {}
    failure: GatewayError | None = None
    for region in API_REGIONS:
        try:
            for profile in await _list_in(service, account, region):
                found.setdefault(profile.arn, profile)
        except GatewayError as exc:
            failure = exc
    if not found and failure is not None:
        raise failure
    return tuple(sorted(found.values(), key=lambda profile: (profile.name, profile.arn)))


async def _list_in(service: KiroService, account: Account, region: str) -> list[Profile]:
    found: list[Profile] = []
    seen: set[str] = set()
    token: str | None = None
    for _ in range(MAX_PAGES):
        ask: dict[str, object] = {"maxResults": 10}
        if token:
            ask["nextToken"] = token
        body = await service.call(
            account, "ListAvailableProfiles", msgspec.json.encode(ask), region=region
        )
        try:
            page = _decoder.decode(body)
        except msgspec.MsgspecError as exc:
            raise UpstreamBadGateway("Kiro's list of profiles cannot be read.") from exc
        found += [Profile(one.arn, one.profile_name or "") for one in page.profiles if one.arn]
        token = page.next_token
        if not token or token in seen:
            return found
        seen.add(token)
    return found
