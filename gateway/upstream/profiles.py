"""Looking up the profile ARN of an account, which some kinds of sign-in do not bring along."""

import msgspec

from gateway.errors import GatewayError, UpstreamBadGateway
from gateway.store.accounts import Account
from gateway.upstream.client import API_REGIONS, KiroService

MAX_PAGES = 20


class _Profile(msgspec.Struct, rename="camel"):
    arn: str = ""
    profile_name: str | None = None


class _Page(msgspec.Struct, rename="camel"):
    profiles: list[_Profile] = []
    next_token: str | None = None


_decoder = msgspec.json.Decoder(_Page)


async def list_profiles(service: KiroService, account: Account) -> tuple[str, ...]:
    """The ARNs of ListAvailableProfiles in every API region, without doubles, in order.

    A region that fails is passed over; profiles live in one of them.

    Raises:
        GatewayError: every region failed.
    """
    arns: dict[str, None] = {}
    failure: GatewayError | None = None
    answered = False
    for region in API_REGIONS:
        try:
            for arn in await _list_in(service, account, region):
                arns.setdefault(arn)
            answered = True
        except GatewayError as exc:
            failure = exc
    if not answered and failure is not None:
        raise failure
    return tuple(arns)


async def _list_in(service: KiroService, account: Account, region: str) -> list[str]:
    found: list[str] = []
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
        found += [profile.arn for profile in page.profiles if profile.arn]
        token = page.next_token
        if not token or token in seen:
            return found
        seen.add(token)
    return found
