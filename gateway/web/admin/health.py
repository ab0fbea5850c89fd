"""GET /admin/accounts/{id}/health: how an account is, and how it was."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.store.health_changes import KEPT, list_health_changes
from gateway.web.admin.accounts import account_named
from gateway.web.admin.call import Call
from gateway.web.admin.documents import HealthObject, health_object


class HistoryQuery(msgspec.Struct, frozen=True):
    """How much of the history."""

    limit: Annotated[int, Meta(ge=1, le=KEPT)] = 50


class HealthChangeObject(msgspec.Struct, frozen=True):
    """From `at` on the account was in this state."""

    at: datetime
    state: str
    reason: str | None
    until: datetime | None


class HealthReport(msgspec.Struct, frozen=True):
    """How an account is now, and the latest changes, newest first."""

    account: str
    id: str
    health: HealthObject
    history: list[HealthChangeObject]


async def history(call: Call) -> HealthReport:
    """GET /admin/accounts/{id}/health: how an account is, and how it was; nothing is asked."""
    query = call.query(HistoryQuery)
    services = call.services
    account = await account_named(services, call.variables["id"])
    async with services.database.connect() as db:
        changes = await list_health_changes(db, account.id, limit=query.limit)
    return HealthReport(
        account=account.name,
        id=account.id,
        health=health_object(services.health.of(account)),
        history=[
            HealthChangeObject(change.at, change.state, change.reason, change.until)
            for change in changes
        ],
    )
