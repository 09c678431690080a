"""Tracks which events a stream has sent, to drop duplicates and detect gaps."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from agents.catalogue import CATALOGUE

MAX_EVENTS: Final = 1000
MAX_THOUGHTS: Final = 200
"""Larger than a snapshot (50 thoughts with at most 8 events each), so that no derived event is sent twice."""

_NOT_SENT: Final = -1

Data = Mapping[str, Any]
"""An event's JSON object."""


class SentEvents:
    """The sent events of one stream. The size is bounded; the oldest entries are removed first."""

    def __init__(self) -> None:
        self._events: OrderedDict[str, None] = OrderedDict()
        self._stages: OrderedDict[str, int] = OrderedDict()

    @property
    def open_thoughts(self) -> list[UUID]:
        """The thoughts with a sent event that have not finished."""
        return [UUID(thought_id) for thought_id, stage in self._stages.items() if stage < _final_stage()]

    def contains(self, data: Data) -> bool:
        """Return whether this event was sent. False for a message without an event id."""
        return str(data.get("event_id")) in self._events

    def has_gap_before(self, data: Data) -> bool:
        """Return whether an earlier event may be unsent; always True for a failure, because it can follow any stage."""
        stage = _stage(data)
        if stage is None:
            return False
        sent_stage = self._stages.get(str(data["thought_id"]), _NOT_SENT)
        return data["event_type"] == "thought_failed" or stage > sent_stage + 1

    def is_open_at(self, thought_id: UUID, agent_number: int) -> bool:
        """Return whether the thought is in processing and this agent's result was not sent yet."""
        return 1 <= self._stages.get(str(thought_id), _NOT_SENT) <= agent_number

    def add(self, data: Data) -> None:
        """Record that this event was sent."""
        stage, event_id = _stage(data), data.get("event_id")
        if event_id:
            _put(self._events, str(event_id), None, MAX_EVENTS)
        if stage is not None:
            _put(self._stages, str(data["thought_id"]), stage, MAX_THOUGHTS)


def _put(entries: "OrderedDict[str, Any]", key: str, value: Any, max_length: int) -> None:
    entries[key] = value
    entries.move_to_end(key)
    while len(entries) > max_length:
        entries.popitem(last=False)


def _stage(data: Data) -> int | None:
    """Return the stage that an event reaches: 0 created, 1 processing, n + 1 agent n, `_final_stage()` the end.

    Return None when it is no event of a thought, because any Redis client can publish to the channel.
    """
    if not _has_thought_id(data):
        return None
    match data.get("event_type"):
        case "thought_created":
            return 0
        case "thought_processing":
            return 1
        case "thought_agent_completed":
            number = data.get("agent_number")
            return number + 1 if isinstance(number, int) else None
        case "thought_completed" | "thought_failed":
            return _final_stage()
    return None


def _final_stage() -> int:
    return CATALOGUE.total + 2


def _has_thought_id(data: Data) -> bool:
    try:
        UUID(str(data.get("thought_id")))
    except ValueError:
        return False
    return True
