"""GET /admin/kiro/quotas: how much all accounts together have left."""

from collections.abc import Iterator
from typing import Annotated

import anyio
import msgspec
import structlog
from msgspec import Meta

from gateway.accounts.answers import AccountAnswers
from gateway.accounts.directory import Directory
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
    services = call.services
    if call.query(OverviewQuery).refresh:
        await ask_all(services.directory, services.quotas, renew=True)
    return what_is_known(services.directory, services.quotas)


async def ask_all(directory: Directory, quotas: AccountAnswers[Quota], *, renew: bool) -> None:
    """Ask about every account that can be asked about, a few at a time; failures are logged.

    Without `renew` only where there is no fresh answer.
    """
    ids = iter([one.id for one in directory.accounts if one.enabled and one.credentials])

    async def ask_each(account_ids: Iterator[str]) -> None:
        for account_id in account_ids:
            if not renew and quotas.is_fresh(account_id):
                continue
            try:
                await quotas.get(account_id, renew=True)
            except GatewayError as exc:
                log.info("quota not renewed", account=account_id, reason=str(exc))

    with anyio.move_on_after(TIME):
        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE):
                tasks.start_soon(ask_each, ids)


def what_is_known(directory: Directory, quotas: AccountAnswers[Quota]) -> QuotaOverview:
    """The overview over enabled accounts, without asking anybody."""
    known, unknown = [], []
    for account in directory.accounts:
        if not account.enabled:
            continue
        heard = quotas.last(account.id)
        if heard is None or not heard.value.known:
            unknown.append(account.name)
        else:
            known.append(quota_object(account, heard.value, heard.at))
    return overview(known, unknown)
