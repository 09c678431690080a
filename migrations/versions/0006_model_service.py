"""Adds what a model service needs: waiting steps, versions of profiles, and claims that were left out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column(
        "users",
        sa.Column(
            "profile_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False,
            comment="raised by every change",
        ),
    )  # fmt: skip
    op.create_table(
        "former_profiles",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "replaced_at", sa.DateTime(timezone=True), nullable=False, comment="thoughts written before this saw it"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_former_profiles_user_id")),
        sa.PrimaryKeyConstraint("user_id", "version", name=op.f("pk_former_profiles")),
    )
    op.add_column(
        "thoughts",
        sa.Column(
            "service_failures", sa.SmallInteger(), server_default=sa.text("0"), nullable=False,
            comment="attempts of the next step that failed because of the model service",
        ),
    )  # fmt: skip
    op.add_column(
        "thoughts",
        sa.Column(
            "waiting",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="why the next call waits for the model service: kind, message, since, until",
        ),
    )
    op.add_column(
        "agent_runs",
        sa.Column(
            "dropped_claims",
            sa.SmallInteger(),
            nullable=True,
            comment="claims left out because their quotes were not in their sources",
        ),
    )
    op.add_column(
        "agent_runs",
        sa.Column(
            "profile_version",
            sa.BigInteger(),
            nullable=True,
            comment="version of the user's profile that the agent saw",
        ),
    )


def downgrade() -> None:
    op.drop_column("agent_runs", "profile_version")
    op.drop_column("agent_runs", "dropped_claims")
    op.drop_column("thoughts", "waiting")
    op.drop_column("thoughts", "service_failures")
    op.drop_table("former_profiles")
    op.drop_column("users", "profile_version")
