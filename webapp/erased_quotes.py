"""Erases what the results of other thoughts quote from a deleted one."""

import json
from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from agents.evidence import fold
from contracts.database import Database

READERS: Final = text("""
    SELECT r.thought_id, r.step, r.output,
           ARRAY(SELECT e.text FROM unnest(r.earlier_thoughts) AS was_read (id) JOIN thoughts e ON e.id = was_read.id
                  WHERE e.user_id = gone.user_id AND e.status <> 'deleted') AS texts
      FROM thoughts gone JOIN thoughts t ON t.user_id = gone.user_id
      JOIN agent_runs r ON r.thought_id = t.id AND r.earlier_thoughts @> ARRAY[gone.id]
     WHERE gone.id = :id AND gone.status = 'deleted'
""")
"""The results of the same user whose agents read a deleted thought, and the texts that they read and that still exist.

It reads the thoughts of one user by their index."""

REPLACE_OUTPUT: Final = text("""
    UPDATE agent_runs SET output = CAST(:output AS jsonb) WHERE thought_id = :id AND step = :step
""")
"""Replaces a saved result by one that says less; no row when it was deleted meanwhile. Repeating it is harmless."""


def erase_quotes(database: Database, thought_id: UUID) -> None:
    """Leave the claims out of other results whose quotes are in no earlier thought but the deleted one.

    Raises SQLAlchemyError; the call may be repeated.
    """
    for run in database.rows(READERS, id=thought_id):
        kept = _without_quotes(run.output, [fold(one) for one in run.texts])
        if kept != run.output:
            database.rows(REPLACE_OUTPUT, id=run.thought_id, step=run.step, output=json.dumps(kept))


def _without_quotes(value: Any, texts: Collection[str]) -> Any:
    """Return a part of an output without the claims and evidence of earlier thoughts that no text contains."""
    if isinstance(value, Mapping):
        return {name: _without_quotes(item, texts) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_quotes(item, texts) for item in value if not _is_erased(item, texts)]
    return value


def _is_erased(item: Any, texts: Collection[str]) -> bool:
    if not isinstance(item, Mapping) or item.get("source") != "earlier_thought":
        return False
    quote = fold(str(item.get("quote", "")))
    return not any(quote in one for one in texts)
