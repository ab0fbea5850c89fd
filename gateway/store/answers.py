"""What the service last said of each account, kept so that a restart need not ask again.

Answers are JSON text that only their reader understands; one that it cannot read is as good as
none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.database import insert_into
from gateway.store.tables import account_answers

AnswerKind = Literal["models", "quota"]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer and when it was heard."""

    text: str
    fetched_at: datetime


async def read_answers(db: AsyncConnection, kind: AnswerKind) -> Mapping[str, StoredAnswer]:
    """The answers of one kind, by account id."""
    columns = account_answers.c
    rows = await db.execute(
        select(columns.account_id, columns.answer, columns.fetched_at).where(columns.kind == kind)
    )
    return {account_id: StoredAnswer(text, at) for account_id, text, at in rows}


async def find_answer(
    db: AsyncConnection, account_id: str, kind: AnswerKind
) -> StoredAnswer | None:
    """The answer of one kind about one account."""
    columns = account_answers.c
    rows = await db.execute(
        select(columns.answer, columns.fetched_at).where(
            columns.account_id == account_id, columns.kind == kind
        )
    )
    row = rows.one_or_none()
    return StoredAnswer(*row) if row else None


def save_answer(db: Connection, account_id: str, kind: AnswerKind, answer: StoredAnswer) -> None:
    """Keep an answer, unless a newer one is there; the account has to exist."""
    values = {"answer": answer.text, "fetched_at": answer.fetched_at}
    new = insert_into(db.dialect.name, account_answers).values(
        account_id=account_id, kind=kind, **values
    )
    db.execute(
        new.on_conflict_do_update(
            index_elements=["account_id", "kind"],
            set_=values,
            where=account_answers.c.fetched_at < answer.fetched_at,
        )
    )
