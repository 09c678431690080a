"""PostgreSQL's side of the audit: named statements that only read, each one snapshot.

What goes through a whole table goes by pages of users, so that no statement lasts for long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from agents.catalogue import CATALOGUE
from contracts.database import Database, Row
from contracts.settings import Settings

USERS_PER_PAGE: Final = 50
"""Some users have written thousands of thoughts; a page of such users must end in its time as well."""

NEWEST_OPEN_TURNS: Final = text("""
    SELECT user_id, max(turn) AS turn FROM thoughts WHERE finished_at IS NULL GROUP BY user_id
""")
"""The newest open turn of each user: a record of it rings for the whole line."""

OUTBOX_TURNS: Final = text("""
    SELECT key, max(turn) AS turn FROM outbox
     WHERE topic = :topic AND turn IS NOT NULL AND key IS NOT NULL AND parked_at IS NULL GROUP BY key
""")
"""What will be a record as soon as Kafka takes it."""

RECORD_STATES: Final = text("""
    SELECT t.turn,
           CASE WHEN b.failure_id IS NOT NULL THEN 'buried'
                WHEN t.id IS NULL OR t.user_id <> r.user_id THEN 'unknown'
                WHEN t.status = 'deleted' THEN 'deleted'
                WHEN t.turn <> COALESCE(r.turn, (SELECT min(turn) FROM dead_letters WHERE thought_id = t.id), t.turn)
                     AND (r.turn IS NULL OR EXISTS (SELECT FROM dead_letters WHERE failure_id = t.id || ':' || r.turn))
                THEN 'moved_on'
                WHEN t.status = 'completed' THEN 'completed' WHEN t.status = 'failed' THEN 'dead'
                WHEN t.status = 'processing' THEN 'in_flight' ELSE 'waiting' END AS state
      FROM unnest(CAST(:thoughts AS uuid[]), CAST(:users AS uuid[]), CAST(:turns AS bigint[]),
                  CAST(:failures AS text[]))
           WITH ORDINALITY AS r(thought_id, user_id, turn, failure_id, n)
      LEFT JOIN thoughts t ON t.id = r.thought_id
      LEFT JOIN dead_letters b ON b.failure_id = r.failure_id
     ORDER BY r.n
""")
"""What Decide would say of records, and more exactly. A turn that the thought never failed in tells nothing. A record
without one rang for its thought's first: a later turn comes of a replay, which has a record of its own."""

WITHOUT_RECORD: Final = text("""
    SELECT t.id, EXTRACT(epoch FROM now() - CASE
             WHEN t.emitted_at IS NULL AND t.headers IS NULL THEN t.created_at
             ELSE GREATEST(COALESCE(t.emitted_at, t.created_at) + interval '5 min' * 2 ^ LEAST(t.emissions, 6),
                           (SELECT h.beat_at + interval '1 min' FROM thoughts h
                             WHERE h.user_id = t.user_id AND h.finished_at IS NULL ORDER BY h.turn LIMIT 1))
             END)::float8 AS overdue
      FROM unnest(CAST(:users AS uuid[]), CAST(:turns AS bigint[])) AS r(user_id, turn)
      JOIN thoughts t ON t.user_id = r.user_id AND t.turn = r.turn AND t.finished_at IS NULL
     ORDER BY t.id
""")
"""Which of these are still open, and for how long the sweep should have rung for them already."""

USERS: Final = text("SELECT id FROM users WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT :page")

THOUGHTS: Final = text("""
    WITH c AS (
      SELECT t.id, t.turn, t.status, t.steps_done, COALESCE(runs.number, 0) AS runs,
             GREATEST(t.attempts, runs.attempts) AS attempts,
             t.steps_done <> COALESCE(runs.number, 0) OR t.steps_done <> COALESCE(runs.last, 0)
               OR (t.status = 'completed' AND t.steps_done NOT BETWEEN :least AND :total) AS unsaved,
             t.status = 'failed' AND NOT EXISTS (SELECT FROM dead_letters l
                                                  WHERE l.failure_id = t.id || ':' || t.turn) AS unburied
        FROM thoughts t LEFT JOIN LATERAL (SELECT count(*) AS number, max(r.step) AS last, max(r.attempts) AS attempts
                                             FROM agent_runs r WHERE r.thought_id = t.id) runs ON true
       WHERE t.user_id = ANY (CAST(:users AS uuid[])) AND t.status <> 'deleted')
    SELECT sums.thoughts, sums.all_runs, c.*
      FROM (SELECT count(*) AS thoughts, COALESCE(sum(runs), 0)::bigint AS all_runs FROM c) sums
      LEFT JOIN c ON c.unsaved OR c.unburied OR c.attempts > :most
""")
"""How many thoughts and saved steps some users have, and each thought that does not fit its runs, once a row."""

