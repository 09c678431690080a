"""Writes consistent thoughts, records and commits for the audit, and runs audits."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from agents.catalogue import CATALOGUE
from bridge.audit.audit import Audit
from contracts.audits import Figures
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.kafka_sources import commit_offset, produce, topic_id
from tests.bridge.thoughts import add_thought, add_user, thought_row

ADD_RUNS = text("""
    INSERT INTO agent_runs (thought_id, step, agent, version, provider, model, output, call_id, attempts, turn,
                            started_at, finished_at)
    SELECT :id, step, 'a' || step, '1', 'test', 'test', '{}', gen_random_uuid(), 1, CAST(:turn AS int),
           now() - interval '1 hour' + make_interval(secs => CAST(:turn AS int) * 60 + step),
           now() - interval '1 hour' + make_interval(secs => CAST(:turn AS int) * 60 + step + 0.5)
      FROM generate_series(CAST(:first AS int), :last) AS step
""")

FINISH = text("""
    UPDATE thoughts SET status = :status, steps_done = :steps,
           finished_at = now() - interval '1 hour' + make_interval(secs => CAST(:turn AS int) * 60 + 30) WHERE id = :id
""")

ADD_DEAD_LETTER = text("""
    INSERT INTO dead_letters (failure_id, thought_id, turn, reason, headers, kafka_partition, kafka_offset)
    VALUES (:failure, :thought, :turn, 'permanent', '{}', :partition, :offset)
""")


def publish_records(settings: Settings, database: Database, *thoughts: UUID) -> None:
    """Write the thoughts' records into the first partition, as the relay does."""
    for thought in thoughts:
        row = thought_row(database, thought)
        produce(settings, [bytes(row.event)], turn=str(row.turn).encode(), key=str(row.user_id).encode())


def add_runs(database: Database, thought: UUID, *, first: int = 1, last: int = CATALOGUE.total) -> None:
    """Add saved steps; those of each turn a minute after those of the turn before."""
    database.rows(ADD_RUNS, id=thought, turn=thought_row(database, thought).turn, first=first, last=last)


def finish(database: Database, thought: UUID, status: str = "completed", steps: int = CATALOGUE.total) -> None:
    """Make a thought terminal and add its saved steps."""
    add_runs(database, thought, last=steps)
    database.rows(FINISH, id=thought, turn=thought_row(database, thought).turn, status=status, steps=steps)


def add_dead_letter(database: Database, thought: UUID | None, failure: str, **columns: Any) -> None:
    """Add a row to the index of dead letters."""
    turn = None if thought is None else thought_row(database, thought).turn
    position = {"partition": None, "offset": None} | columns
    database.rows(ADD_DEAD_LETTER, failure=failure, thought=thought, turn=turn, **position)


def add_completed_line(settings: Settings, database: Database, thoughts: int = 3) -> list[UUID]:
    """Add a user's thoughts, all completed, with committed records."""
    user = add_user(database)
    line = [add_thought(database, user) for _ in range(thoughts)]
    for thought in line:
        finish(database, thought)
    publish_records(settings, database, *line)
    commit_offset(settings, thoughts, topic_id(settings))
    return line


def run_audit(settings: Settings, database: Database, *, whole: bool = True) -> Figures:
    """Return the figures of one audit, whose second snapshot follows at once."""
    audit = Audit(settings, database, whole=whole)
    try:
        return audit.run(wait=lambda _: None)
    finally:
        audit.close()


def finding_kinds(figures: Figures) -> dict[str, int]:
    """Return the kinds that the audit found, with their numbers."""
    return {kind: number for kind, number in figures["findings"].items() if number}


def only_finding(figures: Figures, kind: str) -> str:
    """Return subject and line of the only finding, which must be of this kind."""
    assert finding_kinds(figures) == {kind: 1}, figures["finding_details"]
    (finding,) = figures["finding_details"]
    return f"{finding['subject']}: {finding['text']}"
