"""Rows as the JSON of the HTTP contract. Times are ISO 8601 in UTC."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import url_for

from agents.catalogue import CATALOGUE
from webapp.queries import Thought


def isoformat_utc(when: datetime | None) -> str | None:
    """A moment in UTC, with microseconds and a Z."""
    return None if when is None else when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def accepted(user_id: UUID, thought_id: UUID, message: str) -> dict[str, Any]:
    """The answer to a POST; the same thought again gets the same one, however far it has come."""
    links = {
        "self": url_for("thoughts.show", thought_id=thought_id),
        "stream": url_for("sse.stream", user_id=user_id),
        "page": url_for("pages.thought", thought_id=thought_id),
    }
    return {
        "id": str(thought_id),
        "user_id": str(user_id),
        "status": "pending",
        "message": message,
        "links": links,
    }


def thought(found: Thought) -> dict[str, Any]:
    """A thought with all its agents, those that have not begun included."""
    row = found.row
    return {
        "id": str(row.id),
        "user_id": str(row.user_id),
        "text": row.text,
        "status": row.status,
        "created_at": isoformat_utc(row.created_at),
        "started_at": isoformat_utc(row.started_at),
        "completed_at": isoformat_utc(row.finished_at),
        "processing_time_seconds": row.processing_seconds,
        "error": error(row.error) if row.status == "failed" else None,
        "agents": [_agent(found, number) for number in range(1, total_steps(row) + 1)],
    }


def error(stored: dict[str, Any] | None) -> dict[str, Any]:
    """Why a thought failed, or why its latest call did; kind is transient, permanent, invalid or lost."""
    kept = stored or {}
    return {
        "agent": kept.get("agent"),
        "kind": kept.get("kind"),
        "message": kept.get("message"),
        "attempts": kept.get("attempts"),
    }


def agent_status(row: Any, number: int) -> str:
    """What an agent is doing; `row` is the thought's, `number` counts from 1."""
    if number <= row.steps_done:
        return "completed"
    if number > row.steps_done + 1:
        return "waiting"
    if row.status == "failed":
        return "failed"
    if row.status != "processing" or not row.attempts:
        return "waiting"
    return "retrying" if row.call_id is None else "running"


def total_steps(row: Any) -> int:
    """A completed thought keeps the agents that it had: one that was added later never sees it."""
    return int(row.steps_done) if row.status == "completed" else CATALOGUE.total


def _agent_name(found: Thought, number: int) -> str:
    return str(found.runs[number - 1].agent) if number <= len(found.runs) else CATALOGUE.at_step(number).name


def _agent(found: Thought, number: int) -> dict[str, Any]:
    status = agent_status(found.row, number)
    agent = {"name": _agent_name(found, number), "number": number, "status": status}
    return agent | (_run(found, number) if status == "completed" else _call(found.row, status))


def _run(found: Thought, number: int) -> dict[str, Any]:
    run = found.runs[number - 1]
    return {
        "attempts": run.attempts,
        "started_at": isoformat_utc(run.started_at),
        "finished_at": isoformat_utc(run.finished_at),
        "duration_ms": round((run.finished_at - run.started_at).total_seconds() * 1000),
        "output": run.output,
    }


def _call(row: Any, status: str) -> dict[str, Any]:
    """The step that has no result yet. `step_started_at` is the latest call's, also while a retry is waited for."""
    attempts = 0 if status == "waiting" else row.attempts
    if status == "failed":
        attempts = error(row.error)["attempts"] or attempts
    return {
        "attempts": attempts,
        "started_at": None if status == "waiting" else isoformat_utc(row.step_started_at),
        "finished_at": isoformat_utc(row.finished_at) if status == "failed" else None,
        "duration_ms": None,
        "output": None,
    }
