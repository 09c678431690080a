"""GET /health and GET /health/ready, and addresses at which no server answers."""

from contextlib import suppress
from typing import Any

from flask import Flask

from tests.eventually import eventually

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


def wait_for_failed_checks(app: Flask, *names: str) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the JSON of GET /health/ready, once exactly these checks fail.

    Others may fail at first, because a check takes longer than it may while the machine is busy.
    """
    answers: list[tuple[int, dict[str, Any], set[str]]] = []

    def is_as_expected() -> bool:
        answers.append(get_ready(app))
        return answers[-1][2] == {*names}

    with suppress(AssertionError):
        eventually(is_as_expected)
    status, body, failed = answers[-1]
    assert failed == {*names}, body["problems"]
    return status, body
