"""-> PostgreSQL: the tables of webhooks, and of the events that are still to be sent to them."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from contracts.table_metadata import NOW, metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False, comment="key of the signatures, which is shown once"),
    Column("events", ARRAY(Text), nullable=False),
    Column("with_text", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("last_sent_at", DateTime(timezone=True), comment="latest attempt of any delivery"),
    Column("last_result", Text, comment="outcome of that attempt, for the owner"),
    Column("failing_since", DateTime(timezone=True), comment="first failure after the last success"),
    Column("disabled_at", DateTime(timezone=True), comment="when it had failed for a day, or answered 410"),
    Index("webhooks_of_user", "user_id"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("webhook_id", Uuid, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_type", Text, nullable=False),
    Column("event", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0"), comment="attempts begun"),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Index("webhook_deliveries_due", "webhook_id", "next_attempt_at"),
)
