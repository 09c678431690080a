"""Accept: a thought gets its row, its turn in its author's line and its outbox row in one statement.

The web accepts what a person wrote; the bridge accepts what another producer wrote to the work topic. The user's row
lock makes the order of turns the order of commits.
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
    t AS (INSERT INTO thoughts (id, user_id, turn, text, event, headers, emitted_at)
          SELECT CAST(:id AS uuid), u.id, u.last_turn, CAST(:text AS text), CAST(:event AS bytea),
                 CAST(:headers AS jsonb), CASE WHEN :emit THEN now() END
            FROM u ON CONFLICT (id) DO NOTHING RETURNING user_id, turn, event, headers),
    o AS (INSERT INTO outbox (topic, key, turn, value, headers)
          SELECT CAST(:topic AS text), user_id::text, turn, event, headers FROM t WHERE :emit)
    SELECT EXISTS (SELECT FROM users WHERE id = :user) AS user_known,
           COALESCE((SELECT turn FROM t), (SELECT turn FROM old)) AS turn,
           (SELECT user_id FROM old) AS owner, (SELECT text FROM old) AS old_text,
           EXISTS (SELECT FROM t) AS fresh
""")

"""Its outbox row: contracts/outbox.py."""

MAX_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Accepted:
    """What Accept found. `turn` is None when the user is unknown; `owner` and `old_text` are of a thought that was
    there before, and "" is the text of a deleted one; `fresh` says that this call stored it."""

    user_known: bool
    turn: int | None
    existing_owner: UUID | None
    existing_text: str | None
    created: bool

    def belongs_to_another(self, user_id: UUID) -> bool:
        """Whether the id belongs to another user's thought."""
        return self.existing_owner is not None and self.existing_owner != user_id


def accept_parameters(
    thought_id: UUID,
    user_id: UUID,
    text: str,
    event: bytes,
    topic: str,
    *,
    emit: bool,
    headers: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What ACCEPT is asked with."""
    headers_json = None if headers is None else json.dumps(headers)
    columns = {"id": thought_id, "user": user_id, "text": text, "event": event, "headers": headers_json}
    return columns | {"topic": topic, "emit": emit}


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
) -> Accepted:
    """Store a thought once; the same id again finds the first. `emit` also writes the outbox row for `topic`.

    `headers` is the object of `contracts.source_headers.foreign`, for a thought that came with headers of its own.
    Raises SQLAlchemyError when PostgreSQL is unavailable or refuses; the call may be repeated with the same id.
    """
    parameters = accept_parameters(thought_id, user_id, text, event, topic, emit=emit, headers=headers)
    for _ in range(MAX_TRIES):
        row = database.rows(ACCEPT, **parameters)[0]
        accepted = Accepted(row.user_known, row.turn, row.owner, row.old_text, row.fresh)
        if accepted.turn is not None or not accepted.user_known:
            break
    return accepted
