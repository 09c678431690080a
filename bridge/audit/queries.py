"""Reads PostgreSQL for the audit: named statements that only read, each with its own snapshot.

Statements about a whole table take a page of users at a time, so that none takes long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from agents.catalogue import CATALOGUE
from contracts.database import Database, Row
from contracts.dead_letters import CANCELLED
from contracts.installation import read_installation_id
from contracts.settings import Settings

USERS_PER_PAGE: Final = 50
"""Some users have thousands of thoughts; a page of such users must still end within the statement's time limit."""

NEWEST_OPEN_TURNS: Final = text("""
    SELECT user_id, max(turn) AS turn FROM thoughts WHERE finished_at IS NULL GROUP BY user_id
""")
"""The newest open turn of each user: a record of this turn makes a bridge process the whole line."""

OUTBOX_TURNS: Final = text("""
    SELECT key, max(turn) AS turn FROM outbox
     WHERE topic = :topic AND turn IS NOT NULL AND key IS NOT NULL AND parked_at IS NULL GROUP BY key
""")
"""The newest turn of each user that the relay will publish."""

RECORD_STATES: Final = text("""
    SELECT t.turn,
           CASE WHEN b.failure_id IS NOT NULL THEN 'dead_lettered'
                WHEN t.id IS NULL OR t.user_id <> COALESCE(u.account_id, r.user_id) THEN 'unknown'
                WHEN t.status = 'deleted' THEN 'deleted'
                WHEN t.turn <> COALESCE(r.turn, (SELECT min(turn) FROM dead_letters WHERE thought_id = t.id), t.turn)
                     AND (r.turn IS NULL OR EXISTS (SELECT FROM dead_letters WHERE failure_id = t.id || ':' || r.turn))
                THEN 'replayed'
                WHEN t.status = 'completed' THEN 'completed' WHEN t.status = 'failed' THEN 'failed'
                WHEN t.user_id <> r.user_id THEN 'moved'
                WHEN t.status = 'processing' THEN 'in_flight' ELSE 'waiting' END AS state
      FROM unnest(CAST(:thoughts AS uuid[]), CAST(:users AS uuid[]), CAST(:turns AS bigint[]),
                  CAST(:failures AS text[]))
           WITH ORDINALITY AS r(thought_id, user_id, turn, failure_id, n)
      LEFT JOIN thoughts t ON t.id = r.thought_id
      LEFT JOIN users u ON u.id = r.user_id
      LEFT JOIN dead_letters b ON b.failure_id = r.failure_id
     ORDER BY r.n
""")
"""The state of each record: Decide's verdict in more detail.

A turn that the thought never failed in is ignored, because any producer may write one. A record without a turn stands
for its thought's first turn: a later turn comes from a replay, which has its own record."""

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
"""Those of the thoughts that are still open, and how long ago the sweep should have re-emitted them."""

USERS: Final = text("SELECT id FROM users WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT :page")
"""A page of users."""

THOUGHTS: Final = text("""
    WITH c AS (
      SELECT t.id, t.turn, t.status, t.steps_done, COALESCE(runs.number, 0) AS runs,
             GREATEST(t.attempts, runs.attempts) AS attempts,
             t.steps_done <> COALESCE(runs.number, 0) OR t.steps_done <> COALESCE(runs.last, 0)
               OR (t.status = 'completed' AND t.steps_done NOT BETWEEN :least AND :total) AS steps_missing,
             t.status = 'failed' AND NOT EXISTS (SELECT FROM dead_letters l
                                                  WHERE l.failure_id = t.id || ':' || t.turn) AS dead_letter_missing
        FROM thoughts t LEFT JOIN LATERAL (SELECT count(*) AS number, max(r.step) AS last, max(r.attempts) AS attempts
                                             FROM agent_runs r WHERE r.thought_id = t.id) runs ON true
       WHERE t.user_id = ANY (CAST(:users AS uuid[])) AND t.status <> 'deleted')
    SELECT sums.thoughts, sums.all_runs, c.*
      FROM (SELECT count(*) AS thoughts, COALESCE(sum(runs), 0)::bigint AS all_runs FROM c) sums
      LEFT JOIN c ON c.steps_missing OR c.dead_letter_missing OR c.attempts > :most
""")
"""How many thoughts and saved steps the users have (in every row), and each thought that is inconsistent with its runs
(one row each; NULL when there is none)."""

