"""Asking how much of an account's quota is left."""

import msgspec

from gateway.errors import UpstreamBadGateway
from gateway.kiro.quota import Quota, parse_quota
from gateway.store.accounts import Account
from gateway.upstream.client import KiroService


async def fetch_quota(service: KiroService, account: Account) -> Quota:
    """GetUsageLimits in its REST form.

    Raises:
        UpstreamError: the service refuses, or answers what cannot be read.
    """
    params = {
        "origin": service.origin,
        "resourceType": "AGENTIC_REQUEST",
        "isEmailRequired": "true",
    }
    if account.profile_arn:
        params["profileArn"] = account.profile_arn
    body = await service.get(account, "/getUsageLimits", params)
    try:
        return parse_quota(body)
    except msgspec.MsgspecError as exc:
        raise UpstreamBadGateway("Kiro's usage limits cannot be read.") from exc
