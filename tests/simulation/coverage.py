"""The tables of what histories met: a fault that never bites proves nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.actions import ACTIONS
from tests.simulation.histories import draw, play
from tests.simulation.sentences import Breach
from tests.simulation.steps import ALL_CALLS
from tests.simulation.world import Bite

_READ: Final = ("late", "lost", "away")
_ASKED: Final = (*_READ, "delayed")
_HELD: Final = ("killed", "stopped")

_MUST_BITE: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "bridge": {
        "accept": (*_ASKED, *_HELD),
        "bury": (*_ASKED, *_HELD),
        "decide": (*_ASKED, *_HELD),
        "answer to decide": _HELD,
        "send": (*_READ, "half", *_HELD),
        "answer to send": _HELD,
        "offsets": (*_READ, *_HELD),
        "committed": ("away", *_HELD),
        "ends": ("away", *_HELD),
        "waiting": (*_ASKED, *_HELD),
        "poll": _HELD,
    },
    "relay": {
        "lead": (*_READ, *_HELD),
        "first rows": (*_READ, *_HELD),
        "publish": (*_READ, "half", *_HELD),
        "answer to publish": _HELD,
        "delete": (*_READ, *_HELD),
        "commit": (*_ASKED, *_HELD),
        "answer to commit": _HELD,
        "sweep": (*_ASKED, *_HELD),
    },
    "worker": {
        "claim": (*_ASKED, "raced", *_HELD),
        "answer to claim": _HELD,
        "agent": ("transient", "permanent", "invalid", "unstorable", *_HELD),
        "renew": (*_ASKED, *_HELD),
        "save": (*_ASKED, *_HELD),
        "answer to save": _HELD,
        "retry": (*_ASKED, *_HELD),
        "fail": (*_ASKED, *_HELD),
        "chain": ("lost", *_HELD),
        "acknowledgement": ("lost", *_HELD),
    },
    "web": {"accept": (*_ASKED, *_HELD), "make user": (*_ASKED,)},
    "person": {"replay": _ASKED, "resend": _ASKED, "discard": _ASKED},
    "author": {"bury words": _ASKED, "erase": _ASKED},
    "beat": {"request": _ASKED},
}
"""Kind of process -> what it waits for -> what must become of it in some history."""

MUST_BITE: Final[tuple[Bite, ...]] = tuple(
    (kind, wait, what) for kind, waits in _MUST_BITE.items() for wait, whats in waits.items() for what in whats
)

ENOUGH: Final = 5_000
"""Histories in which every fault must have bitten."""


@dataclass
class Campaign:
    """Many histories, one after the other, until one breaks the promise."""

    runs: int = 0
    met: Counter[str] = field(default_factory=Counter)
    """How many histories an action found something to do in, or a thing happened in."""
    bites: Counter[Bite] = field(default_factory=Counter)
    """How many histories a fault met somebody in."""
    seed: int | None = None
    breach: Breach | None = None

    def play(self, seeds: Iterable[int]) -> None:
        """Play these; the first breach ends it."""
        for seed in seeds:
            played = play(draw(seed))
            self.runs += 1
            self.met.update(played.met.keys())
            self.bites.update(played.bites.keys())
            if played.breach is not None:
                self.seed, self.breach = seed, played.breach
                return

    def add(self, other: "Campaign") -> None:
        """Both in one; the first breach stays."""
        self.runs += other.runs
        self.met += other.met
        self.bites += other.bites
        if self.breach is None:
            self.seed, self.breach = other.seed, other.breach

    def blunt(self) -> list[str]:
        """What must happen in some history, and never did."""
        bites = [bite for bite in MUST_BITE if not self.bites[bite]]
        return [*map(" ".join, bites), *(name for name in (*ACTIONS, ALL_CALLS) if not self.met[name])]

    def faults(self) -> list[str]:
        """A line for each place at which somebody was met: what became of it, and in how many histories."""
        lines: dict[tuple[str, str], list[str]] = {}
        for (kind, wait, what), number in sorted(self.bites.items()):
            lines.setdefault((kind, wait), []).append(f"{what} {number}")
        return [f"{kind}: {wait}: {', '.join(told)}" for (kind, wait), told in lines.items()]
