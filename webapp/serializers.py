"""Turns rows into the representations of the HTTP API."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from flask import url_for

from agents.catalogue import CATALOGUE
from contracts.dead_letters import CANCELLED
from webapp import representations
from webapp.memory import Memory, SimilarThought, Source
from webapp.queries import Thought
from webapp.usage import Usage, UsagePerDay, usage_of_thought


def accepted(user_id: UUID, thought_id: UUID, message: str) -> representations.AcceptedThought:
    """Return the response to a POST. A repeated POST gets the same response, however far the thought has progressed."""
    links = representations.Links(
        self=url_for("thoughts.show", thought_id=thought_id),
        stream=url_for("sse.stream", user_id=user_id),
        page=url_for("pages.thought", thought_id=thought_id),
    )
    return representations.AcceptedThought(
        id=thought_id, user_id=user_id, status="pending", message=message, links=links
    )


def thought(source: Thought, memory: Memory) -> representations.Thought:
    """Return a thought with all its agents, including those that have not started, and its memory."""
    return representations.Thought(**_members(source, memory))


def thoughts(sources: Sequence[Thought], memories: Mapping[UUID, Memory]) -> list[representations.Thought]:
    """Return several thoughts, as `thought` does."""
    return [thought(source, memories[source.row.id]) for source in sources]


def listed(
    sources: Sequence[Thought], memories: Mapping[UUID, Memory], similarities: Sequence[float] = ()
) -> list[representations.ListedThought]:
    """Return the items of a list: several thoughts, each with its similarity if the list has any."""
    items = [_members(source, memories[source.row.id]) for source in sources]
    for item, similarity in zip(items, similarities, strict=False):
        item["similarity"] = similarity
    return [representations.ListedThought(**item) for item in items]


def usage(figures: Usage) -> representations.Usage:
    """Return some sums."""
    return representations.Usage(**_figures(figures))


def user_usage(user_id: UUID | None, figures: UsagePerDay) -> representations.UserUsage:
    """Return the sums of a user, in all and per day."""
    days = [representations.DayUsage(day=day, **_figures(day_figures)) for day, day_figures in figures.days]
    return representations.UserUsage(user_id=user_id, since=figures.since, total=usage(figures.total), days=days)


def _members(source: Thought, memory: Memory) -> dict[str, Any]:
    row = source.row
    return {
        "id": row.id,
        "user_id": row.user_id,
        "text": row.text,
        "status": row.status,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "completed_at": row.finished_at,
        "processing_time_seconds": row.processing_seconds,
        "error": error(row.error) if row.status == "failed" else None,
        "waiting": row.waiting if row.status == "processing" else None,
        "usage": usage(usage_of_thought(source)),
        "agents": [_agent(source, number) for number in range(1, source.total_steps + 1)],
        "reused_from": memory.source and _source(memory.source),
        "similar_thoughts": [_similar_thought(similar) for similar in memory.similar],
    }


def _figures(figures: Usage) -> dict[str, Any]:
    return {
        "calls": figures.calls,
        "tokens_in": figures.tokens_in,
        "tokens_out": figures.tokens_out,
        "tokens_complete": figures.tokens_complete,
        "cost_usd": None if figures.cost_usd is None else float(figures.cost_usd),
        "cost_complete": figures.cost_complete,
    }


def _source(source: Source) -> representations.SourceThought:
    """Return the thought whose results were copied. It has no page and no time when it was deleted since."""
    page = _page(source.id) if source.written_at else None
    return representations.SourceThought(id=source.id, created_at=source.written_at, page=page)


def _page(thought_id: UUID) -> str:
    """Return the path of a thought's page, also in a stream, which has no request for `url_for`."""
    return f"/t/{thought_id}"


def _similar_thought(similar: SimilarThought) -> representations.SimilarThought:
    return representations.SimilarThought(
        id=similar.id,
        text=similar.text,
        created_at=similar.written_at,
        similarity=similar.similarity,
        priority_level=similar.priority_level,
        final_recommendation=similar.recommendation,
        quoted_by=list(similar.quoted_by),
        page=_page(similar.id),
    )


def error(stored: dict[str, Any] | None) -> representations.Failure:
    """Return why a thought, or its latest call, failed. `kind` is transient, permanent, invalid or lost, or
    cancelled, when no agent failed but the author ended the analysis."""
    fields = stored or {}
    return representations.Failure(
        agent=fields.get("agent"),
        kind=fields.get("kind"),
        message=fields.get("message"),
        attempts=fields.get("attempts"),
    )


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


def _agent(thought: Thought, number: int) -> representations.Agent:
    status = _agent_status(thought.row, number)
    agent = {"name": _agent_name(thought, number), "number": number, "status": status}
    call = _finished_run(thought, number) if status == "completed" else _latest_call(thought.row, status)
    return representations.Agent(**agent, **call)


def _finished_run(thought: Thought, number: int) -> dict[str, Any]:
    run = thought.runs[number - 1]
    seconds = (run.finished_at - run.started_at).total_seconds()
    return {
        "attempts": run.attempts,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
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
        "reused_from": run.reused_from,
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
        attempts = error(row.error).attempts or attempts
    return {
        "attempts": attempts,
        "started_at": None if status == "waiting" else row.step_started_at,
        "finished_at": row.finished_at if status == "failed" else None,
    } | _NO_RESULT
