"""Deletes an account with everything in it. Its row stays, without a name: the tombstones of its thoughts refer to it.

The thoughts are erased first, while the account still exists, and the account last. So a deletion that was interrupted
can be repeated by its owner, and nothing is left without one.
"""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from webapp import deletion

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

CLOSE_ACCOUNT: Final = text("""
    WITH closed AS (
      UPDATE users SET deleted_at = COALESCE(deleted_at, now()), email = NULL, password_hash = NULL, is_admin = false,
                       profile = '{}', profile_version = profile_version + 1
       WHERE id = :user AND last_turn = :turn RETURNING id),
    joined AS (
      UPDATE users SET profile = '{}', profile_version = profile_version + 1
        FROM closed WHERE account_id = closed.id RETURNING users.id),
    owners AS (SELECT id FROM closed UNION ALL SELECT id FROM joined),
    profiles AS (DELETE FROM former_profiles o USING owners WHERE o.user_id = owners.id),
    browsers AS (DELETE FROM sign_ins o USING owners WHERE o.user_id = owners.id),
    links AS (DELETE FROM password_resets o USING owners WHERE o.user_id = owners.id),
    tokens AS (DELETE FROM api_tokens o USING owners WHERE o.user_id = owners.id),
    hooks AS (DELETE FROM webhooks o USING owners WHERE o.user_id = owners.id),
    log AS (UPDATE security_events o SET address = '', details = '{}' FROM owners WHERE o.user_id = owners.id)
    SELECT id FROM closed
""")
"""Erases all that an account is besides its thoughts: name, password, profiles, sign-ins, links, tokens, webhooks and
addresses.

It does nothing when the account got a thought since its turn was read: that one must be erased first. A repeat after a
lost answer erases nothing more. ACCEPT updates the same row, so of the two one comes after the other."""


def delete_account(database: Database, user_id: UUID) -> list[UUID]:
    """Delete an account and return the users whose history in Redis must go too: itself, and those that joined it.

    It may be repeated. Raises SQLAlchemyError when PostgreSQL is unavailable; the owner can then repeat it.
    """
    while True:
        owners = database.rows(OWNERS, user=user_id)
        for owner in owners:
            _erase_thoughts(database, owner.id)
        if not owners or database.rows(CLOSE_ACCOUNT, user=user_id, turn=owners[0].last_turn):
            return [owner.id for owner in owners]


def _erase_thoughts(database: Database, user_id: UUID) -> None:
    for thought_id in _thoughts(database, user_id):
        deletion.delete(database, thought_id)


def _thoughts(database: Database, user_id: UUID) -> Iterator[UUID]:
    position = {"at": None, "id": None}
    while rows := database.rows(THOUGHTS_AFTER, user=user_id, limit=PAGE_LENGTH, **position):
        yield from (row.id for row in rows)
        position = {"at": rows[-1].created_at, "id": rows[-1].id}
