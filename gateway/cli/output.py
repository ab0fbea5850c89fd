"""How commands print: tables for people, one JSON document for programs."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

import click
import msgspec


def print_json(value: object) -> None:
    """Print one indented JSON document; datetimes become RFC 3339."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a heading: drawn on a terminal, otherwise plain columns for `grep`."""
    rows = tuple(rows)
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*map(escape, row))
        Console().print(table)
        return
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def print_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Print names and what belongs to them, one below the other."""
    fields = tuple(fields)
    width = max(len(name) for name, _ in fields)
    for name, text in fields:
        click.echo(click.style(name.ljust(width), dim=True) + f"  {text}")


def short_time(moment: datetime | None, *, without: str = "-") -> str:
    """Write a time for a table cell, to the minute, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M}Z" if moment else without
