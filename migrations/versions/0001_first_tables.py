"""Creates the first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_table(
        "dead_letters",
        sa.Column("failure_id", sa.Text(), nullable=False),
        sa.Column("thought_id", sa.Uuid(), nullable=True),
        sa.Column("turn", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=True, comment="NULL is a tombstone"),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("kafka_partition", sa.Integer(), nullable=True),
        sa.Column("kafka_offset", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'replayed', 'discarded')", name=op.f("ck_dead_letters_known_state")),
        sa.PrimaryKeyConstraint("failure_id", name=op.f("pk_dead_letters")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("turn", sa.BigInteger(), nullable=True),
        sa.Column("failure_id", sa.Text(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True, comment="NULL is a tombstone"),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True, comment="Kafka refused the row for good"),
        sa.Column("parked_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("is_anonymous", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "last_turn", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="the last turn given"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_table(
        "thoughts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False, comment="place in the user's line; a replay gets a new one"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False, comment="the event's bytes, a foreign producer's own"),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), nullable=True, comment="when it was first taken from the line"
        ),
        sa.Column("step_started_at", sa.DateTime(timezone=True), nullable=True, comment="when the latest call began"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="set = terminal"),
        sa.Column(
            "processing_seconds",
            sa.Double(),
            nullable=True,
            comment="from the take to the last save, as told to the browser",
        ),
        sa.Column(
            "error", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="agent, kind, message, attempts"
        ),
        sa.Column(
            "origin",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="topic, partition, offset, timestamp of the record that rang",
        ),
        sa.Column(
            "dispatch_id",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="token of the chain in force",
        ),
        sa.Column("steps_done", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "attempts",
            sa.SmallInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="calls begun of the next step",
        ),
        sa.Column("call_id", sa.Uuid(), nullable=True, comment="the one call in progress"),
        sa.Column(
            "beat", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="raised by whoever works"
        ),
        sa.Column(
            "beat_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="for people; no decision hangs on it but the sweep's",
        ),
        sa.Column(
            "sends",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="sendings of the next step's message",
        ),
        sa.Column(
            "losses",
            sa.SmallInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="workers lost in the next step",
        ),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True, comment="a retry may not start earlier"),
        sa.Column("emitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("emissions", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (status IN ('pending', 'processing'))", name=op.f("ck_thoughts_terminal")
        ),
        sa.CheckConstraint("call_id IS NULL OR status = 'processing'", name=op.f("ck_thoughts_call_in_processing")),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'completed', 'failed')", name=op.f("ck_thoughts_known_status")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_thoughts_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thoughts")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "thoughts_line", "thoughts", ["user_id", "turn"], unique=True, postgresql_where=sa.text("finished_at IS NULL")
    )
    op.create_index("thoughts_of_user", "thoughts", ["user_id", "created_at", "id"], unique=False)
    op.create_table(
        "agent_runs",
        sa.Column("thought_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("output", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tokens_in", sa.Integer(), nullable=True),
        sa.Column("tokens_out", sa.Integer(), nullable=True),
        sa.Column(
            "cost_usd",
            sa.Numeric(precision=12, scale=6),
            nullable=True,
            comment="NULL where the price is unknown, never a guess",
        ),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["thought_id"], ["thoughts.id"], name=op.f("fk_agent_runs_thought_id")),
        sa.PrimaryKeyConstraint("thought_id", "step", name=op.f("pk_agent_runs")),
    )


def downgrade() -> None:
    op.drop_table("agent_runs")
    op.drop_index("thoughts_of_user", table_name="thoughts")
    op.drop_index("thoughts_line", table_name="thoughts", postgresql_where=sa.text("finished_at IS NULL"))
    op.drop_table("thoughts")
    op.drop_table("users")
    op.drop_table("outbox")
    op.drop_table("dead_letters")
    op.drop_table("batches")
