"""GET /admin/kiro/quotas: how much all accounts together have left."""

from collections.abc import Iterator
from typing import Annotated

import anyio
import msgspec
import structlog
from msgspec import Meta

from gateway.accounts.answers import AccountAnswers
from gateway.errors import GatewayError
from gateway.kiro.quota import Quota
from gateway.web.admin.call import Call
from gateway.web.quota_shapes import QuotaOverview, overview, quota_object

AT_ONCE = 8  # accounts asked about
TIME = 45.0  # seconds for all of them

log = structlog.get_logger("gateway.admin")


class OverviewQuery(msgspec.Struct, frozen=True):
    """How fresh."""

    refresh: Annotated[
        bool, Meta(description="Ask the service about every account that can be asked about.")
    ] = False


async def get(call: Call) -> QuotaOverview:
    """Add up what is known of enabled accounts; who cannot be asked keeps the last answer."""
    query = call.query(OverviewQuery)
    services = call.services
    enabled = [account for account in services.directory.accounts if account.enabled]
    if query.refresh:
        ids = iter([account.id for account in enabled if account.credentials is not None])
        with anyio.move_on_after(TIME):
            async with anyio.create_task_group() as tasks:
                for _ in range(AT_ONCE):
                    tasks.start_soon(_ask_each, services.quotas, ids)
    known, unknown = [], []
    for account in enabled:
        heard = services.quotas.last(account.id)
        if heard is None or not heard.value.known:
            unknown.append(account.name)
        else:
            known.append(quota_object(account, heard.value, heard.at))
    return overview(known, unknown)


async def _ask_each(quotas: AccountAnswers[Quota], account_ids: Iterator[str]) -> None:
    for account_id in account_ids:
        try:
            await quotas.get(account_id, renew=True)
        except GatewayError as exc:
            log.info("quota not renewed", account=account_id, reason=str(exc))
