"""Users whose thoughts are analysed completely, with a memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from agents.catalogue import CATALOGUE
from contracts.database import Database, Row
from contracts.settings import Settings
from tasks.step import StepRunner
from tasks.step_outcomes import Advance, StepOutcome
from tasks.step_store import Step
from tests.tasks.agent_results import make_result
from tests.tasks.conftest import MakeMemory, MakeRunner
from tests.tasks.fake_provider import FakeProvider
from tests.tasks.thoughts import accept_thought, agent_run_rows, dispatch_head, step_of, thought_row
from webapp import deletion

PRIORITY = {"priority_level": "High", "final_recommendation": "Call the bank today."}


def answering(database: Database) -> Callable[[Any], Any]:
    """Return a behaviour whose results differ with every call and end with a priority."""
    return lambda context: make_result(PRIORITY | {"call": context.call_id}, tokens_in=10, tokens_out=5)


@dataclass
class Life:
    """One user, whose thoughts a worker analyses with the provider of the life."""

    database: Database
    settings: Settings
    make_runner: MakeRunner
    make_memory: MakeMemory
    user: UUID = field(default_factory=uuid4)
    provider: FakeProvider = field(default_factory=FakeProvider)

    def __post_init__(self) -> None:
        self.provider = FakeProvider(answering(self.database))
        self.memory = self.make_memory(self.provider)

    @property
    def runner(self) -> StepRunner:
        return self.make_runner(self.provider, memory=self.memory)

    def begin(self, written: str, *, fresh: bool = False) -> Step:
        """Accept a thought and dispatch it as the head of the line; return its first step."""
        record = accept_thought(self.database, self.settings, written, self.user)
        if fresh:
            statement = text("UPDATE thoughts SET fresh = true WHERE id = :id")
            self.database.rows(statement, id=record.thought_id)
        return step_of(dispatch_head(self.database, record))

    def run(self, step: Step, numbers: Sequence[int] = range(1, CATALOGUE.total + 1)) -> list[StepOutcome]:
        """Run these steps of a thought; return their outcomes."""
        runner = self.runner
        return [runner.run(replace(step, number=number)) for number in numbers]

    def write(self, written: str, *, fresh: bool = False) -> UUID:
        """Write a thought and analyse it completely; return its id."""
        step = self.begin(written, fresh=fresh)
        assert self.run(step) == [Advance()] * CATALOGUE.total
        assert thought_row(self.database, step.thought_id).status == "completed"
        return step.thought_id

    def runs(self, thought: UUID) -> list[Row]:
        return agent_run_rows(self.database, thought)

    def sources(self, thought: UUID) -> list[UUID | None]:
        """Return for each saved step from which thought its result was copied."""
        return [run.reused_from for run in self.runs(thought)]

    def read(self, thought: UUID) -> list[list[UUID] | None]:
        """Return for each saved step which earlier thoughts its agent read."""
        return [run.earlier_thoughts for run in self.runs(thought)]

    def delete(self, thought: UUID) -> None:
        deletion.delete(self.database, thought)

    def vectors(self) -> list[Row]:
        """Return the user's vectors."""
        statement = text("SELECT thought_id, model, embedding::text FROM thought_vectors WHERE user_id = :user")
        return self.database.rows(statement, user=self.user)

    def begin_for_another_line(self, written: str) -> UUID:
        """Accept another thought of the user, which is not dispatched; return its id."""
        return accept_thought(self.database, self.settings, written, self.user).thought_id
