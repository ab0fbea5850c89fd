"""Who asked for a request, where that was no client."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a default, so that no row is written anew however many there are.
    op.add_column("usage_records", sa.Column("origin", sa.String(16)))


def downgrade() -> None:
    op.drop_column("usage_records", "origin")
