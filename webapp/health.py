"""GET /health: checks PostgreSQL, Redis, Kafka and the model services.

Without PostgreSQL the web accepts no thoughts: `down`, 503. Without Redis, Kafka or a model it accepts thoughts, which
wait: `degraded`, 200.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as CheckTimeoutError
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from contracts.model_state import read_states
from webapp.queries import PING
from webapp.serializers import isoformat_utc
from webapp.services import Services, services

blueprint = Blueprint("health", __name__)

CHECK_TIMEOUT_SECONDS = 2.0

Check = Callable[[], object]


@blueprint.get("/health")
def health() -> tuple[Response, int]:
    """Return the result of each check and one overall status.

    `latency_ms` is null when a check failed. When Kafka is switched off, its check is ok and `disabled`. The check
    `models` names the models that are unavailable; while Redis is, it is ok and `unknown`.
    """
    checks = _run_checks(services())
    status = _overall_status(checks)
    return jsonify(status=status, checks=checks), 503 if status == "down" else 200


def _overall_status(checks: dict[str, dict[str, Any]]) -> str:
    """Return `ok`, `degraded` or `down`."""
    if not checks["postgres"]["ok"]:
        return "down"
    return "ok" if all(check["ok"] for check in checks.values()) else "degraded"


def _run_checks(parts: Services) -> dict[str, dict[str, Any]]:
    """Run all checks at once and wait at most CHECK_TIMEOUT_SECONDS for their results."""
    unavailable: list[dict[str, Any]] = []
    checks_to_run: dict[str, Check] = {
        "postgres": lambda: parts.database.rows(PING),
        "redis": lambda: unavailable.extend(unavailable_models(parts)),
    }
    if parts.settings.kafka_enabled:
        checks_to_run["kafka"] = parts.kafka_probe.check
    pool = ThreadPoolExecutor(len(checks_to_run), thread_name_prefix="health")
    deadline = time.monotonic() + CHECK_TIMEOUT_SECONDS
    futures = {name: pool.submit(_timed, check) for name, check in checks_to_run.items()}
    checks = {name: _result(future, deadline) for name, future in futures.items()}
    pool.shutdown(wait=False)
    checks.setdefault("kafka", {"ok": True, "latency_ms": None, "disabled": True})
    checks["models"] = _models_check(unavailable, is_known=checks["redis"]["ok"])
    return checks


def _models_check(unavailable: list[dict[str, Any]], *, is_known: bool) -> dict[str, Any]:
    if not is_known:
        return {"ok": True, "latency_ms": None, "unknown": True}
    return {"ok": not unavailable, "latency_ms": None, "unavailable": unavailable}


def unavailable_models(parts: Services) -> list[dict[str, Any]]:
    """Return each model whose service is unavailable: model, cause, message and since. Raises RedisError."""
    states = read_states(parts.redis, parts.settings.redis_prefix)
    outages = {model: state.outage for model, state in states.items() if state.outage is not None}
    return [
        {
            "model": model,
            "cause": outage.cause,
            "message": outage.message,
            "since": isoformat_utc(datetime.fromtimestamp(outage.since, UTC)),
        }
        for model, outage in outages.items()
    ]


def _timed(check: Check) -> float:
    started_at = time.monotonic()
    check()
    return round((time.monotonic() - started_at) * 1000, 2)


def _result(future: "Future[float]", deadline: float) -> dict[str, Any]:
    """Return the result of one check. An error is shown by its class only, because its text may contain addresses."""
    try:
        return {"ok": True, "latency_ms": future.result(max(0.0, deadline - time.monotonic()))}
    except (SQLAlchemyError, RedisError, OSError, CheckTimeoutError) as error:
        return {"ok": False, "latency_ms": None, "error": type(error).__name__}
