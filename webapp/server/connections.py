"""Limits the connections of a process and the bytes that they hold. Drops those that wait longest for their client.

A request that has arrived is served within milliseconds, so the connection that waits longest is one that sends or
reads slowly. Dropping it is better than to stop accepting, which would block every user because of one client, and
better than a limit for each address, which would block all users of one proxy.
"""

from collections.abc import Collection, Iterable
from typing import Protocol


class Held(Protocol):
    """A connection, as the limits see it."""

    since: float
    """When its present phase began."""
    held_bytes: int
    """The bytes that it holds: of the body that arrives, or of the answer that is not sent yet."""

    @property
    def waits_for_client(self) -> bool:
        """Whether only its client can let it continue, so that it may be dropped."""

    @property
    def is_stream(self) -> bool:
        """Whether it is an event stream; streams have another limit."""

    def drop(self) -> None:
        """End the wait for the client."""


def longest_waiting(connections: Iterable[Held]) -> Held | None:
    """Return the connection that has waited longest for its client, no stream; None when there is none."""
    waiting = (connection for connection in connections if connection.waits_for_client and not connection.is_stream)
    return min(waiting, key=lambda connection: connection.since, default=None)


def longest_holding(connections: Iterable[Held]) -> Held | None:
    """Return the connection that has held bytes for the longest time while it waits for its client, or None."""
    holding = (connection for connection in connections if connection.waits_for_client and connection.held_bytes)
    return min(holding, key=lambda connection: connection.since, default=None)


class Connections:
    """The open connections of a process. A dropped one is no longer counted, although it still ends."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._open: set[Held] = set()
        self._held_bytes = 0
        self.dropped = 0
        """How many connections the limits have dropped."""

    @property
    def open_connections(self) -> Collection[Held]:
        """The connections that count."""
        return self._open

    @property
    def held_bytes(self) -> int:
        """The bytes that all connections hold."""
        return self._held_bytes

    def admit(self, connection: Held) -> bool:
        """Count a new connection. Return False when there is no room, and none that could be dropped."""
        if len(self._open) >= self._limit:
            victim = longest_waiting(self._open)
            if victim is None:
                return False
            self._drop(victim)
        self._open.add(connection)
        return True

    def remove(self, connection: Held) -> None:
        """Stop counting a connection. Harmless for one that was dropped."""
        self.hold(connection, 0)
        self._open.discard(connection)

    def hold(self, connection: Held, size: int) -> None:
        """Note how many bytes the connection holds now, and drop others when all together hold too many."""
        if connection not in self._open:
            return
        self._held_bytes += size - connection.held_bytes
        connection.held_bytes = size
        while size and self._held_bytes > self._limit_bytes:
            victim = longest_holding(self._open - {connection})
            if victim is None:
                return
            self._drop(victim)

    def _drop(self, victim: Held) -> None:
        self.dropped += 1
        self._held_bytes -= victim.held_bytes
        victim.held_bytes = 0
        self._open.discard(victim)
        victim.drop()
