"""The table of what histories met: a fault that never bites proves nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.histories import draw, play
from tests.simulation.promise import Breach


@dataclass
class Campaign:
    """Many histories, one after the other, until one breaks the promise."""

    runs: int = 0
    met: Counter[str] = field(default_factory=Counter)
    """How many histories an action found something to do in, or a thing happened in."""
    seed: int | None = None
    breach: Breach | None = None

    def play(self, seeds: Iterable[int]) -> None:
        """Play these; the first breach ends it."""
        for seed in seeds:
            played = play(draw(seed))
            self.runs += 1
            self.met.update(played.met.keys())
            if played.breach is not None:
                self.seed, self.breach = seed, played.breach
                return

    def add(self, other: "Campaign") -> None:
        """Both in one; the first breach stays."""
        self.runs += other.runs
        self.met += other.met
        if self.breach is None:
            self.seed, self.breach = other.seed, other.breach
