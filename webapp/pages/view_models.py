"""What the pages say about a thought, in words."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from agents.catalogue import CATALOGUE
from webapp import serializers
from webapp.pages.agent_output import OutputItem, describe_output
from webapp.queries import Thought

TITLE_LENGTH: Final = 80

STATUS_WORDS: Final = {
    "pending": "Queued",
    "processing": "In progress",
    "completed": "Completed",
    "failed": "Failed",
    "waiting": "Waiting",
    "running": "Running",
    "retrying": "Trying again",
}
KIND_WORDS: Final = {
    "transient": ("It stayed out of reach, also after several tries", ", once it is in reach again"),
    "permanent": ("It was refused, and would be again as things are", ", once the reason is mended"),
    "invalid": ("Its answer could not be used", ""),
    "lost": ("Its worker was lost in the middle, more than once", ", once the reason is mended"),
}
"""What happened, and when it makes sense to start it again."""


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent's step of a thought."""

    number: int
    name: str
    status: str
    attempts: int
    started_at: datetime | None
    took: str
    trouble: str
    again_at: datetime | None
    found: tuple[OutputItem, ...]

    @property
    def title(self) -> str:
        agent = CATALOGUE.find(self.name)
        return agent.title if agent else self.name

    @property
    def question(self) -> str:
        agent = CATALOGUE.find(self.name)
        return agent.question if agent else ""

    @property
    def words(self) -> str:
        return STATUS_WORDS[self.status]


class ThoughtView:
    """A thought for the templates. `ahead` counts the author's thoughts that come before it, and `outlook` says what
    else must happen first."""

    def __init__(self, thought: Thought, ahead: int = 0, wait_notice: str = "") -> None:
        self.row: Any = thought.row
        self.ahead = ahead
        self.wait_notice = wait_notice
        self.now = datetime.now(UTC)
        self._shown = serializers.thought(thought)

    @property
    def id(self) -> str:
        return str(self.row.id)

    @property
    def status(self) -> str:
        return str(self.row.status)

    @property
    def words(self) -> str:
        return STATUS_WORDS[self.status]

    @property
    def ended(self) -> bool:
        return self.row.finished_at is not None

    @property
    def pace(self) -> str:
        """How often its page looks for news by itself: "fast" while it moves, "slow" while it waits or may be started
        again, "" never."""
        if self.status == "completed":
            return ""
        moves = self.status == "processing" or (self.status == "pending" and not self.wait_notice)
        return "fast" if moves else "slow"

    @property
    def title(self) -> str:
        """The beginning of the text on one line, cut at a word."""
        line = " ".join(self.row.text.split())
        return line if len(line) <= TITLE_LENGTH else f"{line[:TITLE_LENGTH].rsplit(' ', 1)[0]} …"

    @property
    def done(self) -> int:
        return int(self.row.steps_done)

    @property
    def total(self) -> int:
        return serializers.total_steps(self.row)

    @property
    def took(self) -> str:
        seconds = self.row.processing_seconds
        return "" if seconds is None else duration(seconds)

    @property
    def error(self) -> dict[str, Any] | None:
        """Why it failed, for people: the agent's title, what happened, the message, and when to start it again."""
        told = self._shown["error"]
        if told is None:
            return None
        failed = CATALOGUE.find(str(told["agent"]))
        agent = failed.title if failed else "An agent"
        what, when = KIND_WORDS.get(str(told["kind"]), ("It failed", ""))
        return {**told, "agent": agent, "what": what, "when": when}

    @cached_property
    def agents(self) -> list[AgentView]:
        return [self._agent(agent) for agent in self._shown["agents"]]

    @property
    def verdict(self) -> dict[str, str] | None:
        """The conclusion of the agent that gives one, to be read before everything else."""
        for agent in self._shown["agents"]:
            definition, output = CATALOGUE.find(agent["name"]), agent["output"] or {}
            if definition and definition.gives_verdict and output.get("priority_level"):
                return {"level": str(output["priority_level"]), "recommendation": str(output["final_recommendation"])}
        return None

    def _agent(self, agent: dict[str, Any]) -> AgentView:
        retrying = agent["status"] == "retrying"
        milliseconds = agent["duration_ms"]
        return AgentView(
            number=agent["number"],
            name=agent["name"],
            status=agent["status"],
            attempts=agent["attempts"],
            started_at=self.row.step_started_at if agent["status"] == "running" else None,
            took="" if milliseconds is None else duration(milliseconds / 1000),
            trouble=str((self.row.error or {}).get("message") or "") if retrying else "",
            again_at=self.row.not_before if retrying else None,
            found=describe_output(agent["name"], agent["output"]) if agent["output"] else (),
        )


def duration(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def in_words(number: int) -> str:
    """A small number as a word, a larger one in digits."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if number < len(words) else str(number)
