"""Accepts a thought: one statement writes its row, assigns its turn and writes its outbox row.

The web accepts what a person wrote; the bridge accepts what an external producer wrote to the work topic. The statement
holds the lock of the user's row, so the order of a user's turns is the order of the commits.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database

ACCEPT: Final = text("""
    WITH old AS (SELECT user_id, turn, text FROM thoughts WHERE id = :id),
    u AS (UPDATE users SET last_turn = last_turn + 1
           WHERE id = :user AND NOT EXISTS (SELECT FROM old) RETURNING id, last_turn),
    t AS (INSERT INTO thoughts (id, user_id, turn, text, event, headers, fresh, emitted_at)
          SELECT CAST(:id AS uuid), u.id, u.last_turn, CAST(:text AS text), CAST(:event AS bytea),
                 CAST(:headers AS jsonb), CAST(:fresh AS boolean), CASE WHEN :emit THEN now() END
            FROM u ON CONFLICT (id) DO NOTHING RETURNING user_id, turn, event, headers),
    o AS (INSERT INTO outbox (topic, key, turn, value, headers)
          SELECT CAST(:topic AS text), user_id::text, turn, event, headers FROM t WHERE :emit)
    SELECT EXISTS (SELECT FROM users WHERE id = :user) AS user_known,
           COALESCE((SELECT turn FROM t), (SELECT turn FROM old)) AS turn,
           (SELECT user_id FROM old) AS owner, (SELECT text FROM old) AS old_text,
           EXISTS (SELECT FROM t) AS created
""")
"""The outbox row that it writes is described in contracts/outbox.py."""

MAX_TRIES: Final = 5
"""How often ACCEPT is executed before `accept` returns without a turn.

A repeat is needed only when another transaction inserts the same id at the same moment: the statement's snapshot does
not show that row yet, and the next execution does.
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer of ACCEPT."""

    user_known: bool
    turn: int | None
    """The thought's position in its user's line; None when the user is unknown."""
    existing_owner: UUID | None
    """The user of the thought that already had this id; None when there was none."""
    existing_text: str | None
    """The text of that thought; "" when it was deleted."""
    created: bool
    """Whether this execution stored the thought."""

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
        accepted = Accepted(row.user_known, row.turn, row.owner, row.old_text, row.created)
        if accepted.turn is not None or not accepted.user_known:
            break
    return accepted
