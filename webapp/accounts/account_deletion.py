"""Deletes an account with everything in it. Its row stays, without a name: the tombstones of its thoughts refer to it.

The thoughts are erased first, while the account still exists, and the account last. So a deletion that was interrupted
can be repeated by its owner, and nothing is left without one.

It ends although somebody keeps submitting thoughts: other programs and browsers lose their access first, a thought is
erased by one pass only, and there are at most MAX_PASSES.
"""

import json
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from webapp import deletion
from webapp.accounts import security_events

PAGE_LENGTH: Final = 200

MAX_PASSES: Final = 20
"""How often a deletion looks for thoughts that were accepted or moved to the account during the pass before."""

STILL_GROWING: Final = (
    "New thoughts kept arriving in this account, so it is not closed yet. Its earlier thoughts are erased, its API "
    "tokens deleted, and its other browsers signed out. Stop the programs and close the windows that still submit "
    "thoughts for it, then delete the account again."
)
ALREADY_RUNNING: Final = (
    "Another request is deleting this account at the moment. Wait until that one has ended; if the account is still "
    "there then, delete it again."
)

END_OTHER_ACCESS: Final = text("""
    WITH tokens AS (DELETE FROM api_tokens WHERE user_id = :user),
    links AS (DELETE FROM password_resets WHERE user_id = :user)
    DELETE FROM sign_ins WHERE user_id = :user AND id IS DISTINCT FROM CAST(:kept AS uuid)
""")
"""Ends the tokens, the links and all sign-ins of an account except one, so that nobody else submits thoughts for it.

The sign-in that asked for the deletion stays: it may have to repeat it. Repeating the statement is harmless."""

OWNERS: Final = text("""
    SELECT id, last_turn FROM users WHERE id = :user UNION ALL SELECT id, last_turn FROM users WHERE account_id = :user
""")
"""The account, first, and the anonymous users that joined it."""

THOUGHTS_AFTER: Final = text("""
    SELECT id, created_at FROM thoughts
     WHERE user_id = :user AND (turn > :turn OR profile_of = ANY (CAST(:joined AS uuid[])))
       AND (CAST(:at AS timestamptz) IS NULL OR (created_at, id) > (CAST(:at AS timestamptz), CAST(:id AS uuid)))
     ORDER BY created_at, id LIMIT :limit
""")
"""A page of a user's thoughts after a turn, the deleted ones included: an interrupted deletion may have left results of
them. Those of the anonymous users in `joined` are included whatever their turns, because a finished thought keeps its
turn when it is moved to an account."""

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


class UnfinishedDeletionError(Exception):
    """Raised when an account was not closed. The message says to its owner why, and what to do before a repeat."""


_running: Final[set[UUID]] = set()
"""The accounts that this process is deleting."""

_lock: Final = threading.Lock()


def delete_account(
    database: Database, user_id: UUID, *, by: str | None = None, kept_sign_in: UUID | None = None
) -> list[UUID]:
    """Delete an account and return the users whose history in Redis must go too: itself, and those that joined it.

    `by` is who did it, for the security log, if not the person. `kept_sign_in` is the sign-in that asks for it, which
    lasts until the account is closed. The call may be repeated. Raises UnfinishedDeletionError when thoughts keep
    arriving or this process is deleting the account already, and SQLAlchemyError when PostgreSQL is unavailable; the
    owner can then repeat it.
    """
    with _only_one(user_id):
        return _delete(database, user_id, by, kept_sign_in)


@contextmanager
def _only_one(user_id: UUID) -> Iterator[None]:
    """Refuse a second deletion of the account in this process: several would use up its connections to PostgreSQL."""
    with _lock:
        if user_id in _running:
            raise UnfinishedDeletionError(ALREADY_RUNNING)
        _running.add(user_id)
    try:
        yield
    finally:
        _running.discard(user_id)


def _delete(database: Database, user_id: UUID, by: str | None, kept_sign_in: UUID | None) -> list[UUID]:
    """Erase all thoughts in the first pass, and in each later one those that came since the pass before began."""
    last_turn, known = -1, frozenset[UUID]()
    for _ in range(MAX_PASSES):
        database.rows(END_OTHER_ACCESS, user=user_id, kept=kept_sign_in)
        owners = database.rows(OWNERS, user=user_id)
        ids = [owner.id for owner in owners]
        joined = [owner_id for owner_id in ids if owner_id not in known]
        for owner_id in {*ids[:1], *joined}:
            _erase_thoughts(database, owner_id, last_turn, joined)
        database.rows(ERASE_REFUSED_RECORDS, user=user_id)
        if not owners or _close(database, user_id, owners[0].last_turn, {"by": by} if by else {}):
            return ids
        last_turn, known = owners[0].last_turn, frozenset(ids)
    raise UnfinishedDeletionError(STILL_GROWING)


def _close(database: Database, user_id: UUID, turn: int, details: Mapping[str, str]) -> bool:
    """Close the account; return False when it got a thought after this turn."""
    values = {"user": user_id, "turn": turn, "details": json.dumps(details)}
    closed = database.row(CLOSE_ACCOUNT, **values)
    if closed is None:
        return False
    if closed.is_first:
        security_events.log_event("account-deleted", user_id, "")
    database.rows(CLOSE_ACCOUNT, **values)
    return True


def _erase_thoughts(database: Database, user_id: UUID, after_turn: int, joined: Collection[UUID]) -> None:
    for thought_id in _thoughts(database, user_id, after_turn, joined):
        deletion.delete(database, thought_id)


def _thoughts(database: Database, user_id: UUID, after_turn: int, joined: Collection[UUID]) -> Iterator[UUID]:
    chosen = {"user": user_id, "turn": after_turn, "joined": list(joined)}
    position = {"at": None, "id": None}
    while rows := database.rows(THOUGHTS_AFTER, **chosen, limit=PAGE_LENGTH, **position):
        yield from (row.id for row in rows)
        position = {"at": rows[-1].created_at, "id": rows[-1].id}
