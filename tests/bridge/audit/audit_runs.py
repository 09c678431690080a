"""Books that add up, written by hand, and an audit of them."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from agents.catalogue import CATALOGUE
from bridge.audit.audit import Audit
from contracts.audits import Figures
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.kafka_sources import commit_by_hand, produce, topic_id
from tests.bridge.thoughts import add_thought, add_user, row

RUNS = text("""
    INSERT INTO agent_runs (thought_id, step, agent, version, provider, model, output, call_id, attempts, turn,
                            started_at, finished_at)
    SELECT :id, step, 'a' || step, '1', 'test', 'test', '{}', gen_random_uuid(), 1, CAST(:turn AS int),
           now() - interval '1 hour' + make_interval(secs => CAST(:turn AS int) * 60 + step),
           now() - interval '1 hour' + make_interval(secs => CAST(:turn AS int) * 60 + step + 0.5)
      FROM generate_series(CAST(:first AS int), :last) AS step
""")

END = text("""
    UPDATE thoughts SET status = :status, steps_done = :steps,
           finished_at = now() - interval '1 hour' + make_interval(secs => CAST(:turn AS int) * 60 + 30) WHERE id = :id
""")

LETTER = text("""
    INSERT INTO dead_letters (failure_id, thought_id, turn, reason, headers, kafka_partition, kafka_offset)
    VALUES (:failure, :thought, :turn, 'permanent', '{}', :partition, :offset)
""")


def ring(settings: Settings, database: Database, *thoughts: UUID) -> None:
    """Write the thoughts' records into the first partition, as the relay does."""
    for thought in thoughts:
        found = row(database, thought)
        produce(settings, [bytes(found.event)], turn=str(found.turn).encode(), key=str(found.user_id).encode())


def save(database: Database, thought: UUID, *, first: int = 1, last: int = CATALOGUE.total) -> None:
    """Saved steps; those of each turn a minute after those of the turn before."""
    database.rows(RUNS, id=thought, turn=row(database, thought).turn, first=first, last=last)


def end(database: Database, thought: UUID, status: str = "completed", steps: int = CATALOGUE.total) -> None:
    """A terminal thought with its saved steps."""
    save(database, thought, last=steps)
    database.rows(END, id=thought, turn=row(database, thought).turn, status=status, steps=steps)


def letter(database: Database, thought: UUID | None, failure: str, **columns: Any) -> None:
    """A row of the index of dead letters."""
    turn = None if thought is None else row(database, thought).turn
    asked = {"partition": None, "offset": None} | columns
    database.rows(LETTER, failure=failure, thought=thought, turn=turn, **asked)


def completed_line(settings: Settings, database: Database, thoughts: int = 3) -> list[UUID]:
    """A user's thoughts, all completed, rung for and committed."""
    user = add_user(database)
    line = [add_thought(database, user) for _ in range(thoughts)]
    for thought in line:
        end(database, thought)
    ring(settings, database, *line)
    commit_by_hand(settings, thoughts, topic_id(settings))
    return line


def audited(settings: Settings, database: Database, *, whole: bool = True) -> Figures:
    """The figures of one audit; its second look follows at once."""
    audit = Audit(settings, database, whole=whole)
    try:
        return audit.run(wait=lambda _: None)
    finally:
        audit.close()


def kinds(figures: Figures) -> dict[str, int]:
    """The kinds that were found."""
    return {kind: number for kind, number in figures["findings"].items() if number}


def the_finding(figures: Figures, kind: str) -> str:
    """The one finding there is, which is of this kind; as people see it."""
    assert kinds(figures) == {kind: 1}, figures["found"]
    (found,) = figures["found"]
    return f"{found['subject']}: {found['line']}"
