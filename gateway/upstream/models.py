"""Fetching the list of models an account may use."""

import msgspec

from gateway.errors import UpstreamBadGateway
from gateway.kiro.models import Model, ModelPage, models_of, parse_page
from gateway.store.accounts import Account
from gateway.upstream.client import KiroService

PAGE_SIZE = 100
MAX_PAGES = 20


async def fetch_models(service: KiroService, account: Account) -> tuple[Model, ...]:
    """All pages of ListAvailableModels.

    Raises:
        UpstreamError: the service refuses, or answers what cannot be read.
    """
    pages: list[ModelPage] = []
    seen: set[str] = set()
    token: str | None = None
    for _ in range(MAX_PAGES):
        ask: dict[str, object] = {"origin": service.origin, "maxResults": PAGE_SIZE}
        if account.profile_arn:
            ask["profileArn"] = account.profile_arn
        if token:
            ask["nextToken"] = token
        body = await service.call(account, "ListAvailableModels", msgspec.json.encode(ask))
        try:
            pages.append(parse_page(body))
        except msgspec.MsgspecError as exc:
            raise UpstreamBadGateway("Kiro's list of models cannot be read.") from exc
        token = pages[-1].next_token
        if not token or token in seen:
            break
        seen.add(token)
    return models_of(pages)
