"""Requests that many tests make of the application, and the runs that they read."""

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database


def submit(client: FlaskClient, text: str = "a thought", user: UUID | None = None) -> UUID:
    """Submit a thought of the user, or of the client's cookie, and return its id."""
    body = {"text": text} | ({"user_id": str(user)} if user else {})
    return UUID((client.post("/thoughts", json=body).json or {})["id"])


def get_thought(client: FlaskClient, thought: UUID) -> dict[str, Any]:
    """Return the JSON of a thought."""
    response = client.get(f"/thoughts/{thought}")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    return response.json or {}


def set_run(database: Database, thought: UUID, step: int, assignments: str) -> None:
    """Set columns of a saved run, as a provider that calls a model would have filled them."""
    statement = f"UPDATE agent_runs SET {assignments} WHERE thought_id = :thought AND step = :step"
    database.rows(text(statement), thought=thought, step=step)
