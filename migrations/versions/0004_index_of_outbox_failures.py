"""Adds an index by which audits and deletions find the dead letters that are still in the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(
        "outbox_of_failure",
        "outbox",
        ["failure_id"],
        unique=False,
        postgresql_where=sa.text("failure_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("outbox_of_failure", table_name="outbox")
