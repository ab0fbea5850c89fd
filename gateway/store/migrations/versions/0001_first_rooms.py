"""Accounts, API keys and their limits, requests and their sums, and what administrators need.

Types are spelt out rather than taken from `tables`: this file stays as it is when those change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("auth_method", sa.String(16)),
        sa.Column("auth_region", sa.String(32), nullable=False),
        sa.Column("api_region", sa.String(32)),
        sa.Column("proxy_encrypted", sa.Text),
        sa.Column("profile_arn", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("subscription", sa.Text),
        sa.Column("credentials_encrypted", sa.Text),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("max_concurrent_requests", sa.Integer),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "admin_keys",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("key_hash", sa.String(64)),
        sa.Column("configured_fingerprint", sa.String(64)),
        sa.Column("updated_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_admin_keys"),
    )
    op.create_table(
        "admin_sessions",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("last_seen_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_admin_sessions"),
    )
    op.create_table(
        "former_names",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("deleted_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_former_names"),
    )
    op.create_table(
        "limit_entries",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner_id", sa.String(16), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("counted", sa.Boolean, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("credits", sa.Float, nullable=False),
        sa.Column("lease_until", AT),
        sa.PrimaryKeyConstraint("id", name="pk_limit_entries"),
    )
    op.create_index(
        "ix_limit_entries_leases",
        "limit_entries",
        ["owner_id"],
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index(
        "ix_limit_entries_owner_id_at_counted", "limit_entries", ["owner_id", "at", "counted"]
    )
    op.create_table(
        "limit_states",
        sa.Column("owner_id", sa.String(16), nullable=False),
        sa.Column("tokens_used", sa.BigInteger),
        sa.Column("month", sa.Integer),
        sa.Column("credits_used", sa.Float, nullable=False),
        sa.Column("credits_requests", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name="pk_limit_states"),
    )
    op.create_table(
        "saved_settings",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_saved_settings"),
    )
    op.create_table(
        "sign_in_links",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sign_in_links"),
    )
    revision_table = op.create_table(
        "store_revision",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_store_revision"),
    )
    op.create_table(
        "usage_days",
        sa.Column("told_apart", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("period", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("api_key_id", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("model_served", sa.Text, nullable=False),
        sa.Column("usage_source", sa.String(16), nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("errors", sa.BigInteger, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_write_tokens", sa.BigInteger, nullable=False),
        sa.Column("credits", sa.Float, nullable=False),
        sa.Column("duration_ms", sa.BigInteger, nullable=False),
        sa.Column("first_token_ms", sa.BigInteger, nullable=False),
        sa.Column("first_tokens", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "told_apart",
            "period",
            "api_key_id",
            "account_id",
            "model_served",
            "usage_source",
            name="pk_usage_days",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage_hours",
        sa.Column("told_apart", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("period", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("api_key_id", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("model_served", sa.Text, nullable=False),
        sa.Column("usage_source", sa.String(16), nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("errors", sa.BigInteger, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_write_tokens", sa.BigInteger, nullable=False),
        sa.Column("credits", sa.Float, nullable=False),
        sa.Column("duration_ms", sa.BigInteger, nullable=False),
        sa.Column("first_token_ms", sa.BigInteger, nullable=False),
        sa.Column("first_tokens", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "told_apart",
            "period",
            "api_key_id",
            "account_id",
            "model_served",
            "usage_source",
            name="pk_usage_hours",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage_imports",
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("imported_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_usage_imports"),
    )
    op.create_table(
        "usage_records",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column(
            "request_id",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("api_key_id", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(16)),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("model_asked", sa.Text, nullable=False),
        sa.Column("model_served", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("stream", sa.Boolean, nullable=False),
        sa.Column("input_tokens", sa.Integer, nullable=False),
        sa.Column("output_tokens", sa.Integer, nullable=False),
        sa.Column("cache_read_tokens", sa.Integer, nullable=False),
        sa.Column("cache_write_tokens", sa.Integer, nullable=False),
        sa.Column("credits", sa.Float),
        sa.Column("usage_source", sa.String(16), nullable=False),
        sa.Column("stop_reason", sa.String(32)),
        sa.Column("first_token_ms", sa.Integer),
        sa.Column("duration_ms", sa.Integer, nullable=False),
        sa.Column("retries", sa.Integer, nullable=False),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.Column("error_class", sa.String(64)),
        sa.Column("error_source", sa.String(16)),
        sa.PrimaryKeyConstraint("seq", name="pk_usage_records"),
        sa.UniqueConstraint("id", name="uq_usage_records_id"),
    )
    op.create_index("ix_usage_records_account_id_at", "usage_records", ["account_id", "at"])
    op.create_index("ix_usage_records_api_key_id_at", "usage_records", ["api_key_id", "at"])
    op.create_index("ix_usage_records_at", "usage_records", ["at"])
    op.create_index(
        "ix_usage_records_failed",
        "usage_records",
        ["failed", "at", "status", "error_class"],
        sqlite_where=sa.text("failed = 1"),
        postgresql_where=sa.text("failed"),
    )
    op.create_index("ix_usage_records_model_served_at", "usage_records", ["model_served", "at"])
    op.create_index("ix_usage_records_request_id", "usage_records", ["request_id"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("key_prefix", sa.String(32), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("default_account_id", sa.String(16)),
        sa.Column("suppress_reasoning", sa.Boolean, nullable=False),
        sa.Column("failover", sa.Boolean, nullable=False),
        sa.Column("expires_at", AT),
        sa.Column("last_used_at", AT),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("requests_per_minute", sa.Integer),
        sa.Column("max_concurrent_requests", sa.Integer),
        sa.Column("tokens_per_day", sa.BigInteger),
        sa.Column("credits_per_month", sa.Float),
        sa.Column("allowed_models", sa.JSON, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["default_account_id"],
            ["accounts.id"],
            name="fk_api_keys_default_account_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
    )
    op.create_table(
        "request_bodies",
        sa.Column("record_id", sa.String(32), nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("request_encrypted", sa.Text),
        sa.Column("kiro_encrypted", sa.Text),
        sa.Column("response_encrypted", sa.Text),
        sa.ForeignKeyConstraint(
            ["record_id"],
            ["usage_records.id"],
            name="fk_request_bodies_record_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("record_id", name="pk_request_bodies"),
    )
    op.create_index("ix_request_bodies_expires_at", "request_bodies", ["expires_at"])
    op.create_table(
        "request_details",
        sa.Column("record_id", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"],
            ["usage_records.id"],
            name="fk_request_details_record_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("record_id", name="pk_request_details"),
    )
    op.create_table(
        "api_key_accounts",
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_api_key_accounts_account_id",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name="fk_api_key_accounts_key_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", "account_id", name="pk_api_key_accounts"),
    )
    op.create_index("ix_api_key_accounts_account_id", "api_key_accounts", ["account_id"])
    op.create_table(
        "retired_secrets",
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name="fk_retired_secrets_key_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_hash", name="pk_retired_secrets"),
    )
    op.create_index("ix_retired_secrets_key_id", "retired_secrets", ["key_id"])

    op.bulk_insert(revision_table, [{"id": 1, "revision": 0}])


def downgrade() -> None:
    for table in (
        "retired_secrets",
        "api_key_accounts",
        "request_details",
        "request_bodies",
        "api_keys",
        "usage_records",
        "usage_imports",
        "usage_hours",
        "usage_days",
        "store_revision",
        "sign_in_links",
        "saved_settings",
        "limit_states",
        "limit_entries",
        "former_names",
        "admin_sessions",
        "admin_keys",
        "accounts",
    ):
        op.drop_table(table)
