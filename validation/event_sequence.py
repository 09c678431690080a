"""The events of a thought that everything goes well with, as subscribers and streams see them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.events import EVENT_TYPES

Event = tuple[str, Mapping[str, Any]]
"""The type of an event and its data."""


def expected_names(agents: int) -> list[str]:
    """Return the names of the events in their order, for a thought with this number of agents."""
    steps = [f"thought_agent_completed {number}/{agents}" for number in range(1, agents + 1)]
    return ["thought_created", "thought_processing", *steps, "thought_completed"]


def names_of(events: Iterable[Event], thought_id: str) -> list[str]:
    """Return the names of the stored events of a thought, those of agents with their progress, each once."""
    names = [
        f"{kind} {data['progress']}" if "progress" in data else kind
        for kind, data in events
        if kind in EVENT_TYPES and data.get("thought_id") == thought_id
    ]
    return list(dict.fromkeys(names))


def has_ended(names: Sequence[str]) -> bool:
    """Return whether the last event of a thought has arrived."""
    return any(name in {"thought_completed", "thought_failed"} for name in names)
