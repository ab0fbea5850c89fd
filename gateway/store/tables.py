"""The tables, declared once; the migrations build the same ones, and a test compares the two.

Types are portable between SQLite and PostgreSQL. Columns whose names end in `_encrypted` hold
`SecretBox` text. References to accounts and keys go by id, so that names can change. Which rows a
partial index covers stands in its migration: an option for PostgreSQL would load its dialect here.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

SCHEMA_REVISION = "0006"
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

SEQUENCE = BigInteger().with_variant(Integer, "sqlite")

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
    Column("max_concurrent_requests", Integer),
    # What is known of an account from before then is of another sign-in. None: always this one.
    Column("signed_in_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# What the service last said of an account; see `gateway.store.answers`.
account_answers = Table(
    "account_answers",
    metadata,
    Column(
        "account_id", String(16), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("kind", String(16), primary_key=True),
    Column("fetched_at", UtcDateTime, nullable=False),
    Column("answer", Text, nullable=False),
)

# Whose turn it is to renew an account's token; see `gateway.store.refresh_leases`.
refresh_leases = Table(
    "refresh_leases",
    metadata,
    Column(
        "account_id", String(16), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("holder", String(32), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

# Accounts that the service has refused, and for how long they sit out; see
# `gateway.store.cooldowns`. `model` is "" where it is about the whole account.
cooldowns = Table(
    "cooldowns",
    metadata,
    Column(
        "account_id", String(16), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("kind", String(16), primary_key=True),
    Column("model", String(200), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("strikes", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("units_left", Float),
)

# What accounts could do, as that changed: the newest few of each, in the order of storing.
health_changes = Table(
    "health_changes",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("account_id", String(16), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(32), nullable=False),
    Column("reason", Text),
    Column("until", UtcDateTime),
    Index(None, "account_id", "seq"),
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
    Column("tokens_per_day", BigInteger),
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

# Secrets that were rotated out and are still let in for a while.
retired_secrets = Table(
    "retired_secrets",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("key_id", String(16), ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "key_id"),
)

# What deleted keys and accounts were called, for the usage they leave behind.
former_names = Table(
    "former_names",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("deleted_at", UtcDateTime, nullable=False),
)

# A row for every generation request: the request log, and what usage is summed up from. It
# outlives the keys and accounts it names: no foreign keys here. `seq` counts in the order of
# storing, `id` makes storing twice harmless.
usage_records = Table(
    "usage_records",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("at", UtcDateTime, nullable=False),
    # Compared byte by byte on both stores, so that an index serves "begins with".
    Column("request_id", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    Column("api_key_id", String(16), nullable=False),
    Column("account_id", String(16)),
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
    Column("failed", Boolean, nullable=False),
    Column("error_class", String(64)),
    Column("error_source", String(16)),
    Column("origin", String(16)),  # None for what clients ask; see `gateway.store.usage.Origin`
    Index(None, "at"),
    Index(None, "request_id"),
    Index(None, "api_key_id", "at"),
    Index(None, "account_id", "at"),
    Index(None, "model_served", "at"),
    # With what is asked of failed requests in it, so that rare answers are found in the index.
    Index("ix_usage_records_failed", "failed", "at", "status", "error_class"),  # where failed
)

# What the list of requests has no room for, as JSON; see `gateway.store.usage.RequestDetail`.
request_details = Table(
    "request_details",
    metadata,
    Column(
        "record_id",
        String(32),
        ForeignKey("usage_records.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("detail", Text, nullable=False),
)

# Only while an operator captures bodies, and not for long.
request_bodies = Table(
    "request_bodies",
    metadata,
    Column(
        "record_id",
        String(32),
        ForeignKey("usage_records.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("request_encrypted", Text),
    Column("kiro_encrypted", Text),
    Column("response_encrypted", Text),
    Index(None, "expires_at"),
)


def _roll_up(name: str) -> Table:
    """Sums per period, key, account, model and usage source.

    Each request is in eight rows of a period, one for each choice of the dimensions key, account
    and model that are told apart: bit 1, 2 and 4 of `told_apart`. In the others the rest is "", so
    that a question costs what its answer is long, however many keys there are.
    """
    return Table(
        name,
        metadata,
        Column("told_apart", SmallInteger, primary_key=True, autoincrement=False),
        # Hours or days since 1970-01-01T00:00Z.
        Column("period", Integer, primary_key=True, autoincrement=False),
        Column("api_key_id", String(16), primary_key=True),
        Column("account_id", String(16), primary_key=True),
        Column("model_served", Text, primary_key=True),
        Column("usage_source", String(16), primary_key=True),
        Column("requests", BigInteger, nullable=False),
        Column("errors", BigInteger, nullable=False),
        Column("input_tokens", BigInteger, nullable=False),
        Column("output_tokens", BigInteger, nullable=False),
        Column("cache_read_tokens", BigInteger, nullable=False),
        Column("cache_write_tokens", BigInteger, nullable=False),
        Column("credits", Float, nullable=False),
        Column("duration_ms", BigInteger, nullable=False),
        Column("first_token_ms", BigInteger, nullable=False),
        Column("first_tokens", BigInteger, nullable=False),  # requests that had one
        sqlite_with_rowid=False,
    )


usage_hours = _roll_up("usage_hours")
usage_days = _roll_up("usage_days")

# How far the usage of another program's database was taken over. Its rows are never deleted there.
usage_imports = Table(
    "usage_imports",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("last_id", BigInteger, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
)

# What a key or an account has running and spent: one row each, made when first needed, and the row
# that processes lock. None in `tokens_used` or `month`: not counted so far.
limit_states = Table(
    "limit_states",
    metadata,
    Column("owner_id", String(16), primary_key=True),
    Column("tokens_used", BigInteger),  # the sum over this owner's entries
    Column("month", Integer),  # months since year 0
    Column("credits_used", Float, nullable=False),  # settled in that month
    Column("credits_requests", Integer, nullable=False),  # by so many requests
)

# A request that was let in: reserved while it has a lease, settled afterwards. Kept for as long as
# a limit looks back.
limit_entries = Table(
    "limit_entries",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner_id", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("counted", Boolean, nullable=False),  # as a request of the minute
    Column("tokens", BigInteger, nullable=False),
    Column("credits", Float, nullable=False),  # reserved; settled ones are in limit_states
    Column("lease_until", UtcDateTime),
    Index(None, "owner_id", "at", "counted"),
    Index("ix_limit_entries_leases", "owner_id"),  # where lease_until is not null
)

# One row at most: the admin key that the gateway made, and a keyed hash of the one that the
# settings name, only to notice that it is another one now.
admin_keys = Table(
    "admin_keys",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key_hash", String(64)),
    Column("configured_fingerprint", String(64)),
    Column("updated_at", UtcDateTime, nullable=False),
)

admin_sessions = Table(
    "admin_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
)

# What operators set while the gateway runs, by name.
saved_settings = Table(
    "saved_settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# What only one of several processes does at a time, and who does it until when.
leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(32), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

# What a channel of notifications has been told, by a keyed hash of what it is, as JSON; see
# `gateway.notifications.decisions.ChannelState`.
notification_channels = Table(
    "notification_channels",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("state", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("retry_at", UtcDateTime),
    Column("last_error", Text),
    Column("failed_at", UtcDateTime),
    Column("delivered_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
)

# One row. Grows with every change of accounts or keys, in the transaction of that change; other
# processes watch it.
store_revision = Table(
    "store_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
)
