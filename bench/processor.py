"""Processor time of processes and all their children, as the kernel counts it."""

from collections.abc import Mapping, Sequence

import psutil

Processes = Mapping[str, Sequence[int]]
"""Process ids by the name that is printed."""


def processor_seconds(processes: Processes) -> dict[str, float]:
    """Seconds since their starts, for each name."""
    return {name: sum(_seconds(pid) for pid in pids) for name, pids in processes.items()}


def spent(before: Mapping[str, float], after: Mapping[str, float], share: float) -> dict[str, float]:
    """What was spent between two readings, times `share`."""
    return {name: (seconds - before.get(name, 0.0)) * share for name, seconds in after.items()}


def _seconds(pid: int) -> float:
    """A child that has ended is in its parent's account; a process that has gone altogether counts nothing."""
    try:
        family = [(parent := psutil.Process(pid)), *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_own_seconds(member) for member in family)


def _own_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
