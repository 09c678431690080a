"""Requests that many tests make of the application."""

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient


def submit(client: FlaskClient, text: str = "a thought", user: UUID | None = None) -> UUID:
    """Submit a thought of the user, or of the client's cookie, and return its id."""
    body = {"text": text} | ({"user_id": str(user)} if user else {})
    return UUID((client.post("/thoughts", json=body).json or {})["id"])


def get_thought(client: FlaskClient, thought: UUID) -> dict[str, Any]:
    """Return the JSON of a thought."""
    response = client.get(f"/thoughts/{thought}")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    return response.json or {}
