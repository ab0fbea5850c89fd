"""/admin/usage: what was used, by whom, of what, and when."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.errors import InvalidRequest
from gateway.kiro.model_names import resolve
from gateway.store.former_names import names_by_id
from gateway.store.usage_report import UsageQuestion, UsageRow, parse_group_by, usage_report
from gateway.web.admin.call import Call
from gateway.web.admin.listing import TimeText, read_time
from gateway.web.openapi.operation import CSV

Choice = Annotated[
    str, Meta(max_length=4096, description="Only these, separated by commas; ids or names.")
]


class UsageQuery(msgspec.Struct, frozen=True):
    """What to sum up."""

    group_by: Annotated[
        str,
        Meta(
            max_length=256,
            description="key, account, model, source, day, hour, minute, or several of them with "
            "commas, of the last three only one; minutes of at most six hours; provider, "
            "key_model, key_provider and key_account are understood too.",
        ),
    ] = "key"
    since: TimeText | UnsetType = msgspec.field(name="from", default=UNSET)
    until: TimeText | UnsetType = msgspec.field(name="to", default=UNSET)
    key_id: Choice = ""
    account: Choice = ""
    provider: Choice = ""
    model: Choice = ""


class UsageSums(msgspec.Struct, frozen=True):
    """One group. Members of dimensions that are not told apart are left out.

    `input_tokens` are those that no cache was involved in; `total_tokens` are all four together.
    `sources` counts requests by how their tokens are known. `average_first_token_ms` is over the
    `first_token_requests`, those that produced anything.
    """

    total_requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    total_tokens: int
    credits: float
    average_duration_ms: float | None
    average_first_token_ms: float | None
    first_token_requests: int
    sources: dict[str, int]
    key_id: str | UnsetType = UNSET
    key_name: str | UnsetType = UNSET
    account_id: str | UnsetType | None = UNSET
    account: str | UnsetType | None = UNSET
    provider: str | UnsetType | None = UNSET
    model: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    period: (
        Annotated[datetime, Meta(description="When the day, hour or minute begins.")] | UnsetType
    ) = UNSET


class UsageReport(msgspec.Struct, frozen=True):
    """The oldest period first, in each the most requests first."""

    usage: list[UsageSums]


# The first eight have always been there, in this order.
COLUMNS = (
    "key_id",
    "key_name",
    "model",
    "provider",
    "total_requests",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "period",
    "source",
    "errors",
    "cache_read_tokens",
    "cache_write_tokens",
    "credits",
    "average_duration_ms",
    "average_first_token_ms",
    "first_token_requests",
)
# Behind them, how many of the requests have figures of which kind.
SOURCES = ("measured", "derived", "estimated", "none")
# Minutes are summed up from single requests while somebody waits.
MOST_BY_MINUTE = timedelta(hours=6)
# Spreadsheets take a cell that begins so for a formula; clients choose names of models.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def get(call: Call) -> UsageReport | None:
    """GET /admin/usage: as JSON, or as CSV for those who accept that."""
    query = call.query(UsageQuery)
    async with call.services.database.connect() as db:
        names = await names_by_id(db)
        question = _question(query, names, now=call.now)
        rows = await usage_report(db, question)
    by_account = "account" in question.group_by
    report = UsageReport([_sums(row, names, by_account=by_account) for row in rows])
    if not accepts_csv(call.exchange.headers.get("accept", "")):
        return report
    await call.exchange.respond(
        as_csv(report.usage),
        headers={"content-disposition": "attachment; filename=usage.csv"},
        content_type=f"{CSV}; charset=utf-8",
    )
    return None


def accepts_csv(accept: str) -> bool:
    """Whether an Accept header names CSV."""
    ranges = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return CSV in ranges


def as_csv(usage: Sequence[UsageSums]) -> bytes:
    """A header line, then a line for each group; what is not told apart stays empty."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow([*COLUMNS, *(f"{source}_requests" for source in SOURCES)])
    for sums in usage:
        cells = [_cell(getattr(sums, name)) for name in COLUMNS]
        lines.writerow([*cells, *(sums.sources.get(source, 0) for source in SOURCES)])
    return out.getvalue().encode()


def chosen_ids(text: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Ids, from ids and names separated by commas; what is neither finds nothing."""
    ids: dict[str, None] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        ids[word] = None
        ids |= {row_id: None for row_id, name in names.items() if name == word}
    return tuple(ids)


def chosen_models(text: str) -> tuple[str, ...]:
    """Kiro's names of models, from any names separated by commas."""
    models: dict[str, None] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        models |= {word: None, resolve(word, {}).id: None}
    return tuple(models)


def _question(query: UsageQuery, names: Mapping[str, str], *, now: datetime) -> UsageQuestion:
    since, until = read_time(query.since, "from"), read_time(query.until, "to")
    group_by = parse_group_by(query.group_by)
    if "minute" in group_by and (since is None or (until or now) - since > MOST_BY_MINUTE):
        raise InvalidRequest(
            "group_by: minute takes at most six hours; give from and to closer together."
        )
    return UsageQuestion(
        since=since,
        until=until,
        key_ids=chosen_ids(query.key_id, names),
        account_ids=chosen_ids(query.account or query.provider, names),
        models=chosen_models(query.model),
        group_by=group_by,
    )


def _sums(row: UsageRow, names: Mapping[str, str], *, by_account: bool) -> UsageSums:
    sums = row.sums
    # Requests that were refused before they had an account are a group of their own.
    account = names.get(row.account_id or "", row.account_id)
    return UsageSums(
        total_requests=sums.requests,
        errors=sums.errors,
        input_tokens=sums.input_tokens,
        output_tokens=sums.output_tokens,
        cache_read_tokens=sums.cache_read_tokens,
        cache_write_tokens=sums.cache_write_tokens,
        total_tokens=sums.input_tokens
        + sums.output_tokens
        + sums.cache_read_tokens
        + sums.cache_write_tokens,
        credits=sums.credits,
        average_duration_ms=_average(sums.duration_ms, sums.requests),
        average_first_token_ms=_average(sums.first_token_ms, sums.first_tokens),
        first_token_requests=sums.first_tokens,
        sources=dict(row.sources),
        key_id=row.key_id if row.key_id is not None else UNSET,
        key_name=names.get(row.key_id, row.key_id) if row.key_id is not None else UNSET,
        account_id=row.account_id if by_account else UNSET,
        account=account if by_account else UNSET,
        provider=account if by_account else UNSET,
        model=row.model if row.model is not None else UNSET,
        source=row.source if row.source is not None else UNSET,
        period=row.period if row.period is not None else UNSET,
    )


def _average(total: int, number: int) -> float | None:
    return round(total / number, 1) if number else None


def _cell(value: object) -> object:
    if value is UNSET or value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value
