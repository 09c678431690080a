"""What a run found, as people read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.faults.verdicts import Verdict

HEAD = ("round", "fault", "accepted", "terminal", "lost", "reordered", "paid twice", "back after")
WIDTHS = (5, 38, 8, 8, 4, 9, 10, 10)


@dataclass(frozen=True)
class Round:
    """One fault, and what became of the thoughts that were accepted until it was over.

    `back_after`: the seconds from the end of the fault until all of them were terminal.
    """

    name: str
    fault: str
    accepted: int
    verdict: Verdict
    back_after: float

    def cells(self) -> tuple[str, ...]:
        found = self.verdict
        lost, twice = len(found.lost), f"{found.paid_twice}"
        if found.without_excuse:
            twice += f" ({len(found.without_excuse)}!)"
        counts = (self.accepted, self.accepted - lost, lost, len(found.reordered), twice)
        return self.name, self.fault, *map(str, counts), f"{self.back_after:.1f} s"


def heading() -> str:
    return line(HEAD)


def line(cells: Sequence[str]) -> str:
    """One row: names to the left, figures to the right."""
    placed = [cell.ljust(width) if place == 1 else cell.rjust(width) for place, (cell, width) in _placed(cells)]
    return "  ".join(placed)


def _placed(cells: Sequence[str]) -> list[tuple[int, tuple[str, int]]]:
    return list(enumerate(zip(cells, WIDTHS, strict=True)))


def recovery(rounds: Sequence[Round]) -> str:
    times = sorted(each.back_after for each in rounds)
    return f"Time to recover: median {median(times):.1f} s, longest {times[-1]:.1f} s." if times else ""


def breaches(rounds: Sequence[Round], total: Round) -> list[str]:
    """All that was found, also what the end finds no more: a thought that was open for too long after its round."""
    found = [f"round {each.name}: {words}" for each in rounds for words in each.verdict.breaches]
    return [*found, *total.verdict.breaches]
