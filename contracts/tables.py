"""-> PostgreSQL: defines the tables; those of webhooks are in `webhook_tables.py`.

The columns of `thoughts` that carry the protocol (`turn`, `dispatch_id`, `call_id`, `beat` and so on) are written only
by the statements that docs/protocol.md lists. A column's comment is part of the schema: changing it needs a migration.
"""

from pgvector.sqlalchemy import VECTOR
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from contracts.table_metadata import NOW
from contracts.table_metadata import metadata as metadata

MIGRATION = "0010"
"""The latest migration that this release needs; a test compares it with `migrations/versions`."""

_ZERO = text("0")

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("is_anonymous", Boolean, nullable=False, server_default=text("true")),
    Column("profile", JSONB, nullable=False, server_default=text("'{}'")),
    Column("profile_version", BigInteger, nullable=False, server_default=_ZERO, comment="raised by every change"),
    Column("last_turn", BigInteger, nullable=False, server_default=_ZERO, comment="turn of the user's latest thought"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("email", Text, comment="NULL for anonymous users and deleted accounts"),
    Column("password_hash", Text, comment="argon2id, with its parameters and salt"),
    Column("is_admin", Boolean, nullable=False, server_default=text("false")),
    Column("disabled_at", DateTime(timezone=True), comment="set by an operator: no sign-in, no token"),
    Column("deleted_at", DateTime(timezone=True), comment="set when the person deleted the account"),
    Column("account_id", Uuid, ForeignKey("users.id"), comment="account that took over this anonymous user's thoughts"),
    CheckConstraint("email IS NULL OR NOT is_anonymous", name="named_or_anonymous"),
    CheckConstraint("account_id IS NULL OR is_anonymous", name="only_anonymous_join"),
    Index("users_email", text("lower(email)"), unique=True),
    Index("users_of_account", "account_id", postgresql_where=text("account_id IS NOT NULL")),
    postgresql_with={"fillfactor": 80},
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("token_hash", LargeBinary, nullable=False, comment="SHA-256 of the token in the cookie"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("last_used_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("user_agent", Text, nullable=False, server_default=text("''")),
    Index("sign_ins_token", "token_hash", unique=True),
    Index("sign_ins_of_user", "user_id"),
)

password_resets = Table(
    "password_resets",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True, comment="SHA-256 of the token in the link"),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Index("password_resets_of_user", "user_id"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("token_hash", LargeBinary, nullable=False, comment="SHA-256 of the token, which is shown once"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True)),
    Index("api_tokens_token", "token_hash", unique=True),
    Index("api_tokens_of_user", "user_id"),
)

security_events = Table(
    "security_events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("user_id", Uuid, ForeignKey("users.id"), comment="whose account it concerns"),
    Column("kind", Text, nullable=False),
    Column("address", Text, nullable=False, server_default=text("''"), comment="of the client"),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    Index("security_events_of_user", "user_id", "id"),
)

former_profiles = Table(
    "former_profiles",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("profile", JSONB, nullable=False),
    Column("replaced_at", DateTime(timezone=True), nullable=False, comment="thoughts written before this saw it"),
)

thoughts = Table(
    "thoughts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("turn", BigInteger, nullable=False, comment="position in the user's line; a replay gives a new one"),
    Column("text", Text, nullable=False),
    Column("event", LargeBinary, nullable=False, comment="the event, as its producer wrote it"),
    Column("headers", JSONB, comment="key and headers of an external producer's record"),
    Column("fresh", Boolean, nullable=False, server_default=text("false"), comment="analyse it, never reuse results"),
    Column("status", Text, nullable=False, server_default=text("'pending'")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("started_at", DateTime(timezone=True), comment="first dispatch in this turn"),
    Column("step_started_at", DateTime(timezone=True), comment="start of the latest call"),
    Column("finished_at", DateTime(timezone=True), comment="set when the thought is completed, failed or deleted"),
    Column("processing_seconds", Double, comment="seconds from the first dispatch to the last saved step"),
    Column("error", JSONB, comment="last failure: agent, kind, message, attempts"),
    Column("origin", JSONB, comment="topic, partition, offset and timestamp of the dispatched record"),
    Column(
        "dispatch_id", BigInteger, nullable=False, server_default=_ZERO, comment="fencing token of the current chain"
    ),
    Column("steps_done", SmallInteger, nullable=False, server_default=_ZERO, comment="saved steps"),
    Column("attempts", SmallInteger, nullable=False, server_default=_ZERO, comment="calls of the next step"),
    Column(
        "service_failures",
        SmallInteger,
        nullable=False,
        server_default=_ZERO,
        comment="attempts of the next step that failed because of the model service",
    ),
    Column("call_id", Uuid, comment="fencing token of the call in progress"),
    Column("beat", BigInteger, nullable=False, server_default=_ZERO, comment="raised by every write of the worker"),
    Column("beat_at", DateTime(timezone=True), comment="time of the last write of beat; only the sweep decides by it"),
    Column(
        "sends", Integer, nullable=False, server_default=_ZERO, comment="how often the next step's message was sent"
    ),
    Column("losses", SmallInteger, nullable=False, server_default=_ZERO, comment="workers lost in the next step"),
    Column("not_before", DateTime(timezone=True), comment="earliest start of the scheduled retry"),
    Column("waiting", JSONB, comment="why the next call waits for the model service: kind, message, since, until"),
    Column("emitted_at", DateTime(timezone=True), comment="last write of its event to the outbox"),
    Column("emissions", Integer, nullable=False, server_default=_ZERO, comment="re-emissions by the sweep"),
    Column("profile_of", Uuid, comment="user whose profile the agents read, if not the author's own"),
    CheckConstraint("status IN ('pending', 'processing', 'completed', 'failed', 'deleted')", name="known_status"),
    CheckConstraint("(finished_at IS NULL) = (status IN ('pending', 'processing'))", name="terminal"),
    CheckConstraint("call_id IS NULL OR status = 'processing'", name="call_in_processing"),
    Index("thoughts_line", "user_id", "turn", unique=True, postgresql_where=text("finished_at IS NULL")),
    Index("thoughts_of_user", "user_id", "created_at", "id"),
    postgresql_with={"fillfactor": 80},
)

agent_runs = Table(
    "agent_runs",
    metadata,
    Column("thought_id", Uuid, ForeignKey("thoughts.id"), primary_key=True),
    Column("step", SmallInteger, primary_key=True),
    Column("agent", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("output", JSONB, nullable=False),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    Column("cost_usd", Numeric(12, 6), comment="NULL when the price is unknown"),
    Column("dropped_claims", SmallInteger, comment="claims left out because their quotes were not in their sources"),
    Column("profile_version", BigInteger, comment="version of the user's profile that the agent saw"),
    Column("call_id", Uuid, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("turn", BigInteger, comment="turn in which the step was saved"),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False),
    Column("reuse_key", Text, comment="hash of all that the results depend on; NULL without memory"),
    Column("reused_from", Uuid, comment="thought whose result was copied; no agent was called"),
    Column("earlier_thoughts", ARRAY(Uuid), comment="earlier thoughts that the agent read, the most similar first"),
    Index("agent_runs_reusable", "reuse_key", postgresql_where=text("step = 1 AND reuse_key IS NOT NULL")),
)

thought_vectors = Table(
    "thought_vectors",
    metadata,
    Column("thought_id", Uuid, ForeignKey("thoughts.id"), primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("model", Text, nullable=False, comment="vectors of different models are not comparable"),
    Column("embedding", VECTOR(384), nullable=False),
    Index("thought_vectors_of_user", "user_id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", Text),
    Column("turn", BigInteger),
    Column("failure_id", Text),
    Column("value", LargeBinary, comment="NULL is a tombstone"),
    Column("headers", JSONB),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("parked_at", DateTime(timezone=True), comment="when Kafka rejected the row permanently"),
    Column("parked_reason", Text),
    Index("outbox_of_failure", "failure_id", postgresql_where=text("failure_id IS NOT NULL")),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("failure_id", Text, primary_key=True),
    Column("thought_id", Uuid),
    Column("turn", BigInteger),
    Column("reason", Text, nullable=False),
    Column("value", LargeBinary, comment="NULL is a tombstone"),
    Column("headers", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("kafka_partition", Integer),
    Column("kafka_offset", BigInteger),
    Column("resolved_at", DateTime(timezone=True), comment="when it was replayed or discarded"),
    Column("replayed_turn", BigInteger, comment="turn that the replay gave to the thought"),
    Index("dead_letters_of_thought", "thought_id"),
    Index("dead_letters_of_refused", text("(headers->>'thought_id')"), postgresql_where=text("thought_id IS NULL")),
    CheckConstraint("state IN ('open', 'replayed', 'discarded')", name="known_state"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column(
        "asked_at", DateTime(timezone=True), nullable=False, server_default=NOW, comment="when the batch was requested"
    ),
    Column("begun_at", DateTime(timezone=True), comment="when a bridge started the batch"),
    Column("ended_at", DateTime(timezone=True), comment="when all its thoughts were terminal"),
)

audits = Table(
    "audits",
    metadata,
    Column("id", SmallInteger, primary_key=True, server_default=text("1")),
    Column("at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("figures", JSONB, nullable=False),
    CheckConstraint("id = 1", name="the_last_one_only"),
)

installation = Table(
    "installation",
    metadata,
    Column("one", SmallInteger, primary_key=True, server_default=text("1")),
    Column(
        "id",
        Uuid,
        nullable=False,
        server_default=func.gen_random_uuid(),
        comment="a copy of the database is the same installation until this is changed",
    ),
    CheckConstraint("one = 1", name="one_row_only"),
)
