"""Finds the outcome of a replayed record, which a replay wrote to the work topic again.

The outcome of a replayed thought is in its own row: `DeadLetter.outcome`.
"""

import json
from typing import Final

from sqlalchemy import text

from bridge.dead_letters.queries import Contents, DeadLetter
from bridge.dead_letters.replay import replay_of_header
from contracts.database import Database
from contracts.events import InvalidEventError, ThoughtCreated, parse_created

REPLAY_OUTCOME: Final = text("""
    SELECT t.status, (SELECT a.failure_id FROM dead_letters a
                       WHERE a.headers->'original_headers' @> CAST(:replay_of AS jsonb)
                       ORDER BY a.created_at DESC LIMIT 1) AS failed_again
      FROM (SELECT 1) AS one LEFT JOIN thoughts t
        ON t.id = :thought AND t.user_id = (SELECT COALESCE(account_id, id) FROM users WHERE id = :user)
""")
"""The status of the thought that the record became, if any, and the dead letter of its next failure, if any."""


def replay_outcome(database: Database, letter: DeadLetter, contents: Contents) -> str:
    """Return the outcome as a phrase; empty for thoughts, and for records that were not replayed.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    if letter.thought_id is not None or letter.state != "replayed":
        return ""
    event = _event(contents.value)
    row = database.rows(
        REPLAY_OUTCOME,
        replay_of=json.dumps(replay_of_header(letter.failure_id)),
        thought=event and event.thought_id,
        user=event and event.user_id,
    )[0]
    if row.failed_again:
        return f"it failed again as {row.failed_again}"
    if event and row.status:
        return f"its thought {event.thought_id} is {row.status}"
    return "its record has not been processed yet"


def _event(value: bytes | None) -> ThoughtCreated | None:
    try:
        return parse_created(value)
    except InvalidEventError:
        return None
