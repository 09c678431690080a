"""Detects a bridge that has had no partition for a minute. Pure; `now` is an argument, in seconds."""

from typing import Final

IDLE_SECONDS: Final = 60.0
"""How long a bridge may be without a partition before a warning is logged."""

IDLE_WARNING: Final = (
    "This bridge has had no partition for a minute. Either it is a spare, because more bridges run than the work topic "
    "has partitions, or the brokers are older than 4.0 and need KAFKA_GROUP_PROTOCOL=classic."
)
"""Kafka's client logs nothing in either case."""


class IdleWarning:
    """Decides when the warning is logged: once for each period without a partition."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._is_logged = False

    def update(self, has_partition: bool, now: float) -> bool:
        """Return whether the warning must be logged now."""
        if has_partition:
            self._since, self._is_logged = None, False
            return False
        if self._since is None:
            self._since = now
        was_logged, self._is_logged = self._is_logged, now - self._since >= IDLE_SECONDS
        return self._is_logged and not was_logged
