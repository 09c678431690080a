"""The events of a thought that everything goes well with, as subscribers and streams see them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from contracts.events import EVENT_TYPES

Event = tuple[str, Mapping[str, Any]]
"""The type of an event and its data."""

CREATED: Final = "thought_created"
"""The web publishes this event in the background, so those of other processes may come before it."""


def expected_names(agents: int) -> list[str]:
    """Return the names of the events in their order, for a thought with this number of agents."""
    steps = [f"thought_agent_completed {number}/{agents}" for number in range(1, agents + 1)]
    return [CREATED, "thought_processing", *steps, "thought_completed"]


def names_of(events: Iterable[Event], thought_id: str) -> list[str]:
    """Return the names of the stored events of a thought, those of agents with their progress, each once."""
    names = [
        f"{kind} {data['progress']}" if "progress" in data else kind
        for kind, data in events
        if kind in EVENT_TYPES and data.get("thought_id") == thought_id
    ]
    return list(dict.fromkeys(names))


def is_in_order(names: Sequence[str], agents: int) -> bool:
    """Return whether these are the names of all events, in their order but for the first one."""
    expected = expected_names(agents)
    return sorted(names) == sorted(expected) and [name for name in names if name != CREATED] == expected[1:]


def has_ended(names: Sequence[str]) -> bool:
    """Return whether the last event of a thought has arrived."""
    return any(name in {"thought_completed", "thought_failed"} for name in names)
