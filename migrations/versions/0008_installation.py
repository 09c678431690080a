"""Adds the identity of this installation, which distinguishes it from others that share Redis or Kafka with it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("one", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False,
            comment="a copy of the database is the same installation until this is changed",
        ),
        sa.CheckConstraint("one = 1", name=op.f("ck_installation_one_row_only")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_installation")),
    )  # fmt: skip
    op.execute("INSERT INTO installation DEFAULT VALUES")


def downgrade() -> None:
    op.drop_table("installation")
