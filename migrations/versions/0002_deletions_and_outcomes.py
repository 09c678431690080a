"""Adds external producers' headers, deleted thoughts, the turns of runs, resolved dead letters and the last audit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

KNOWN = "status IN ('pending', 'processing', 'completed', 'failed')"
KNOWN_NOW = "status IN ('pending', 'processing', 'completed', 'failed', 'deleted')"


def upgrade() -> None:
    op.add_column(
        "thoughts",
        sa.Column(
            "headers",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="another producer's key and headers",
        ),
    )
    _allow(KNOWN_NOW)
    op.add_column("agent_runs", sa.Column("turn", sa.BigInteger(), nullable=True, comment="the turn it was saved in"))
    op.add_column(
        "dead_letters",
        sa.Column(
            "resolved_at", sa.DateTime(timezone=True), nullable=True, comment="when it was replayed or discarded"
        ),
    )
    op.add_column(
        "dead_letters", sa.Column("replayed_turn", sa.BigInteger(), nullable=True, comment="the turn a replay gave")
    )
    op.create_index("dead_letters_of_thought", "dead_letters", ["thought_id"], unique=False)
    op.create_table(
        "audits",
        sa.Column("id", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audits_the_last_one_only")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audits")),
    )


def downgrade() -> None:
    """Mark deleted thoughts as failed, because their previous status is unknown. They stay terminal."""
    op.drop_table("audits")
    op.drop_index("dead_letters_of_thought", table_name="dead_letters")
    op.drop_column("dead_letters", "replayed_turn")
    op.drop_column("dead_letters", "resolved_at")
    op.drop_column("agent_runs", "turn")
    op.execute("UPDATE thoughts SET status = 'failed' WHERE status = 'deleted'")
    _allow(KNOWN)
    op.drop_column("thoughts", "headers")


def _allow(statuses: str) -> None:
    op.drop_constraint(op.f("ck_thoughts_known_status"), "thoughts", type_="check")
    op.create_check_constraint(op.f("ck_thoughts_known_status"), "thoughts", statuses)
