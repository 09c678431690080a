"""Accepts a thought: one statement writes its row, assigns its turn and writes its outbox row.

The web accepts what a person wrote; the bridge accepts what an external producer wrote to the work topic. The statement
holds the lock of the user's row, so the order of a user's turns is the order of the commits.

An anonymous user may have joined an account (`webapp/accounts/joining.py`). A request that names this user, because it
was on its way, is accepted for the account.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database

EVENT_OF_ACCOUNT: Final = """
    convert_to(CASE
      WHEN t.headers IS NULL
      THEN jsonb_set(convert_from(t.event, 'UTF8')::jsonb, '{user_id}', to_jsonb(t.account))
      ELSE jsonb_build_object(
             'version', 1, 'event_type', 'thought_created', 'event_id', t.id, 'user_id', t.account, 'thought_id', t.id,
             'timestamp', date_trunc('second', CASE WHEN isfinite(t.created_at) THEN t.created_at ELSE now() END),
             'text', t.text)
      END::text, 'UTF8')
"""
"""The event of the thought `t` in the name of `t.account`: a bridge accepts only events whose user is their key.

An event of the web keeps its other members. That of an external producer is written again, because it may have members
that PostgreSQL's JSON rejects, such as NaN."""

ACCEPT: Final = text(f"""
    WITH old AS (SELECT user_id, turn, text FROM thoughts WHERE id = :id),
    author AS (SELECT a.id FROM users a JOIN users b ON b.id = :user AND a.id = COALESCE(b.account_id, b.id)
                WHERE a.deleted_at IS NULL),
    u AS (UPDATE users SET last_turn = last_turn + 1 FROM author
           WHERE users.id = author.id AND users.account_id IS NULL AND users.deleted_at IS NULL
             AND NOT EXISTS (SELECT FROM old)
          RETURNING users.id AS account, last_turn, users.id <> :user AS has_joined),
    t AS (INSERT INTO thoughts (id, user_id, turn, text, event, headers, fresh, emitted_at)
          SELECT t.id, t.account, t.last_turn, t.text, CASE WHEN t.has_joined THEN {EVENT_OF_ACCOUNT} ELSE t.event END,
                 t.headers, CAST(:fresh AS boolean),
                 CASE WHEN :emit OR (t.has_joined AND t.headers IS NOT NULL) THEN now() END
            FROM (SELECT u.*, CAST(:id AS uuid) AS id, CAST(:text AS text) AS text, CAST(:event AS bytea) AS event,
                         CAST(:headers AS jsonb) AS headers, now() AS created_at FROM u) t
              ON CONFLICT (id) DO NOTHING RETURNING user_id, turn, event, headers, emitted_at),
    o AS (INSERT INTO outbox (topic, key, turn, value, headers)
          SELECT CAST(:topic AS text), user_id::text, turn, event, headers FROM t WHERE emitted_at IS NOT NULL)
    SELECT EXISTS (SELECT FROM author) OR EXISTS (SELECT FROM old) AS user_known, (SELECT id FROM author) AS author,
           COALESCE((SELECT turn FROM t), (SELECT turn FROM old)) AS turn,
           (SELECT CASE WHEN user_id = author.id THEN :user ELSE user_id END
              FROM old LEFT JOIN author ON true) AS owner,
           (SELECT text FROM old) AS old_text, EXISTS (SELECT FROM t) AS created
""")  # noqa: S608  all parts are constants
"""Stores a thought of :user, or of the account that this user has joined. contracts/outbox.py describes its outbox row.

A thought of an external producer has that producer's record, and so no outbox row; when its user has joined an account,
the record is of another line, and the outbox row is written. A join that commits while this statement waits for the
row lock makes it store nothing, because `account_id` is read again: the repeat finds the account. A deletion of the
account does the same, and the repeat finds no user. `owner` is :user also when the thought belongs to the account."""

MAX_TRIES: Final = 5
"""How often ACCEPT is executed before `accept` returns without a turn.

A repeat is needed only when another transaction inserts the same id, or lets the user join an account, at the same
moment, or the account is deleted: the statement's snapshot does not show that yet, and the next execution does.
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer of ACCEPT."""

    user_known: bool
    """Whether the user exists and has not deleted the account, or the thought is known from before."""
    turn: int | None
    """The thought's position in its user's line; None when nothing was stored."""
    existing_owner: UUID | None
    """The user of the thought that already had this id; None when there was none. A thought of the account that the
    user has joined counts as the user's own."""
    existing_text: str | None
    """The text of that thought; "" when it was deleted."""
    created: bool
    """Whether this execution stored the thought."""
    author: UUID | None = None
    """The user whose line the thought is in: the account that the user has joined, or the user."""

    @property
    def was_deleted(self) -> bool:
        """Whether the thought with this id was deleted: only such a thought has an empty text."""
        return self.existing_text == ""

    def contradicts(self, user_id: UUID, text: str) -> bool:
        """Return whether the id already belongs to a thought of another user, or with another text.

        A deleted thought has no text to compare.
        """
        is_another_users = self.existing_owner is not None and self.existing_owner != user_id
        has_other_text = self.existing_text is not None and not self.was_deleted and self.existing_text != text
        return is_another_users or has_other_text


def accept_parameters(
    thought_id: UUID,
    user_id: UUID,
    text: str,
    event: bytes,
    topic: str,
    *,
    emit: bool,
    headers: Mapping[str, Any] | None = None,
    fresh: bool = False,
) -> dict[str, Any]:
    """Return the parameters of ACCEPT."""
    headers_json = None if headers is None else json.dumps(headers)
    columns = {"id": thought_id, "user": user_id, "text": text, "event": event, "headers": headers_json}
    return columns | {"topic": topic, "emit": emit, "fresh": fresh}


def accept(
    database: Database,
    *,
    thought_id: UUID,
    user_id: UUID,
    text: str,
    event: bytes,
    topic: str,
    emit: bool,
    headers: Mapping[str, Any] | None = None,
    fresh: bool = False,
) -> Accepted:
    """Store a thought once; a second call with the same id returns the thought that the first one stored.

    `event` is the event's JSON as bytes. `emit` also writes the outbox row for `topic`. `headers` is the object that
    `contracts.source_headers.capture_source` returns for an external producer's record. `fresh` asks for an analysis of
    its own, although the results of an equal thought could be reused.
    Raises SQLAlchemyError when PostgreSQL is unavailable or rejects the data. The call may be repeated.
    """
    parameters = accept_parameters(thought_id, user_id, text, event, topic, emit=emit, headers=headers, fresh=fresh)
    for _ in range(MAX_TRIES):
        row = database.rows(ACCEPT, **parameters)[0]
        accepted = Accepted(row.user_known, row.turn, row.owner, row.old_text, row.created, row.author)
        if accepted.turn is not None or not accepted.user_known:
            break
    return accepted
