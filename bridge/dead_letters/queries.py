"""The index of dead letters: which there are, what each one says, and what became of it."""

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
"""One condition a filter; NULL chooses all. A class is found by its own name too, without that of its module."""

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

COUNT: Final = text(f"SELECT count(*) AS letters {FILTER_SQL}")

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
"""In the order in which they are replayed: thoughts by their old turns, records by their places in the log."""

CONTENTS: Final = text("""
    SELECT l.value, l.headers, t.text FROM dead_letters l LEFT JOIN thoughts t ON t.id = l.thought_id
     WHERE l.failure_id = :failure
""")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dead letters are meant; None means any. `text` is a part of the thought's text or of the value."""

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
        """As the statements take them."""
        return asdict(self) | {"ids": None if self.ids is None else list(self.ids)}

    @property
    def is_selective(self) -> bool:
        """Whether it says more than a state."""
        return any(value is not None for name, value in asdict(self).items() if name != "state")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What people are shown of a dead letter, named as LIST's columns; the value stays where it is."""

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
    def outcome(self) -> str:
        """What became of it, in words."""
        if self.state == "open":
            return "open: its thought was deleted by its author" if self.thought_status == "deleted" else "open"
        when = f" at {isoformat_utc(self.resolved_at)}" if self.resolved_at else ""
        if self.state == "discarded":
            return f"discarded{when}"
        turn = f" as turn {self.replayed_turn}" if self.replayed_turn else ""
        then = f"failed again as {self.failed_again}" if self.failed_again else self.thought_status
        return f"replayed{when}{turn}" + (f": {then}" if then else "")

    def to_json(self) -> dict[str, Any]:
        """JSON-ready values, the message in full."""
        thought = None if self.thought_id is None else str(self.thought_id)
        times = {
            name: told and isoformat_utc(told)
            for name in ("created_at", "resolved_at")
            if (told := getattr(self, name))
        }
        found = {name: getattr(self, name) for name in self.__slots__} | {"thought_id": thought, "became": self.outcome}
        return found | times


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dead letter to be replayed or discarded. `movable`: as far as can be seen now, a replay can move it."""

    failure_id: str
    is_thought: bool
    reason: str
    agent: str
    user_id: str
    is_open: bool
    replayable: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """The value and the headers in full; `text` is the thought's where one was stored."""

    value: bytes | None
    headers: Mapping[str, Any]
    text: str | None


def list_dead_letters(database: Database, chosen: Filter, *, rows: int, skip: int = 0) -> list[DeadLetter]:
    """So many of them, newest first."""
    found = database.rows(LIST, **chosen.parameters, rows=rows, skip=skip)
    return [DeadLetter(**row._asdict()) for row in found]


def count_dead_letters(database: Database, chosen: Filter) -> int:
    """How many there are."""
    return int(database.rows(COUNT, **chosen.parameters)[0].letters)


def select_candidates(database: Database, chosen: Filter) -> list[Candidate]:
    """All of them, in the order in which they are to be replayed."""
    return [Candidate(**row._asdict()) for row in database.rows(SELECT_CANDIDATES, **chosen.parameters)]


def fetch_contents(database: Database, failure_id: str) -> Contents | None:
    """All that is kept of one; None when there is none with this id."""
    row: Row | None = database.row(CONTENTS, failure=failure_id)
    return row and Contents(None if row.value is None else bytes(row.value), row.headers, row.text)


def isoformat_utc(when: datetime) -> str:
    """A time as people and programs read it, in UTC and to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