OUT_OF_ORDER: Final = text("""
    WITH t AS (SELECT id, user_id, turn, status, steps_done, call_id, step_started_at, finished_at
                 FROM thoughts WHERE user_id = ANY (CAST(:users AS uuid[]))),
    marks AS (
      SELECT t.user_id, r.turn, r.thought_id, r.step, r.started_at, r.finished_at AS ended_at
        FROM t JOIN agent_runs r ON r.thought_id = t.id WHERE r.turn IS NOT NULL
       UNION ALL
      SELECT user_id, turn, id, steps_done + 1,
             CASE WHEN call_id IS NOT NULL OR status = 'failed' THEN step_started_at END,
             COALESCE(finished_at, 'infinity') FROM t WHERE status <> 'deleted'),
    seen AS (
      SELECT *, max(ended_at) OVER (PARTITION BY user_id ORDER BY turn RANGE BETWEEN UNBOUNDED PRECEDING
                                    AND 1 PRECEDING) AS earlier_ended,
             max(ended_at) FILTER (WHERE ended_at <> 'infinity')
                           OVER (PARTITION BY thought_id, turn ORDER BY step ROWS BETWEEN UNBOUNDED PRECEDING
                                 AND 1 PRECEDING) AS step_before_ended
        FROM marks)
    SELECT thought_id, user_id, step, turn FROM seen
     WHERE started_at < earlier_ended OR started_at < step_before_ended ORDER BY started_at
""")
"""Calls that began before all that was written earlier was terminal, or before the step before was saved. All times are
PostgreSQL's own clock's. Of each step the last call counts. Steps of before the column `turn` have none and are left
out; so are deleted thoughts.

A frame that excludes a group would say the same, and be computed anew for every row: a minute for 5,000 thoughts."""

STALLED: Final = text("""
    SELECT id, steps_done + 1 AS step, in_call, seconds FROM (
      SELECT t.id, t.steps_done, t.call_id IS NOT NULL AS in_call,
             EXTRACT(epoch FROM clock_timestamp() - t.beat_at)::float8 AS seconds,
             CASE WHEN t.call_id IS NOT NULL THEN :patience
                  ELSE GREATEST(0, COALESCE(EXTRACT(epoch FROM t.not_before - t.beat_at), 0))
                       + :patience * 2 ^ LEAST(GREATEST(t.sends - 1, 0), 5) END::float8 AS patience
        FROM thoughts t WHERE t.finished_at IS NULL AND t.status = 'processing'
         AND (:always OR EXISTS (SELECT FROM batches b WHERE b.begun_at < now() - :patience * interval '2.5 s'
                                    AND b.ended_at IS NULL AND t.created_at <= b.asked_at))) w
     WHERE w.seconds > 2 * w.patience + :patience / 2 ORDER BY w.seconds DESC
""")
"""Thoughts in work that stood still for more than twice what a watcher waits: once to see, once for a new watcher. In
batch mode somebody watches only while a batch is worked off."""

OUTBOX: Final = text("""
    SELECT count(*) AS number, count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked,
           min(id) FILTER (WHERE parked_at IS NULL) AS first,
           COALESCE(EXTRACT(epoch FROM now() - min(created_at) FILTER (WHERE parked_at IS NULL)), 0)::float8 AS seconds
      FROM outbox
""")

PARKED: Final = text("""
    SELECT id, topic, COALESCE(key, '-') AS key, COALESCE(parked_reason, 'by hand') AS reason FROM outbox
     WHERE parked_at IS NOT NULL ORDER BY id
""")

DEAD_LETTER_COUNTS: Final = text("""
    SELECT count(*) AS indexed, count(*) FILTER (WHERE state = 'open') AS open,
           count(*) FILTER (WHERE kafka_offset IS NULL AND NOT EXISTS (
             SELECT FROM outbox o WHERE o.failure_id = dead_letters.failure_id)) AS unpublished
      FROM dead_letters
""")

INDEXED: Final = text("SELECT failure_id FROM dead_letters WHERE failure_id = ANY (CAST(:failures AS text[]))")

