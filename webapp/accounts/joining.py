"""Moves the thoughts of an anonymous user to the account that signs in with the same browser.

The open thoughts go to the end of the account's line, in their order, as after a replay: each gets a new turn, and the
statement writes a record for it. `docs/protocol.md` says what happens to a thought that is being processed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from contracts.accept import EVENT_OF_ACCOUNT
from contracts.database import Database
from contracts.retry import retry
from webapp.users import INSERT_USER

RETRY_TIMEOUT_SECONDS: Final = 3.0
"""No new attempt starts after this."""

RETRY_DELAYS: Final[Sequence[float]] = (0.1, 0.4, 1.0)

MAX_TRIES: Final = 10
"""How often JOIN_ACCOUNT is executed while other statements give turns to one of the two users."""

JOIN_ACCOUNT: Final = text(f"""
    WITH seen AS MATERIALIZED (
      SELECT a.id AS anonymous, a.last_turn AS anonymous_turn, b.id AS account, b.last_turn AS account_turn,
             a.account_id IS NULL AND a.is_anonymous AND NOT b.is_anonymous AND b.deleted_at IS NULL AS may_join,
             EXISTS (SELECT FROM thoughts WHERE user_id = b.id AND finished_at IS NULL) AS has_line
        FROM users a JOIN users b ON b.id = :account WHERE a.id = :anonymous),
    locked AS MATERIALIZED (
      SELECT users.id, users.profile, users.profile_version
        FROM seen JOIN users ON users.id IN (seen.anonymous, seen.account)
       WHERE seen.may_join AND users.account_id IS NULL AND users.deleted_at IS NULL
         AND users.is_anonymous = (users.id = seen.anonymous)
         AND users.last_turn = CASE WHEN users.id = seen.anonymous THEN seen.anonymous_turn ELSE seen.account_turn END
       ORDER BY users.id FOR NO KEY UPDATE OF users),
    pair AS MATERIALIZED (
      SELECT seen.*, GREATEST(anonymous_turn, account_turn) AS last_turn, a.profile_version AS anonymous_version,
             a.profile AS anonymous_profile, b.profile AS old_profile,
             b.profile_version = 0 AND a.profile <> b.profile AS takes_profile
        FROM seen JOIN locked a ON a.id = seen.anonymous JOIN locked b ON b.id = seen.account),
    mine AS MATERIALIZED (
      SELECT t.id, t.turn, t.finished_at IS NULL AS is_open
        FROM pair JOIN thoughts t ON t.user_id = pair.anonymous ORDER BY t.id FOR UPDATE OF t),
    line AS MATERIALIZED (
      SELECT id, pair.last_turn + row_number() OVER (ORDER BY mine.turn) AS turn,
             NOT pair.has_line AND row_number() OVER (ORDER BY mine.turn) = 1 AS is_head
        FROM mine, pair WHERE mine.is_open),
    ended AS (
      UPDATE thoughts
         SET user_id = pair.account, profile_of = pair.anonymous,
             event = CASE WHEN status = 'failed'
                          THEN (SELECT {EVENT_OF_ACCOUNT} FROM (SELECT thoughts.*, pair.account) t)
                          ELSE event END
        FROM mine, pair WHERE thoughts.id = mine.id AND NOT mine.is_open),
    moved AS (
      UPDATE thoughts
         SET user_id = pair.account, turn = line.turn,
             profile_of = CASE WHEN started_at IS NOT NULL OR steps_done > 0 OR pair.anonymous_version > 0
                               THEN pair.anonymous END,
             event = (SELECT {EVENT_OF_ACCOUNT} FROM (SELECT thoughts.*, pair.account) t),
             status = CASE WHEN call_id IS NULL AND NOT line.is_head THEN 'pending' ELSE status END,
             started_at = CASE WHEN status = 'processing' AND line.is_head THEN clock_timestamp() END,
             beat = beat + 1, beat_at = clock_timestamp(),
             emitted_at = CASE WHEN :emit THEN now() END, emissions = 0
        FROM line, pair WHERE thoughts.id = line.id
      RETURNING thoughts.user_id, thoughts.turn, thoughts.event, thoughts.headers),
    o AS (
      INSERT INTO outbox (topic, key, turn, value, headers)
      SELECT CAST(:topic AS text), user_id::text, turn, event, headers FROM moved WHERE :emit ORDER BY turn),
    former AS (
      INSERT INTO former_profiles (user_id, version, profile, replaced_at)
      SELECT account, 0, old_profile, clock_timestamp() FROM pair WHERE takes_profile),
    account AS (
      UPDATE users
         SET last_turn = pair.last_turn + GREATEST(1, (SELECT count(*) FROM line)),
             profile = CASE WHEN takes_profile THEN anonymous_profile ELSE profile END,
             profile_version = profile_version + takes_profile::int
        FROM pair WHERE users.id = pair.account),
    counted AS (SELECT account, (SELECT count(*) FROM mine) AS thoughts FROM pair),
    logged AS (
      INSERT INTO security_events (user_id, kind, address, details)
      SELECT account, 'thoughts-joined', CAST(:address AS text), jsonb_build_object('thoughts', thoughts)
        FROM counted WHERE thoughts > 0),
    anonymous AS (UPDATE users SET account_id = pair.account FROM pair WHERE users.id = pair.anonymous)
    SELECT EXISTS (SELECT FROM pair) AS joined, may_join FROM seen
