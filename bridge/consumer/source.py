"""Where a bridge's doorbells come from: Kafka's partitions, or, in batch mode, PostgreSQL itself."""

from collections.abc import Iterable
from typing import Protocol

from bridge.consumer.lane import Lane


class Source(Protocol):
    """Feeds lanes. All methods are called by one thread, the bridge's loop."""

    def poll(self, seconds: float) -> None:
        """Wait at most so long for records and put what came into the lanes; pause and resume by what they hold."""
        ...

    def lanes(self) -> Iterable[Lane]:
        """The lanes of the present assignment."""
        ...

    def commit(self, now: float) -> None:
        """Make known what is done, at least every second: commit the frontiers, or end the batch."""
        ...

    def close(self) -> None:
        """Make known what is done, now, and leave."""
        ...
