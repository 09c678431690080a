"""How long each part of a connection may take. Pure: times are seconds of the monotonic clock."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pace:
    """A deadline that every transferred byte moves, so that a slow line has time and a standstill has not.

    `seconds` is the time at the start; `bytes_per_second` transferred bytes add one second; `most_seconds` is the end.
    """

    seconds: float
    bytes_per_second: int
    most_seconds: float

    def deadline(self, started: float, transferred: int) -> float:
        """Return the time at which the transfer ends, after this many bytes."""
        return started + min(self.seconds + transferred / self.bytes_per_second, self.most_seconds)


HEAD: Final = Pace(10, 4096, 20)
"""The request line and the headers, from the first byte."""

BODY: Final = Pace(10, 4096, 60)
"""A request's body, from the first time that the application reads it. The largest thought takes 30 s at 4 KiB/s."""

ANSWER: Final = Pace(20, 8192, 120)
"""A response, from its first byte. A page of the largest size takes 64 s at 8 KiB/s."""

FIRST_REQUEST_SECONDS: Final = 10.0
"""How long a new connection may stay silent."""

LINGER_SECONDS: Final = 1.0
"""How long a closed connection waits for more, because closing it with unread data would destroy the answer."""

MOST_LINGER_SECONDS: Final = 10.0
"""How long it waits in all, for a client that sends on without reading its answer."""
