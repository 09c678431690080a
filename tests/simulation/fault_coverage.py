"""Counts which faults hit which waits: a fault that never hits anything proves nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.actions import ACTIONS
from tests.simulation.histories import draw, play
from tests.simulation.invariants import Violation
from tests.simulation.kafka import PARTITION_PAUSED
from tests.simulation.sql_decide import HEAD_WAITS
from tests.simulation.step_checks import ATTEMPTS_EXHAUSTED
from tests.simulation.world import FaultHit

_READ: Final = ("answer late", "answer lost", "unreachable")
_STATEMENT: Final = (*_READ, "delayed")
_PROCESS: Final = ("killed", "suspended")

_REQUIRED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "bridge": {
        "accept": (*_STATEMENT, *_PROCESS),
        "insert dead letter": (*_STATEMENT, *_PROCESS),
        "decide": (*_STATEMENT, *_PROCESS),
        "answer to decide": _PROCESS,
        "send": (*_READ, "partial", *_PROCESS),
        "answer to send": _PROCESS,
        "commit offsets": (*_READ, *_PROCESS),
        "fetch committed offsets": ("unreachable", *_PROCESS),
        "fetch watermarks": ("unreachable", *_PROCESS),
        "waiting users": (*_STATEMENT, *_PROCESS),
        "poll": _PROCESS,
    },
    "relay": {
        "acquire leadership": (*_READ, *_PROCESS),
        "next batch": (*_READ, *_PROCESS),
        "publish": (*_READ, "partial", *_PROCESS),
        "answer to publish": _PROCESS,
        "delete": (*_READ, *_PROCESS),
        "commit": (*_STATEMENT, *_PROCESS),
        "answer to commit": _PROCESS,
        "sweep": (*_STATEMENT, *_PROCESS),
    },
    "worker": {
        "claim": (*_STATEMENT, "raced", *_PROCESS),
        "answer to claim": _PROCESS,
        "agent": ("transient", "permanent", "invalid", "unstorable", "service", *_PROCESS),
        "probe": ("service", *_PROCESS),
        "defer": (*_STATEMENT, *_PROCESS),
        "renew": (*_STATEMENT, *_PROCESS),
        "save": (*_STATEMENT, *_PROCESS),
        "answer to save": _PROCESS,
        "retry": (*_STATEMENT, *_PROCESS),
        "fail": (*_STATEMENT, *_PROCESS),
        "send next step": ("answer lost", *_PROCESS),
        "acknowledge": ("answer lost", *_PROCESS),
    },
    "web": {"accept": (*_STATEMENT, *_PROCESS), "insert user": (*_STATEMENT,), "join account": (*_STATEMENT,)},
    "operator": {"replay": _STATEMENT, "resend": _STATEMENT, "discard": _STATEMENT},
    "author": {
        "delete thought": _STATEMENT,
        "erase late results": _STATEMENT,
        "cancel thought": _STATEMENT,
        "replay": _STATEMENT,
    },
    "beat": {"request": _STATEMENT},
}
"""Kind of process -> wait -> the faults that must hit it in some history."""

REQUIRED_HITS: Final[tuple[FaultHit, ...]] = tuple(
    (kind, wait, fault) for kind, waits in _REQUIRED.items() for wait, faults in waits.items() for fault in faults
)

REQUIRED_OBSERVATIONS: Final = (ATTEMPTS_EXHAUSTED, PARTITION_PAUSED, HEAD_WAITS)

MIN_HISTORIES: Final = 10_000
"""With this many histories every required fault must have hit."""


@dataclass
class Campaign:
    """Many histories, until one violates an invariant."""

    histories: int = 0
    observations: Counter[str] = field(default_factory=Counter)
    """Action or observation -> the number of histories in which it happened."""
    fault_hits: Counter[FaultHit] = field(default_factory=Counter)
    """Fault and wait -> the number of histories in which the fault hit the wait."""
    failed_seed: int | None = None
    violation: Violation | None = None

    def play(self, seeds: Iterable[int]) -> None:
        """Play the histories of these seeds up to the first violation."""
        for seed in seeds:
            result = play(draw(seed))
            self.histories += 1
            self.observations.update(result.observations.keys())
            self.fault_hits.update(result.fault_hits.keys())
            if result.violation is not None:
                self.failed_seed, self.violation = seed, result.violation
                return

    def merge(self, other: "Campaign") -> None:
        """Add another campaign's counts; the first violation stays."""
        self.histories += other.histories
        self.observations += other.observations
        self.fault_hits += other.fault_hits
        if self.violation is None:
            self.failed_seed, self.violation = other.failed_seed, other.violation

    def missing(self) -> list[str]:
        """Return the required faults, actions and observations that never happened."""
        hits = [hit for hit in REQUIRED_HITS if not self.fault_hits[hit]]
        names = [name for name in (*ACTIONS, *REQUIRED_OBSERVATIONS) if not self.observations[name]]
        return [*map(" ".join, hits), *names]

    def fault_lines(self) -> list[str]:
        """Return a line for each wait: the faults that hit it, each with its number of histories."""
        lines: dict[tuple[str, str], list[str]] = {}
        for (kind, wait, fault), number in sorted(self.fault_hits.items()):
            lines.setdefault((kind, wait), []).append(f"{fault} {number}")
        return [f"{kind}: {wait}: {', '.join(faults)}" for (kind, wait), faults in lines.items()]
