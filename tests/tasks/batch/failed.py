"""Makes thoughts of a batch fail."""

from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from tests.bridge.thoughts import finish_thought


def fail_thought(database: Database, thought: UUID) -> None:
    """Make a thought terminal with a dead letter."""
    finish_thought(database, thought, "failed")
    statement = (
        "INSERT INTO dead_letters (failure_id, thought_id, reason, headers) VALUES (:id, :thought, 'lost', '{}')"
    )
    database.rows(text(statement), id=f"{thought}:1", thought=thought)
