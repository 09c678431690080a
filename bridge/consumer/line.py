"""What a lane knows of one user's line, and in which phase it is. Pure; `lane.py` has the table of phases."""

from dataclasses import dataclass, field
from enum import Enum, auto

from bridge.consumer.protocol import Head, HeadVersion
from bridge.records.types import Record


class Phase(Enum):
    """What the lane does for a user at the moment."""

    DUE = auto()
    """PostgreSQL must be asked about the user."""
    DECIDING = auto()
    """A request is in progress."""
    DISPATCHING = auto()
    """The head's chain must be sent."""
    WATCHING = auto()
    """The head is being worked on, or is locked: poll again later."""
    WAITING = auto()
    """The head is pending, and may begin when the workers have a free slot."""


@dataclass(slots=True)
class Line:
    """What a lane knows of one user's line."""

    records: dict[int, Record] = field(default_factory=dict)
    """The user's records at open offsets, by offset, in the order in which the lane received them."""
    phase: Phase = Phase.DUE
    poll_at: float = 0.0
    """While WATCHING: when PostgreSQL is asked again."""
    poll_again: bool = False
    """A wake-up arrived while DECIDING or DISPATCHING."""
    version: HeadVersion | None = None
    """The head's version at the last poll; None before the first one, and when the head was locked."""
    unchanged_since: float = 0.0
    """When the lease started: with a new version, with a sent chain, or with an outage of PostgreSQL."""
    lease_seconds: float = 0.0
    """How long the version must stay unchanged before Decide may take the head over."""
    head: Head | None = None
    """The head of the last decision."""
    in_flight: bool = False
    """Whether the head counts towards the limit of thoughts in flight; also while a request allows it to begin."""

    def is_due(self, now: float) -> bool:
        """Whether PostgreSQL must be asked about this user now."""
        return self.phase is Phase.DUE or (self.phase is Phase.WATCHING and now >= self.poll_at)

    def watch_until(self, poll_at: float, now: float) -> None:
        """Watch the head until `poll_at`, or poll at once if a wake-up arrived in the meantime."""
        self.phase = Phase.WATCHING
        self.poll_at = now if self.poll_again else poll_at
        self.poll_again = False
