"""Cool-downs of accounts, and the history of their health."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "cooldowns",
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("since", AT, nullable=False),
        sa.Column("until", AT),
        sa.Column("strikes", sa.Integer, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("units_left", sa.Float),
        sa.PrimaryKeyConstraint("account_id", "kind", "model", name="pk_cooldowns"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            ondelete="CASCADE",
            name="fk_cooldowns_account_id",
        ),
    )
    op.create_table(
        "health_changes",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("until", AT),
        sa.PrimaryKeyConstraint("seq", name="pk_health_changes"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            ondelete="CASCADE",
            name="fk_health_changes_account_id",
        ),
    )
    op.create_index("ix_health_changes_account_id_seq", "health_changes", ["account_id", "seq"])


def downgrade() -> None:
    op.drop_table("health_changes")
    op.drop_table("cooldowns")
