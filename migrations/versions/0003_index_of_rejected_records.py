"""Adds an index by which a deletion finds dead letters of records that were rejected before the thought was stored."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index(
        "dead_letters_of_refused",
        "dead_letters",
        [sa.text("(headers->>'thought_id')")],
        unique=False,
        postgresql_where=sa.text("thought_id IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("dead_letters_of_refused", table_name="dead_letters")
