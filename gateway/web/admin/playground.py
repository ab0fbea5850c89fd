"""POST /admin/playground: a request as clients send them, tried out by an admin."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.errors import GatewayError, InvalidRequest, NotFound
from gateway.store.api_keys import ApiKey, get_api_key
from gateway.web.admin.call import Call
from gateway.web.admin.client_requests import (
    AnyObject,
    Path,
    api_at,
    as_client,
    key_of_admin,
    send_as_client,
    split_path,
)
from gateway.web.admin.kiro import AccountName, Provider, chosen_account
from gateway.web.auth import check_usable_key

KeyName = Annotated[str, Meta(max_length=200, description="Id or name of an API key.")]


class PlaygroundOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request as a client would send it: through a key, on an account, or both.

    With a key alone it runs on the key's default account, with an account alone on behalf of no
    key. With both the account is chosen as in a path that begins with /a/.
    """

    path: Path
    body: AnyObject
    account: AccountName | None = None
    provider: Provider | None = None
    key_id: KeyName | None = None


async def play(call: Call) -> None:
    """POST /admin/playground: answer as a client's own route would, streamed if the body says so.

    The order itself is refused in the admin API's words; all that comes after it has the status,
    headers and body that the client would get.
    """
    order = await call.body(PlaygroundOrder)
    path, in_path = split_path(order.path)
    api_at(path)
    named = order.account or order.provider or in_path
    api_key = await _key(call, order.key_id) if order.key_id else None
    account = await chosen_account(call, named) if named or api_key is None else None
    await call.services.directory.reload()
    exchange = as_client(call.exchange, path, account)
    try:
        if api_key is None:
            assert account is not None
            api_key = key_of_admin(account, call.now)
        else:
            check_usable_key(api_key)
        await send_as_client(exchange, path, api_key, bytes(order.body), "playground")
    except GatewayError as exc:
        await exchange.refuse(exc)


async def _key(call: Call, named: str) -> ApiKey:
    async with call.services.database.connect() as db:
        try:
            return await get_api_key(db, named)
        except NotFound as exc:
            raise InvalidRequest(str(exc)) from exc
