"""Dead-letters a record that cannot become a thought: a row in the index and a record in the dead letter topic."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import text

from contracts.database import Database
from contracts.text import clean

INSERT_DEAD_LETTER: Final = text("""
    WITH d AS (INSERT INTO dead_letters (failure_id, reason, value, headers)
               VALUES (:failure, :reason, CAST(:value AS bytea), CAST(:headers AS jsonb))
               ON CONFLICT (failure_id) DO NOTHING RETURNING failure_id, value, headers)
    INSERT INTO outbox (topic, failure_id, value, headers)
    SELECT CAST(:topic AS text), failure_id, value, headers FROM d
""")
"""Stores a dead letter and its outbox row (contracts/outbox.py), unless the failure id is known."""


def insert_dead_letter(
    database: Database, *, failure_id: str, reason: str, value: bytes | None, headers: Mapping[str, Any], topic: str
) -> None:
    """Store a dead letter and its outbox row for `topic` in one statement; repeating the same id adds nothing.

    `headers` is the object of `contracts.dead_letters.failure_headers` with `origin` and `original_headers`.
    Raises SQLAlchemyError when PostgreSQL is unavailable; the call may be repeated.
    """
    stored = json.dumps(clean(dict(headers)))
    database.rows(INSERT_DEAD_LETTER, failure=failure_id, reason=reason, value=value, headers=stored, topic=topic)
