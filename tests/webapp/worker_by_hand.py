"""The background side's part, done by hand: the protocol's statements on a thought, and the news they are told with."""

import json
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import TextClause, text

from agents.catalogue import CATALOGUE
from contracts import events
from contracts.database import Database, Row
from contracts.progress import ProgressPublisher
from tests.event_examples import agent_completed

TAKE = text("""
    UPDATE thoughts SET status = 'processing', call_id = NULL, dispatch_id = dispatch_id + 1, sends = 1,
           beat = beat + 1, beat_at = clock_timestamp(), started_at = COALESCE(started_at, clock_timestamp())
     WHERE id = :id AND status = 'pending' RETURNING user_id, turn, started_at
""")
CLAIM = text("""
    UPDATE thoughts SET call_id = :call, attempts = attempts + 1, not_before = NULL, beat = beat + 1,
           beat_at = clock_timestamp(), step_started_at = clock_timestamp()
     WHERE id = :id AND status = 'processing' AND call_id IS NULL RETURNING attempts
""")
SAVE = text("""
    WITH old AS (SELECT id, step_started_at, attempts, call_id FROM thoughts WHERE id = :id),
    t AS (UPDATE thoughts SET steps_done = :step, call_id = NULL, attempts = 0, error = NULL, beat = beat + 1,
           status = CASE WHEN :step = 5 THEN 'completed' ELSE status END,
           finished_at = CASE WHEN :step = 5 THEN clock_timestamp() END,
           processing_seconds = CASE WHEN :step = 5 THEN EXTRACT(epoch FROM clock_timestamp() - started_at)::float8 END
         WHERE id = :id AND call_id IS NOT NULL AND steps_done = :step - 1
     RETURNING id, user_id, turn, processing_seconds, finished_at),
    r AS (INSERT INTO agent_runs (thought_id, step, agent, version, provider, model, output, call_id, attempts,
                                  started_at, finished_at)
          SELECT t.id, :step, :agent, '1', 'test', 'test', :output, old.call_id, old.attempts, old.step_started_at,
                 clock_timestamp() FROM t JOIN old ON old.id = t.id)
    SELECT * FROM t
""")
RETRY = text("""
    UPDATE thoughts SET call_id = NULL, error = :error, not_before = clock_timestamp() + interval '4 s'
     WHERE id = :id AND call_id IS NOT NULL RETURNING attempts
""")
FAIL = text("""
    UPDATE thoughts SET status = 'failed', finished_at = clock_timestamp(), call_id = NULL, error = :error
     WHERE id = :id AND status = 'processing' RETURNING user_id, turn, attempts, finished_at
""")
REPLAY = text("""
    WITH u AS (UPDATE users SET last_turn = last_turn + 1 FROM thoughts t
                WHERE t.id = :id AND t.status = 'failed' AND users.id = t.user_id RETURNING users.last_turn)
    UPDATE thoughts SET status = 'pending', finished_at = NULL, turn = u.last_turn, dispatch_id = dispatch_id + 1,
           attempts = 0, not_before = NULL FROM u WHERE id = :id RETURNING turn
""")

Told = TypeVar("Told", bound=events.Event)

AGENTS = [f"thought_agent_completed {number}/5" for number in range(1, 6)]
BEGIN = ["thought_created", "thought_processing"]
STORY = [*BEGIN, *AGENTS, "thought_completed"]
"""What a reader sees of a thought from its acceptance to its end."""


class Work:
    """Works on thoughts as bridge and worker do; without a publisher the news is lost."""

    def __init__(self, database: Database, publisher: ProgressPublisher | None = None) -> None:
        self._database = database
        self._publisher = publisher

    def take(self, thought: UUID) -> events.ThoughtProcessing:
        row = self._one(TAKE, id=thought)
        return self._tell(events.thought_processing(row.user_id, thought, row.turn))

    def claim(self, thought: UUID) -> int:
        return int(self._one(CLAIM, id=thought, call=uuid4()).attempts)

    def save(self, thought: UUID, step: int, output: dict[str, Any] | None = None) -> list[events.Event]:
        kept = json.dumps({"said": f"result {step}"} if output is None else output)
        row = self._one(SAVE, id=thought, step=step, agent=CATALOGUE.names[step - 1], output=kept)
        told: list[events.Event] = [self._tell(agent_completed(row.user_id, thought, step))]
        if step == CATALOGUE.total:
            told.append(self._tell(events.thought_completed(row.user_id, thought, row.processing_seconds), ended=True))
        return told

    def step(self, thought: UUID, step: int, output: dict[str, Any] | None = None) -> list[events.Event]:
        self.claim(thought)
        return self.save(thought, step, output)

    def retry(self, thought: UUID, message: str = "the model did not answer") -> None:
        error = {"agent": "classification", "kind": "transient", "message": message, "attempts": 1}
        self._one(RETRY, id=thought, error=json.dumps(error))

    def fail(self, thought: UUID, agent: str = "classification", kind: str = "transient") -> events.ThoughtFailed:
        error = {"agent": agent, "kind": kind, "message": "the model refused", "attempts": 4}
        row = self._one(FAIL, id=thought, error=json.dumps(error))
        told = events.thought_failed(
            row.user_id, thought, row.turn, agent=agent, message="the model refused", attempts=4
        )
        return self._tell(told, ended=True)

    def replay(self, thought: UUID) -> int:
        return int(self._one(REPLAY, id=thought).turn)

    def complete(self, thought: UUID) -> list[events.Event]:
        return [self.take(thought), *self.complete_from(thought, 1)]

    def complete_from(self, thought: UUID, step: int) -> list[events.Event]:
        return [event for number in range(step, CATALOGUE.total + 1) for event in self.step(thought, number)]

    def _tell(self, event: Told, *, ended: bool = False) -> Told:
        if self._publisher is not None:
            self._publisher.publish(event, terminal=ended)
        return event

    def _one(self, statement: TextClause, **parameters: Any) -> Row:
        row = self._database.row(statement, **parameters)
        assert row is not None, "the statement found the thought in another state"
        return row
