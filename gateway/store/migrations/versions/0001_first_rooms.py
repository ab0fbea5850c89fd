"""Accounts, API keys with their allow-lists, usage, and the revision that processes watch.

Types are spelt out rather than taken from `tables`: this file stays as it is when those change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


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
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
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
        sa.Column("tokens_per_day", sa.Integer),
        sa.Column("credits_per_month", sa.Float),
        sa.Column("allowed_models", sa.JSON, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
        sa.ForeignKeyConstraint(
            ["default_account_id"],
            ["accounts.id"],
            name="fk_api_keys_default_account_id",
            ondelete="RESTRICT",
        ),
    )
    op.create_table(
        "api_key_accounts",
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "account_id", name="pk_api_key_accounts"),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name="fk_api_key_accounts_key_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_api_key_accounts_account_id",
            ondelete="RESTRICT",
        ),
    )
    op.create_index("ix_api_key_accounts_account_id", "api_key_accounts", ["account_id"])
    op.create_table(
        "usage_records",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("api_key_id", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("account_name", sa.String(64), nullable=False),
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
        sa.Column("error_class", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_usage_records"),
    )
    op.create_index("ix_usage_records_at", "usage_records", ["at"])
    op.create_index("ix_usage_records_api_key_id_at", "usage_records", ["api_key_id", "at"])
    op.create_index("ix_usage_records_account_id_at", "usage_records", ["account_id", "at"])
    revision_table = op.create_table(
        "store_revision",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_store_revision"),
    )
    op.bulk_insert(revision_table, [{"id": 1, "revision": 0}])


def downgrade() -> None:
    for table in (
        "store_revision",
        "usage_records",
        "api_key_accounts",
        "api_keys",
        "accounts",
    ):
        op.drop_table(table)
