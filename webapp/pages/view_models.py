"""The view models of the templates: a thought and its agents, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from agents.catalogue import CATALOGUE
from agents.classification import BY_WORD_RULES
from contracts.dead_letters import CANCELLED
from webapp import serializers
from webapp.memory import Memory, SimilarThought
from webapp.pages.agent_output import OutputItem, describe_output
from webapp.pages.model_wait import ModelWait, model_wait
from webapp.pages.titles import shorten
from webapp.pages.usage_texts import describe_origin, describe_usage
from webapp.queries import Thought
from webapp.readiness.waits import Wait
from webapp.usage import usage_of_thought

NO_WAIT: Final = Wait()

STATUS_TEXTS: Final = {
    "pending": "Queued",
    "processing": "In progress",
    "completed": "Completed",
    "failed": "Failed",
    "waiting": "Waiting",
    "running": "Running",
    "retrying": "Retrying",
}
FAILURE_TEXTS: Final = {
    "transient": (
        "The model service was unavailable or too slow, even after several retries",
        " once the service is available again",
    ),
    "permanent": (
        "The request was rejected and will be rejected again until the cause is fixed",
        " once the cause is fixed",
    ),
    "invalid": ("The model's answer could not be used", ""),
    "lost": ("The worker stopped during this step more than once", " once the cause is fixed"),
}
"""For each kind of error: a summary, and the condition under which a retry helps."""


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent's step of a thought."""

    number: int
    name: str
    status: str
    attempts: int
    started_at: datetime | None
    duration: str
    retry_reason: str
    retry_at: datetime | None
    output_items: tuple[OutputItem, ...]
    origin: str
    """Who made the result, and what it used; empty without a result."""
    dropped_claims: int
    """Claims of the output that were left out, because their quotes were not in their sources."""

    @property
    def title(self) -> str:
        agent = CATALOGUE.find(self.name)
        return agent.title if agent else self.name

    @property
    def question(self) -> str:
        agent = CATALOGUE.find(self.name)
        return agent.question if agent else ""

    @property
    def status_text(self) -> str:
        return STATUS_TEXTS[self.status]


@dataclass(frozen=True, slots=True)
class SimilarView:
    """A similar earlier thought: its first words, and the titles of the agents that quote it."""

    thought: SimilarThought
    title: str
    quoted_by: str


