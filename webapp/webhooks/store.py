"""Stores the webhooks of an account. The relay sends to them (`bridge/webhooks`)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import text

from contracts.database import Database
from contracts.webhooks import PING, new_secret
from webapp.queries import read
from webapp.users import AccountDeletedError

MAX_WEBHOOKS: Final = 5
"""Webhooks of one account. Two requests at the same moment may exceed it by one."""

INSERT_WEBHOOK: Final = text("""
    WITH owner AS (SELECT id FROM users WHERE id = :user AND deleted_at IS NULL FOR SHARE),
    added AS (
      INSERT INTO webhooks (id, user_id, url, secret, events, with_text)
      SELECT CAST(:id AS uuid), owner.id, CAST(:url AS text), CAST(:secret AS bytea),
             CAST(:events AS text[]), CAST(:with_text AS boolean)
        FROM owner WHERE (SELECT count(*) FROM webhooks WHERE user_id = :user) < :most
      RETURNING id)
    SELECT EXISTS (SELECT FROM added) AS is_added FROM owner
""")
"""Adds a webhook, unless the account has as many as it may have; no row when the account was deleted.

The lock of the account's row is needed as in `tokens.INSERT_TOKEN`."""

LIST_WEBHOOKS: Final = text("""
    SELECT id, url, events, with_text, created_at, last_sent_at, last_result, failing_since, disabled_at,
           (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = w.id) AS waiting
      FROM webhooks w WHERE user_id = :user ORDER BY created_at, id
""")
"""The webhooks of an account, without their secrets, and how many events wait for each."""

DELETE_WEBHOOK: Final = text("DELETE FROM webhooks WHERE id = :id AND user_id = :user RETURNING id")
"""Deletes a webhook of this account with everything that waits for it."""

PING_WEBHOOK: Final = text("""
    WITH w AS (SELECT id FROM webhooks WHERE id = :id AND user_id = :user),
    d AS (
      INSERT INTO webhook_deliveries (webhook_id, event_type, event)
      SELECT id, CAST(:type AS text), CAST(:event AS jsonb) FROM w
       WHERE NOT EXISTS (SELECT FROM webhook_deliveries p WHERE p.webhook_id = w.id AND p.event_type = :type))
    SELECT id FROM w
""")
"""Queues a test event, unless one waits already; no row when the account has no such webhook."""

ENABLE_WEBHOOK: Final = text("""
    UPDATE webhooks SET disabled_at = NULL, failing_since = NULL WHERE id = :id AND user_id = :user RETURNING id
""")
"""Enables a webhook again; what waits for it is sent when it is due. Repeating it is harmless."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as its owner sees it; the fields are LIST_WEBHOOKS' columns."""

    id: UUID
    url: str
    events: Sequence[str]
    with_text: bool
    created_at: datetime
    last_sent_at: datetime | None
    last_result: str | None
    failing_since: datetime | None
    disabled_at: datetime | None
    waiting: int


def create(
    database: Database, user_id: UUID, url: str, events: Sequence[str], *, with_text: bool
) -> tuple[UUID, bytes] | None:
    """Add a webhook, and return its id and its secret; None when the account has MAX_WEBHOOKS.

    Raises AccountDeletedError. All functions of this module raise SQLAlchemyError when PostgreSQL is unavailable.
    """
    webhook_id, secret = uuid4(), new_secret()
    columns = {"id": webhook_id, "user": user_id, "url": url, "secret": secret, "events": list(events)}
    row = database.row(INSERT_WEBHOOK, **columns, with_text=with_text, most=MAX_WEBHOOKS)
    if row is None:
        raise AccountDeletedError("the account was deleted")
    return (webhook_id, secret) if row.is_added else None


def webhooks_of(database: Database, user_id: UUID) -> list[Webhook]:
    """Return the account's webhooks, the oldest first."""
    return [Webhook(**row._asdict()) for row in read(database, LIST_WEBHOOKS, user=user_id)]


def delete(database: Database, user_id: UUID, webhook_id: UUID) -> bool:
    """Delete a webhook; return whether the account had it."""
    return database.row(DELETE_WEBHOOK, id=webhook_id, user=user_id) is not None


def ping(database: Database, user_id: UUID, webhook_id: UUID) -> bool:
    """Queue a test event; return whether the account has the webhook."""
    event = {"event_type": PING, "timestamp": datetime.now(UTC).isoformat()}
    return database.row(PING_WEBHOOK, id=webhook_id, user=user_id, type=PING, event=json.dumps(event)) is not None


def enable(database: Database, user_id: UUID, webhook_id: UUID) -> bool:
    """Enable a webhook again; return whether the account has it."""
    return database.row(ENABLE_WEBHOOK, id=webhook_id, user=user_id) is not None
