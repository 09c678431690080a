"""Deletes an account with everything in it. Its row stays, without a name: the tombstones of its thoughts refer to it.

The thoughts are erased first, while the account still exists, and the account last. So a deletion that was interrupted
can be repeated by its owner, and nothing is left without one.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from webapp import deletion

log = logging.getLogger(__name__)

PAGE_LENGTH: Final = 200

OWNERS: Final = text("""
    SELECT id, last_turn FROM users WHERE id = :user UNION ALL SELECT id, last_turn FROM users WHERE account_id = :user
""")
"""The account, first, and the anonymous users that joined it."""

THOUGHTS_AFTER: Final = text("""
    SELECT id, created_at FROM thoughts
     WHERE user_id = :user
       AND (CAST(:at AS timestamptz) IS NULL OR (created_at, id) > (CAST(:at AS timestamptz), CAST(:id AS uuid)))
     ORDER BY created_at, id LIMIT :limit
""")
"""A page of a user's thoughts, the deleted ones included: an interrupted deletion may have left results of them."""

ERASE_REFUSED_RECORDS: Final = text(f"""
    WITH letters AS (
      SELECT failure_id FROM dead_letters
       WHERE thought_id IS NULL
         AND headers->>'user_id' IN (SELECT id::text FROM users WHERE id = :user OR account_id = :user)),
    {deletion.ERASE_LETTERS}
""")  # noqa: S608  all parts are constants
"""Erases the dead letters of records that named the account, or a user that joined it, and never became a thought.

A deletion of a thought erases those that named the thought. The index of refused records is read as a whole."""

CLOSE_ACCOUNT: Final = text("""
    WITH closed AS (
      UPDATE users SET deleted_at = COALESCE(deleted_at, now()), email = NULL, password_hash = NULL, is_admin = false,
                       profile = '{}', profile_version = profile_version + 1
       WHERE id = :user AND last_turn = :turn RETURNING id, deleted_at = now() AS is_first),
    joined AS (
      UPDATE users SET profile = '{}', profile_version = profile_version + 1
        FROM closed WHERE account_id = closed.id RETURNING users.id),
    owners AS (SELECT id FROM closed UNION ALL SELECT id FROM joined),
    profiles AS (DELETE FROM former_profiles o USING owners WHERE o.user_id = owners.id),
    browsers AS (DELETE FROM sign_ins o USING owners WHERE o.user_id = owners.id),
    links AS (DELETE FROM password_resets o USING owners WHERE o.user_id = owners.id),
    tokens AS (DELETE FROM api_tokens o USING owners WHERE o.user_id = owners.id),
    hooks AS (DELETE FROM webhooks o USING owners WHERE o.user_id = owners.id),
    erased AS (
      UPDATE security_events o SET address = '', details = '{}'
        FROM owners WHERE o.user_id = owners.id AND o.kind <> 'account-deleted'),
    logged AS (
      INSERT INTO security_events (user_id, kind, details)
      SELECT id, 'account-deleted', CAST(:details AS jsonb) FROM closed WHERE is_first)
    SELECT is_first FROM closed
""")
"""Erases all that an account is besides its thoughts: name, password, profiles, sign-ins, links, tokens, webhooks and
addresses. The security log says so in the same statement, so that a process that is killed loses no event.

It does nothing when the account got a thought since its turn was read: that one must be erased first. A repeat after a
lost answer adds no second event. ACCEPT updates the same row, so of the two one comes after the other. Statements that
write something else for an account lock its row and check `deleted_at`. One that had the lock when this statement
began has written a row that this statement does not see; a second execution does, and no further row can follow."""


def delete_account(database: Database, user_id: UUID, *, by: str | None = None) -> list[UUID]:
    """Delete an account and return the users whose history in Redis must go too: itself, and those that joined it.

    `by` is who did it, for the security log, if not the person. The call may be repeated. Raises SQLAlchemyError when
    PostgreSQL is unavailable; the owner can then repeat it.
    """
    while True:
        owners = database.rows(OWNERS, user=user_id)
        for owner in owners:
            _erase_thoughts(database, owner.id)
        database.rows(ERASE_REFUSED_RECORDS, user=user_id)
        if not owners or _close(database, user_id, owners[0].last_turn, {"by": by} if by else {}):
            return [owner.id for owner in owners]


def _close(database: Database, user_id: UUID, turn: int, details: Mapping[str, str]) -> bool:
    """Close the account; return False when it got a thought after this turn."""
    values = {"user": user_id, "turn": turn, "details": json.dumps(details)}
    closed = database.row(CLOSE_ACCOUNT, **values)
    if closed is None:
        return False
    if closed.is_first:
        log.info("Security event: %s", "account-deleted", extra={"user_id": user_id, "address": ""})
    database.rows(CLOSE_ACCOUNT, **values)
    return True


def _erase_thoughts(database: Database, user_id: UUID) -> None:
    for thought_id in _thoughts(database, user_id):
        deletion.delete(database, thought_id)


def _thoughts(database: Database, user_id: UUID) -> Iterator[UUID]:
    position = {"at": None, "id": None}
    while rows := database.rows(THOUGHTS_AFTER, user=user_id, limit=PAGE_LENGTH, **position):
        yield from (row.id for row in rows)
        position = {"at": rows[-1].created_at, "id": rows[-1].id}