OUT_OF_ORDER: Final = text("""
    WITH t AS (SELECT t.id, t.user_id, t.turn, t.status, t.steps_done, t.call_id, t.step_started_at, t.finished_at,
                      t.profile_of, f.last_turn AS last_former_turn, COALESCE(t.started_at, 'infinity') AS began_at
                 FROM thoughts t LEFT JOIN users f ON f.id = t.profile_of AND f.account_id = t.user_id
                WHERE t.user_id = ANY (CAST(:users AS uuid[]))),
    calls AS (
      SELECT t.id, r.turn, r.step, r.started_at, r.finished_at AS ended_at
        FROM t JOIN agent_runs r ON r.thought_id = t.id WHERE r.turn IS NOT NULL
       UNION ALL
      SELECT id, turn, steps_done + 1, CASE WHEN call_id IS NOT NULL OR status = 'failed' THEN step_started_at END,
             COALESCE(finished_at, 'infinity') FROM t WHERE status <> 'deleted'),
    marks AS (
      SELECT t.user_id, t.id AS thought_id, c.turn, c.step, c.ended_at,
             CASE WHEN c.turn <= t.last_former_turn THEN t.profile_of ELSE t.user_id END AS line,
             CASE WHEN c.turn > t.last_former_turn AND c.started_at < t.began_at THEN NULL ELSE c.started_at END
               AS started_at
        FROM calls c JOIN t ON t.id = c.id),
    seen AS (
      SELECT *, max(ended_at) OVER (PARTITION BY line ORDER BY turn RANGE BETWEEN UNBOUNDED PRECEDING
                                    AND 1 PRECEDING) AS earlier_ended,
             max(ended_at) FILTER (WHERE ended_at <> 'infinity')
                           OVER (PARTITION BY thought_id, turn ORDER BY step ROWS BETWEEN UNBOUNDED PRECEDING
                                 AND 1 PRECEDING) AS step_before_ended
        FROM marks)
    SELECT thought_id, user_id, step, turn FROM seen
     WHERE started_at < earlier_ended OR started_at < step_before_ended ORDER BY started_at
""")
"""Calls that began before every earlier thought of the user was terminal, or before the step before was saved.

All times are of PostgreSQL's clock. Of each step the last call counts. Steps older than the column `turn` have no turn
and are left out; so are deleted thoughts.

A thought that came from an anonymous user to an account has turns of two lines: those up to the last turn of that user
are of its own line. A call that was in progress began in the former line, before the thought began in its new turn;
it cannot be compared with either line.

A window frame that excludes a group would say the same, but PostgreSQL computes it again for every row: a minute for
5,000 thoughts."""

STALLED: Final = text("""
    SELECT id, steps_done + 1 AS step, in_call, seconds FROM (
      SELECT t.id, t.steps_done, t.call_id IS NOT NULL AS in_call,
             EXTRACT(epoch FROM clock_timestamp() - t.beat_at)::float8 AS seconds,
             CASE WHEN t.call_id IS NOT NULL THEN :lease_seconds
                  ELSE GREATEST(0, COALESCE(EXTRACT(epoch FROM t.not_before - t.beat_at), 0))
                       + :lease_seconds * 2 ^ LEAST(GREATEST(t.sends - 1, 0), 5) END::float8 AS lease_seconds
        FROM thoughts t WHERE t.finished_at IS NULL AND t.status = 'processing'
         AND (t.started_at IS NOT NULL
              OR NOT EXISTS (SELECT FROM thoughts e
                              WHERE e.user_id = t.user_id AND e.finished_at IS NULL AND e.turn < t.turn))
         AND (:always OR EXISTS (SELECT FROM batches b WHERE b.begun_at < now() - :lease_seconds * interval '2.5 s'
                                    AND b.ended_at IS NULL AND t.created_at <= b.asked_at))) w
     WHERE w.seconds > 2 * w.lease_seconds + :lease_seconds / 2 ORDER BY w.seconds DESC
""")
"""Thoughts in work whose beat stayed unchanged for more than twice the lease that a bridge waits: once for the bridge
that watches, once for a bridge that replaces it. In batch mode a bridge watches only while it processes a batch. A
thought that came to an account's line in a call, behind other thoughts, is watched when it is the head."""

OUTBOX: Final = text("""
    SELECT count(*) AS number, count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked,
           min(id) FILTER (WHERE parked_at IS NULL) AS first,
           COALESCE(EXTRACT(epoch FROM now() - min(created_at) FILTER (WHERE parked_at IS NULL)), 0)::float8 AS seconds
      FROM outbox
""")
"""How many rows wait, how many are parked, and the first and oldest of those that wait."""

PARKED: Final = text("""
    SELECT id, topic, COALESCE(key, '-') AS key, COALESCE(parked_reason, 'by hand') AS reason FROM outbox
     WHERE parked_at IS NOT NULL ORDER BY id
""")
"""The rows that Kafka rejected permanently, and why."""

DEAD_LETTER_COUNTS: Final = text("""
    SELECT count(*) AS indexed, count(*) FILTER (WHERE state = 'open') AS open,
           count(*) FILTER (WHERE kafka_offset IS NULL AND reason <> :cancelled AND NOT EXISTS (
             SELECT FROM outbox o WHERE o.failure_id = dead_letters.failure_id)) AS unpublished
      FROM dead_letters
""")
"""How many dead letters there are, how many are open, and how many will never reach Kafka although they should."""

INDEXED: Final = text("SELECT failure_id FROM dead_letters WHERE failure_id = ANY (CAST(:failures AS text[]))")
"""Those of the failure ids that are in the index."""

