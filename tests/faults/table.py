"""The printed table of a run, one row for each fault."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.faults.verification import Findings

HEADINGS = ("round", "fault", "accepted", "terminal", "lost", "reordered", "paid twice", "recovery")
WIDTHS = (6, 38, 8, 8, 4, 9, 10, 10)
LEFT_ALIGNED = 1


@dataclass(frozen=True)
class Round:
    """One fault, and the thoughts that were accepted until it was over.

    `recovery_seconds`: from the end of the fault until all of them were terminal.
    """

    name: str
    fault: str
    accepted: int
    findings: Findings
    recovery_seconds: float
    kind: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the cells of its row. An exclamation mark counts the calls that were paid twice without an excuse."""
        findings = self.findings
        lost, paid_twice = len(findings.lost), f"{findings.paid_twice}"
        if findings.unexcused:
            paid_twice += f" ({len(findings.unexcused)}!)"
        counts = (self.accepted, self.accepted - lost, lost, len(findings.reordered), paid_twice)
        return self.name, self.fault, *map(str, counts), f"{self.recovery_seconds:.1f} s"


def heading() -> str:
    return line(HEADINGS)


def line(cells: Sequence[str]) -> str:
    """Return one row: the fault's name is aligned left, all else right."""
    columns = enumerate(zip(cells, WIDTHS, strict=True))
    aligned = [cell.ljust(width) if column == LEFT_ALIGNED else cell.rjust(width) for column, (cell, width) in columns]
    return "  ".join(aligned)


def recovery(rounds: Sequence[Round]) -> str:
    """Return a sentence about the recovery times, empty without rounds."""
    times = sorted(round_.recovery_seconds for round_ in rounds)
    return f"Time to recover: median {median(times):.1f} s, longest {times[-1]:.1f} s." if times else ""


def kinds(rounds: Sequence[Round]) -> list[str]:
    """Return a table with one row for each kind of fault that was caused, empty without rounds."""
    by_kind: dict[str, list[Round]] = {}
    for round_ in rounds:
        by_kind.setdefault(round_.kind, []).append(round_)
    return [
        line(("rounds", "kind", *HEADINGS[2:-1], "longest")),
        *(_kind_row(*item) for item in sorted(by_kind.items())),
    ]


def _kind_row(kind: str, rounds: Sequence[Round]) -> str:
    total = Findings()
    for round_ in rounds:
        total.lost += round_.findings.lost
        total.reordered += round_.findings.reordered
        total.unexcused += round_.findings.unexcused
        total.paid_twice += round_.findings.paid_twice
    accepted, longest = sum(round_.accepted for round_ in rounds), max(round_.recovery_seconds for round_ in rounds)
    return line(Round(f"{len(rounds)}", kind, accepted, total, longest).cells())


def violations(rounds: Sequence[Round], total: Round) -> list[str]:
    """Return all violations. Those of a round count even if the end no longer shows them: a thought that was open for
    too long after its round."""
    of_rounds = [f"round {round_.name}: {text}" for round_ in rounds for text in round_.findings.violations]
    return [*of_rounds, *total.findings.violations]
