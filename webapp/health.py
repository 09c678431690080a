"""GET /health: can thoughts be accepted, and does everything behind run?

Without PostgreSQL nothing can be accepted: *down*, 503. Without Redis or Kafka thoughts are accepted and wait:
*degraded*, 200.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import Any

from flask import Blueprint, Response, jsonify
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from webapp.services import Services, services

blueprint = Blueprint("health", __name__)

CHECK_SECONDS = 2.0

Check = Callable[[], object]


@blueprint.get("/health")
def health() -> tuple[Response, int]:
    """`latency_ms` is null where a check failed; Kafka that is switched off is fine and `disabled`."""
    checks = run_checks(services())
    status = overall(checks)
    return jsonify(status=status, checks=checks), 503 if status == "down" else 200


def overall(checks: dict[str, dict[str, Any]]) -> str:
    """One word for all checks: ok, degraded or down."""
    if not checks["postgres"]["ok"]:
        return "down"
    return "ok" if all(check["ok"] for check in checks.values()) else "degraded"


def run_checks(parts: Services) -> dict[str, dict[str, Any]]:
    """Ask all three at once, each with a bounded patience."""
    asked: dict[str, Check] = {
        "postgres": lambda: parts.database.rows(text("SELECT 1")),
        "redis": parts.redis.ping,
    }
    if parts.settings.kafka_enabled:
        asked["kafka"] = parts.kafka_probe.check
    pool = ThreadPoolExecutor(len(asked), thread_name_prefix="health")
    deadline = time.monotonic() + CHECK_SECONDS
    running = {name: pool.submit(_timed, check) for name, check in asked.items()}
    checks = {name: _result(future, deadline) for name, future in running.items()}
    pool.shutdown(wait=False)
    checks.setdefault("kafka", {"ok": True, "latency_ms": None, "disabled": True})
    return checks


def _timed(check: Check) -> float:
    begun = time.monotonic()
    check()
    return round((time.monotonic() - begun) * 1000, 2)


def _result(running: "Future[float]", deadline: float) -> dict[str, Any]:
    """The error is named by its class alone: its text may hold addresses."""
    try:
        return {"ok": True, "latency_ms": running.result(max(0.0, deadline - time.monotonic()))}
    except (SQLAlchemyError, RedisError, OSError, NotInTime) as away:
        return {"ok": False, "latency_ms": None, "error": type(away).__name__}
