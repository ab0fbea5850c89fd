"""What operators set while the gateway runs; every process hears of it within a second."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import StoreError
from gateway.store.database import bump_revision, insert_into
from gateway.store.tables import saved_settings

_BODY_CAPTURE = "body_capture_until"


async def read_setting(db: AsyncConnection, name: str) -> Any:
    """The JSON value that was saved under a name; None when there is none."""
    found = await db.execute(select(saved_settings.c.value).where(saved_settings.c.name == name))
    return found.scalar_one_or_none()


async def save_setting(db: AsyncConnection, name: str, value: Any, *, now: datetime) -> None:
    """Keep a JSON value under a name of at most 64 characters; None forgets it."""
    if value is None:
        await db.execute(delete(saved_settings).where(saved_settings.c.name == name))
    else:
        values = {"value": value, "updated_at": now}
        new = insert_into(db.dialect.name, saved_settings).values(name=name, **values)
        await db.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))
    await bump_revision(db)


async def read_body_capture(db: AsyncConnection) -> datetime | None:
    """Until when the bodies of requests are stored; None or a past time: they are not."""
    value = await read_setting(db, _BODY_CAPTURE)
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as exc:
        raise StoreError(f"The saved setting {_BODY_CAPTURE} is no time.") from exc


async def set_body_capture(db: AsyncConnection, until: datetime | None, *, now: datetime) -> None:
    """Store the bodies of requests until then; None: from now on no more."""
    await save_setting(db, _BODY_CAPTURE, until.isoformat() if until else None, now=now)
