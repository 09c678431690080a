"""What one stream has told its reader: nothing twice, and nothing before what came before it."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from agents.catalogue import CATALOGUE

MAX_EVENTS: Final = 1000
MAX_THOUGHTS: Final = 200
"""More than a snapshot holds (50 thoughts of at most 8 events), so that a derivation never repeats itself."""

_NOT_SENT: Final = -1

Data = Mapping[str, Any]
"""An event's JSON object."""


class SentEvents:
    """The memory of one stream, bounded; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._events: OrderedDict[str, None] = OrderedDict()
        self._stages: OrderedDict[str, int] = OrderedDict()

    @property
    def open_thoughts(self) -> list[UUID]:
        """Thoughts that were told of and have not ended."""
        return [UUID(thought) for thought, stage in self._stages.items() if stage < _final_stage()]

    def contains(self, data: Data) -> bool:
        """Whether this event was told. What carries no event id cannot be known."""
        return str(data.get("event_id")) in self._events

    def has_gap_before(self, data: Data) -> bool:
        """Whether an event before this one was not told. A failure may follow any stage: always look."""
        stage = _stage(data)
        if stage is None:
            return False
        told = self._stages.get(str(data["thought_id"]), _NOT_SENT)
        return data["event_type"] == "thought_failed" or stage > told + 1

    def add(self, data: Data) -> None:
        """Remember that this event was told."""
        stage, event = _stage(data), data.get("event_id")
        if event:
            _put(self._events, str(event), None, MAX_EVENTS)
        if stage is not None:
            _put(self._stages, str(data["thought_id"]), stage, MAX_THOUGHTS)


def _put(memory: "OrderedDict[str, Any]", key: str, value: Any, length: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > length:
        memory.popitem(last=False)


def _stage(data: Data) -> int | None:
    """How far an event brings its thought: created 0, processing 1, agent n is n + 1, the end one more than the last
    agent.

    None for what is no event of a thought: Redis may carry anybody's messages.
    """
    if not _names_a_thought(data):
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


def _names_a_thought(data: Data) -> bool:
    try:
        UUID(str(data.get("thought_id")))
    except ValueError:
        return False
    return True