class ThoughtView:
    """A thought for the templates. `ahead` counts the author's open thoughts before it; `wait_notice` says what else
    must happen before its analysis starts."""

    def __init__(
        self, thought: Thought, ahead: int = 0, wait_notice: Wait = NO_WAIT, memory: Memory | None = None
    ) -> None:
        self._thought = thought
        self.row: Any = thought.row
        self.ahead = ahead
        self.wait_notice = wait_notice
        self.memory = memory or Memory()
        self.now = datetime.now(UTC)
        self._json = serializers.thought(thought, self.memory).to_json()

    @property
    def id(self) -> str:
        return str(self.row.id)

    @property
    def status(self) -> str:
        return str(self.row.status)

    @property
    def icon(self) -> str:
        """The status whose icon is shown: a thought that waits for its model stands still."""
        return "waiting" if self.model_wait else self.status

    @property
    def status_text(self) -> str:
        if self.model_wait:
            return "Waiting for the model"
        return "Cancelled" if self.is_cancelled else STATUS_TEXTS[self.status]

    @property
    def is_cancelled(self) -> bool:
        """Whether its author ended the analysis."""
        return self.status == "failed" and (self.row.error or {}).get("kind") == CANCELLED

    @property
    def is_finished(self) -> bool:
        return self.row.finished_at is not None

    @property
    def refresh_pace(self) -> str:
        """How often the page refreshes: "fast" while the thought progresses, "waiting" during an outage, "slow" while
        it waits for the batch or can be replayed, "" never."""
        if self.status == "completed":
            return ""
        return self.wait_notice.pace if self.status in {"pending", "processing"} else "slow"

    @property
    def title(self) -> str:
        """The beginning of the text on one line, cut between words."""
        return shorten(self.row.text)

    @property
    def agents_done(self) -> int:
        return int(self.row.steps_done)

    @property
    def agents_total(self) -> int:
        return self._thought.total_steps

    @property
    def duration(self) -> str:
        seconds = self.row.processing_seconds
        return "" if seconds is None else format_duration(seconds)

    @property
    def model_wait(self) -> ModelWait | None:
        """Why the thought waits for its model, if it does."""
        return model_wait(self._json["waiting"])

    @property
    def usage(self) -> str:
        """What the calls so far used; empty before the first one."""
        usage = usage_of_thought(self._thought)
        return describe_usage(usage) if usage.calls else ""

    @property
    def error(self) -> dict[str, Any] | None:
        """Why the thought failed: the error's fields, the agent's title, a summary, and the condition of a retry.

        None for a cancelled one.
        """
        error = self._json["error"]
        if error is None or self.is_cancelled:
            return None
        failed_agent = CATALOGUE.find(str(error["agent"]))
        agent = failed_agent.title if failed_agent else "An agent"
        summary, retry_condition = FAILURE_TEXTS.get(str(error["kind"]), ("The step failed", ""))
        return {**error, "agent": agent, "summary": summary, "retry_condition": retry_condition}

    @property
    def nearest(self) -> SimilarThought | None:
        """The earlier thought that says nearly the same, to be offered; none for a thought with copied results."""
        similar = self.memory.similar
        return similar[0] if similar and similar[0].is_near and self.memory.source is None else None

    @property
    def similar(self) -> list[SimilarView]:
        """The similar earlier thoughts that the agents read, with the titles of those that quote them."""
        return [
            SimilarView(thought, shorten(thought.text), _titles(thought.quoted_by)) for thought in self.memory.similar
        ]

    @cached_property
    def agents(self) -> list[AgentView]:
        return [self._agent(agent) for agent in self._json["agents"]]

    @property
    def is_made_by_rules(self) -> bool:
        """Whether results were made without a model, so that a model would say more."""
        return any(agent["provider"] == "offline" for agent in self._json["agents"])

    @property
    def lacks_classifier(self) -> bool:
        """Whether the classifier could not run, so that words alone decided."""
        outputs = (agent["output"] or {} for agent in self._json["agents"])
        return any(output.get("found_by", {}).get("type") == BY_WORD_RULES for output in outputs)

    @property
    def has_profile(self) -> bool:
        """Whether an agent read a profile."""
        return any(agent["profile_version"] for agent in self._json["agents"])

    @property
    def conclusion(self) -> dict[str, str] | None:
        """The conclusion of the agent that gives one; the page shows it first."""
        for agent in self._json["agents"]:
            definition, output = CATALOGUE.find(agent["name"]), agent["output"] or {}
            if definition and definition.gives_conclusion and output.get("priority_level"):
                return {"level": str(output["priority_level"]), "recommendation": str(output["final_recommendation"])}
        return None

    def _agent(self, agent: dict[str, Any]) -> AgentView:
        is_retrying = agent["status"] == "retrying"
        seconds = agent["duration_seconds"]
        duration = "" if seconds is None else format_duration(seconds)
        definition = CATALOGUE.find(agent["name"])
        reads_profile = definition is not None and definition.reads_profile
        return AgentView(
            number=agent["number"],
            name=agent["name"],
            status=agent["status"],
            attempts=agent["attempts"],
            started_at=self.row.step_started_at if agent["status"] == "running" else None,
            duration=duration,
            retry_reason=str((self.row.error or {}).get("message") or "") if is_retrying else "",
            retry_at=self.row.not_before if is_retrying else None,
            output_items=describe_output(agent["name"], agent["output"]) if agent["output"] else (),
            origin=describe_origin(agent, duration, reads_profile=reads_profile) if duration else "",
            dropped_claims=agent["dropped_claims"] or 0,
        )


def _titles(names: Iterable[str]) -> str:
    agents = ((name, CATALOGUE.find(name)) for name in names)
    return " and ".join(agent.title if agent else name for name, agent in agents)


def format_duration(seconds: float) -> str:
    """Return a duration in a readable unit."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def number_in_words(number: int) -> str:
    """Return a number up to ten as a word, a larger one in digits."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if number < len(words) else str(number)
