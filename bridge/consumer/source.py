"""The interface between the bridge's loop and what feeds its lanes: Kafka, or PostgreSQL in batch mode."""

from collections.abc import Iterable
from typing import Protocol

from bridge.consumer.lane import Lane


class Source(Protocol):
    """Feeds lanes with records. All methods are called by one thread, the bridge's loop."""

    def poll(self, seconds: float) -> None:
        """Wait at most `seconds` for records, add them to the lanes, and pause or resume lanes as they fill."""
        ...

    def lanes(self) -> Iterable[Lane]:
        """Return the lanes of the current assignment."""
        ...

    def commit(self, now: float) -> None:
        """Commit the lanes' frontiers, if a commit is due at `now`. The loop calls this after every run."""
        ...

    def close(self) -> None:
        """Commit what is done, and leave the consumer group."""
        ...