DEAD_LETTERS_WITHOUT_FAILURE: Final = text("""
    SELECT l.failure_id, CAST(l.thought_id AS text) AS thought, COALESCE(t.status, 'not stored') AS status
      FROM dead_letters l LEFT JOIN thoughts t ON t.id = l.thought_id
     WHERE l.state = 'open' AND l.thought_id IS NOT NULL
       AND (t.id IS NULL OR t.turn <> l.turn OR t.status <> 'failed') ORDER BY l.failure_id
""")
"""Open dead letters of thoughts that did not fail in that turn. Dead letters of records have no thought."""

BATCHES: Final = text("""
    SELECT id, begun_at IS NOT NULL AS begun, EXTRACT(epoch FROM now() - asked_at)::float8 AS seconds
      FROM batches WHERE ended_at IS NULL ORDER BY id
""")
"""The batches that have not ended, and how long ago they were requested."""


@dataclass(frozen=True, slots=True)
class RecordRef:
    """A record of the work topic and what it names; thought, user and turn are None when it cannot be read."""

    partition: int
    offset: int
    thought_id: UUID | None
    user_id: UUID | None
    turn: int | None
    failure_id: str
    is_foreign: bool = False
    """Whether another installation wrote it; this one does nothing with it."""


@dataclass(frozen=True, slots=True)
class RecordState:
    """A record's state in PostgreSQL: one of `contracts.audits.RECORD_STATES`, and the thought's current turn."""

    state: str
    turn: int | None


class AuditQueries:
    """Sends the statements. Every method raises SQLAlchemyError when PostgreSQL is unavailable."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def newest_open(self) -> dict[UUID, int]:
        """Return the newest open turn of each user."""
        return {row.user_id: row.turn for row in self._database.rows(NEWEST_OPEN_TURNS)}

    def outbox_turns(self) -> dict[UUID, int]:
        """Return the newest turn of each user that waits in the outbox."""
        return {UUID(row.key): row.turn for row in self._database.rows(OUTBOX_TURNS, topic=self._settings.kafka_topic)}

    def record_states(self, records: Sequence[RecordRef]) -> list[RecordState]:
        """Return one state for each record, in the same order."""
        rows = self._database.rows(
            RECORD_STATES,
            thoughts=[record.thought_id for record in records],
            users=[record.user_id for record in records],
            turns=[record.turn for record in records],
            failures=[record.failure_id for record in records],
        )
        return [
            RecordState("foreign", None) if record.is_foreign else RecordState(row.state, row.turn)
            for record, row in zip(records, rows, strict=True)
        ]

    def installation_id(self) -> str:
        """Return the id of this installation."""
        return read_installation_id(self._database)

    def without_record(self, turns: dict[UUID, int]) -> list[Row]:
        """Return those of the thoughts (user -> turn) that are still open, and how late the sweep is in seconds."""
        return self._database.rows(WITHOUT_RECORD, users=list(turns), turns=list(turns.values()))

    def pages_of_users(self) -> Iterator[list[UUID]]:
        """Yield all users, in pages of USERS_PER_PAGE."""
        after = UUID(int=0)
        while page := [row.id for row in self._database.rows(USERS, after=after, page=USERS_PER_PAGE)]:
            yield page
            after = page[-1]

    def thoughts(self, users: Sequence[UUID]) -> list[Row]:
        """Return the sums, and the thoughts that are inconsistent with their runs."""
        return self._database.rows(
            THOUGHTS,
            users=list(users),
            least=CATALOGUE.first_total,
            total=CATALOGUE.total,
            most=self._settings.max_attempts,
        )

    def out_of_order(self, users: Sequence[UUID]) -> list[Row]:
        """Return the calls that began too early."""
        return self._database.rows(OUT_OF_ORDER, users=list(users))

    def stalled(self) -> list[Row]:
        """Return thoughts in work whose lease expired and that no bridge has taken over."""
        parameters = {"lease_seconds": self._settings.lease_seconds, "always": self._settings.consumes_kafka}
        return self._database.rows(STALLED, **parameters)

    def outbox(self) -> Row:
        """Return how many rows there are, how many of them are parked, and id and age of the first that waits."""
        return self._database.rows(OUTBOX)[0]

    def parked(self) -> list[Row]:
        """Return the parked rows."""
        return self._database.rows(PARKED)

    def dead_letter_counts(self) -> Row:
        """Return how many dead letters there are: all, open, unpublished."""
        return self._database.rows(DEAD_LETTER_COUNTS, cancelled=CANCELLED)[0]

    def indexed(self, failures: Sequence[str]) -> set[str]:
        """Return those of the failure ids that are in the index."""
        return {row.failure_id for row in self._database.rows(INDEXED, failures=list(failures))}

    def dead_letters_without_failure(self) -> list[Row]:
        """Return open dead letters whose thought did not fail in that turn."""
        return self._database.rows(DEAD_LETTERS_WITHOUT_FAILURE)

    def batches(self) -> list[Row]:
        """Return the batches that have not ended."""
        return self._database.rows(BATCHES)
