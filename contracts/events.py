"""web -> Kafka, and worker -> Kafka and browser: defines the versioned events of a thought.

An event's id is derived from the fact that it reports. The same fact published twice (a repeated record, an event
derived from PostgreSQL) therefore has the same id, and every reader can drop the duplicate.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from contracts.text import storable_text

_EVENT_IDS = UUID("5b0d7a52-2c8e-5d3e-9d6c-0e8f4b7a9c11")

ThoughtText = Annotated[str, AfterValidator(storable_text)]
"""The text of an accepted thought: what accepts a new one also requires a visible character (`thought_text`)."""


class InvalidEventError(ValueError):
    """Raised when a record's value is not a valid event. The message names the reason and never quotes the value.

    `kind` is one word that classifies the reason, such as `WrongVersion`; dead letters can be filtered by it.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class Event(BaseModel):
    """The fields of all events. `timestamp` is timezone-aware and in UTC."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    version: Literal[1] = 1
    event_id: UUID
    event_type: str
    timestamp: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    user_id: UUID
    thought_id: UUID

    def to_bytes(self) -> bytes:
        """Return the event's JSON, as it is sent to Kafka."""
        return self.model_dump_json().encode()

    def to_dict(self) -> dict[str, Any]:
        """Return the same JSON as Python values."""
        return self.model_dump(mode="json")


class ThoughtCreated(Event):
    """A thought was accepted."""

    event_type: Literal["thought_created"] = "thought_created"
    text: ThoughtText


class ThoughtProcessing(Event):
    """The thought reached the head of its user's line, and the bridge dispatched it to the workers."""

    event_type: Literal["thought_processing"] = "thought_processing"
    message: str = "The agents have begun to work on this thought."


class ThoughtAgentCompleted(Event):
    """One agent's result was saved."""

    event_type: Literal["thought_agent_completed"] = "thought_agent_completed"
    agent_name: str
    agent_number: int
    total_agents: int
    progress: str


class ThoughtCompleted(Event):
    """The results of all agents were saved."""

    event_type: Literal["thought_completed"] = "thought_completed"
    processing_time_seconds: float


class ThoughtFailed(Event):
    """The thought failed permanently, and its dead letter was written to the outbox; or its author cancelled it."""

    event_type: Literal["thought_failed"] = "thought_failed"
    error_message: str
    retry_count: int
    agent: str
    """The agent that failed; empty when the author cancelled the thought."""
    error_kind: str = ""
    """transient, permanent, invalid, lost or cancelled; empty in an event of an older release."""


class ThoughtAgentProgress(BaseModel):
    """What an agent has written so far. It reports no fact, so it is not an `Event`: it has no id, is published only to
    open streams and never stored, and may be lost. The saved result replaces it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    event_type: Literal["thought_agent_progress"] = "thought_agent_progress"
    timestamp: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    user_id: UUID
    thought_id: UUID
    agent_name: str
    agent_number: int
    text: str
    """Plain text, which a model wrote."""

    def to_dict(self) -> dict[str, Any]:
        """Return the event's JSON as Python values."""
        return self.model_dump(mode="json")


EVENT_TYPES: Final = frozenset(
    model.model_fields["event_type"].default
    for model in (ThoughtCreated, ThoughtProcessing, ThoughtAgentCompleted, ThoughtCompleted, ThoughtFailed)
)
"""The event types of a thought. A browser's stream also sends `reset` and PROGRESS_TYPE, which report no fact."""

PROGRESS_TYPE: Final[str] = ThoughtAgentProgress.model_fields["event_type"].default


def event_id(thought_id: UUID, event_type: str, *, turn: int | None = None, step: int | None = None) -> UUID:
    """Return the id of a fact about a thought. Facts that can recur after a replay are distinguished by their turn."""
    return uuid5(_EVENT_IDS, f"{thought_id}:{event_type}:{turn}:{step}")


def thought_created(user_id: UUID, thought_id: UUID, text: str) -> ThoughtCreated:
    """Return the event of an accepted thought."""
    return ThoughtCreated(
        event_id=event_id(thought_id, "thought_created"), user_id=user_id, thought_id=thought_id, text=text
    )


def thought_processing(user_id: UUID, thought_id: UUID, turn: int, when: datetime | None = None) -> ThoughtProcessing:
    """Return the event of the first dispatch of a turn.

    `when` is the time of the fact if it is derived from PostgreSQL later, here and below; the default is now.
    """
    return ThoughtProcessing(
        event_id=event_id(thought_id, "thought_processing", turn=turn),
        user_id=user_id,
        thought_id=thought_id,
        timestamp=when or datetime.now(UTC),
    )


def agent_completed(
    user_id: UUID, thought_id: UUID, step: int, *, agent_name: str, total: int, when: datetime | None = None
) -> ThoughtAgentCompleted:
    """Return the event of a saved step, counted from 1 to `total`.

    A step is saved once, even across replays, so the id of its event does not depend on the turn.
    """
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
    """Return the event of the last saved step; `seconds` is the time from the first dispatch to that save."""
    return ThoughtCompleted(
        event_id=event_id(thought_id, "thought_completed"),
        user_id=user_id,
        thought_id=thought_id,
        timestamp=when or datetime.now(UTC),
        processing_time_seconds=seconds,
    )


def thought_failed(
    user_id: UUID,
    thought_id: UUID,
    turn: int,
    *,
    agent: str,
    kind: str,
    message: str,
    attempts: int,
    when: datetime | None = None,
) -> ThoughtFailed:
    """Return the event of the permanent failure after `attempts` calls of one agent, or of a cancellation."""
    return ThoughtFailed(
        event_id=event_id(thought_id, "thought_failed", turn=turn),
        user_id=user_id,
        thought_id=thought_id,
        timestamp=when or datetime.now(UTC),
        error_message=message,
        retry_count=max(0, attempts - 1),
        agent=agent,
        error_kind=kind,
    )


def parse_created(value: bytes | None) -> ThoughtCreated:
    """Parse the value of a record of the work topic, whichever producer wrote it. Raises InvalidEventError."""
    if value is None:
        raise InvalidEventError("the record has no value", "Tombstone")
    try:
        return ThoughtCreated.model_validate_json(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "event"
        kind = "WrongVersion" if field == "version" else "WrongField"
        raise InvalidEventError(f"{field}: {first['msg'].removeprefix('Value error, ')}", kind) from None
