"""Sums the outcomes of the checks up: one status, and for each failure what it means for a person. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from contracts.presence import SeenProcess
from contracts.settings import Settings
from webapp.readiness.probe import Outcome
from webapp.readiness.waits import Findings, count_kinds, required_kinds

_WAITS: Final = "Thoughts are accepted, but wait"

EFFECTS: Final[Mapping[str, str]] = {
    "postgres": "No thought can be accepted.",
    "redis": f"{_WAITS} until Redis works again, and pages do not show progress live.",
    "broker": f"{_WAITS} until the broker works again.",
    "kafka": f"{_WAITS} until Kafka works again.",
    "models": "Thoughts wait at the agents of these models and continue automatically.",
    "relay": f"{_WAITS}, because only a relay sends them to Kafka.",
    "bridge": f"{_WAITS}, because only a bridge gives them to workers.",
    "worker": f"{_WAITS}, because only workers run agents.",
    "solo": "A thought whose worker was killed waits, because only a solo worker continues it.",
    "beat": "Thoughts wait, because only beat requests the nightly batch.",
}
"""Name of a check, or kind of process -> what its failure means."""

_NOT_SEEN: Final = "No {} was seen lately."

_EVENTS_WAIT: Final = "Other systems receive no events and dead letters until Kafka works again."
"""The effect of a failure of Kafka or of the relay in batch mode."""

Check = dict[str, Any]


def accept_report(postgres: Outcome[str]) -> dict[str, Any]:
    """Return the body of GET /health: whether this web can accept thoughts."""
    return {"status": "ok" if postgres.ok else "down", "checks": {"postgres": _check("postgres", postgres)}}


def ready_report(settings: Settings, postgres: Outcome[str], findings: Findings) -> dict[str, Any]:
    """Return status, problems and checks of GET /health/ready."""
    checks = {
        "postgres": _check("postgres", postgres) | {"migration": postgres.value},
        "redis": _check("redis", findings.redis),
        "broker": _check("broker", findings.broker),
        "kafka": _kafka_check(settings, findings.kafka),
        "models": _models_check(findings),
        **_process_checks(settings, findings),
    }
    failed = {name: check for name, check in checks.items() if not check["ok"]}
    problems = [
        {"component": name, "problem": check["problem"], "effect": check["effect"]} for name, check in failed.items()
    ]
    return {"status": _status(postgres, failed), "problems": problems, "checks": checks}


def _status(postgres: Outcome[str], failed: Mapping[str, Check]) -> str:
    if not postgres.ok:
        return "down"
    return "degraded" if failed else "ok"


def _check(name: str, outcome: Outcome[Any]) -> Check:
    check: Check = {"ok": outcome.ok, "latency_ms": outcome.latency_ms}
    return check if outcome.ok else check | {"problem": outcome.problem, "effect": EFFECTS[name]}


def _kafka_check(settings: Settings, outcome: Outcome[None]) -> Check:
    check = _check("kafka", outcome)
    if not settings.kafka_enabled:
        return check | {"disabled": True}
    return check if outcome.ok or settings.consumes_kafka else check | {"effect": _EVENTS_WAIT}


def _models_check(findings: Findings) -> Check:
    if findings.redis.value is None:
        return {"ok": True, "unknown": True}
    unavailable = findings.redis.value.unavailable_models
    check = {"ok": not unavailable, "unavailable": list(unavailable)}
    if not unavailable:
        return check
    names = ", ".join(model["model"] for model in unavailable)
    return check | {"problem": f"The service of {names} is unavailable.", "effect": EFFECTS["models"]}


def _process_checks(settings: Settings, findings: Findings) -> dict[str, Check]:
    """Return a check for each kind of process that must run, and for the webs; unknown while Redis cannot tell."""
    kinds = ["web", *required_kinds(settings)]
    if findings.processes is None:
        return {kind: {"ok": True, "unknown": True} for kind in kinds}
    return {kind: _process_check(settings, kind, findings.processes) for kind in kinds}


def _process_check(settings: Settings, kind: str, processes: tuple[SeenProcess, ...]) -> Check:
    seen = count_kinds(processes).get(kind, 0)
    is_ok = count_kinds(processes, with_blocked=False).get(kind, 0) > 0 or kind == "web"
    check: Check = {"ok": is_ok, "seen": seen}  # this web answers, whatever it could report
    if kind in {"worker", "solo"}:
        check["slots"] = sum(process.report.slots for process in processes if process.report.kind == kind)
    if check["ok"]:
        return check
    effect = EFFECTS[kind] if settings.consumes_kafka or kind != "relay" else _EVENTS_WAIT
    problem = (
        f"A {kind} runs, but a server refuses what it needs; its log says what." if seen else _NOT_SEEN.format(kind)
    )
    return check | {"problem": problem, "effect": effect}
