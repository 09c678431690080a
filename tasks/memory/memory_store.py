"""Runs the reads of the memory against PostgreSQL, with typed parameters and results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from pydantic import RootModel

from agents.catalogue import CATALOGUE
from agents.embedding.model import SIMILAR_FROM
from agents.interface import AgentInput, AgentResult, EarlierThought
from agents.profile import time_zone
from agents.prompt import MAX_EARLIER_THOUGHTS
from contracts.database import Database, Row
from contracts.thought_vectors import store_vector
from tasks.memory import statements
from tasks.step_store import Claim, Step
from tasks.thought_times import written_at


class StoredOutput(RootModel[dict[str, Any]]):
    """An output as PostgreSQL has it. It was validated when it was saved."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The thought of a step, as far as its memory depends on it."""

    thought_id: UUID
    user_id: UUID
    text: str
    written_at: datetime
    profile: Mapping[str, Any]
    is_fresh: bool
    reused_from: UUID | None
    """The thought from which the result of the step before was copied."""

    @classmethod
    def of_claim(cls, step: Step, claim: Claim) -> Self:
        """Return the subject of a claimed step."""
        return cls(
            step.thought_id, claim.user_id, claim.text, claim.written_at, claim.profile, claim.is_fresh,
            claim.reused_from,
        )  # fmt: skip

    def agent_input(self) -> AgentInput:
        """Return the input on which the results depend, as of now."""
        return AgentInput(
            str(self.thought_id), str(self.user_id), self.text, profile=self.profile, written_at=self.written_at
        )


@dataclass(frozen=True, slots=True)
class SavedRun:
    """The saved result of another thought, and the earlier thoughts that its agent read."""

    source: UUID
    result: AgentResult
    earlier_thoughts: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Similar:
    """The similar earlier thoughts; `is_embedded` is false when the thought itself has no vector to compare with."""

    is_embedded: bool
    thoughts: Sequence[EarlierThought]


class MemoryStore:
    """Runs the statements. All methods raise SQLAlchemyError, and all may be called again with the same arguments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store_vector(self, thought_id: UUID, model: str, embedding: Sequence[float]) -> None:
        """Store the vector of a thought, unless it is deleted."""
        store_vector(self._database, thought_id, model, embedding)

    def similar(self, subject: Subject, model: str) -> Similar:
        """Return the most similar earlier thoughts of the same user, at most as many as a prompt holds."""
        rows = self._database.rows(
            statements.SIMILAR,
            id=subject.thought_id,
            user=subject.user_id,
            model=model,
            concluding_agent=CATALOGUE.concluding_name,
            similarity=SIMILAR_FROM,
            limit=MAX_EARLIER_THOUGHTS,
        )
        found = [_earlier_thought(row, subject.profile) for row in rows if row.id is not None]
        return Similar(bool(rows) and rows[0].is_embedded, found)

    def subject(self, step: Step) -> Subject | None:
        """Return the thought of the step, or None when it is not the next step of its dispatch."""
        row = self._database.row(
            statements.TO_REUSE, id=step.thought_id, dispatch_id=step.dispatch_id, step=step.number
        )
        if row is None:
            return None
        profile = row.profile["profile"] if row.profile else {}
        written = written_at(row.created_at, datetime.now(UTC))
        return Subject(step.thought_id, row.user_id, row.text, written, profile, row.fresh, row.reused_from)

    def source(self, subject: Subject, key: str) -> UUID | None:
        """Return the thought of the same user whose results have this key, or None."""
        row = self._database.row(
            statements.SOURCE, key=key, user=subject.user_id, id=subject.thought_id, steps=CATALOGUE.total
        )
        return None if row is None else row.id

    def saved_run(self, source: UUID, step: Step, subject: Subject, key: str) -> SavedRun | None:
        """Return the result that the source has for this step, or None when it must not be used any more."""
        row = self._database.row(
            statements.SAVED_RUN, source=source, step=step.number, agent=step.agent, key=key, user=subject.user_id
        )
        return None if row is None else _saved_run(source, row)


def _earlier_thought(row: Row, profile: Mapping[str, Any]) -> EarlierThought:
    outcome = ": ".join(part for part in (row.level, row.recommendation) if part)
    written_on = written_at(row.created_at, datetime.now(UTC)).astimezone(time_zone(profile)).date()
    return EarlierThought(str(row.id), row.text, written_on, outcome, float(row.similarity))


def _saved_run(source: UUID, row: Row) -> SavedRun:
    """Return the run as a result that cost nothing, because no agent was called for it."""
    result = AgentResult(
        StoredOutput(row.output),
        row.provider,
        row.model,
        row.version,
        tokens_in=0,
        tokens_out=0,
        cost_usd=Decimal(0),
        dropped_claims=row.dropped_claims or 0,
    )
    return SavedRun(source, result, row.earlier_thoughts or ())