DEAD_LETTERS_WITHOUT_FAILURE: Final = text("""
    SELECT l.failure_id, CAST(l.thought_id AS text) AS thought, COALESCE(t.status, 'not stored') AS status
      FROM dead_letters l LEFT JOIN thoughts t ON t.id = l.thought_id
     WHERE l.state = 'open' AND l.thought_id IS NOT NULL
       AND (t.id IS NULL OR t.turn <> l.turn OR t.status <> 'failed') ORDER BY l.failure_id
""")
"""Open dead letters of thoughts that did not fail in that turn. Those of no thought were never thoughts."""

BATCHES: Final = text("""
    SELECT id, begun_at IS NOT NULL AS begun, EXTRACT(epoch FROM now() - asked_at)::float8 AS seconds
      FROM batches WHERE ended_at IS NULL ORDER BY id
""")


@dataclass(frozen=True, slots=True)
class RecordRef:
    """What a record of the work topic says; the ids are None where it cannot be read."""

    partition: int
    offset: int
    thought_id: UUID | None
    user_id: UUID | None
    turn: int | None
    failure_id: str


@dataclass(frozen=True, slots=True)
class RecordState:
    """What PostgreSQL says of it: a state of `contracts.audits`, and the thought's turn now."""

    state: str
    turn: int | None


class AuditQueries:
    """Asks PostgreSQL. Every method raises SQLAlchemyError when it is away."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def newest_open(self) -> dict[UUID, int]:
        """User -> the newest open turn."""
        return {row.user_id: row.turn for row in self._database.rows(NEWEST_OPEN_TURNS)}

    def outbox_turns(self) -> dict[UUID, int]:
        """User -> the newest turn that the outbox will ring for."""
        return {UUID(row.key): row.turn for row in self._database.rows(OUTBOX_TURNS, topic=self._settings.kafka_topic)}

    def record_states(self, records: Sequence[RecordRef]) -> list[RecordState]:
        """One for each record, in their order."""
        rows = self._database.rows(
            RECORD_STATES,
            thoughts=[one.thought_id for one in records],
            users=[one.user_id for one in records],
            turns=[one.turn for one in records],
            failures=[one.failure_id for one in records],
        )
        return [RecordState(row.state, row.turn) for row in rows]

    def without_record(self, turns: dict[UUID, int]) -> list[Row]:
        """Those of the thoughts (user -> turn) that are still open, and how late the sweep is."""
        return self._database.rows(WITHOUT_RECORD, users=list(turns), turns=list(turns.values()))

    def pages_of_users(self) -> Iterator[list[UUID]]:
        """All users."""
        after = UUID(int=0)
        while page := [row.id for row in self._database.rows(USERS, after=after, page=USERS_PER_PAGE)]:
            yield page
            after = page[-1]

    def thoughts(self, users: Sequence[UUID]) -> list[Row]:
        """Sums, and the thoughts that do not fit their runs."""
        return self._database.rows(
            THOUGHTS,
            users=list(users),
            least=CATALOGUE.first_total,
            total=CATALOGUE.total,
            most=self._settings.max_attempts,
        )

    def out_of_order(self, users: Sequence[UUID]) -> list[Row]:
        """Calls that began too early."""
        return self._database.rows(OUT_OF_ORDER, users=list(users))

    def stalled(self) -> list[Row]:
        """Thoughts in work that nobody works on."""
        asked = {"patience": self._settings.lease_seconds, "always": self._settings.consumes_kafka}
        return self._database.rows(STALLED, **asked)

    def outbox(self) -> Row:
        """How many rows, how many of them parked, and the first that waits."""
        return self._database.rows(OUTBOX)[0]

    def parked(self) -> list[Row]:
        """The parked rows."""
        return self._database.rows(PARKED)

    def dead_letter_counts(self) -> Row:
        """How many dead letters there are."""
        return self._database.rows(DEAD_LETTER_COUNTS)[0]

    def indexed(self, failures: Sequence[str]) -> set[str]:
        """Those of the failure ids that the table knows."""
        return {row.failure_id for row in self._database.rows(INDEXED, failures=list(failures))}

    def dead_letters_without_failure(self) -> list[Row]:
        """Open dead letters whose thought did not fail in that turn."""
        return self._database.rows(DEAD_LETTERS_WITHOUT_FAILURE)

    def batches(self) -> list[Row]:
        """Those that have not ended."""
        return self._database.rows(BATCHES)
