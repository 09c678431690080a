"""Prints figures: the median and the range over the rounds, and the load of the machine."""

import os
import statistics
from collections.abc import Mapping, Sequence

Split = Mapping[str, float]
"""A figure for each process of a side, by the name of the process without its number."""


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Return the median, the lowest and the highest value as text."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the percentile of the values; `share` 0.95 is the 95th. Raises ValueError when there are no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values to choose from")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def print_machine() -> None:
    """Print the cores and the load average.

    Other load on the machine changes every figure, so only ratios within one run can be compared between runs.
    """
    load = os.getloadavg()
    print(f"{os.cpu_count()} cores, load average {load[0]:.1f} (1 min), {load[1]:.1f} (5 min)")


def print_split(title: str, rounds: Sequence[Split], unit: str) -> None:
    """Print one line per process, the most expensive first, and their sum."""
    print(title)
    sums = {name: [split.get(name, 0.0) for split in rounds] for name in rounds[0]}
    for name, values in sorted(sums.items(), key=lambda item: -statistics.median(item[1])):
        print(f"  {name:12} {spread(values)} {unit}")
    print(f"  {'total':12} {spread([sum(split.values()) for split in rounds])} {unit}")
