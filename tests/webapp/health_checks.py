"""GET /health and GET /health/ready, and addresses at which no server answers."""

from typing import Any

from flask import Flask

UNREACHABLE = {
    "database_url": "postgresql+psycopg2://thoughts@127.0.0.1:9/thoughts",
    "redis_url": "redis://127.0.0.1:9/0",
    "kafka_bootstrap_servers": "127.0.0.1:9",
}
"""Settings with the address of no server."""


def get_ready(app: Flask) -> tuple[int, dict[str, Any], set[str]]:
    """Return the HTTP status, the JSON and the names of the failed checks of GET /health/ready."""
    response = app.test_client().get("/health/ready")
    body = response.json or {}
    return response.status_code, body, {name for name, check in body["checks"].items() if not check["ok"]}
