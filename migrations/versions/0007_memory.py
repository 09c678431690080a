"""Adds the memory: vectors of thoughts, which results were reused, and which earlier thoughts an agent read."""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import VECTOR
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

_HAS_EXTENSION = sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'vector'")
_IS_AVAILABLE = sa.text("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
_IS_SUPERUSER = sa.text("SELECT count(*) FROM pg_roles WHERE rolname = current_user AND rolsuper")


def upgrade() -> None:
    _create_extension()
    op.add_column(
        "thoughts",
        sa.Column(
            "fresh", sa.Boolean(), server_default=sa.text("false"), nullable=False,
            comment="analyse it, never reuse results",
        ),
    )  # fmt: skip
    op.add_column(
        "agent_runs",
        sa.Column(
            "reuse_key", sa.Text(), nullable=True, comment="hash of all that the results depend on; NULL without memory"
        ),
    )
    op.add_column(
        "agent_runs",
        sa.Column(
            "reused_from", sa.Uuid(), nullable=True, comment="thought whose result was copied; no agent was called"
        ),
    )
    op.add_column(
        "agent_runs",
        sa.Column(
            "earlier_thoughts", postgresql.ARRAY(sa.Uuid()), nullable=True,
            comment="earlier thoughts that the agent read, the most similar first",
        ),
    )  # fmt: skip
    op.create_index(
        "agent_runs_reusable",
        "agent_runs",
        ["reuse_key"],
        postgresql_where=sa.text("step = 1 AND reuse_key IS NOT NULL"),
    )
    op.create_table(
        "thought_vectors",
        sa.Column("thought_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False, comment="vectors of different models are not comparable"),
        sa.Column("embedding", VECTOR(384), nullable=False),
        sa.ForeignKeyConstraint(["thought_id"], ["thoughts.id"], name=op.f("fk_thought_vectors_thought_id")),
        sa.PrimaryKeyConstraint("thought_id", name=op.f("pk_thought_vectors")),
    )
    op.create_index("thought_vectors_of_user", "thought_vectors", ["user_id"])


def _create_extension() -> None:
    """Create the extension pgvector in this database. It stays when the migration is reverted.

    Raises SystemExit, in one line that says what to do, when the server lacks it or the role may not create it.
    """
    connection = op.get_bind()
    if connection.scalar(_HAS_EXTENSION):
        return
    if not connection.scalar(_IS_AVAILABLE):
        raise SystemExit(
            "Cannot migrate. This PostgreSQL has no extension pgvector, which stores the vectors of thoughts: install "
            "it on the server (package postgresql-NN-pgvector, or the image pgvector/pgvector), and run this again."
        )
    if not connection.scalar(_IS_SUPERUSER):
        raise SystemExit(
            "Cannot migrate. Only a superuser of PostgreSQL may create the extension pgvector: let one execute "
            "CREATE EXTENSION vector; in this database, and run this again."
        )
    op.execute("CREATE EXTENSION vector")


def downgrade() -> None:
    op.drop_table("thought_vectors")
    op.drop_index("agent_runs_reusable", table_name="agent_runs")
    op.drop_column("agent_runs", "earlier_thoughts")
    op.drop_column("agent_runs", "reused_from")
    op.drop_column("agent_runs", "reuse_key")
    op.drop_column("thoughts", "fresh")
