"""POST /admin/requests/{id}/replay: a stored request once more, on a chosen account."""

import msgspec

from gateway.errors import Conflict
from gateway.store.requests import get_request
from gateway.web.admin.call import Call
from gateway.web.admin.client_requests import as_client, key_of_admin, send_as_client
from gateway.web.admin.kiro import AccountName, Provider, chosen_account, usable


class ReplayOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """On which account; by default the one that it ran on."""

    account: AccountName | None = None
    provider: Provider | None = None


async def replay(call: Call) -> None:
    """Send a stored request again; the answer is what the client's own route would give."""
    order = await call.body(ReplayOrder)
    database = call.services.database
    async with database.connect() as db:
        stored = await get_request(db, database.secrets, call.variables["id"], now=call.now)
    record = stored.record
    if record.bodies is None or record.bodies.request is None:
        raise Conflict(
            "The body of this request was not stored, or not for so long. Have bodies stored for "
            "a while with PUT /admin/settings/body-capture, and replay one from then."
        )
    named = order.account or order.provider or record.account_id
    account = usable(await chosen_account(call, named))
    await call.services.directory.reload()
    exchange = as_client(call.exchange, record.route, account)
    api_key = key_of_admin(account, call.now)
    await send_as_client(exchange, record.route, api_key, record.bodies.request, "replay")
