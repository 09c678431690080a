"""Requests that many tests make of the application, and the runs that they read."""

import re
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from contracts.database import Database

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser(FlaskClient):
    """Sends the token of the page that it opened last with each form, as a browser does.

    With a cookie and no page it opens the first page: a person has opened one to see the form. A test that gives
    `csrf_token` among the fields sends that one.
    """

    token: str | None = None

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        fields = kwargs.get("data")
        if kwargs.get("method") == "POST" and isinstance(fields, dict):
            kwargs["data"] = self._token_field(kwargs.get("base_url")) | fields
        response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and (found := TOKEN.search(response.text)):
            self.token = found[1]
        return response

    def _token_field(self, base_url: str | None) -> dict[str, str]:
        if self.token is None and self._cookies:
            self.get("/", base_url=base_url)
        return {} if self.token is None else {"csrf_token": self.token}


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
