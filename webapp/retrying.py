"""Retries a failed or cancelled thought at its author's wish: the replay of its dead letter, from the failed step."""

from enum import Enum
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from contracts.replay import OPEN_OR_DISCARDED, replay_thought
from contracts.settings import Settings

WAS_RETRIED: Final = text("""
    SELECT EXISTS (SELECT FROM dead_letters WHERE thought_id = t.id AND replayed_turn = t.turn) AS was_retried
      FROM thoughts t WHERE t.id = :id AND t.finished_at IS NULL
""")
"""Says whether an open thought has its turn from a replay, so that a repeated retry finds what the first one did."""


class RetryOutcome(Enum):
    """What became of a retry."""

    RETRIED = "this call has given it a new turn"
    ALREADY_RETRIED = "a retry gave it a new turn before, and nothing was changed"
    NOT_FAILED = "it has not failed, and nothing was changed"
    NO_DEAD_LETTER = "its dead letter is missing, and nothing was changed"


def retry(database: Database, settings: Settings, thought_id: UUID, failed_turn: int | None) -> RetryOutcome:
    """Retry the thought that failed in this turn; `failed_turn` is None for a thought that is not failed.

    Repeating it changes nothing. Raises SQLAlchemyError when PostgreSQL is unavailable; the call may be repeated.
    """
    if failed_turn is None:
        row = database.row(WAS_RETRIED, id=thought_id)
        return RetryOutcome.ALREADY_RETRIED if row is not None and row.was_retried else RetryOutcome.NOT_FAILED
    row = replay_thought(database, settings, f"{thought_id}:{failed_turn}", OPEN_OR_DISCARDED)
    if row is None:
        return RetryOutcome.NO_DEAD_LETTER
    if row.turn is not None:
        return RetryOutcome.RETRIED
    return RetryOutcome.ALREADY_RETRIED if row.state == "replayed" else RetryOutcome.NOT_FAILED
