"""How fast heads begin under a backlog, so that thoughts also end at an even rate. Pure: no I/O, no clock.

Thoughts that begin together, and whose steps take equally long, end together, and so do those that begin in their
place. While several times more wait than may be in flight, free slots are therefore filled one after the other, over
the duration of a thought. This delays a backlog once, by about half that duration; afterwards slots become free, and
are filled, at an even rate.
"""

import math
from collections import deque
from typing import Final

ASSUMED_SECONDS: Final = 20.0
"""The duration of a thought, as long as none has ended: that of five short calls of a model."""

OBSERVED_THOUGHTS: Final = 8
"""How many of the last thoughts say how long one takes. The shortest of them counts: one that had to wait, for a
slot or for the end of an outage, must not delay those that follow, and heads may begin a little faster than slots
become free."""

BURST_SECONDS: Final = 1.0
"""Heads that may begin at once, in seconds of the pace. Thoughts that take no longer than this are not paced."""


class BeginPace:
    """A token bucket for the heads of a lane: its rate is the limit of thoughts in flight per duration of a thought."""

    def __init__(self) -> None:
        self._durations: deque[float] = deque(maxlen=OBSERVED_THOUGHTS)
        self._tokens = math.inf
        self._counted_at = 0.0

    def note_duration(self, seconds: float) -> None:
        """Note how many seconds a thought took, from its begin to its end."""
        self._durations.append(seconds)

    def allowance(self, limit: int, now: float) -> int:
        """Return how many heads may begin now, where `limit` thoughts may be in flight."""
        rate = limit / max(min(self._durations, default=ASSUMED_SECONDS), BURST_SECONDS)
        self._tokens = min(self._tokens + rate * (now - self._counted_at), max(1.0, rate * BURST_SECONDS))
        self._counted_at = now
        return int(self._tokens)

    def spend(self, heads: int) -> None:
        """Take the heads that begin out of the allowance."""
        self._tokens = max(0.0, self._tokens - heads)
