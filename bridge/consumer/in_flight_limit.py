"""How many thoughts may be in flight: no more than the workers can work on. Pure: no I/O, no clock.

With more thoughts in flight than the workers have slots, all of them advance together and none finishes. So a head
begins only when a slot is free for it, and what has begun finishes steadily (later steps are also delivered first, see
`contracts.queues.step_priority`).

The workers report their slots, and the bridges how many users they hold. Each bridge computes its share from these
reports alone. They are hints: while they are late, a few thoughts more or less are in flight, and nothing else changes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from contracts.presence import SeenProcess

EXTRA_SHARE: Final = 0.1
"""Thoughts in flight beyond the slots, as a share of them: they keep the slots busy while messages are under way."""

MIN_LIMIT: Final = 8
"""The limit of a bridge that knows of no worker. Their reports may be lost, and then work must go on."""


def total_limit(slots: int) -> int:
    """Return how many thoughts may be in flight in the whole installation, 0 without slots."""
    return slots + math.ceil(slots * EXTRA_SHARE)


def fair_shares(total: int, demands: Sequence[int]) -> list[int]:
    """Divide `total` among these demands: nobody gets more than it demands, and what one leaves the others get.

    A demand above 0 gets at least 1, so that each of them advances; the sum may exceed `total` by that.
    """
    shares = [0] * len(demands)
    left = total
    for position, index in enumerate(sorted(range(len(demands)), key=demands.__getitem__)):
        equal_share = max(0, left) / (len(demands) - position)
        shares[index] = min(demands[index], max(1, round(equal_share))) if demands[index] else 0
        left -= shares[index]
    return shares


@dataclass(slots=True)
class SlotCount:
    """Counts the slots of the workers that were seen.

    A worker that is gone counts for `lease_seconds` more, because the thoughts in its calls are in flight until their
    leases expire; without it the other workers' slots would stay empty meanwhile.
    """

    lease_seconds: float
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Worker -> its slots, and when it was last seen."""

    def observe(self, slots_by_worker: Mapping[str, int], now: float) -> int:
        """Note the workers that are there now, by their ids; return the number of slots."""
        self._seen |= {worker: (slots, now) for worker, slots in slots_by_worker.items()}
        self._seen = {worker: seen for worker, seen in self._seen.items() if now - seen[1] < self.lease_seconds}
        return sum(slots for slots, _ in self._seen.values())


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a bridge knows of the installation."""

    slots: int = 0
    """Slots of all workers."""
    other_bridges: tuple[int, ...] = ()
    """Users that each other bridge holds."""

    def limit(self, users: int) -> int:
        """Return how many thoughts a bridge that holds this many users may have in flight."""
        if not self.slots:
            return MIN_LIMIT
        return fair_shares(total_limit(self.slots), [users, *self.other_bridges])[0]


def slots_by_worker(processes: Iterable[SeenProcess]) -> dict[str, int]:
    """Return the slots of each worker. The one of the queue `solo` is left out, because only it serves that queue."""
    return {process.report.id: process.report.slots for process in processes if process.report.kind == "worker"}


def users_of_other_bridges(processes: Iterable[SeenProcess], own_id: str) -> tuple[int, ...]:
    """Return how many users each other bridge holds."""
    return tuple(
        process.report.lines for process in processes if process.report.kind == "bridge" and process.report.id != own_id
    )
