"""words of refused records: a deletion finds the records that were refused before their thought was stored."""

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
