"""Takes due deliveries from PostgreSQL, and stores what became of each attempt.

An attempt is counted before it is made, and the next one is scheduled with it: a sender that is killed costs one
attempt. So several relays can send at once, and no lock is held while a server is slow. A receiver may get an event
twice, always with the same `webhook-id`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database

PAUSES_SECONDS: Final = (30.0, 60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 57_600.0, 60.0)
"""The pause after each attempt until the next one: eight attempts within some 25 hours. Each pause is longer than a
request can take. The last one only says when a delivery without an outcome counts as given up."""

DAYS_UNTIL_DISABLED: Final = 1

CLAIM_DELIVERIES: Final = text("""
    WITH given_up AS (
      DELETE FROM webhook_deliveries WHERE attempts >= :most AND next_attempt_at <= clock_timestamp()),
    due AS MATERIALIZED (
      SELECT id FROM (
        SELECT DISTINCT ON (w.user_id) d.id, GREATEST(d.next_attempt_at, (
                 SELECT max(last_sent_at) FROM webhooks o WHERE o.user_id = w.user_id)) AS waits_since
          FROM webhooks w JOIN users u ON u.id = w.user_id CROSS JOIN LATERAL (
               SELECT id, next_attempt_at FROM webhook_deliveries
                WHERE webhook_id = w.id AND next_attempt_at <= clock_timestamp() AND attempts < :most
                ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED) d
         WHERE w.disabled_at IS NULL AND w.user_id <> ALL (CAST(:busy AS uuid[]))
           AND u.disabled_at IS NULL AND u.deleted_at IS NULL
         ORDER BY w.user_id, GREATEST(d.next_attempt_at, w.last_sent_at)) accounts
       ORDER BY waits_since LIMIT :number)
    UPDATE webhook_deliveries d
       SET attempts = d.attempts + 1,
           next_attempt_at = clock_timestamp() + make_interval(secs => (CAST(:pauses AS float8[]))[d.attempts + 1])
      FROM due, webhooks w WHERE d.id = due.id AND w.id = d.webhook_id
    RETURNING d.id, d.webhook_id, d.event_type, d.event, d.attempts, w.user_id, w.url, w.secret, w.with_text
""")
"""Begins one attempt of each account that has a due delivery and is not `busy`.

The accounts take turns, and so do the webhooks of an account: first comes the one that waits longest, since its
delivery was due or since its latest attempt ended. So a server that is slow or fails does not delay those of others,
however many webhooks its account has and however much waits for them. Nothing is sent for an account that an operator
disabled, or that was deleted."""

SUCCEEDED: Final = text("""
    WITH d AS (DELETE FROM webhook_deliveries WHERE id = :id RETURNING webhook_id)
    UPDATE webhooks w SET failing_since = NULL, last_sent_at = clock_timestamp(), last_result = :result
      FROM d WHERE w.id = d.webhook_id
""")
"""Ends a delivery that its server accepted; a repeat finds nothing to delete."""

FAILED: Final = text("""
    WITH d AS (SELECT webhook_id FROM webhook_deliveries WHERE id = :id AND attempts = :attempts),
    given_up AS (DELETE FROM webhook_deliveries WHERE id = :id AND attempts = :attempts AND attempts >= :most)
    UPDATE webhooks w
       SET failing_since = COALESCE(w.failing_since, clock_timestamp()), last_sent_at = clock_timestamp(),
           last_result = :result,
           disabled_at = CASE WHEN :is_gone OR w.failing_since <= clock_timestamp() - make_interval(days => :days)
                              THEN clock_timestamp() END
      FROM d WHERE w.id = d.webhook_id AND w.disabled_at IS NULL
    RETURNING w.disabled_at IS NOT NULL AS is_disabled
""")
"""Stores a failed attempt, and disables a webhook that has failed for a day or whose server says that it is gone."""

THOUGHT_TEXT: Final = text("SELECT text FROM thoughts WHERE id = :id AND user_id = :user AND status <> 'deleted'")
"""The text of a thought of the webhook's user, for a webhook that asks for it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send one event to one webhook."""

    delivery_id: UUID
    webhook_id: UUID
    user_id: UUID
    event_type: str
    event: Mapping[str, Any]
    number: int
    url: str
    secret: bytes = field(repr=False)
    with_text: bool


class Deliveries:
    """Runs the statements. All methods raise SQLAlchemyError and may be called again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, number: int, busy: Collection[UUID]) -> list[Attempt]:
        """Begin at most `number` attempts, one of each account, and none of an account that is busy."""
        rows = self._database.rows(
            CLAIM_DELIVERIES, number=number, busy=list(busy), pauses=list(PAUSES_SECONDS), most=len(PAUSES_SECONDS)
        )
        return [
            Attempt(
                row.id, row.webhook_id, row.user_id, row.event_type, row.event, row.attempts, row.url,
                bytes(row.secret), row.with_text,
            )
            for row in rows
        ]  # fmt: skip

    def text_of(self, user_id: UUID, thought_id: UUID) -> str | None:
        """Return the text of a thought of this user; None when it was deleted or belongs to another user."""
        row = self._database.row(THOUGHT_TEXT, id=thought_id, user=user_id)
        return None if row is None else str(row.text)

    def succeeded(self, attempt: Attempt, result: str) -> None:
        """End the delivery. `result` is shown to the webhook's owner."""
        self._database.rows(SUCCEEDED, id=attempt.delivery_id, result=result)

    def failed(self, attempt: Attempt, result: str, *, is_gone: bool = False) -> bool:
        """Store the failure; return whether it has disabled the webhook. `is_gone`: its server wants no more events."""
        row = self._database.row(
            FAILED,
            id=attempt.delivery_id,
            attempts=attempt.number,
            result=result,
            is_gone=is_gone,
            most=len(PAUSES_SECONDS),
            days=DAYS_UNTIL_DISABLED,
        )
        return row is not None and bool(row.is_disabled)
