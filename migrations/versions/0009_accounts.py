"""Adds accounts: e-mail and password, sign-ins, links that reset a password, API tokens, and the security log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("users", sa.Column("email", sa.Text(), comment="NULL for anonymous users and deleted accounts"))
    op.add_column("users", sa.Column("password_hash", sa.Text(), comment="argon2id, with its parameters and salt"))
    op.add_column("users", sa.Column("is_admin", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("users", sa.Column("disabled_at", TIME, comment="set by an operator: no sign-in, no token"))
    op.add_column("users", sa.Column("deleted_at", TIME, comment="set when the person deleted the account"))
    op.add_column(
        "users", sa.Column("account_id", sa.Uuid(), comment="account that took over this anonymous user's thoughts")
    )
    op.create_foreign_key("fk_users_account_id", "users", "users", ["account_id"], ["id"])
    op.create_check_constraint(op.f("ck_users_named_or_anonymous"), "users", "email IS NULL OR NOT is_anonymous")
    op.create_check_constraint(op.f("ck_users_only_anonymous_join"), "users", "account_id IS NULL OR is_anonymous")
    op.create_index("users_email", "users", [sa.text("lower(email)")], unique=True)
    op.create_index("users_of_account", "users", ["account_id"], postgresql_where=sa.text("account_id IS NOT NULL"))
    op.add_column(
        "thoughts",
        sa.Column("profile_of", sa.Uuid(), comment="user whose profile the agents read, if not the author's own"),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the token in the cookie"),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("user_agent", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    op.create_index("sign_ins_token", "sign_ins", ["token_hash"], unique=True)
    op.create_index("sign_ins_of_user", "sign_ins", ["user_id"])
    op.create_table(
        "password_resets",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the token in the link"),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_password_resets_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_password_resets")),
    )
    op.create_index("password_resets_of_user", "password_resets", ["user_id"])
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the token, which is shown once"),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("last_used_at", TIME),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
    )
    op.create_index("api_tokens_token", "api_tokens", ["token_hash"], unique=True)
    op.create_index("api_tokens_of_user", "api_tokens", ["user_id"])
    op.create_table(
        "security_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), comment="whose account it concerns"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), server_default=sa.text("''"), nullable=False, comment="of the client"),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_security_events_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_events")),
    )
    op.create_index("security_events_of_user", "security_events", ["user_id", "id"])


def downgrade() -> None:
    for table in ("security_events", "api_tokens", "password_resets", "sign_ins"):
        op.drop_table(table)
    op.drop_column("thoughts", "profile_of")
    op.drop_index("users_of_account", table_name="users")
    op.drop_index("users_email", table_name="users")
    op.drop_constraint(op.f("ck_users_only_anonymous_join"), "users")
    op.drop_constraint(op.f("ck_users_named_or_anonymous"), "users")
    op.drop_constraint("fk_users_account_id", "users")
    for column in ("account_id", "deleted_at", "disabled_at", "is_admin", "password_hash", "email"):
        op.drop_column("users", column)
