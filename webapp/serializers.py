"""Turns rows into the JSON of the HTTP API. Times are ISO 8601 in UTC."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from flask import Response, url_for

from agents.catalogue import CATALOGUE
from contracts.dead_letters import CANCELLED
from webapp.memory import Memory, SimilarThought, Source
from webapp.queries import Thought
from webapp.usage import usage_of_thought


def json_response(value: Any, status: int = 200) -> Response:
    """Return a JSON-like value as a response."""
    return Response(json.dumps(value, ensure_ascii=False), status, content_type="application/json")


def isoformat_utc(when: datetime | None) -> str | None:
    """Return a time in UTC with microseconds and a Z, or None."""
    return None if when is None else when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def accepted(user_id: UUID, thought_id: UUID, message: str) -> dict[str, Any]:
    """Return the response to a POST. A repeated POST gets the same response, however far the thought has progressed."""
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


def thought(source: Thought, memory: Memory) -> dict[str, Any]:
    """Return a thought with all its agents, including those that have not started, and its memory."""
    row = source.row
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
        "waiting": row.waiting if row.status == "processing" else None,
        "usage": usage_of_thought(source).to_json(),
        "agents": [_agent(source, number) for number in range(1, source.total_steps + 1)],
        "reused_from": memory.source and _source(memory.source),
        "similar_thoughts": [_similar_thought(similar) for similar in memory.similar],
    }


def thoughts(sources: Sequence[Thought], memories: Mapping[UUID, Memory]) -> list[dict[str, Any]]:
    """Return several thoughts, as `thought` does."""
    return [thought(source, memories[source.row.id]) for source in sources]


def _source(source: Source) -> dict[str, Any]:
    """Return the thought whose results were copied. It has no page and no time when it was deleted since."""
    page = _page(source.id) if source.written_at else None
    return {"id": str(source.id), "created_at": isoformat_utc(source.written_at), "page": page}


def _page(thought_id: UUID) -> str:
    """Return the path of a thought's page, also in a stream, which has no request for `url_for`."""
    return f"/t/{thought_id}"


def _similar_thought(similar: SimilarThought) -> dict[str, Any]:
    return {
        "id": str(similar.id),
        "text": similar.text,
        "created_at": isoformat_utc(similar.written_at),
        "similarity": similar.similarity,
        "priority_level": similar.priority_level,
        "final_recommendation": similar.recommendation,
        "quoted_by": list(similar.quoted_by),
        "page": _page(similar.id),
    }


def error(stored: dict[str, Any] | None) -> dict[str, Any]:
    """Return why a thought, or its latest call, failed. `kind` is transient, permanent, invalid or lost, or
    cancelled, when no agent failed but the author ended the analysis."""
    fields = stored or {}
    return {
        "agent": fields.get("agent"),
        "kind": fields.get("kind"),
        "message": fields.get("message"),
        "attempts": fields.get("attempts"),
    }


def _agent_status(row: Any, number: int) -> str:
    """Return the status of an agent. `row` is the thought's row; `number` counts from 1."""
    if number <= row.steps_done:
        return "completed"
    if number > row.steps_done + 1:
        return "waiting"
    if row.status == "failed":
        return "waiting" if (row.error or {}).get("kind") == CANCELLED else "failed"
    if row.status != "processing" or not row.attempts or row.waiting:
        return "waiting"
    return "retrying" if row.call_id is None else "running"


def _agent_name(thought: Thought, number: int) -> str:
    return str(thought.runs[number - 1].agent) if number <= len(thought.runs) else CATALOGUE.at_step(number).name


def _agent(thought: Thought, number: int) -> dict[str, Any]:
    status = _agent_status(thought.row, number)
    agent = {"name": _agent_name(thought, number), "number": number, "status": status}
    return agent | (_finished_run(thought, number) if status == "completed" else _latest_call(thought.row, status))


def _finished_run(thought: Thought, number: int) -> dict[str, Any]:
    run = thought.runs[number - 1]
    seconds = (run.finished_at - run.started_at).total_seconds()
    return {
        "attempts": run.attempts,
        "started_at": isoformat_utc(run.started_at),
        "finished_at": isoformat_utc(run.finished_at),
        "duration_ms": round(seconds * 1000),
        "duration_seconds": seconds,
        "provider": run.provider,
        "model": run.model,
        "version": run.version,
        "tokens_in": run.tokens_in,
        "tokens_out": run.tokens_out,
        "cost_usd": None if run.cost_usd is None else float(run.cost_usd),
        "dropped_claims": run.dropped_claims,
        "profile_version": run.profile_version,
        "reused_from": run.reused_from and str(run.reused_from),
        "output": run.output,
    }


_NO_RESULT: Final = dict.fromkeys((
    "duration_ms", "duration_seconds", "provider", "model", "version", "tokens_in", "tokens_out", "cost_usd",
    "dropped_claims", "profile_version", "reused_from", "output",
))  # fmt: skip


def _latest_call(row: Any, status: str) -> dict[str, Any]:
    """Describe a step without a result. `step_started_at` belongs to the latest call, also while a retry is pending."""
    attempts = 0 if status == "waiting" else row.attempts
    if status == "failed":
        attempts = error(row.error)["attempts"] or attempts
    return {
        "attempts": attempts,
        "started_at": None if status == "waiting" else isoformat_utc(row.step_started_at),
        "finished_at": isoformat_utc(row.finished_at) if status == "failed" else None,
    } | _NO_RESULT
