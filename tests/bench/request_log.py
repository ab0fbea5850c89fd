"""Ten million requests in the log: how long administrators wait for its answers, over HTTP.

`python -m tests.bench.request_log [ROWS]`. The rows are made by SQLite itself, 400 days of them, of
twenty keys, five accounts and six models; the sums are made of them, and checked against what the
store itself sums up. Prints; never judges a time.
"""

import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from gateway.store.paging import encode_cursor
from gateway.store.roll_ups import SUMMED
from tests.gateway_process import Installation, gateway_processes

ROWS = 10_000_000
DAYS = 400
END = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
RUNS = 7

# The choice of rows is a mix of the row's number, the same in each run.
FILL = """
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers LIMIT :rows),
     mixed AS (SELECT n, (n * 2654435761) % 4294967296 / 65536 AS m FROM numbers)
INSERT INTO usage_records (id, at, request_id, api_key_id, account_id, route, model_asked,
    model_served, status, stream, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, credits, usage_source, stop_reason, first_token_ms, duration_ms, retries,
    failed, error_class, error_source)
SELECT printf('%032x', n),
    strftime('%Y-%m-%d %H:%M:%f', :start + n * :step, 'unixepoch') || '000',
    printf('req_%08x%08x', m, n), printf('%016x', m % 20), printf('%016x', 100 + m % 5),
    '/v1/messages', 'claude-sonnet-4-5', 'model-' || ((m % 20 + m / 32 % 2) % 6),
    CASE WHEN m % 33 = 0 THEN 500 ELSE 200 END, m % 10 > 0, 1000 + m % 1000, m % 500, 0, 0, 0.125,
    CASE WHEN m % 7 THEN 'measured' ELSE 'estimated' END, 'end_turn', 600, 2000, 0, m % 33 = 0,
    CASE WHEN m % 33 = 0 THEN 'UpstreamInternal' END, CASE WHEN m % 33 = 0 THEN 'upstream' END
FROM mixed
"""
SUM_UP = """
INSERT INTO usage_hours SELECT 7, unixepoch(substr(at, 1, 19)) / 3600, api_key_id, account_id,
    model_served, usage_source, count(*), sum(failed), sum(input_tokens), sum(output_tokens),
    sum(cache_read_tokens), sum(cache_write_tokens), sum(credits), sum(duration_ms),
    sum(first_token_ms), count(first_token_ms)
FROM usage_records GROUP BY 2, 3, 4, 5, 6
"""


def fill(path: Path, rows: int) -> None:
    """Make the rows, then their sums."""
    start = (END - timedelta(days=DAYS)).timestamp()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA synchronous = OFF")
        indexes = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
            "AND tbl_name = 'usage_records'"
        ).fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        db.execute(FILL, {"rows": rows, "start": start, "step": DAYS * 86400 / rows})
        for _, statement in indexes:
            db.execute(statement)
        db.execute(SUM_UP)
        sums = ", ".join(f"sum({name})" for name in SUMMED)
        for told_apart in range(8):
            columns = ", ".join(
                name if told_apart & bit else "''"
                for name, bit in (("api_key_id", 1), ("account_id", 2), ("model_served", 4))
            )
            for table, period in (("usage_days", "period / 24"), ("usage_hours", "period")):
                if table == "usage_hours" and told_apart == 7:
                    continue
                db.execute(
                    f"INSERT INTO {table} SELECT {told_apart}, {period}, {columns}, usage_source, "
                    f"{sums} FROM usage_hours WHERE told_apart = 7 GROUP BY 2, 3, 4, 5, 6"
                )


def measure(http: httpx.Client, rows: int) -> None:
    """Ask what administrators ask."""

    def ask(name: str, path: str, **query: str) -> list[Any]:
        """Print the median of some runs beside the budget; gives what was answered."""
        taken = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            answer = http.get(path, params=query).raise_for_status()
            taken.append((time.perf_counter() - begun) * 1000)
        found: list[Any] = answer.json()[path.removeprefix("/admin/")]
        figure = f"{median(taken):.1f} ms"
        print(f"{name:<46} {figure:>16}   {'≤ 50 ms':>16}   {len(found)} rows", flush=True)  # noqa: T201
        return found

    deep = encode_cursor(END - timedelta(days=DAYS - 10), 0)
    year = (END - timedelta(days=365, minutes=7)).isoformat()
    key = f"{3:016x}"
    for name, query in (
        ("usage by day and model", {"group_by": "day,model"}),
        ("… of a year to the minute", {"group_by": "day,model", "from": year}),
        ("usage by key and account", {"group_by": "key,account"}),
    ):
        found = ask(name, "/admin/usage", **query)
        if "from" not in query:
            assert sum(row["total_requests"] for row in found) == rows
    for name, query in (
        ("requests, first page", {}),
        ("requests, deep page", {"cursor": deep}),
        ("… of one key, first page", {"key_id": key}),
        ("… of one key, deep page", {"key_id": key, "cursor": deep}),
        ("… that failed, first page", {"failed": "true"}),
        ("… that failed, deep page", {"failed": "true", "cursor": deep}),
        ("… with a status that is rare", {"status": "404"}),
    ):
        ask(name, "/admin/requests", **query)


def main(rows: int = ROWS) -> None:
    """Make the database in a temporary folder, start a gateway on it, and measure."""
    with tempfile.TemporaryDirectory(prefix="kiro-gateway-bench-") as folder:
        installation = Installation(Path(folder), "http://127.0.0.1:9")  # nothing is asked upstream
        installation.run("db", "upgrade")
        begun = time.perf_counter()
        fill(installation.database, rows)
        seconds = time.perf_counter() - begun
        size = installation.database.stat().st_size / 1e9
        print(f"{rows} requests stored in {seconds:.0f} s, {size:.1f} GB\n")  # noqa: T201
        admin = {"KIRO_GATEWAY_AUTH_ADMIN_KEY": "bench"}
        with (
            gateway_processes(installation, extra=admin) as [gateway],
            httpx.Client(base_url=gateway.url, headers={"x-api-key": "bench"}) as http,
        ):
            measure(http, rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
