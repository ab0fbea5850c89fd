"""SQLAlchemy finds dialects and their drivers by name: the two pairs that the store uses."""

excludedimports = ["sqlalchemy.testing"]
hiddenimports = [
    "aiosqlite",
    "asyncpg",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "sqlalchemy.sql.default_comparator",
]
