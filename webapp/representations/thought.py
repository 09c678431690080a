"""A thought with its agents, its usage and what it has to do with earlier thoughts; and lists of thoughts."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from webapp.representations.base import Representation, UtcTime
from webapp.representations.problem import Problem
from webapp.representations.usage import Usage

Status = Literal["pending", "processing", "completed", "failed"]

AgentStatus = Literal["waiting", "running", "retrying", "completed", "failed"]


class Failure(Representation):
    """Why a thought failed."""

    agent: str | None = Field(description="The agent at which the thought failed; empty when its author cancelled it.")
    kind: str | None = Field(description="transient, permanent, invalid, lost or cancelled.")
    message: str | None
    attempts: int | None


class Wait(Representation):
    """What a thought waits for that its agents cannot change: an outage, a refused key, a limit or a budget."""

    kind: str | None = None
    since: str | None = None
    until: str | None = Field(None, description="When the agent is called again; null while nobody knows.")
    message: str | None = None


class Agent(Representation):
    """One agent's work on a thought. Everything from `duration_ms` on is null before the agent has completed."""

    name: str
    number: int = Field(description="The place in the order of the agents, counted from 1.", ge=1)
    status: AgentStatus
    attempts: int
    started_at: UtcTime | None
    finished_at: UtcTime | None
    duration_ms: int | None
    duration_seconds: float | None
    provider: str | None = Field(description="What answered: rules, or the service of a model.")
    model: str | None
    version: str | None = Field(description="The version of the agent's instructions.")
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None
    dropped_claims: int | None = Field(description="Claims without evidence, which were left out.")
    profile_version: int | None = Field(description="The version of the profile that the agent read.")
    reused_from: UUID | None = Field(description="The thought from which this result was copied.")
    output: dict[str, Any] | None


class SourceThought(Representation):
    """The earlier thought whose results were copied. It has no page and no time when it was deleted since."""

    id: UUID
    created_at: UtcTime | None
    page: str | None


class SimilarThought(Representation):
    """An earlier thought of the same user that the agents read."""

    id: UUID
    text: str
    created_at: UtcTime
    similarity: float | None = Field(description="The cosine of the two vectors; null when it is unknown.")
    priority_level: str | None
    final_recommendation: str | None
    quoted_by: list[str] = Field(description="The agents whose results quote it.")
    page: str


class Thought(Representation):
    """A thought with all its agents, those that have not started included."""

    id: UUID
    user_id: UUID
    text: str
    status: Status
    created_at: UtcTime
    started_at: UtcTime | None
    completed_at: UtcTime | None = Field(description="When it ended, completed or failed.")
    processing_time_seconds: float | None
    error: Failure | None
    waiting: Wait | None
    usage: Usage
    agents: list[Agent]
    reused_from: SourceThought | None
    similar_thoughts: list[SimilarThought]


class ListedThought(Thought):
    """A thought of a list."""

    similarity: float = Field(0.0, description="Only with `similar_to`: the cosine of the two meanings.")


class ThoughtList(Representation):
    """One page of thoughts. It has fewer than `limit` when their texts are long: follow `next` until it is null."""

    items: list[ListedThought]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")


class Links(Representation):
    """Paths of this installation."""

    self: str
    stream: str = Field(description="The live events of the user.")
    page: str = Field(description="The page for people.")


class AcceptedThought(Representation):
    """The answer to a new thought. A repeat with the same key gets the same one, however far the thought is."""

    id: UUID
    user_id: UUID
    status: Status
    message: str = Field(description="What happens next, or how the analysis ended, in English.")
    links: Links
    thought: Thought | None = Field(
        None, description="Only with `Prefer: wait` and, for a token, the scope `read`: the thought, as far as it is."
    )


class BatchResult(Representation):
    """What became of one thought of a batch."""

    status: int = Field(description="The status that a request of its own would have got.")
    thought: AcceptedThought | None = Field(None, description="With status 201.")
    problem: Problem | None = Field(None, description="With any other status.")


class BatchAnswer(Representation):
    """One result for each thought of a batch, in the same order."""

    results: list[BatchResult]
