"""Names of API keys and accounts, deleted ones included: usage and requests know only ids."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import insert_into
from gateway.store.tables import accounts, api_keys, former_names


async def remember_name(db: AsyncConnection, row_id: str, name: str, *, now: datetime) -> None:
    """Keep the name of a key or an account that is being deleted."""
    values = {"name": name, "deleted_at": now}
    new = insert_into(db.dialect.name, former_names).values(id=row_id, **values)
    await db.execute(new.on_conflict_do_update(index_elements=["id"], set_=values))


async def names_by_id(db: AsyncConnection) -> Mapping[str, str]:
    """The name of every API key and account by its id, of deleted ones the last."""
    former = await db.execute(select(former_names.c.id, former_names.c.name))
    present = await db.execute(
        union_all(
            select(accounts.c.id, accounts.c.name),
            select(api_keys.c.id, api_keys.c.name),
        )
    )
    return {row_id: name for rows in (former, present) for row_id, name in rows}
