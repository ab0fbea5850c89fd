"""The minute of a time that is stored, where the two stores count differently."""

from sqlalchemy import ColumnElement, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class minute_of(FunctionElement[int]):  # noqa: N801  # reads as the SQL function that it is
    """The minute that a column's time is in, counted from 1970 as `hour_of` counts hours."""

    type = Integer()
    inherit_cache = True


@compiles(minute_of, "sqlite")
def _for_sqlite(element: minute_of, compiler: SQLCompiler, **options: object) -> str:
    # Times are text there; to the minute their first sixteen characters say it all.
    (time,) = element.clauses
    return f"CAST(strftime('%s', substr({_sql(time, compiler, options)}, 1, 16)) AS INTEGER) / 60"


@compiles(minute_of, "postgresql")
def _for_postgresql(element: minute_of, compiler: SQLCompiler, **options: object) -> str:
    (time,) = element.clauses
    return f"CAST(FLOOR(EXTRACT(EPOCH FROM {_sql(time, compiler, options)}) / 60) AS INTEGER)"


def _sql(column: ColumnElement[object], compiler: SQLCompiler, options: dict[str, object]) -> str:
    return str(compiler.process(column, **options))
