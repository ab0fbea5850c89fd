"""POST /admin/requests/{id}/replay: a stored request once more, on a chosen account."""

from dataclasses import replace

import msgspec

from gateway.errors import Conflict
from gateway.store.requests import get_request
from gateway.web.admin.call import Call
from gateway.web.admin.client_requests import ask_for
from gateway.web.admin.kiro import AccountName, Provider, chosen_account, usable
from gateway.web.error_responses import Dialect
from gateway.web.generation import GenerationResponse


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
    facts = call.exchange.facts
    facts.account_id, facts.account_name = account.id, account.name
    # What breaks in a stream is told in the words of the route that it plays.
    dialect: Dialect = "anthropic" if record.route == "/v1/messages" else "openai"
    exchange = replace(call.exchange, dialect=dialect)
    ask = ask_for(record.route, record.bodies.request, account, facts, headers={})
    await GenerationResponse(exchange, call.services.relay, ask).send()
