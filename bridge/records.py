"""Kafka's record -> the lane's: what it says, or why it cannot be read. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from bridge.decide import Record
from bridge.pipelines import PIPELINES
from contracts.events import ThoughtCreated, UnreadableEventError
from contracts.text import clean

NOBODY: Final = UUID(int=0)

KafkaHeaders = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Body:
    """A record's bytes and headers as they came, and the event when it could be read."""

    value: bytes | None
    headers: KafkaHeaders
    key: bytes | None = None
    event: ThoughtCreated | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is no event we know, and why."""

    record: Record
    reason: str


def read_record(
    where: Mapping[str, Any], value: bytes | None, headers: KafkaHeaders, key: bytes | None = None
) -> Record | Unreadable:
    """Read one record of the work topic; `where` is its `contracts.dead_letters.origin`. Never raises."""
    offset: int = where["offset"]
    try:
        event = _pipeline_event(value)
        turn = _turn(headers)
    except UnreadableEventError as unreadable:
        reason = clean(str(unreadable))  # pydantic quotes the character it did not like, NUL included
        return Unreadable(Record(offset, NOBODY, NOBODY, None, where, Body(value, headers, key)), reason)
    return Record(offset, event.user_id, event.thought_id, turn, where, Body(value, headers, key, event))


def _pipeline_event(value: bytes | None) -> ThoughtCreated:
    pipeline = PIPELINES.get(_event_type(value))
    if pipeline is None:
        raise UnreadableEventError("event_type: no pipeline takes this type of event")
    return pipeline.read(value)


def _event_type(value: bytes | None) -> str:
    if value is None:
        raise UnreadableEventError("the record has no value")
    try:
        parsed: Any = json.loads(value)
    except (ValueError, RecursionError):
        raise UnreadableEventError("the value is not JSON") from None
    return str(parsed.get("event_type")) if isinstance(parsed, dict) else ""


def _turn(headers: KafkaHeaders) -> int | None:
    found = [value for name, value in headers if name == "turn"]
    if not found:
        return None
    try:
        turn = int(found[-1] or b"")
    except ValueError:
        raise UnreadableEventError("the header turn is not a number") from None
    if not 0 < turn < 2**63:
        raise UnreadableEventError("the header turn is out of range")
    return turn
