"""web -> Kafka, and worker -> Kafka and browser: the events of a thought, versioned.

The id of an event is derived from what it says happened, so that the same fact told twice (a record published again,
a state read back from PostgreSQL) carries the same id and every reader can drop the repeat.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from contracts.text import thought_text

_EVENT_IDS = UUID("5b0d7a52-2c8e-5d3e-9d6c-0e8f4b7a9c11")

ThoughtText = Annotated[str, AfterValidator(thought_text)]


class InvalidEventError(ValueError):
    """Raised when bytes are not an event of a known type; the message says why, without quoting the bytes.

    `kind` is one word to sort by."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class Event(BaseModel):
    """What all events carry. `timestamp` is aware and in UTC."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    version: Literal[1] = 1
    event_id: UUID
    event_type: str
    timestamp: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    user_id: UUID
    thought_id: UUID

    def to_bytes(self) -> bytes:
        """The JSON that goes over the wire."""
        return self.model_dump_json().encode()

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON-ready values."""
        return self.model_dump(mode="json")


class ThoughtCreated(Event):
    """A thought was accepted."""

    event_type: Literal["thought_created"] = "thought_created"
    text: ThoughtText


class ThoughtProcessing(Event):
    """The thought has reached the head of its author's line and its first message is on the way."""

    event_type: Literal["thought_processing"] = "thought_processing"
    message: str = "The agents have begun to work on this thought."


class ThoughtAgentCompleted(Event):
    """One agent's result is saved."""

    event_type: Literal["thought_agent_completed"] = "thought_agent_completed"
    agent_name: str
    agent_number: int
    total_agents: int
    progress: str


class ThoughtCompleted(Event):
    """The results of all agents are saved."""

    event_type: Literal["thought_completed"] = "thought_completed"
    processing_time_seconds: float


class ThoughtFailed(Event):
    """The thought is given up, and its dead letter is on the way."""

    event_type: Literal["thought_failed"] = "thought_failed"
    error_message: str
    retry_count: int
    agent: str


EVENT_TYPES: Final = frozenset(
    model.model_fields["event_type"].default
    for model in (ThoughtCreated, ThoughtProcessing, ThoughtAgentCompleted, ThoughtCompleted, ThoughtFailed)
)
"""What is told of a thought. A stream knows `reset` besides, which only the stream itself says."""


def event_id(thought_id: UUID, event_type: str, *, turn: int | None = None, step: int | None = None) -> UUID:
    """The id of a fact about a thought. What can happen again after a replay is told apart by its turn."""
    return uuid5(_EVENT_IDS, f"{thought_id}:{event_type}:{turn}:{step}")


def thought_created(user_id: UUID, thought_id: UUID, text: str) -> ThoughtCreated:
    """The event that starts everything."""
    return ThoughtCreated(
        event_id=event_id(thought_id, "thought_created"), user_id=user_id, thought_id=thought_id, text=text
    )


def thought_processing(user_id: UUID, thought_id: UUID, turn: int, when: datetime | None = None) -> ThoughtProcessing:
    """The event of the take from the head of the line; `when` as for every fact that is read back later."""
    return ThoughtProcessing(
        event_id=event_id(thought_id, "thought_processing", turn=turn),
        user_id=user_id,
        thought_id=thought_id,
        timestamp=when or datetime.now(UTC),
    )


def agent_completed(
    user_id: UUID, thought_id: UUID, step: int, *, agent_name: str, total: int, when: datetime | None = None
) -> ThoughtAgentCompleted:
    """The event of a saved step, counted from 1 up to `total`. A step is saved once, also over replays, so the id of
    its event has no turn."""
    return ThoughtAgentCompleted(
        event_id=event_id(thought_id, "thought_agent_completed", step=step),
        user_id=user_id,
        thought_id=thought_id,
        timestamp=when or datetime.now(UTC),
        agent_name=agent_name,
        agent_number=step,
        total_agents=total,
        progress=f"{step}/{total}",
    )


def thought_completed(
    user_id: UUID, thought_id: UUID, seconds: float, when: datetime | None = None
) -> ThoughtCompleted:
    """The event of the last saved step; `seconds` from the take to the save."""
    return ThoughtCompleted(
        event_id=event_id(thought_id, "thought_completed"),
        user_id=user_id,
        thought_id=thought_id,
        timestamp=when or datetime.now(UTC),
        processing_time_seconds=seconds,
    )


def thought_failed(
    user_id: UUID, thought_id: UUID, turn: int, *, agent: str, message: str, attempts: int, when: datetime | None = None
) -> ThoughtFailed:
    """The event of the final failure after `attempts` calls of one agent."""
    return ThoughtFailed(
        event_id=event_id(thought_id, "thought_failed", turn=turn),
        user_id=user_id,
        thought_id=thought_id,
        timestamp=when or datetime.now(UTC),
        error_message=message,
        retry_count=max(0, attempts - 1),
        agent=agent,
    )


def parse_created(value: bytes | None) -> ThoughtCreated:
    """Read a record of the work topic, ours or a foreign producer's. Raises UnreadableEventError."""
    if value is None:
        raise InvalidEventError("the record has no value", "Tombstone")
    try:
        return ThoughtCreated.model_validate_json(value)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "event"
        kind = "WrongVersion" if field == "version" else "WrongField"
        raise InvalidEventError(f"{field}: {first['msg']}", kind) from None