""")  # noqa: S608  all parts are constants
"""Lets an anonymous user join an account: all its thoughts are the account's from then on. Once, and to one account.

The guards are `account_id` and `last_turn` of both users, read under the locks of their rows. A thought that was
accepted, replayed or moved since the snapshot was taken has raised `last_turn`: then nothing changes, and the statement
is repeated (`may_join` without `joined`). ACCEPT reads `account_id` under the same lock, so no thought stays behind.
The account's `last_turn` rises even if all thoughts are finished, so that a deletion of the account that began before
reads its thoughts again.

New turns are larger than every former turn of both lines. So a failure id, an event's id and Decide's comparison of a
head's turn never mistake one line's turn for the other's, and the audit can tell them apart.

The head of the anonymous user's line goes on without a pause when the account's line is empty: it is the head there.
Otherwise it waits for its new turn; a call in progress goes on and saves its result (SAVE, RETRY and DEFER then leave
the thought pending, because `started_at` is NULL). `profile_of` keeps the profile that its first steps have seen, or
with which it was written; an account without a profile takes that of the anonymous user.

Finished thoughts keep their turns, which name their dead letters. The account's security log says how many thoughts
were moved, in the same statement, so that a lost answer loses no event. contracts/outbox.py: the outbox rows."""

MOVE_LATE_VECTORS: Final = text("""
    UPDATE thought_vectors v SET user_id = t.user_id FROM thoughts t
     WHERE v.user_id = :anonymous AND t.id = v.thought_id AND t.user_id <> v.user_id
""")
"""Moves the vectors after the thoughts: JOIN_ACCOUNT would not see one that was just being stored."""


class LinesChangedError(SQLAlchemyError):
    """Raised when the lines of the two users changed during each execution of JOIN_ACCOUNT; nothing was moved."""


def join(database: Database, anonymous: UUID, account: UUID, address: str = "", *, topic: str, emit: bool) -> None:
    """Move all thoughts of the anonymous user to the account, if it has not joined one. Repeating it is harmless.

    `address` is the client's, for the security log. `emit` also writes outbox rows for `topic`. A user that is not
    stored yet joins too, because its first thought may be on its way. Raises SQLAlchemyError when PostgreSQL stays
    unavailable during the retries.
    """
    options = {"address": address, "topic": topic, "emit": emit}
    retry(
        lambda: _join(database, {"anonymous": anonymous, "account": account, **options}),
        errors=SQLAlchemyError,
        is_transient=lambda _: True,
        delays=RETRY_DELAYS,
        timeout=RETRY_TIMEOUT_SECONDS,
        on_retry=lambda *_: None,
    )


def _join(database: Database, values: Mapping[str, Any]) -> None:
    if not _move(database, values):
        database.rows(INSERT_USER, id=values["anonymous"])
        _move(database, values)
    database.rows(MOVE_LATE_VECTORS, anonymous=values["anonymous"])


def _move(database: Database, values: Mapping[str, Any]) -> bool:
    """Return whether both users are stored. Raises LinesChangedError."""
    for _ in range(MAX_TRIES):
        row = database.row(JOIN_ACCOUNT, **values)
        if row is None or row.joined or not row.may_join:
            return row is not None
    raise LinesChangedError("other requests kept changing the lines of the two users")
