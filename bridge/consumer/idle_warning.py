"""How long a bridge has had no partition. Pure; `now` is handed in, in seconds."""

from typing import Final

IDLE_SECONDS: Final = 60.0

IDLE_WARNING: Final = (
    "This bridge has had no partition for a minute. Either it is spare, since more bridges run than the work topic has "
    "partitions; or the brokers are older than 4.0 and need KAFKA_GROUP_PROTOCOL=classic."
)
"""Kafka's client says nothing in either case."""


class IdleWarning:
    """Says once of each such time that it is long."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._is_told = False

    def is_due(self, has_any: bool, now: float) -> bool:
        """Whether it is to be told now."""
        if has_any:
            self._since, self._is_told = None, False
            return False
        if self._since is None:
            self._since = now
        told, self._is_told = self._is_told, now - self._since >= IDLE_SECONDS
        return self._is_told and not told
