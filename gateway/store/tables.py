"""The tables, declared once; the migrations build the same ones, and a test compares the two.

Types are portable between SQLite and PostgreSQL. Columns whose names end in `_encrypted` hold
`SecretBox` text. References to accounts and keys go by id, so that names can change.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

SCHEMA_REVISION = "0001"
"""The newest migration. Known here so that Alembic need not be loaded to see that none is due."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite, which keeps no offset, stores it without."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Raises ValueError for a naive datetime: it would be off by the machine's time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every value its offset back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    # Named constraints are the ones that a later migration can change.
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("enabled", Boolean, nullable=False),
    Column("auth_method", String(16)),
    Column("auth_region", String(32), nullable=False),
    Column("api_region", String(32)),
    Column("proxy_encrypted", Text),
    Column("profile_arn", Text),
    Column("email", Text),
    Column("subscription", Text),
    Column("credentials_encrypted", Text),
    # Grows by one whenever the credentials change; what compare-and-swap compares.
    Column("generation", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("key_prefix", String(32), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("default_account_id", String(16), ForeignKey("accounts.id", ondelete="RESTRICT")),
    Column("suppress_reasoning", Boolean, nullable=False),
    Column("failover", Boolean, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("notes", Text, nullable=False),
    Column("requests_per_minute", Integer),
    Column("max_concurrent_requests", Integer),
    Column("tokens_per_day", Integer),
    Column("credits_per_month", Float),
    Column("allowed_models", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# An allow-list, in the order it was given. An account in one cannot be deleted unnoticed.
api_key_accounts = Table(
    "api_key_accounts",
    metadata,
    Column("key_id", String(16), ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "account_id", String(16), ForeignKey("accounts.id", ondelete="RESTRICT"), primary_key=True
    ),
    Column("position", Integer, nullable=False),
    Index(None, "account_id"),
)

# Usage outlives the keys and accounts it names: no foreign keys here.
usage_records = Table(
    "usage_records",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("api_key_id", String(16), nullable=False),
    Column("account_id", String(16), nullable=False),
    Column("account_name", String(64), nullable=False),
    Column("route", Text, nullable=False),
    Column("model_asked", Text, nullable=False),
    Column("model_served", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("cache_read_tokens", Integer, nullable=False),
    Column("cache_write_tokens", Integer, nullable=False),
    Column("credits", Float),
    Column("usage_source", String(16), nullable=False),
    Column("stop_reason", String(32)),
    Column("first_token_ms", Integer),
    Column("duration_ms", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("error_class", String(64)),
    Index(None, "at"),
    Index(None, "api_key_id", "at"),
    Index(None, "account_id", "at"),
)

# One row. Grows with every change of accounts or keys, in the transaction of that change; other
# processes watch it.
store_revision = Table(
    "store_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
)
