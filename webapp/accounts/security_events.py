"""The security log: what happened to an account, for its owner and the administrators. It never holds a secret."""

import json
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database

Kind = Literal[
    "account-created", "signed-in", "sign-in-failed", "signed-out", "signed-out-everywhere", "password-changed",
    "email-changed", "reset-requested", "password-reset", "account-deleted", "thoughts-joined", "exported",
    "token-created", "token-deleted", "account-disabled", "account-enabled", "made-admin", "text-revealed",
]  # fmt: skip

INSERT_EVENT: Final = text("""
    INSERT INTO security_events (user_id, kind, address, details)
    VALUES (CAST(:user AS uuid), :kind, :address, CAST(:details AS jsonb))
""")
"""Adds an event; a repeat adds it again, which only the reader of the log sees."""


def record(database: Database, kind: Kind, user_id: UUID | None, address: str = "", **details: Any) -> None:
    """Add an event of an account. Raises SQLAlchemyError when PostgreSQL is unavailable."""
    database.rows(INSERT_EVENT, user=user_id, kind=kind, address=address, details=json.dumps(details))
