"""Reads the index of dead letters: which ones there are, what they contain, and what became of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database, Row

STATES: Final = ("open", "replayed", "discarded")

FILTER_SQL: Final = """
      FROM dead_letters l LEFT JOIN thoughts t ON t.id = l.thought_id
     WHERE (CAST(:ids AS text[]) IS NULL OR l.failure_id = ANY (CAST(:ids AS text[])))
       AND (CAST(:state AS text) IS NULL OR l.state = :state)
       AND (CAST(:reason AS text) IS NULL OR l.reason = :reason)
       AND (CAST(:agent AS text) IS NULL OR l.headers->>'agent' = :agent)
       AND (CAST(:error_class AS text) IS NULL OR l.headers->>'error_class' = :error_class
            OR reverse(split_part(reverse(l.headers->>'error_class'), '.', 1)) = :error_class)
       AND (CAST(:user AS text) IS NULL OR COALESCE(t.user_id::text, l.headers->>'user_id') = :user)
       AND (CAST(:thought AS text) IS NULL OR COALESCE(l.thought_id::text, l.headers->>'thought_id') = :thought)
       AND (CAST(:since AS timestamptz) IS NULL OR l.created_at >= :since)
       AND (CAST(:text AS text) IS NULL OR strpos(lower(t.text), lower(:text)) > 0
            OR position(convert_to(:text, 'UTF8') IN l.value) > 0)
"""
"""One condition per filter; NULL selects all. An error class is also found by its name without the module."""

LIST: Final = text(f"""
    SELECT l.failure_id, l.created_at, l.state, l.reason, l.thought_id, l.turn, l.kafka_partition, l.kafka_offset,
           COALESCE(t.user_id::text, l.headers->>'user_id') AS user_id,
           COALESCE(l.headers->>'agent', '') AS agent, COALESCE(CAST(l.headers->>'attempts' AS int), 0) AS attempts,
           COALESCE(l.headers->>'error_class', '') AS error_class, COALESCE(l.headers->>'message', '') AS message,
           l.resolved_at, l.replayed_turn, t.status AS thought_status,
           (SELECT a.failure_id FROM dead_letters a
             WHERE a.thought_id = l.thought_id AND a.turn = l.replayed_turn) AS failed_again
    {FILTER_SQL}
     ORDER BY l.created_at DESC, l.failure_id LIMIT :rows OFFSET :skip
""")  # noqa: S608  both parts are constants
"""A page of dead letters, the newest first."""

COUNT: Final = text(f"SELECT count(*) AS letters {FILTER_SQL}")
"""How many dead letters the filter selects."""

SELECT_CANDIDATES: Final = text(f"""
    SELECT l.failure_id, l.thought_id IS NOT NULL AS is_thought, l.reason, COALESCE(l.headers->>'agent', '') AS agent,
           COALESCE(t.user_id::text, l.headers->>'user_id', '') AS user_id,
           l.state = 'open' AS is_open,
           l.state = 'open' AND CASE WHEN l.thought_id IS NULL
                                     THEN l.headers->>'value_left_out' IS NULL
                                          AND COALESCE(l.headers->>'error_class', '') <> 'TooLarge'
                                     ELSE COALESCE(t.status = 'failed' AND t.turn = l.turn, false) END AS replayable
    {FILTER_SQL}
     ORDER BY l.turn NULLS FIRST, l.headers->'origin'->>'topic', CAST(l.headers->'origin'->>'partition' AS int),
              CAST(l.headers->'origin'->>'offset' AS bigint), l.failure_id
""")
"""In the order of a replay: records by their position in the log, then thoughts by their former turns."""

CONTENTS: Final = text("""
    SELECT l.value, l.headers, t.text FROM dead_letters l LEFT JOIN thoughts t ON t.id = l.thought_id
     WHERE l.failure_id = :failure
""")
"""The bytes and headers of a dead letter, and its thought's text."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects dead letters; None means any. `text` is a part of the thought's text or of the record's value."""

    ids: tuple[str, ...] | None = None
    state: str | None = None
    reason: str | None = None
    error_class: str | None = None
    agent: str | None = None
    user: str | None = None
    thought: str | None = None
    since: datetime | None = None
    text: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the statements."""
        return asdict(self) | {"ids": None if self.ids is None else list(self.ids)}

    @property
    def is_selective(self) -> bool:
        """Whether it restricts more than the state."""
        return any(value is not None for name, value in asdict(self).items() if name != "state")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as people see it, without its value; the fields are LIST's columns."""

    failure_id: str
    created_at: datetime
    state: str
    reason: str
    thought_id: UUID | None
    turn: int | None
    kafka_partition: int | None
    kafka_offset: int | None
    user_id: str | None
    agent: str
    attempts: int
    error_class: str
    message: str
    resolved_at: datetime | None
    replayed_turn: int | None
    thought_status: str | None
    failed_again: str | None

    @property
    def state_text(self) -> str:
        """The state as a phrase for a person, with what happened after a replay."""
        if self.state == "open":
            return "open: its thought was deleted by its author" if self.thought_status == "deleted" else "open"
        time = f" at {isoformat_seconds(self.resolved_at)}" if self.resolved_at else ""
        if self.state == "discarded":
            return f"discarded{time}"
        turn = f" as turn {self.replayed_turn}" if self.replayed_turn else ""
        if self.failed_again:
            return f"replayed{time}{turn}; it failed again as {self.failed_again}"
        return f"replayed{time}{turn}" + (f"; its thought is {self.thought_status}" if self.thought_status else "")

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values, with the whole message."""
        thought = None if self.thought_id is None else str(self.thought_id)
        times = {
            name: isoformat_seconds(time) for name in ("created_at", "resolved_at") if (time := getattr(self, name))
        }
        columns = {name: getattr(self, name) for name in self.__slots__}
        return columns | {"thought_id": thought, "outcome": self.state_text} | times


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dead letter that was selected for a replay or discard.

    `replayable` says whether a replay would succeed now; that may change before the replay.
    """

    failure_id: str
    is_thought: bool
    reason: str
    agent: str
    user_id: str
    is_open: bool
    replayable: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """The complete value and headers of a dead letter; `text` is the thought's, None when no thought is stored."""

    value: bytes | None
    headers: Mapping[str, Any]
    text: str | None


def list_dead_letters(database: Database, criteria: Filter, *, rows: int, skip: int = 0) -> list[DeadLetter]:
    """Return at most `rows` dead letters after the first `skip`, newest first. Raises SQLAlchemyError."""
    return [DeadLetter(**row._asdict()) for row in database.rows(LIST, **criteria.parameters, rows=rows, skip=skip)]


def count_dead_letters(database: Database, criteria: Filter) -> int:
    """Return how many dead letters match. Raises SQLAlchemyError."""
    return int(database.rows(COUNT, **criteria.parameters)[0].letters)


def select_candidates(database: Database, criteria: Filter) -> list[Candidate]:
    """Return all dead letters that match, in the order in which they are replayed. Raises SQLAlchemyError."""
    return [Candidate(**row._asdict()) for row in database.rows(SELECT_CANDIDATES, **criteria.parameters)]


def fetch_contents(database: Database, failure_id: str) -> Contents | None:
    """Return the contents of a dead letter, or None when there is none with this id. Raises SQLAlchemyError."""
    row: Row | None = database.row(CONTENTS, failure=failure_id)
    return row and Contents(None if row.value is None else bytes(row.value), row.headers, row.text)


def isoformat_seconds(time: datetime) -> str:
    """Return a time in ISO format, in UTC and to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
