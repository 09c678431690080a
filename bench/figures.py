"""How figures are said: the median over the rounds and how far they spread, with the state of the machine beside."""

import os
import statistics
from collections.abc import Mapping, Sequence

Split = Mapping[str, float]
"""A figure for each process of a side, by its name without its number."""


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Median, lowest and highest of the rounds."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that is not exceeded by this share of them. Raises ValueError when there are none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values to choose from")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def print_machine() -> None:
    """Other work on the machine moves every figure; only ratios within one run can be compared between runs."""
    load = os.getloadavg()
    print(f"{os.cpu_count()} cores, load average {load[0]:.1f} (1 min), {load[1]:.1f} (5 min)")


def print_split(title: str, rounds: Sequence[Split], unit: str) -> None:
    """One line a process, the most expensive first, and their sum."""
    print(title)
    sums = {name: [each.get(name, 0.0) for each in rounds] for name in rounds[0]}
    for name, values in sorted(sums.items(), key=lambda item: -statistics.median(item[1])):
        print(f"  {name:12} {spread(values)} {unit}")
    print(f"  {'in all':12} {spread([sum(each.values()) for each in rounds])} {unit}")
