"""Takes the part of bridge and worker: executes the statements of the protocol and publishes their events."""

import json
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import TextClause, text

from agents.catalogue import CATALOGUE
from contracts import events
from contracts.database import Database, Row
from contracts.progress import ProgressPublisher
from tests.event_examples import agent_completed

DISPATCH = text("""
    UPDATE thoughts SET status = 'processing', call_id = NULL, dispatch_id = dispatch_id + 1, sends = 1,
           beat = beat + 1, beat_at = clock_timestamp(), started_at = COALESCE(started_at, clock_timestamp())
     WHERE id = :id AND status = 'pending' RETURNING user_id, turn, started_at
""")
CLAIM = text("""
    UPDATE thoughts SET call_id = :call_id, attempts = attempts + 1, not_before = NULL, beat = beat + 1,
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
    r AS (INSERT INTO agent_runs (thought_id, step, agent, version, provider, model, output, dropped_claims,
                                  call_id, attempts, started_at, finished_at)
          SELECT t.id, :step, :agent, '1', 'test', 'test', :output, :dropped, old.call_id, old.attempts,
                 old.step_started_at, clock_timestamp() FROM t JOIN old ON old.id = t.id)
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

E = TypeVar("E", bound=events.Event)

AGENT_EVENTS = [f"thought_agent_completed {number}/5" for number in range(1, 6)]
START_EVENTS = ["thought_created", "thought_processing"]
ALL_EVENTS = [*START_EVENTS, *AGENT_EVENTS, "thought_completed"]
"""The names of all events of a thought, from its acceptance to its completion."""


class FakeWorker:
    """Processes thoughts as bridge and worker do. Without a publisher no event is published."""

    def __init__(self, database: Database, publisher: ProgressPublisher | None = None) -> None:
        self._database = database
        self._publisher = publisher

    def dispatch(self, thought: UUID) -> events.ThoughtProcessing:
        row = self._execute(DISPATCH, id=thought)
        return self._publish(events.thought_processing(row.user_id, thought, row.turn))

    def claim(self, thought: UUID) -> int:
        return int(self._execute(CLAIM, id=thought, call_id=uuid4()).attempts)

    def save(
        self, thought: UUID, step: int, output: dict[str, Any] | None = None, dropped: int | None = None
    ) -> list[events.Event]:
        output_json = json.dumps({"said": f"result {step}"} if output is None else output)
        row = self._execute(
            SAVE, id=thought, step=step, agent=CATALOGUE.names[step - 1], output=output_json, dropped=dropped
        )
        published: list[events.Event] = [self._publish(agent_completed(row.user_id, thought, step))]
        if step == CATALOGUE.total:
            completed = events.thought_completed(row.user_id, thought, row.processing_seconds)
            published.append(self._publish(completed, terminal=True))
        return published

    def run_step(
        self, thought: UUID, step: int, output: dict[str, Any] | None = None, dropped: int | None = None
    ) -> list[events.Event]:
        self.claim(thought)
        return self.save(thought, step, output, dropped)

    def retry(self, thought: UUID, message: str = "the model did not answer") -> None:
        error = {"agent": "classification", "kind": "transient", "message": message, "attempts": 1}
        self._execute(RETRY, id=thought, error=json.dumps(error))

    def fail(self, thought: UUID, agent: str = "classification", kind: str = "transient") -> events.ThoughtFailed:
        error = {"agent": agent, "kind": kind, "message": "the model refused", "attempts": 4}
        row = self._execute(FAIL, id=thought, error=json.dumps(error))
        failed = events.thought_failed(
            row.user_id, thought, row.turn, agent=agent, kind=kind, message="the model refused", attempts=4
        )
        return self._publish(failed, terminal=True)

    def replay(self, thought: UUID) -> int:
        return int(self._execute(REPLAY, id=thought).turn)

    def complete(self, thought: UUID) -> list[events.Event]:
        return [self.dispatch(thought), *self.complete_from_step(thought, 1)]

    def complete_from_step(self, thought: UUID, step: int) -> list[events.Event]:
        return [event for number in range(step, CATALOGUE.total + 1) for event in self.run_step(thought, number)]

    def _publish(self, event: E, *, terminal: bool = False) -> E:
        if self._publisher is not None:
            self._publisher.publish(event, terminal=terminal)
        return event

    def _execute(self, statement: TextClause, **parameters: Any) -> Row:
        row = self._database.row(statement, **parameters)
        assert row is not None, "the thought is in another state than the statement requires"
        return row
