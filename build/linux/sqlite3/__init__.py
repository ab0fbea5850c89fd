"""sqlite3 in the Linux binary: a module of the same interface that brings its own SQLite.

Releases are built on an old system, whose SQLite knows neither RETURNING nor much else that the
store says. This package stands before the standard library's where the binary is built.
"""

from sqlean.dbapi2 import *  # noqa: F403  # whatever it has is what this one has
