"""The rows of PostgreSQL that the protocol needs. Times are of PostgreSQL's own wall clock, in seconds."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(slots=True)
class Thought:
    """A row of `thoughts`. `write_order` is no column: it counts accepts and replays in the order of their commits."""

    id: UUID
    user_id: UUID
    turn: int
    text: str
    event: bytes
    created_at: float
    emitted_at: float | None
    write_order: int
    headers: dict[str, Any] | None = None
    fresh: bool = False
    status: str = "pending"
    finished_at: float | None = None
    started_at: float | None = None
    error: str | None = None
    dispatch_id: int = 0
    steps_done: int = 0
    attempts: int = 0
    service_failures: int = 0
    call_id: UUID | None = None
    beat: int = 0
    beat_at: float | None = None
    sends: int = 0
    losses: int = 0
    not_before: float | None = None
    emissions: int = 0
    profile_of: UUID | None = None

    @property
    def is_open(self) -> bool:
        return self.finished_at is None

    def believed_wait(self, now: float) -> float:
        """Return the seconds until the next attempt: 0 when its time is unknown, because a clock was wrong."""
        if self.not_before is None or self.beat_at is None:
            return 0.0
        is_believed = self.beat_at <= now + 1.0 and self.not_before <= self.beat_at + 3600.01
        return max(0.0, self.not_before - now) if is_believed else 0.0


@dataclass(slots=True)
class OutboxRow:
    """A row of `outbox`, with the columns that the relay reads."""

    id: int
    topic: str
    key: str | None
    turn: int | None
    failure_id: str | None
    value: bytes | None
    headers: Any
    parked: bool = False


@dataclass(slots=True)
class DeadLetter:
    """A row of `dead_letters`."""

    failure_id: str
    thought_id: UUID | None
    turn: int | None
    reason: str
    headers: dict[str, Any]
    value: bytes | None = None
    state: str = "open"
    replayed_turn: int | None = None


@dataclass(slots=True)
class Batch:
    """A row of `batches`."""

    id: int
    asked_at: float
    begun_at: float | None = None
    ended_at: float | None = None


@dataclass(slots=True)
class Tables:
    """All rows."""

    users: dict[UUID, int] = field(default_factory=dict)
    """`last_turn` by user."""
    accounts: set[UUID] = field(default_factory=set)
    """The users that are not anonymous."""
    account_of: dict[UUID, UUID] = field(default_factory=dict)
    """Anonymous user -> the account that it has joined."""
    thoughts: dict[UUID, Thought] = field(default_factory=dict)
    thoughts_by_user: dict[UUID, list[Thought]] = field(default_factory=dict)
    """Each user's thoughts in any state, in the order in which they were written."""
    saved_steps: dict[tuple[UUID, int], UUID] = field(default_factory=dict)
    """(thought, step) -> the call whose result was saved."""
    copied_from: dict[tuple[UUID, int], UUID | None] = field(default_factory=dict)
    """(thought, step) -> the thought from which the saved result was copied."""
    outbox: dict[int, OutboxRow] = field(default_factory=dict)
    dead_letters: dict[str, DeadLetter] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)

    def line(self, user: UUID) -> list[Thought]:
        """Return the user's open thoughts in the order of their turns."""
        return sorted((t for t in self.thoughts_by_user.get(user, ()) if t.finished_at is None), key=_turn)


def _turn(thought: Thought) -> int:
    return thought.turn
